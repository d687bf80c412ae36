// Files that cannot be reconstructed: one clear line, the right exit code, no result.h5.
import Foundation
import STEMCore
import Testing

/// A way to spoil a good acquisition, and what the complaint about it must name.
struct Spoiled: Sendable, CustomTestStringConvertible {
  let name: String
  let mentions: [String]
  let spoil: @Sendable (inout Sample) -> Void
  var testDescription: String { name }

  init(
    _ name: String, mentions: [String], _ spoil: @escaping @Sendable (inout Sample) -> Void
  ) {
    self.name = name
    self.mentions = mentions
    self.spoil = spoil
  }
}

struct RefusedFileTests {
  private static let spoiled: [Spoiled] = [
    Spoiled("no frames", mentions: ["/entry/data/frames"]) { $0.items[Sample.frames] = nil },
    Spoiled("seven segments", mentions: [Sample.detector, "no segment covers"]) {
      $0.segments.removeLast()
      $0.setGeometry()
      $0.setFrames()
    },
    Spoiled("overlapping segments", mentions: [Sample.detector, "overlap"]) {
      $0.segments[2].stop += 0.2
      $0.setGeometry()
    },
    Spoiled("no geometry", mentions: ["\(Sample.detector)/segment_start", "missing"]) {
      $0.items["\(Sample.detector)/segment_start"] = nil
    },
    Spoiled("a unit that is none", mentions: [Sample.pixelSizeX, "furlong"]) {
      $0.items[Sample.pixelSizeX] = .scalar(4, "furlong")
    },
    Spoiled("a unit of another quantity", mentions: [Sample.voltage, "nm"]) {
      $0.items[Sample.voltage] = .scalar(200, "nm")
    },
    Spoiled("no unit", mentions: [Sample.pixelSizeX, "unit"]) {
      $0.items[Sample.pixelSizeX] = .scalar(4, nil)
    },
    Spoiled("pixels of 5 m", mentions: [Sample.pixelSizeX, "5e+09 nm"]) {
      $0.items[Sample.pixelSizeX] = .scalar(5, "m")
    },
    Spoiled("200 V", mentions: [Sample.voltage, "0.2 kV"]) {
      $0.items[Sample.voltage] = .scalar(200, "V")
    },
    Spoiled("nothing but NaN", mentions: [Sample.frames, "no usable pixel"]) {
      $0.changeFrames { _, _, _, _ in .nan }
    },
    Spoiled("a dead segment", mentions: ["segment 3", "dead"]) {
      $0.changeFrames { segment, _, _, value in segment == 3 ? 0 : value }
    },
    Spoiled("negative counts", mentions: [Sample.frames, "negative"]) {
      $0.changeFrames { _, _, _, value in -value }
    },
    Spoiled("next to no electrons", mentions: [Sample.frames, "electrons at a pixel", "units"]) {
      $0.changeFrames { _, _, _, value in value * 1e-300 }
    },
    Spoiled("more electrons than there are", mentions: [Sample.frames, "electrons at a pixel"]) {
      $0.changeFrames { _, _, _, value in value * 1e290 }
    },
    Spoiled("a disc that leaves the detector", mentions: ["60.0 mrad", "48.0 mrad"]) {
      $0.items["/entry/instrument/optics/semi_convergence_angle"] = .scalar(60, "mrad")
    },
    Spoiled("nothing but zeros", mentions: [Sample.frames, "no counts"]) {
      $0.changeFrames { _, _, _, _ in 0 }
    },
    Spoiled("frames of a unit that is none", mentions: [Sample.frames, "furlong"]) {
      guard case .numbers(let values, let shape, _)? = $0.items[Sample.frames] else { return }
      $0.items[Sample.frames] = .numbers(values, shape: shape, units: "furlong")
    },
    Spoiled("frames of another number of segments", mentions: ["8", "7"]) {
      $0.segments.removeLast()
      $0.setFrames()
    },
  ]

  @Test(
    "A file that cannot be what it says is refused in one line that names file and place",
    arguments: spoiled)
  func refused(_ spoiled: Spoiled) async throws {
    let workspace = try Workspace()
    var sample = Sample(rows: 6, columns: 9)
    spoiled.spoil(&sample)
    try workspace.write(sample)
    let finished = try await workspace.run()
    try expectRefusal(finished, mentions: ["scan.h5"] + spoiled.mentions)
    #expect(!workspace.exists("out/result.h5"))
    #expect(workspace.files(under: "out").filter { $0.hasPrefix("figures") }.isEmpty)

    // What only a look at the frames tells is said by inspect in the same words.
    let inspected = try await workspace.dpc(["inspect", "scan.h5"])
    #expect(inspected.status == 4, "\(inspected.errors)")
    if inspected.complaints.isEmpty {
      let reason = try #require(finished.complaints.first).replacing("error: ", with: "")
      #expect(
        inspected.output.contains("A run refuses these frames:\n  \(reason)\n"),
        "\(reason): \(inspected.output)")
      #expect(!inspected.output.contains("Nothing is missing"), "\(inspected.output)")
    }
  }

  @Test("Of a stack whose first frame alone is empty, inspect says so, and a run takes the rest")
  func emptyFirstFrame() async throws {
    let workspace = try Workspace()
    var sample = Sample(rows: 6, columns: 9)
    guard case .numbers(let values, let shape, let units)? = sample.items[Sample.frames] else {
      return
    }
    let empty = [Double](repeating: 0, count: values.count)
    sample.items[Sample.frames] = .numbers(
      empty + values + values, shape: [3] + shape, units: units)
    try workspace.write(sample)
    let inspected = try await workspace.dpc(["inspect", "scan.h5"])
    #expect(inspected.status == 0, "\(inspected.errors)")
    #expect(
      inspected.output.contains("A run would refuse the first of the 3 frames alone:\n  scan.h5: "),
      "\(inspected.output)")
  }

  @Test("What is not an HDF5 file of the present format is refused before anything runs")
  func notHDF5() async throws {
    let workspace = try Workspace()
    try workspace.write(Sample(rows: 6, columns: 9), to: "good.h5")
    let good = try workspace.bytes("good.h5")
    try workspace.write("a,b,c\n1,2,3\n", to: "table.csv")
    try workspace.write(Data(), to: "empty.h5")
    try workspace.write(good.dropLast(good.count / 3), to: "short.h5")
    var newer = good
    newer[8] = 9
    try workspace.write(newer, to: "newer.h5")
    try workspace.makeFolder("folder.h5")
    // Opening a pipe that nobody writes into would never end.
    #expect(mkfifo(workspace["pipe.h5"], 0o600) == 0)
    for (name, words) in [
      ("absent.h5", "No such file"), ("table.csv", "not an HDF5 file"), ("empty.h5", "empty"),
      ("short.h5", "truncated"), ("newer.h5", "newer HDF5 (superblock version 9)"),
      ("folder.h5", "directory"), ("pipe.h5", "cannot read"),
    ] {
      let finished = try await workspace.run(input: name, output: "out-\(name)")
      try expectRefusal(finished, mentions: [name, words])
      #expect(!workspace.exists("out-\(name)/result.h5"))
    }
  }

  @Test("A file that breaks after its header is refused when its frames are read, and named")
  func brokenInside() async throws {
    let workspace = try Workspace()
    try workspace.write(Sample(rows: 6, columns: 9))
    var bytes = try workspace.bytes("scan.h5")
    // The superblock stays whole; what follows is the groups' and datasets' own headers.
    for index in stride(from: 600, to: min(bytes.count, 4000), by: 3) { bytes[index] ^= 0x5A }
    try workspace.write(bytes, to: "scan.h5")
    try expectRefusal(try await workspace.run(), mentions: ["scan.h5"])
  }

  @Test(
    "A file whose writer died, or is still at work, is refused with what to do",
    arguments: [
      ("latest", "still open for writing", "close the writer"),
      ("swmr", "still open for writing", "close the writer"),
      ("earliest", "4 of its 8 chunks were never written", "record again"),
      ("never", "its values were never written", "record again"),
      ("zeros", "damaged or was never finished", "its writer died"),
      ("short", "truncated", "its writer died"),
      ("blank", "no HDF5 signature", "not an HDF5 file"),
    ])
  func deadWriter(kind: String, words: String, remedy: String) async throws {
    let workspace = try Workspace()
    try workspace.write(Sample(rows: 6, columns: 9), to: "good.h5")
    let died = try await workspace.python(
      "dead_writer.py", [workspace["good.h5"], workspace["scan.h5"], kind])
    #expect(died.status == 9, "\(died.errors)")
    let before = try workspace.bytes("scan.h5")
    try expectRefusal(try await workspace.run(), mentions: ["scan.h5", words, remedy])
    let inspected = try await workspace.dpc(["inspect", "scan.h5"])
    #expect(inspected.status == 4 && inspected.errorLines.count <= 2, "\(inspected.errors)")
    #expect(try workspace.bytes("scan.h5") == before)
  }

  @Test("A filter that is not installed is named with what brings it")
  func missingFilter() async throws {
    let workspace = try Workspace()
    try workspace.write(Sample(rows: 6, columns: 9))
    let made = try await workspace.python(
      "packed.py", [workspace["scan.h5"], workspace["foreign.h5"]])
    #expect(made.status == 0, "\(made.errors)")
    try expectRefusal(
      try await workspace.run(input: "foreign.h5"),
      mentions: ["foreign.h5", Sample.frames, "bitshuffle", "32008", "pip install hdf5plugin"])
  }

  @Test("A refused input leaves an earlier result as it was, byte for byte")
  func earlierResult() async throws {
    let workspace = try Workspace()
    try workspace.write(Sample(rows: 6, columns: 9))
    #expect(try await workspace.run().status == 0)
    let before = try workspace.files(under: "out").map { ($0, try workspace.bytes("out/\($0)")) }
    var sample = Sample(rows: 6, columns: 9)
    sample.items[Sample.frames] = nil
    try workspace.write(sample)
    #expect(try await workspace.run().status == 4)
    for (name, bytes) in before {
      #expect(try workspace.bytes("out/\(name)") == bytes, "\(name)")
    }
  }

  private func expectRefusal(_ finished: Finished, mentions: [String]) throws {
    #expect(finished.status == 4, "\(finished.errors)")
    let complaint = try #require(finished.complaints.first, "\(finished.errors)")
    #expect(finished.complaints.count == 1, "\(finished.errors)")
    #expect(complaint.contains(mentions[0]))
    // What to do about it stands in a second line.
    for word in mentions { #expect(finished.told.contains(word), "\(word): \(finished.told)") }
  }
}
