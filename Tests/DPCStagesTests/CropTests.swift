// A part of a scan, cut out before or after repeated frames are averaged: the same numbers either way.
import DPCReconstruction
@testable import DPCStages
import Foundation
import Pipeline
import STEMCore
import TestText
import Testing

struct CropTests {
  private static let stack = """
    schema: dpc-pipeline/1
    name: stack
    stages:
      walls:
        uses: phantom-walls
        with: { positions_nm: [5], field_V_per_m: 2e8, fwhm_nm: 10, thickness_nm: 50 }
      scan:
        uses: simulate-acquisition
        from: walls
        with:
          columns_px: 60
          rows_px: 40
          pixel_size_nm: 1
          frames: 3
          electrons_per_pixel: 1e5
          descan_x_urad: 20
          descan_x_along_x_urad_per_nm: 0.5
          references: [vacuum-scan]
          states_gain: true
    results: [scan]
    """

  /// The descan-free deflection, with `first` and `second` between the frames and it.
  private func deflection(
    _ laboratory: Laboratory, _ path: String, _ first: String, _ second: String
  ) async throws -> DeflectionValue {
    let outcome = try await laboratory.run(
      """
      schema: dpc-pipeline/1
      name: part
      inputs: { acquisition: \(path) }
      stages:
        frames: { uses: read-acquisition, with: { file: $acquisition } }
        clean:  { uses: normalize-segments, from: frames, with: { spike_sigma: none } }
        first:  { uses: \(first) }
        second: { uses: \(second) }
        tilt:   { uses: deflection, from: second }
        level:  { uses: remove-descan, from: tilt, with: { method: from-file } }
      results: [level]

      """)
    return try outcome.value("level", as: DeflectionValue.self)
  }

  @Test("References of the scan are cut as its frames are, averaged before or after")
  func order() async throws {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(Self.stack)
    let rectangle = "with: { left_px: 20, top_px: 10, width_px: 32, height_px: 24 }"
    let before = try await deflection(
      laboratory, path, "crop, from: clean, \(rectangle)", "average-frames, from: first")
    let after = try await deflection(
      laboratory, path, "average-frames, from: clean", "crop, from: first, \(rectangle)")
    #expect(before.map.shape == GridShape(rows: 24, columns: 32))
    #expect(after.map == before.map)
    #expect(after.removed == before.removed)
    // The rectangle's center is 6 nm to the right of the scan's: 20 µrad + 6 nm · 0.5 µrad/nm. The empty beam is known
    // to πα/(4 √1e7) = 6 µrad at each of 768 positions, their mean to 0.22 µrad.
    let descan = try #require(after.removed).field().x
    let mean = descan.reduce(0, +) / Double(descan.count)
    #expect(abs(mean - 23e-6) < 5 * 0.22e-6)
  }

  /// The errors of a potential with descan fitted, as they are shown.
  private func potentialErrors(
    _ laboratory: Laboratory, _ path: String, highPass: String
  ) async throws -> (
    whole: (Int) throws -> Double, part: (Int) throws -> Double, Laboratory.Outcome
  ) {
    let outcome = try await laboratory.run(
      Laboratory.correctedChain(path) + """
          potential: { uses: integrate, from: field, with: { high_pass_nm: \(highPass) } }
          part: { uses: crop, from: potential, with: { left_px: 20, top_px: 10, width_px: 32, height_px: 24 } }
        results: [potential, part]
        """, set: ["steady.method=fit-plane"])
    func shown(_ stage: String) throws -> (Int) throws -> Double {
      let value = try outcome.value(stage, as: PotentialValue.self)
      let common = CommonScalarErrors(
        value.context.commonErrors, of: value.map, about: value.center)
      return { try #require(value.map.variance)[$0] + common.variance(at: $0) }
    }
    return (try shown("potential"), try shown("part"), outcome)
  }

  @Test(
    "A pixel of a potential keeps its error when the map is cut, and none has that of what was left out"
  )
  func potential() async throws {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(
      Self.stack.changing("references: [vacuum-scan]", to: "noise: poisson"))
    let (whole, part, outcome) = try await potentialErrors(laboratory, path, highPass: "none")
    let value = try outcome.value("potential", as: PotentialValue.self)
    #expect(value.context.commonErrors.constant > 0)
    for (row, column) in [(0, 0), (5, 30), (23, 31)] {
      let there = try whole((row + 10) * 60 + column + 20)
      #expect(abs(try part(row * 32 + column) / there - 1) < 1e-12)
    }
    #expect(try whole(0) > 1.5 * whole(20 * 60 + 30))
    // The uniform field goes, and its error with it.
    let filtered = try await potentialErrors(laboratory, path, highPass: "10").2
      .value("potential", as: PotentialValue.self)
    #expect(filtered.context.commonErrors.constant == 0)
  }
}
