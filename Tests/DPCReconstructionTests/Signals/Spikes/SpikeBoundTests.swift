// One segment's signals at the bound of what is a spike: masks and numbers of the plain rules, to the bit.
import DPCReconstruction
import DPCSimulation
import Foundation
import STEMCore
import Testing

struct SpikeBoundTests {
  /// A plane of signals about a level, most of them missing or all there, some close to what is still allowed.
  ///
  /// - Parameters:
  ///   - share: Of the signals that are there.
  ///   - level: Electrons.
  static func sparse(
    _ shape: GridShape, share: Double, level: Double, threshold: Double, seed: UInt64
  ) -> [Double] {
    var generator = SeededGenerator(seed: seed, path: [Int(threshold)])
    return (0..<shape.count).map { _ in
      if generator.uniform() > share { return .nan }
      let bound = threshold * (max(level, 0) + 9).squareRoot()
      let step = generator.uniform() < 0.2 ? (generator.uniform() < 0.5 ? 1.0 : -1) : 0
      return level + 3 * (generator.uniform() - 0.5) + step * bound
        * (0.9 + 0.25 * generator.uniform())
    }
  }

  private static let none = SegmentCorrection(dark: [0], gain: [1], gainSource: .none)

  @Test(
    "Few usable signals, some of them at the bound: none is cleared by those of its own tile",
    arguments: [0.0, 20, 400])
  func fewSignals(level: Double) {
    let shape = GridShape(rows: 13, columns: 22)
    var count = 0
    for share in [0.06, 0.15, 0.5] {
      for threshold in [3.0, 9] {
        for seed in 0..<8 {
          let plain = Self.sparse(
            shape, share: share, level: level, threshold: threshold, seed: UInt64(seed))
          let expected = PlainScreen(
            correction: Self.none, saturationLevel: .infinity, electronsPerUnit: 1,
            threshold: threshold
          ).corrected(plain, shape)
          let found = SignalScreen(
            Self.none, saturationLevel: nil, electronsPerUnit: 1, spikeThreshold: threshold
          ).corrected(.double(plain), shape: shape)
          #expect(found == expected)
          count += found.mask.bytes.count { $0 == PixelFlags.hot.rawValue }
        }
      }
    }
    #expect(count > 5)
  }

  @Test("Few usable signals on slopes are no spikes; one among many is, and one in a corner")
  func sparseSlope() {
    let shape = GridShape(rows: 60, columns: 80)
    var generator = SeededGenerator(seed: 3, path: [7])
    // 1e8 electrons on slopes of up to three percent from one position to the next: three hundred deviations.
    func slope(_ position: Int) -> Double {
      1e8 * (1 + 0.05 * sin(0.6 * Double(position % 80) + 0.35 * Double(position / 80)))
    }
    let screen = SignalScreen(
      Self.none, saturationLevel: nil, electronsPerUnit: 1, spikeThreshold: 9)
    func hot(_ plane: [Double]) -> [Int] {
      let mask = screen.corrected(.double(plane), shape: shape).mask
      return mask.bytes.indices.filter { mask.bytes[$0] & PixelFlags.hot.rawValue != 0 }
    }
    let sparse = (0..<shape.count).map { generator.uniform() < 1.0 / 9 ? slope($0) : .nan }
    #expect(hot(sparse).isEmpty)
    // In the middle of the frame, and in the corner of a quarter of it: 9 of 25 are left there.
    var whole = (0..<shape.count).map(slope)
    let (inside, corner) = (10 * 80 + 10, 29 * 80 + 39)
    for position in [inside, corner] { whole[position] *= 3 }
    #expect(hot(whole) == [inside, corner])
    let cut = whole.indices.map { $0 / 80 >= 30 || $0 % 80 >= 40 ? .nan : whole[$0] }
    #expect(hot(cut) == [inside, corner])
  }

  @Test("On a large offset single precision is off by electrons, and clears nothing wrongly")
  func offsets() {
    let shape = GridShape(rows: 31, columns: 45)
    let correction = SegmentCorrection(dark: [65_000.25], gain: [1e-3], gainSource: .flat)
    for threshold in [3.0, 9] {
      for level in [1.0, 12, 60] {
        let electrons = Self.sparse(
          shape, share: 1, level: level, threshold: threshold, seed: UInt64(level))
        let plain = electrons.map { 65_000.25 + $0 / 1000 }
        let expected = PlainScreen(
          correction: correction, saturationLevel: .infinity, electronsPerUnit: 1,
          threshold: threshold
        ).corrected(plain, shape)
        let found = SignalScreen(
          correction, saturationLevel: nil, electronsPerUnit: 1, spikeThreshold: threshold
        ).corrected(.double(plain), shape: shape)
        #expect(found == expected)
      }
    }
  }

  @Test("A full well is seen beside a missing number, wherever in its tile either is")
  func fullBesideMissing() {
    let shape = GridShape(rows: 4, columns: 4)
    let screen = SignalScreen(
      Self.none, saturationLevel: 255, electronsPerUnit: 1, spikeThreshold: nil)
    for missing in 0..<16 {
      for full in 0..<16 where full != missing {
        var values = [Double](repeating: 10, count: 16)
        (values[missing], values[full]) = (.nan, 255)
        let mask = screen.mask(of: .double(values), shape: shape, searching: 0..<4)
        #expect(mask.bytes[missing] == PixelFlags.missing.rawValue)
        #expect(mask.bytes[full] == PixelFlags.saturated.rawValue)
        #expect(mask.unusableCount == 2)
      }
    }
  }

  /// Noise with long tails.
  static func tails(_ shape: GridShape) -> [Double] {
    var generator = SeededGenerator(seed: 19)
    return (0..<shape.count).map { _ in
      let normal = generator.normal()
      return 1000 + 10 * normal * normal * normal
    }
  }

  @Test(
    "Without electrons the deviation is that of the neighbors, to the bit", arguments: [3.0, 5, 9])
  func unknownElectrons(threshold: Double) {
    let shape = GridShape(rows: 30, columns: 41)
    let plain = Self.tails(shape)
    let expected = PlainScreen(
      correction: Self.none, saturationLevel: .infinity, electronsPerUnit: nil,
      threshold: threshold
    ).corrected(plain, shape)
    let found = SignalScreen(
      Self.none, saturationLevel: nil, electronsPerUnit: nil, spikeThreshold: threshold
    ).corrected(.double(plain), shape: shape)
    #expect(found == expected)
    #expect(found.mask.unusableCount > 30)
  }

  @Test("Signals at the tiles' bounds, up and down: cleared exactly where the plain rule clears")
  func bounds() {
    let shape = GridShape(rows: 24, columns: 40)
    let correction = SegmentCorrection(dark: [2], gain: [1], gainSource: .flat)
    for level in [0.0, 7, 91, 2491] {
      for step in -3...3 {
        // In a flat field of L electrons the bound is T √(L + 9) away.
        var plain = [Double](repeating: level + 2, count: shape.count)
        let bound = (9 * (level + 9).squareRoot()).rounded() + Double(step)
        plain[9 * 40 + 17] += bound
        plain[17 * 40 + 30] = max(0, plain[17 * 40 + 30] - bound)
        let expected = PlainScreen(
          correction: correction, saturationLevel: 65_535, electronsPerUnit: 1, threshold: 9
        ).corrected(plain, shape)
        let found = SignalScreen(
          correction, saturationLevel: 65_535, electronsPerUnit: 1, spikeThreshold: 9
        ).corrected(.uint16(plain.map { UInt16($0) }), shape: shape)
        #expect(found == expected)
      }
    }
  }
}
