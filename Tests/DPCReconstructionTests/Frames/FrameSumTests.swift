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
    for position in 0..<shape.count {
      let usable = raw.indices.filter { masks[$0].bytes[position] == 0 }
      if usable.isEmpty { flags[position] = masks.reduce(0) { $0 | $1.bytes[position] } }
      for segment in 0..<4 {
        values[segment * shape.count + position] = usable.reduce(0) {
          $0 + signal(raw[$1], segment, position)
        }
      }
    }
    let scatter = plainScatter(raw, masks, values, electronsPerUnit: electronsPerUnit)
    return (values, flags, scatter.chiSquare, scatter.degrees)
  }

  private static func signal(_ raw: [Double], _ segment: Int, _ position: Int) -> Double {
    (raw[segment * shape.count + position] - correction.dark[segment]) / correction.gain[segment]
  }

  /// Differences of the eighth order over nine rows, frame by frame and segment by segment: of the first nine alone.
  private static func plainScatter(
    _ raw: [[Double]], _ masks: [PixelMask], _ values: [Double], electronsPerUnit: Double
  ) -> (chiSquare: Double, degrees: Double) {
    let binomials = [1.0, -8, 28, -56, 70, -56, 28, -8, 1]
    let weights = binomials.map { $0 / 12870.0.squareRoot() }
    var (chiSquare, degrees) = (0.0, 0.0)
    for column in 0..<shape.columns {
      let group = (0..<9).map { $0 * shape.columns + column }
      let frames = raw.indices.filter { frame in group.allSatisfy { masks[frame].bytes[$0] == 0 } }
      if frames.count < 2 { continue }
      func whole(_ signals: (Int) -> Double) -> Double { (0..<4).reduce(0) { $0 + signals($1) } }
      var terms: [(chiSquare: Double, degrees: Double)] = []
      for segment in 0..<4 {
        let fractions = group.map { position in
          values[segment * shape.count + position]
            / whole { values[$0 * shape.count + position] }
        }
        let counts = group.map { position in
          values[segment * shape.count + position]
            / Double(masks.count { $0.bytes[position] == 0 })
        }
        func mean(_ numbers: [Double]) -> Double {
          zip(weights, numbers).reduce(0) { $0 + $1.0 * $1.0 * $1.1 }
        }
        guard mean(counts) * electronsPerUnit >= 5, mean(fractions) >= 1e-3 else { continue }
        let parts = frames.map { frame in
          group.map { position in
            (
              signal(raw[frame], segment, position),
              whole { signal(raw[frame], $0, position) }
            )
          }
        }
        let differences = parts.map { zip(weights, $0).reduce(0) { $0 + $1.0 * $1.1.0 / $1.1.1 } }
        let middle = differences.reduce(0, +) / Double(frames.count)
        var (all, left) = (0.0, 0.0)
        for row in 0..<9 {
          let inverse = parts.reduce(0) { $0 + 1 / $1[row].1 } / Double(frames.count)
          all += weights[row] * weights[row] * fractions[row] * inverse
          left += weights[row] * weights[row] * fractions[row] * (1 - fractions[row]) * inverse
        }
        terms.append(
          (
            differences.reduce(0) { $0 + ($1 - middle) * ($1 - middle) } / all,
            Double(frames.count - 1) * left / all
          ))
      }
      if terms.count < 2 { continue }
      chiSquare += terms.reduce(0) { $0 + $1.chiSquare }
      degrees += terms.reduce(0) { $0 + $1.degrees }
    }
    return (chiSquare, degrees)
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
    #expect(expected.mask[7 * 150 + 3] == 4 && expected.degrees > 1_000)
  }

  @Test("Frames that are equal do not scatter at all, however they round")
  func equalFrames() {
    let (raw, _) = Self.frames(1)
    let clear = PixelMask(shape: Self.shape)
    for count in [2, 5, 40] {
      let frames = [[Double]](repeating: raw[0].map { $0 / 3 }, count: count)
      let masks = [PixelMask](repeating: clear, count: count)
      let scatter = Self.sum(frames, masks, together: 4) { .double($0) }.scatter
      #expect(scatter.chiSquare == 0 && scatter.degreesOfFreedom > 250)
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
    let all: Double = 60_000 * 65_535 - 4.5
    #expect(sum([part, .int16([-5]), .double([0.5]), part]) == [all])
  }

  @Test("Large stacks are sampled: every row of groups and every column, a sixteenth of the groups")
  func sampling() throws {
    // Sixteen rows of groups: seven in 64 rows each, and two in 18 more.
    let shape = GridShape(rows: 146, columns: 2080)
    let groups = 16 * shape.columns
    // Frames times groups must reach 1.76 million for that; the frames are alike in pairs.
    let frames = 1_760_000 / groups + 3
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
        // In every other row: what is alike down a column is no difference.
        if let marked, frame % 2 == 1 {
          for row in stride(from: 0, to: shape.rows, by: 2) {
            values[row * shape.columns + marked] = 5000
          }
        }
        var raw = RawSignals.uint16(values)
        accumulator.add(&raw, masks: [PixelMask(shape: shape)])
      }
      return accumulator.finished().scatter
    }
    let all = scatter(2, of: 2)
    let some = scatter(2, of: frames)
    // One of two segments is free, to the noise of their shares.
    #expect(abs(all.degreesOfFreedom / Double(groups) - 1) < 1e-3)
    #expect(abs(some.degreesOfFreedom * 16 / Double(groups) - 1) < 1e-3)
    let ratios = try (#require(all.variancePerUnit), #require(some.variancePerUnit))
    // Standard errors √(2/n): 0.8 and 3.1 %; four of them.
    #expect(abs(ratios.0 - 1) < 0.031 && abs(ratios.1 - 1) < 0.124)
    // Smaller stacks leave out less: each block is taken in as many rows of groups as every other.
    for step in [2, 4, 8] {
      let count = step * 110_000 / groups + 3
      let part = scatter(2, of: count).degreesOfFreedom * Double(step)
      #expect(abs(part / Double(groups) - 1) < 1e-3, "\(step)")
    }
    // A column that differs is seen wherever it is, in one of its sixteen groups: their terms differ by some
    // percent from each other.
    for column in [0, 63, 64, 1000, 2047, 2079] {
      let seen = scatter(2, of: frames, marked: column).chiSquare - some.chiSquare
      let whole = scatter(2, of: 2, marked: column).chiSquare - all.chiSquare
      #expect(abs(16 * seen / whole - 1) < 0.15, "column \(column)")
    }
  }
}
