// Segments that stand still: told from those that count little, and from those without noise.
import DPCReconstruction
import DPCSimulation
import Foundation
import STEMCore
import Testing

struct StuckSegmentTests {
  private static let shape = GridShape(rows: 8, columns: 64)
  private static let means = [250.0, 240, 260, 250, 30, 20, 25, 30]
  private static let correction = SegmentCorrection(
    dark: [Double](repeating: 12, count: 8), gain: (0..<8).map { 1 + 0.02 * Double($0) },
    gainSource: .gain)

  /// Some rows, corrected, of what each segment holds at a column without dark signal and gain.
  private static func parts(
    rounded: Bool = true, _ signal: (_ segment: Int, _ column: Int, inout SeededGenerator) -> Double
  ) -> [SegmentSignals] {
    (0..<4).map { part in
      var generator = SeededGenerator(seed: 7, path: [part])
      let raw = means.indices.flatMap { segment in
        (0..<shape.count).map { place in
          let value = signal(segment, place % shape.columns, &generator)
          let stored = value * correction.gain[segment] + correction.dark[segment]
          return rounded ? stored.rounded() : stored
        }
      }
      return correction.corrected(
        raw, shape: shape, saturationLevel: 65535, electronsPerUnit: nil)
    }
  }

  private static func stuck(
    _ parts: [SegmentSignals], electronsPerUnit: Double? = 1
  ) -> [StuckSegment] {
    StuckSegmentSearch(SegmentScatters(parts), correction, electronsPerUnit: electronsPerUnit)
      .segments()
  }

  @Test("A constant among counts is found with its number, dose or none", arguments: [nil, 1.0])
  func constant(electronsPerUnit: Double?) throws {
    for (segment, level) in [(1, 200.0), (5, 50)] {
      let parts = Self.parts { index, _, generator in
        index == segment ? level : generator.poisson(mean: Self.means[index])
      }
      let found = Self.stuck(parts, electronsPerUnit: electronsPerUnit)
      try #require(found.count == 1)
      #expect(found[0].index == segment && found[0].isConstant && found[0].scatter == 0)
      let stored = (level * Self.correction.gain[segment] + 12).rounded()
      #expect(abs(found[0].stored - stored) < 1e-9 * stored)
    }
  }

  @Test("Nothing is stuck that counts, many or few, in steps of one electron or of a hundred")
  func counting() {
    for (scale, step) in [(1e4, 1.0), (1, 1), (0.1, 1), (0.004, 1), (4, 100), (0.5, 100)] {
      let parts = Self.parts { index, _, generator in
        (generator.poisson(mean: Self.means[index] * scale) / step).rounded()
      }
      for electronsPerUnit in [nil, step] {
        #expect(
          Self.stuck(parts, electronsPerUnit: electronsPerUnit).isEmpty, "\(scale), \(step)")
      }
    }
  }

  @Test("Without noise a constant segment is one that the disc fills or does not reach")
  func noiseFree() {
    for (rounded, period, scale) in [
      (false, 40.0, 1e3), (true, 40, 1e3), (false, 6, 1e3), (false, .infinity, 1e3),
      // Numbers whose squares overflow.
      (false, 40, 1e200),
    ] {
      let parts = Self.parts(rounded: rounded) { index, column, _ in
        let shift = index < 2 ? 0 : 0.05 * sin(2 * .pi * Double(column) / period + Double(index))
        return scale * Self.means[index] * (1 + shift)
      }
      for electronsPerUnit in [nil, 1.0] {
        #expect(
          Self.stuck(parts, electronsPerUnit: electronsPerUnit).isEmpty, "\(rounded), \(period)")
      }
    }
  }

  @Test("A flicker of a digit is told where the dose is known, and only there")
  func flicker() throws {
    // 5000 counted would scatter by 71: half a step either way is 0.7 % of it.
    let parts = Self.parts { index, column, generator in
      index == 2
        ? 5000 + generator.poisson(mean: 0.25) : generator.poisson(mean: 20 * Self.means[index])
    }
    let found = Self.stuck(parts)
    try #require(found.count == 1 && found[0].index == 2)
    #expect(abs(found[0].scatter - 0.5 / 5000.0.squareRoot()) < 0.0025, "\(found[0].scatter)")
    #expect(Self.stuck(parts, electronsPerUnit: nil).isEmpty)
  }

  @Test("Readout noise, flicker of the beam and averaged frames leave no segment still")
  func otherNoise() {
    let noisy = Self.parts(rounded: false) { index, _, generator in
      generator.poisson(mean: Self.means[index]) + 100 + 20 * generator.poisson(mean: 1)
    }
    #expect(Self.stuck(noisy).isEmpty)
    // By 10 % at each position, in all segments alike: a period of three positions stands for it.
    let flickering = Self.parts { index, column, generator in
      generator.poisson(mean: 100 * Self.means[index] * (1 + 0.1 * Double(column % 3 - 1)))
    }
    #expect(Self.stuck(flickering).isEmpty)
    // Of a thousand frames, where the dose is stated for one.
    let averaged = Self.parts(rounded: false) { index, _, generator in
      generator.poisson(mean: 1000 * Self.means[index]) / 1000
    }
    #expect(Self.stuck(averaged).isEmpty)
  }

  @Test(
    "A segment that a few positions at the rim of the scan light counts there", arguments: [0, 63])
  func rim(lit: Int) {
    let parts = Self.parts { index, column, generator in
      index == 7
        ? (column == lit ? generator.poisson(mean: 400) : 0)
        : generator.poisson(mean: 1e3 * Self.means[index])
    }
    #expect(Self.stuck(parts).isEmpty)
  }
}
