// Sums and scatter of raw frames against plain sums of corrected ones.
import DPCReconstruction
import DPCSimulation
import STEMCore
import Testing

struct FrameSumTests {
  private static let shape = GridShape(rows: 11, columns: 150)
  private static let correction = SegmentCorrection(
    dark: [4.5, 0, -2, 10], gain: [1.05, 0.93, 1.21, 0.81], gainSource: .flat)
  private static let means = [900.0, 2500, 4, 400]

  /// Frames that flicker, some positions flagged in some of them, one in all.
  private static func frames(_ count: Int) -> (raw: [[Double]], masks: [PixelMask]) {
    var raw: [[Double]] = []
    var masks: [PixelMask] = []
    for frame in 0..<count {
      var generator = SeededGenerator(seed: 21, path: [frame])
      let beam = 1 + 0.1 * generator.normal()
      raw.append(
        means.flatMap { mean in
          (0..<shape.count).map { _ in generator.poisson(mean: mean * beam) }
        })
      var mask = PixelMask(shape: shape)
      for _ in 0..<20 {
        let position = min(shape.count - 1, Int(generator.uniform() * Double(shape.count)))
        mask.bytes[position] |= generator.uniform() < 0.5 ? 8 : 1
      }
      mask.bytes[7 * 150 + 3] = 4
      masks.append(mask)
    }
    return (raw, masks)
  }

  /// Frame by frame, signal by signal.
  private static func plain(
    _ raw: [[Double]], _ masks: [PixelMask], electronsPerUnit: Double
  ) -> (values: [Double], mask: [UInt8], chiSquare: Double, degrees: Double) {
    var values = [Double](repeating: 0, count: 4 * shape.count)
    var flags = [UInt8](repeating: 0, count: shape.count)
    var (chiSquare, degrees) = (0.0, 0.0)
    for position in 0..<shape.count {
      let usable = raw.indices.filter { masks[$0].bytes[position] == 0 }
      let signals = usable.map { frame in
        (0..<4).map { segment in
          (raw[frame][segment * shape.count + position] - correction.dark[segment])
            / correction.gain[segment]
        }
      }
      if signals.isEmpty { flags[position] = masks.reduce(0) { $0 | $1.bytes[position] } }
      let sums = (0..<4).map { segment in signals.reduce(0) { $0 + $1[segment] } }
      for segment in 0..<4 { values[segment * shape.count + position] = sums[segment] }
      if signals.count < 2 { continue }
      let total = sums.reduce(0, +)
      let counted = (0..<4).filter {
        sums[$0] / total >= 1e-3 && sums[$0] / Double(signals.count) * electronsPerUnit >= 5
      }
      if counted.count < 2 { continue }
      let share = counted.reduce(0) { $0 + sums[$1] / total }
      degrees += Double(signals.count - 1) * (Double(counted.count) - share)
      for signal in signals {
        let frameSum = signal.reduce(0, +)
        for segment in counted {
          let expected = frameSum * sums[segment] / total
          chiSquare += (signal[segment] - expected) * (signal[segment] - expected) / expected
        }
      }
    }
    return (values, flags, chiSquare, degrees)
  }

  private static func sum(
    _ raw: [[Double]], _ masks: [PixelMask], together: Int, _ make: ([Double]) -> RawSignals
  ) -> (signals: SegmentSignals, scatter: FrameScatter) {
    var accumulator = FrameAccumulator(
      shape: shape, correction: correction, electronsPerUnit: 0.5,
      sampling: ScatterSampling(shape: shape, frameCount: raw.count))
    for first in stride(from: 0, to: raw.count, by: together) {
      let frames = first..<min(first + together, raw.count)
      var signals = make(frames.flatMap { raw[$0] })
      accumulator.add(&signals, masks: Array(masks[frames]))
    }
    return accumulator.finished()
  }

  private static let types: [@Sendable ([Double]) -> RawSignals] = [
    { .uint16($0.map { UInt16($0) }) }, { .int16($0.map { Int16($0) }) },
    { .uint32($0.map { UInt32($0) }) }, { .int32($0.map { Int32($0) }) },
    { .float($0.map { Float($0) }) }, { .double($0) },
  ]

  @Test("The sum of the corrected signals, and their chi-square, whatever the type and grouping")
  func sums() {
    let (raw, masks) = Self.frames(7)
    let expected = Self.plain(raw, masks, electronsPerUnit: 0.5)
    var first: SegmentSignals?
    for type in Self.types {
      for together in [1, 3, 4, 7] {
        let (signals, scatter) = Self.sum(raw, masks, together: together, type)
        #expect(signals.mask.bytes == expected.mask)
        // Eight roundings of some 2e4 on either side.
        for (found, plain) in zip(signals.values, expected.values) {
          #expect(abs(found - plain) <= 16 * 2e4 * 0x1p-53)
        }
        #expect(abs(scatter.degreesOfFreedom / expected.degrees - 1) < 1e-12)
        // A position's chi-square is the difference of sums a thousand times as large.
        #expect(abs(scatter.chiSquare / expected.chiSquare - 1) < 1e-10)
        // These numbers are integers: every sum of them is exact.
        #expect(signals == first ?? signals)
        first = signals
      }
    }
    #expect(expected.mask[7 * 150 + 3] == 4 && expected.degrees > 10_000)
  }

  @Test("Frames that are equal do not scatter at all, however they round")
  func equalFrames() {
    let (raw, _) = Self.frames(1)
    let clear = PixelMask(shape: Self.shape)
    for count in [2, 5, 40] {
      let frames = [[Double]](repeating: raw[0].map { $0 / 3 }, count: count)
      let masks = [PixelMask](repeating: clear, count: count)
      let scatter = Self.sum(frames, masks, together: 4) { .double($0) }.scatter
      #expect(scatter.chiSquare == 0 && scatter.degreesOfFreedom > 1000)
      #expect(scatter.variancePerUnit == nil)
    }
  }

  @Test("Bytes add up as well, and sums beyond 32 bits are exact")
  func ranges() {
    let shape = GridShape(rows: 1, columns: 2)
    let none = SegmentCorrection(dark: [0], gain: [1], gainSource: .none)
    func sum(_ raw: [RawSignals]) -> [Double] {
      var accumulator = FrameAccumulator(
        shape: shape, correction: none, electronsPerUnit: 1,
        sampling: ScatterSampling(shape: shape, frameCount: raw.count))
      for var signals in raw {
        let masks = [PixelMask](repeating: PixelMask(shape: shape), count: signals.count / 2)
        accumulator.add(&signals, masks: masks)
      }
      return accumulator.finished().signals.values
    }
    #expect(sum([.uint8([254, 1, 255, 2, 253, 3, 252, 4, 7, 0])]) == [1021, 10])
    let high = UInt32.max
    #expect(
      sum([.uint32([high, 1, high, 2, high, 3, high, 4]), .uint32([high, 0])])
        == [5 * 4_294_967_295, 10])
    #expect(sum([.int16([-32_768, 1, -32_768, 1, -32_768, 1, -32_768, 1])]) == [-131_072, 4])
  }

  @Test(
    "More frames of 16 bits than 32 bits hold add up exactly, at once and in parts, with and without sign"
  )
  func longStacks() {
    let shape = GridShape(rows: 1, columns: 1)
    let none = SegmentCorrection(dark: [0], gain: [1], gainSource: .none)
    let clear = PixelMask(shape: shape)
    func sum(_ groups: [RawSignals]) -> [Double] {
      let total = groups.reduce(0) { $0 + $1.count }
      var accumulator = FrameAccumulator(
        shape: shape, correction: none, electronsPerUnit: 1,
        sampling: ScatterSampling(shape: shape, frameCount: total))
      for var raw in groups {
        accumulator.add(&raw, masks: [PixelMask](repeating: clear, count: raw.count))
      }
      return accumulator.finished().signals.values
    }
    let full = RawSignals.uint16([UInt16](repeating: 65_535, count: 70_000))
    #expect(sum([full]) == [70_000 * 65_535])
    let part = RawSignals.uint16([UInt16](repeating: 65_535, count: 30_000))
    #expect(sum([part, part, part]) == [90_000 * 65_535])
    let low = RawSignals.int16([Int16](repeating: -32_768, count: 70_000))
    #expect(sum([low]) == [-70_000 * 32_768])
    #expect(sum([part, .int16([-5]), .double([0.5]), part]) == [60_000 * 65_535 - 4.5])
  }

  @Test("Large stacks are sampled: every row and every column, a sixteenth of the positions")
  func sampling() throws {
    let shape = GridShape(rows: 48, columns: 2080)
    // Frames times positions must reach sixteen million for that; the frames are alike in pairs.
    let frames = 16_000_000 / shape.count + 2
    var generator = SeededGenerator(seed: 22)
    let pairs = (0..<2).map { _ in
      (0..<(2 * shape.count)).map { _ in UInt16(generator.poisson(mean: 500)) }
    }
    let none = SegmentCorrection(dark: [0, 0], gain: [1, 1], gainSource: .none)
    func scatter(_ count: Int, of total: Int, marked: Int? = nil) -> FrameScatter {
      var accumulator = FrameAccumulator(
        shape: shape, correction: none, electronsPerUnit: 1,
        sampling: ScatterSampling(shape: shape, frameCount: total))
      for frame in 0..<count {
        var values = pairs[frame % 2]
        if let marked, frame % 2 == 1 {
          for row in 0..<shape.rows { values[row * shape.columns + marked] = 5000 }
        }
        var raw = RawSignals.uint16(values)
        accumulator.add(&raw, masks: [PixelMask(shape: shape)])
      }
      return accumulator.finished().scatter
    }
    let all = scatter(2, of: 2)
    let some = scatter(2, of: frames)
    #expect(abs(all.degreesOfFreedom / Double(shape.count) - 1) < 1e-9)
    // 33 blocks a row, 32 of them whole, over 48 rows; three times a row begins with each block.
    let share = some.degreesOfFreedom / Double(shape.count)
    #expect(abs(share - 1.0 / 16) < 0.003)
    let ratios = try (#require(all.variancePerUnit), #require(some.variancePerUnit))
    // Standard errors √(2/n): 0.45 and 1.8 %; four of the larger.
    #expect(abs(ratios.0 - 1) < 0.018 && abs(ratios.1 - 1) < 0.072)
    // Smaller stacks leave out less: each block is taken in as many of the 48 rows as every other.
    for step in [2, 4, 8] {
      let count = step * 1_000_000 / shape.count + 2
      #expect(
        abs(scatter(2, of: count).degreesOfFreedom * Double(step) / Double(shape.count) - 1) < 1e-9)
    }
    // A column that differs is seen wherever it is, in three of its 48 rows: their terms differ by some
    // percent from each other.
    for column in [0, 63, 64, 1000, 2047, 2079] {
      let seen = scatter(2, of: frames, marked: column).chiSquare - some.chiSquare
      let whole = scatter(2, of: 2, marked: column).chiSquare - all.chiSquare
      #expect(abs(16 * seen / whole - 1) < 0.15, "column \(column)")
    }
  }
}
