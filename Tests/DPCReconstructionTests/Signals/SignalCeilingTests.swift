// Signals that a converter cut off below the largest number of their type.

import DPCReconstruction
import DPCSimulation
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
      let found = CeilingSearch(
        Self.parts(means: [4095, 700], full: 4095, spikes: spikes), Self.correction
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
    #expect(CeilingSearch(parts, Self.correction).ceilings().isEmpty)
  }

  @Test("A plateau at another number is that of a segment that the disc fills")
  func plateau() {
    let parts = Self.parts(means: [4100, 700], full: 4000)
    #expect(CeilingSearch(parts, Self.correction).ceilings().isEmpty)
  }
}
