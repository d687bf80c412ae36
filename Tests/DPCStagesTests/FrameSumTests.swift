// Stacks of frames from files: the same sums whatever the layout of the file and the number of threads.
import DPCReconstruction
import DPCSimulation
@testable import DPCStages
import Foundation
import HDF5
import Pipeline
import STEMCore
import STEMData
import Testing
import WorkSharing

struct FrameSumTests {
  private static let shape = GridShape(rows: 141, columns: 33)
  private static let frameCount = 11
  private static let correction = SegmentCorrection(
    dark: [10, 12.5, 9, 0, 1, 2, 3, 4], gain: [1, 1.1, 0.9, 1, 1.2, 0.8, 1, 1], gainSource: .flat)

  /// Counts of the frames: ramps, noise, spikes, full wells.
  private static let counts: [UInt16] = {
    var state: UInt64 = 5
    return (0..<(frameCount * 8 * shape.count)).map { index in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      if state >> 40 & 0x7FF == 0 { return state >> 30 & 1 == 0 ? 65_535 : 30_000 }
      return UInt16(900 + index % shape.columns * 3 + Int(state >> 58))
    }
  }()

  /// Writes an acquisition of four quadrants in two rings.
  private static func write<Number: HDF5Number>(
    _ numbers: [Number], layout: HDF5Layout, to path: String
  ) throws {
    try WrittenAcquisition(
      inner: [0, 0, 0, 0, 12, 12, 12, 12], outer: [12, 12, 12, 12, 48, 48, 48, 48],
      start: [0, 90, 180, 270, 0, 90, 180, 270], stop: [90, 180, 270, 360, 90, 180, 270, 360],
      frameCount: frameCount, shape: shape
    ).write(numbers, layout: layout, to: path)
  }

  private static func frames(_ path: String, window: ScanWindow? = nil) throws -> FramesValue {
    let metadata = try AcquisitionFile(path: path).metadata
    return FramesValue(
      acquisition: AcquisitionValue(
        metadata: metadata, file: InputFile(name: "scan", path: path, digest: "none")),
      correction: correction, electronsPerUnit: 1, spikeThreshold: 9,
      window: window ?? ScanWindow(wholeOf: metadata.shape))
  }

  private static func sum(_ frames: FramesValue, plan: StackPlan? = nil) throws -> StackSum {
    try FrameReader(frames).sum(
      StageContext(stageName: "mean", parameters: [:], inputs: [:]), plan: plan)
  }

  /// Whole frames one after the other, corrected and added.
  private static func plain(
    _ frames: FramesValue
  ) throws -> (values: [Double], mask: PixelMask, saturatedCount: Int) {
    let (metadata, path) = (frames.acquisition.metadata, frames.acquisition.file.path)
    let screen = SignalScreen(
      correction, saturationLevel: metadata.saturationLevel, electronsPerUnit: 1,
      spikeThreshold: 9)
    let reader = try AcquisitionReader(path: path)
    var values = [Double](repeating: 0, count: 8 * shape.count)
    var usable = [Int](repeating: 0, count: shape.count)
    var mask = PixelMask(shape: shape)
    var saturatedCount = 0
    for frame in 0..<frameCount {
      var raw: [Double] = []
      try reader.readRows(0..<shape.rows, ofFrame: frame, into: &raw)
      let signals = screen.corrected(.double(raw), shape: shape)
      saturatedCount += signals.mask.bytes.count { $0 & PixelFlags.saturated.rawValue != 0 }
      for index in values.indices { values[index] += signals.values[index] }
      for position in usable.indices {
        usable[position] += signals.mask.isUsable(position) ? 1 : 0
        mask.bytes[position] |= signals.mask.bytes[position]
      }
    }
    for position in usable.indices where usable[position] > 0 { mask.bytes[position] = 0 }
    return (values, mask, saturatedCount)
  }

  private static let layouts: [HDF5Layout] = [
    .contiguous, .compressed(chunk: [1, 1, 141, 33], level: 1),
    .compressed(chunk: [1, 8, 16, 10], level: 1), .compressed(chunk: [2, 3, 50, 33], level: 1),
    .compressed(chunk: [7, 8, 9, 11], level: 1), .compressed(chunk: [11, 1, 141, 1], level: 1),
  ]

  private static func compare<Number: HDF5Number>(_ numbers: [Number]) throws {
    let laboratory = try Laboratory()
    let path = laboratory.folder + "/stack.h5"
    var first: StackSum?
    for layout in layouts {
      try write(numbers, layout: layout, to: path)
      let frames = try Self.frames(path)
      if first == nil {
        let expected = try plain(frames)
        let found = try sum(frames)
        #expect(found.signals.mask == expected.mask)
        #expect(found.scatter.saturatedCount == expected.saturatedCount)
        // A dozen roundings of sums of eleven signals.
        let largest = expected.values.reduce(0) { max($0, abs($1)) }
        for (value, plain) in zip(found.signals.values, expected.values) {
          #expect(abs(value - plain) <= 24 * largest * 0x1p-53)
        }
        // Eleven frames but one and eight segments but one in groups of nine rows, of which many hold a saturated signal.
        #expect(found.scatter.degreesOfFreedom > Double(shape.count))
        first = found
      }
      for threads in [1, 2, 3, 7] {
        limitThreads(to: threads)
        let found = try sum(frames)
        #expect(found.signals == first?.signals, "\(layout), \(threads) threads")
        #expect(found.scatter == first?.scatter, "\(layout), \(threads) threads")
        #expect(found.findings == first?.findings, "\(layout), \(threads) threads")
      }
    }
  }

  /// In a process of its own, whose threads are limited for no other test.
  @Test("Every type of number, in one piece and in chunks of every cut, on 1 to 7 threads")
  func layouts() async {
    await #expect(processExitsWith: .success) {
      try Self.compare(Self.counts)
      try Self.compare(Self.counts.map { UInt8(truncatingIfNeeded: $0 / 4) })
      try Self.compare(Self.counts.map { $0 == 65_535 ? Float.nan : Float($0) + 0.25 })
      // Larger than any of 32 bits, and of a type that is read as doubles.
      try Self.compare(Self.counts.map { $0 == 65_535 ? Int64.max : Int64($0) << 20 })
    }
  }

  @Test("Where masks leave no whole group of nine positions, frames are compared by fewer")
  func masked() throws {
    let laboratory = try Laboratory()
    let path = laboratory.folder + "/stack.h5"
    var generator = SeededGenerator(seed: 9)
    // Half of the positions of every frame are missing: one group of nine in 512 is left, and one of three in 8.
    let missing = (0..<(Self.frameCount * Self.shape.count)).map { _ in generator.uniform() < 0.5 }
    let numbers = (0..<(Self.frameCount * 8 * Self.shape.count)).map { index -> Float in
      let (frame, position) = (index / (8 * Self.shape.count), index % Self.shape.count)
      if missing[frame * Self.shape.count + position] { return .nan }
      return Float(1000 * generator.poisson(mean: 400))
    }
    try Self.write(numbers, layout: .contiguous, to: path)
    var frames = try Self.frames(path)
    frames.spikeThreshold = nil
    frames.correction = SegmentCorrection(
      dark: [Double](repeating: 0, count: 8), gain: [Double](repeating: 1, count: 8),
      gainSource: .none)
    frames.electronsPerUnit = nil
    let sum = try Self.sum(frames)
    #expect(sum.scatter.isTelling)
    // A unit of signal is a thousandth of an electron; √(2/n) of that, four of them.
    let variance = try #require(sum.scatter.variancePerUnit)
    let error = (2 / sum.scatter.degreesOfFreedom).squareRoot()
    #expect(error < 0.05 && abs(variance / 1000 - 1) < 4 * error, "\(variance) ± \(error)")
  }

  @Test("Blocks of rows hold whole bands, whatever the chunks, and whole chunks where these fit")
  func blocks() {
    for chunkRows in 1...300 {
      for rowBytes in [1 << 10, 100_000, 131_072, 1 << 20, 1 << 24] {
        let rows = BandSum.blockRows(of: 200_000, chunkRows: chunkRows, rowBytes: rowBytes)
        #expect(rows > 0 && rows.isMultiple(of: BandSum.rows), "\(chunkRows) \(rowBytes)")
        if chunkRows * BandSum.rows * rowBytes <= BandSum.room {
          #expect(rows.isMultiple(of: chunkRows) && rows * rowBytes <= BandSum.room)
        }
      }
    }
    #expect(BandSum.blockRows(of: 90, chunkRows: 7, rowBytes: 1000) == 90)
  }

  @Test("A window of the scan is the same rows and columns, but for neighbors beyond its rim")
  func window() throws {
    let laboratory = try Laboratory()
    let path = laboratory.folder + "/stack.h5"
    let window = ScanWindow(
      firstRow: 9, firstColumn: 5, shape: GridShape(rows: 100, columns: 20))
    var first: SegmentSignals?
    for layout in Self.layouts {
      try Self.write(Self.counts, layout: layout, to: path)
      let whole = try Self.sum(Self.frames(path)).signals
      let part = try Self.sum(Self.frames(path, window: window)).signals
      #expect(part.shape == window.shape)
      for segment in 0..<8 {
        for row in 4..<96 {
          for column in 4..<16 {
            let inside = segment * 2000 + row * 20 + column
            let outside = segment * Self.shape.count + (row + 9) * 33 + column + 5
            #expect(part.values[inside] == whole.values[outside])
          }
        }
      }
      #expect(part == first ?? part)
      first = part
    }
  }

  @Test("A run that is told to stop stops in the middle of a stack")
  func cancellation() throws {
    let laboratory = try Laboratory()
    let path = laboratory.folder + "/stack.h5"
    for layout in Self.layouts.prefix(2) {
      try Self.write(Self.counts, layout: layout, to: path)
      let steps = Steps()
      let context = StageContext(
        stageName: "mean", parameters: [:], inputs: [:],
        reportProgress: { steps.note($0) }, isCancelled: { steps.isBeyond(0.3) })
      #expect(throws: (any Error).self) { try FrameReader(Self.frames(path)).sum(context) }
      #expect(steps.isBeyond(0.3) && !steps.isBeyond(0.99))
    }
  }

  @Test("A stack that is cut short is refused as damaged, in one piece and in chunks")
  func damage() throws {
    let laboratory = try Laboratory()
    let path = laboratory.folder + "/stack.h5"
    for layout in Self.layouts.prefix(3) {
      try Self.write(Self.counts, layout: layout, to: path)
      let frames = try Self.frames(path)
      let size = try #require(
        FileManager.default.attributesOfItem(atPath: path)[.size] as? UInt64)
      let handle = try #require(FileHandle(forWritingAtPath: path))
      if layout.isContiguous {
        try handle.truncate(atOffset: size / 2)
      } else {
        // Chunks lie one after the other; garbage over some of them.
        try handle.seek(toOffset: size / 2)
        try handle.write(contentsOf: Data(repeating: 0xA5, count: 4096))
      }
      try handle.close()
      let failure = #expect(throws: StageFailure.self) { try Self.sum(frames) }
      #expect(failure?.category == .inputRefused)
    }
  }
}

extension HDF5Layout {
  fileprivate var isContiguous: Bool {
    if case .contiguous = self { true } else { false }
  }
}

/// How far a stage said it was.
private final class Steps: @unchecked Sendable {
  // Not a race: touched with the lock held.
  private var largest = 0.0
  private let lock = NSLock()

  func note(_ fraction: Double) { lock.withLock { largest = max(largest, fraction) } }
  func isBeyond(_ fraction: Double) -> Bool { lock.withLock { largest > fraction } }
}
