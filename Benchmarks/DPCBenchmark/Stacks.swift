// Stacks of frames: what dpc takes to average one, beside reading the same file with the library and no more.
internal import ArgumentParser
internal import Foundation
internal import HDF5
internal import STEMCore
internal import STEMData

/// Writes a stack of 16-bit frames for timing.
struct StackCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stack", abstract: "Writes a stack of frames for timing.", shouldDisplay: false)

  @Argument var output: String
  @Option(help: "Side of the frames, px; a multiple of 256.") var side = 1024
  @Option(help: "How many frames.") var frames: Int
  @Flag(help: "In gzip chunks, one for each plane.") var gzip = false

  func run() throws {
    let acquisition = BenchmarkAcquisition(side: side)
    var metadata = acquisition.metadata
    metadata.frameCount = frames
    // An integer has no place for a missing number. All frames share one memory.
    let planes = acquisition.planes.map { plane in
      ScalarField(shape: plane.shape, values: plane.values.map { $0.isNaN ? 0 : $0 })
    }
    try AcquisitionWriter(frameType: .uint16, isCompressed: gzip).write(
      metadata, frames: [[ScalarField]](repeating: planes, count: frames), to: output)
  }
}

/// Reads every frame of a stack into the same memory, as it is stored: the floor of whatever uses them.
struct ReadStackCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "read-stack", abstract: "Reads a stack with the HDF5 library, no more.",
    shouldDisplay: false)

  @Argument var input: String

  func run() throws {
    let file = try HDF5File(opening: input)
    let dataset = try file.root.dataset("entry/data/frames")
    let shape = dataset.shape
    let frame = [1] + shape.dropFirst()
    let buffer = UnsafeMutableBufferPointer<UInt16>.allocate(capacity: frame.reduce(1, *))
    defer { buffer.deallocate() }
    for index in 0..<shape[0] {
      try dataset.read(HDF5Region(offset: [index, 0, 0, 0], count: frame), into: buffer)
    }
  }
}

extension WholeRuns {
  /// Averages stacks of several lengths, in one piece and in gzip chunks.
  ///
  /// - Parameter frames: The longest stack, of 1024×1024 positions.
  func stacks(frames: Int, rounds: Int) throws -> String {
    let manifest = scratch.appendingPathComponent("stack.yaml")
    try Data(Self.averaging.utf8).write(to: manifest)
    var lines = [
      "## Stacks of 8×1024×1024 of 16 bits, averaged and turned into deflections, cold", "",
      "| frames | layout | H5Dread, ms | dpc, ms | processor ms | speed over H5Dread's"
        + " | processor ms a frame | peak MB |",
      "|---:|---|---:|---:|---:|---:|---:|---:|",
    ]
    for isPacked in [false, true] {
      for count in [max(2, frames / 4), max(2, frames / 2), frames] {
        let file = scratch.appendingPathComponent("stack.h5").path
        try run(
          CommandLine.arguments[0],
          ["stack", file, "--frames", "\(count)"] + (isPacked ? ["--gzip"] : []))
        defer { try? FileManager.default.removeItem(atPath: file) }
        var reading = Series(name: "H5Dread")
        var averaging = Series(name: "dpc")
        for _ in 0..<rounds {
          reading.costs.append(try run(CommandLine.arguments[0], ["read-stack", file]))
          averaging.costs.append(try dpc(manifest.path, file, empties: true))
        }
        let cells = [
          "\(count)", isPacked ? "gzip chunks" : "one piece",
          Table.fixed(reading.least * 1000, digits: 0),
          Table.fixed(averaging.least * 1000, digits: 0),
          Table.fixed(averaging.processorSeconds * 1000, digits: 0),
          Table.fixed(reading.least / averaging.least, digits: 2),
          Table.fixed(averaging.processorSeconds * 1000 / Double(count), digits: 0),
          Table.fixed(Double(averaging.peakBytes) / 1e6, digits: 0),
        ]
        lines.append("| " + cells.joined(separator: " | ") + " |")
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private static let averaging = """
    schema: dpc-pipeline/1
    name: stack
    inputs: { acquisition: null }
    stages:
      frames: { uses: read-acquisition, with: { file: $acquisition } }
      clean:  { uses: normalize-segments, from: frames }
      mean:   { uses: average-frames, from: clean }
      tilt:   { uses: deflection, from: mean, with: { method: disc-shift } }
    results: [tilt]

    """
}
