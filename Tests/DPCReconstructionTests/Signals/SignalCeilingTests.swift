// Signals that a detector or its converter cut off below the largest number of their type.

import DPCReconstruction
import DPCSimulation
import Foundation
import STEMCore
import Testing

struct SignalCeilingTests {
  private static let shape = GridShape(rows: 8, columns: 256)
  private static let correction = SegmentCorrection(
    dark: [12, 20], gain: [1.1, 0.93], gainSource: .gain)

  /// Poisson counts of two segments, at most `full` where they are stored, corrected.
  private static func parts(means: [Double], full: Double, spikes: [Int] = []) -> [SegmentSignals] {
    (0..<4).map { part in
      var generator = SeededGenerator(seed: 3, path: [part])
      let raw = means.indices.flatMap { _ in (0..<shape.count) }.enumerated().map { place, _ in
        min(full, generator.poisson(mean: means[place / shape.count]))
      }
      var stored = raw
      for spike in spikes { stored[spike] = 60000 }
      return correction.corrected(
        stored, shape: shape, saturationLevel: 65535, electronsPerUnit: nil)
    }
  }

  @Test(
    "A pile at 4095 in a 16-bit file is found, with its part of the signals, spikes above or not")
  func pile() throws {
    for spikes in [[], [100]] {
      let parts = Self.parts(means: [4095, 700], full: 4095, spikes: spikes)
      let found = CeilingSearch(
        parts, Self.correction, SegmentScatters(parts), electronsPerUnit: nil
      ).ceilings()
      try #require(found.count == 1)
      #expect(found[0].segment == 0 && found[0].stored == 4095)
      // Half of the counts lie above: 8192 of them scatter by 0.6 %.
      #expect(abs(found[0].fraction - 0.5) < 0.03, "\(found[0].fraction)")
    }
  }

  @Test(
    "Counts that end by themselves, few or many, have no ceiling", arguments: [0.2, 3, 60, 4000])
  func noPile(mean: Double) {
    let parts = Self.parts(means: [mean, 0], full: .infinity)
    #expect(
      CeilingSearch(parts, Self.correction, SegmentScatters(parts), electronsPerUnit: nil)
        .ceilings().isEmpty)
  }

  @Test(
    "One at any other number is found where it ends noise, with its part of the signals",
    arguments: [(60000.0, 0.5), (4000, 0.5), (4000, 2), (100, 0.5)])
  func cutOff(full: Double, deviations: Double) throws {
    // So many deviations above the mean: 31 and 2.3 % of the signals lie there or beyond, and up to 2 % more by half a
    // step of a tenth of the deviation.
    let mean = full - deviations * full.squareRoot()
    for electronsPerUnit in [nil, 1.0] {
      let parts = Self.parts(means: [mean, full / 6], full: full)
      let found = CeilingSearch(
        parts, Self.correction, SegmentScatters(parts), electronsPerUnit: electronsPerUnit
      ).ceilings()
      try #require(found.count == 1)
      #expect(found[0].segment == 0 && found[0].stored == full)
      let expected = erfc(deviations / 2.squareRoot()) / 2
      #expect(abs(found[0].fraction - expected) < 0.03, "\(found[0].fraction), \(expected)")
    }
  }

  @Test("Fractions that a detector cuts off are found as they are stored")
  func fractions() throws {
    let correction = SegmentCorrection(dark: [0, 0], gain: [1, 1], gainSource: .none)
    let parts = (0..<4).map { part in
      var generator = SeededGenerator(seed: 4, path: [part])
      let raw = (0..<(2 * Self.shape.count)).map { place in
        min(0.2503, generator.poisson(mean: place < Self.shape.count ? 1e4 : 2e3) / 4e4)
      }
      return correction.corrected(
        raw, shape: Self.shape, saturationLevel: nil, electronsPerUnit: nil)
    }
    let found = CeilingSearch(parts, correction, SegmentScatters(parts), electronsPerUnit: nil)
      .ceilings()
    try #require(found.count == 1)
    #expect(found[0].segment == 0 && abs(found[0].stored - 0.2503) < 1e-12)
  }

  @Test("Few counts end in ties by themselves, and so do those coarser than their noise")
  func coarse() {
    for full in [2.0, 3, 5] {
      let parts = Self.parts(means: [full - 0.5, 1], full: full)
      #expect(
        CeilingSearch(parts, Self.correction, SegmentScatters(parts), electronsPerUnit: 1)
          .ceilings().isEmpty)
    }
    // A hundred electrons a count, 500 of them: 5 ± 0.22.
    for mean in [500.0, 520, 545] {
      let parts = (0..<4).map { part in
        var generator = SeededGenerator(seed: 9, path: [part])
        let raw = (0..<(2 * Self.shape.count)).map { _ in
          (generator.poisson(mean: mean) / 100).rounded()
        }
        return Self.correction.corrected(
          raw, shape: Self.shape, saturationLevel: 65535, electronsPerUnit: nil)
      }
      #expect(
        CeilingSearch(parts, Self.correction, SegmentScatters(parts), electronsPerUnit: 100)
          .ceilings().isEmpty)
    }
  }

  @Test("Without noise a plateau is that of a segment that the disc fills")
  func plateau() {
    let parts = (0..<4).map { _ in
      let raw = (0..<(2 * Self.shape.count)).map { place in
        min(4000, 4000 + 300 * sin(Double(place % 256) / 7))
      }
      return Self.correction.corrected(
        raw, shape: Self.shape, saturationLevel: 65535, electronsPerUnit: nil)
    }
    for electronsPerUnit in [nil, 1.0] {
      #expect(
        CeilingSearch(
          parts, Self.correction, SegmentScatters(parts), electronsPerUnit: electronsPerUnit
        ).ceilings().isEmpty
      )
    }
  }
}
