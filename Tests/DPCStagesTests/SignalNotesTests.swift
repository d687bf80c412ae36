// What is told of signals that are not what they seem: coarse counts, empty frames, cells of positions, unknown noise.
@testable import DPCReconstruction
@testable import DPCStages
import Foundation
import Pipeline
import STEMCore
import Testing

struct SignalNotesTests {
  /// An empty specimen, 1e6 electrons a position, in whole numbers.
  private static func emptyScan(_ parameters: String) -> String {
    """
    schema: dpc-pipeline/1
    name: simulation
    stages:
      slab: { uses: phantom-uniform, with: { field_x_V_per_m: 0, thickness_nm: 50 } }
      scan:
        uses: simulate-acquisition
        from: slab
        with:
          { columns_px: 60, rows_px: 60, pixel_size_nm: 2, thickness_nm: 50, electrons_per_pixel: 1e6, \(parameters) }
    results: [scan]

    """
  }

  private static func warnings(_ outcome: Laboratory.Outcome) -> [String] {
    outcome.report.stages.flatMap(\.notes).filter { $0.kind == .warning }.map(\.text)
  }

  // Rounding has up to (1000²/12) in each of 8 segments, 0.667 of 1e6; the mean square of 7200 components scatters by
  // 1.7 % of itself.
  @Test("Counts of 1000 electrons each are told, with a bound that holds what they do to a map")
  func coarseCounts() async throws {
    let laboratory = try Laboratory()
    let scan = Self.emptyScan("unit: counts, counts_per_electron: 0.001, frame_type: uint16")
    let outcome = try await laboratory.reconstruction(of: try await laboratory.file(scan))
    let warning = try #require(Self.warnings(outcome).first { $0.contains("one count stands for") })
    #expect(
      warning.contains("for 1000 electrons") && warning.contains("up to 66.7 %"), "\(warning)")
    let map = try outcome.value("tilt", as: DeflectionValue.self).map
    let covariance = try #require(map.covariance)
    let usable = (0..<map.shape.count).filter(map.mask.isUsable)
    let scatter = usable.reduce(0.0) {
      $0 + map.field.x[$1] * map.field.x[$1] + map.field.y[$1] * map.field.y[$1]
    }
    let ratio = scatter / usable.reduce(0.0) { $0 + covariance.xx[$1] + covariance.yy[$1] }
    #expect(ratio > 1.1 && ratio < 1.667 * 1.05, "\(ratio)")
  }

  @Test("Counts of 20 electrons each are not")
  func fineCounts() async throws {
    let laboratory = try Laboratory()
    let scan = Self.emptyScan("unit: counts, counts_per_electron: 0.05, frame_type: uint16")
    let outcome = try await laboratory.reconstruction(of: try await laboratory.file(scan))
    #expect(!Self.warnings(outcome).contains { $0.contains("one count") })
  }

  @Test("Frames without a usable position are not counted as frames added")
  func emptyFrames() async throws {
    let laboratory = try Laboratory()
    let path = laboratory.folder + "/stack.h5"
    let shape = GridShape(rows: 70, columns: 40)
    let size = 4 * shape.count
    // The second has no counts, the third no numbers, the last one position that is missing.
    var numbers = [Float](repeating: 1000, count: 4 * size)
    for index in size..<(2 * size) { numbers[index] = 0 }
    for index in (2 * size)..<(3 * size) { numbers[index] = .nan }
    numbers[3 * size + 5] = .nan
    try WrittenAcquisition(
      inner: [0, 0, 0, 0], outer: [48, 48, 48, 48], start: [0, 90, 180, 270],
      stop: [90, 180, 270, 360], frameCount: 4, shape: shape
    ).write(numbers, to: path)
    let outcome = try await laboratory.reconstruction(of: path)
    let mean = try #require(outcome.report["mean"])
    #expect(mean.facts.contains { $0.key == "frames" && $0.value == 2 }, "\(mean.facts)")
    #expect(
      mean.notes.contains {
        $0.kind == .warning && $0.text.hasPrefix("2 of 4 frames") && $0.text.contains(": 1, 2)")
      }, "\(mean.notes)")
  }

  // Each of 8 frames lacks 40 % of its positions, and each position others: what is left is what was stated.
  @Test(
    "Missing positions of a stack are no missing dose",
    arguments: [(4000.0, false), (32_000, false), (8000, true)])
  func missingPositions(stated: Double, isWarned: Bool) async throws {
    let laboratory = try Laboratory()
    let path = laboratory.folder + "/stack.h5"
    let shape = GridShape(rows: 70, columns: 40)
    var numbers = [Float](repeating: 1000, count: 8 * 4 * shape.count)
    for frame in 0..<8 {
      for position in 0..<shape.count where (frame + position) % 5 < 2 {
        numbers[4 * frame * shape.count + position] = .nan
      }
    }
    try WrittenAcquisition(
      inner: [0, 0, 0, 0], outer: [48, 48, 48, 48], start: [0, 90, 180, 270],
      stop: [90, 180, 270, 360], electronsPerPixel: stated, frameCount: 8, shape: shape
    ).write(numbers, to: path)
    let warnings = Self.warnings(try await laboratory.reconstruction(of: path))
    let told = warnings.filter { $0.contains("electrons per pixel") }
    #expect(
      told.map { $0.hasPrefix("4000 electrons per pixel and frame counted, 8000 stated") }
        == (isWarned ? [true] : []), "\(warnings)")
  }

  @Test("The dose of a file is held against one position, not against all of a unit cell")
  func cells() async throws {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(Self.emptyScan("seed: 2"))
    let outcome = try await laboratory.run(
      """
      schema: dpc-pipeline/1
      name: cells
      inputs: { acquisition: \(path) }
      stages:
        read: { uses: read-acquisition, with: { file: $acquisition } }
        clean: { uses: normalize-segments, from: read }
        cell: { uses: average-unit-cell, from: clean, with: { period_x_nm: 20, period_y_nm: 16 } }
        tilt: { uses: deflection, from: cell }
      results: [tilt]
      """)
    #expect(!Self.warnings(outcome).contains { $0.contains("electrons per pixel counted") })
    // 10 × 8 positions of 1e6.
    let dose = try outcome.value("tilt", as: DeflectionValue.self).context.electronsPerPixel
    #expect(abs((dose ?? 0) / 80e6 - 1) < 0.01)
  }

  // The charge of an empty scan is its noise, the mean square of 60 · 60 numbers of which some five go together: 2 %
  // of scatter each way in the root, and four times as much at the rim's one-sided differences.
  @Test("Charge and potential state the noise in them, in their own units")
  func noiseBeside() async throws {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(Self.emptyScan("seed: 5"))
    let outcome = try await laboratory.run(
      Laboratory.fieldChain(path) + """
          charge: { uses: charge-density, from: field }
          potential: { uses: integrate, from: field }
        results: [charge, potential]
        """)
    func fact(_ stage: String, _ key: String) throws -> Fact {
      try #require(outcome.report[stage]?.facts.first { $0.key == key })
    }
    let noise = try fact("charge", "charge_density_noise")
    let strength = try #require(try fact("charge", "charge_density_rms").value)
    #expect(abs(strength / (try #require(noise.value)) - 1) < 0.08, "\(strength), \(noise)")
    #expect(noise.unit == "C/m^2" && noise.text.hasPrefix("counting noise in it "))

    let map = try outcome.value("potential", as: PotentialValue.self).map
    let variance = try #require(map.variance)
    let mean = variance.reduce(0, +) / Double(variance.count)
    let stated = try fact("potential", "potential_noise")
    #expect(map.mask.unusableCount == 0)
    #expect(abs((try #require(stated.value)) / mean.squareRoot() - 1) < 1e-9)
    #expect(stated.unit == "V m" && stated.text.contains(" V nm root mean square"), "\(stated)")
    // In V nm: as a number a billion times that in V m.
    let words = stated.text.split(separator: " ")
    #expect(abs((Double(words[4]) ?? 0) / (1e9 * mean.squareRoot()) - 1) < 1e-3, "\(stated.text)")
  }

  @Test("A plane stronger than the signal leaves the regime open, with both in radians")
  func planeBelow() async throws {
    let laboratory = try Laboratory()
    let scan = """
      schema: dpc-pipeline/1
      name: simulation
      stages:
        walls: { uses: phantom-walls, with: { positions_nm: [-40, 40], field_V_per_m: 3e8, fwhm_nm: 16, thickness_nm: 50 } }
        scan:
          uses: simulate-acquisition
          from: walls
          with: { columns_px: 80, rows_px: 60, pixel_size_nm: 2, electrons_per_pixel: 1e8, descan_x_urad: 120 }
      results: [scan]
      """
    let outcome = try await laboratory.reconstruction(of: try await laboratory.file(scan))
    let text = try #require(
      outcome.report["tilt"]?.facts.first { $0.text.contains("regime not determined") }?.text)
    // 120 µrad of descan; the walls' own plane adds less than a tenth in quadrature.
    let plane = try #require(text.firstMatch(of: /lies a plane of ([0-9.]+) µrad/))
    #expect(abs((Double(plane.1) ?? 0) - 120) < 5, "\(text)")
  }

  @Test("Where noise is unknown no power is said to be beyond it")
  func unknownNoise() {
    func shares(_ curlFree: Double, _ noise: Double?) -> SignalShares {
      SignalShares(
        HelmholtzPowers(
          curlFree: curlFree, divergenceFree: 1 - curlFree, harmonic: 0, mean: 0, waveCount: 10_000),
        noise: noise)
    }
    #expect(shares(0.6, 0.01).statement.hasPrefix("both parts carry signal"))
    #expect(shares(0.6, nil).statement.contains("may make all of the smaller part"))
    #expect(shares(0.6, nil).powerName != shares(0.6, 0.01).powerName)
    // However much noise there is, these hold.
    #expect(shares(0.95, nil).statement.hasPrefix("the curl-free part carries the signal"))
    #expect(shares(0.2, nil).statement.hasPrefix("the divergence-free part carries the signal"))
  }
}
