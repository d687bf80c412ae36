// Stated errors against many simulated acquisitions, through the whole chain from counts to walls.
@testable import DPCStages
import DPCReconstruction
import Foundation
import Pipeline
import STEMCore
import STEMData
import TestText
import Testing

struct CoverageTests {
  private static let specimen = """
    schema: dpc-pipeline/1
    name: charges
    stages:
      hill: { uses: phantom-gaussian, with: { amplitude_V_nm: 500, sigma_nm: 9, center_x_nm: -14, center_y_nm: 4 } }
      pit:  { uses: phantom-gaussian, from: hill, with: { amplitude_V_nm: -400, sigma_nm: 8, center_x_nm: 15, center_y_nm: -6 } }
      scan:
        uses: simulate-acquisition
        from: pit
        with:
          columns_px: 44
          rows_px: 36
          pixel_size_nm: 1.2
          pixel_size_y_nm: 1.6
          thickness_nm: 50
          electrons_per_pixel: 2e5
          scan_rotation_deg: 33
          orientation_deg: 12
          flicker_percent: 2
    results: [scan]
    """

  private static func chain(_ path: String) -> String {
    Laboratory.fieldChain(path) + """
        potential: { uses: integrate, from: field }
        charge:    { uses: charge-density, from: field }
        parts:     { uses: helmholtz, from: field }
        smoothed:  { uses: smooth, from: field, with: { sigma_nm: 3 } }
        profile:   { uses: wall-profile, from: field, with: { normal_azimuth_deg: 20, field_direction: normal } }
      results: [field]
      """
  }

  /// How many numbers lie within one standard deviation of the noise-free result.
  private struct Tally {
    var within = 0
    var count = 0
    var share: Double { Double(within) / Double(count) }

    mutating func add(
      _ found: [Double], _ exact: [Double], _ variance: [Double], offset: Double = 0
    ) {
      for index in found.indices where variance[index] > 0 {
        let difference = found[index] - exact[index] - offset
        if difference * difference < variance[index] { within += 1 }
        count += 1
      }
    }
  }

  @Test("68 % of every quantity lie within one standard deviation, over 24 acquisitions")
  func chain() async throws {
    let laboratory = try Laboratory()
    let clean = try await laboratory.file(Self.specimen, set: ["scan.noise=none"])
    let exact = try await laboratory.run(Self.chain(clean))
    var tallies: [String: Tally] = [:]
    for seed in 1...24 {
      let path = try await laboratory.file(Self.specimen, set: ["scan.seed=\(seed)"])
      let found = try await laboratory.run(Self.chain(path))
      func vectors(_ name: String, _ map: VectorMap, _ truth: VectorMap) throws {
        let covariance = try #require(map.covariance)
        tallies[name, default: Tally()].add(map.field.x, truth.field.x, covariance.xx)
        tallies[name, default: Tally()].add(map.field.y, truth.field.y, covariance.yy)
      }
      func fields(_ stage: String) throws -> (ProjectedFieldValue, ProjectedFieldValue) {
        (
          try found.value(stage, as: ProjectedFieldValue.self),
          try exact.value(stage, as: ProjectedFieldValue.self)
        )
      }
      let tilt = try found.value("aligned", as: DeflectionValue.self).map
      try vectors("deflection", tilt, exact.value("aligned", as: DeflectionValue.self).map)
      let field = try fields("field")
      try vectors("field", try #require(field.0.meanField), try #require(field.1.meanField))
      let smoothed = try fields("smoothed")
      try vectors("smoothed", smoothed.0.map, smoothed.1.map)
      let parts = try found.value("parts", as: HelmholtzValue.self)
      let trueParts = try exact.value("parts", as: HelmholtzValue.self)
      for (name, part, truth) in [
        ("curl-free", parts.curlFree, trueParts.curlFree),
        ("divergence-free", parts.divergenceFree, trueParts.divergenceFree),
      ] {
        let variance = try #require(part.variance)
        func plane(_ value: Double) -> [Double] { part.field.x.map { _ in value } }
        tallies[name, default: Tally()].add(part.field.x, truth.field.x, plane(variance.x))
        tallies[name, default: Tally()].add(part.field.y, truth.field.y, plane(variance.y))
      }
      let charge = try found.value("charge", as: ChargeDensityValue.self).map
      let trueCharge = try exact.value("charge", as: ChargeDensityValue.self).map
      tallies["charge", default: Tally()].add(
        charge.field.values, trueCharge.field.values, try #require(charge.variance))
      let potential = try found.value("potential", as: PotentialValue.self).map
      let truePotential = try exact.value("potential", as: PotentialValue.self).map
      let (values, wanted) = (potential.field.values, truePotential.field.values)
      // Both have the mean zero of their natural solution.
      tallies["potential", default: Tally()].add(
        values, wanted, try #require(potential.variance))
      let profile = try found.value("profile", as: WallProfileValue.self).profile
      let trueProfile = try exact.value("profile", as: WallProfileValue.self).profile
      tallies["profile", default: Tally()].add(
        profile.value, trueProfile.value, try #require(profile.error).map { $0 * $0 })
    }
    // Independent numbers, some: 24 × 3168 for the vectors (0.2 %), a third of them for what differences
    // and smoothing share, 24 × 70 for the profile (1.1 %), 24 × 12 for the potential (2.8 %).
    for (name, margin) in [
      ("deflection", 0.03), ("field", 0.03), ("smoothed", 0.03), ("curl-free", 0.03),
      ("divergence-free", 0.03), ("charge", 0.03), ("profile", 0.035), ("potential", 0.08),
    ] {
      let share = try #require(tallies[name]).share
      #expect(abs(share - 0.683) < margin, "\(name): \(share)")
    }
  }

  @Test(
    "An error of the thickness is in every V/m and in no V, along the vectors, and is not averaged")
  func thickness() async throws {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(Self.specimen, set: ["scan.electrons_per_pixel=1e12"])
    let outcome = try await laboratory.run(
      Self.chain(path), set: ["field.thickness_error_nm=5"])
    let value = try outcome.value("field", as: ProjectedFieldValue.self)
    let errors = try #require(value.meanFieldErrors)
    #expect(errors.scale["thickness"] == 0.1 && value.context.commonErrors.scale.isEmpty)
    let field = try #require(value.meanField)
    let strongest = try #require(
      field.field.x.indices.max { abs(field.field.x[$0]) < abs(field.field.x[$1]) })
    let (x, y) = (field.field.x[strongest], field.field.y[strongest])
    #expect(abs(errors.terms.variance(along: x, across: y) / (0.01 * x * x) - 1) < 1e-9)
    let profile = try outcome.value("profile", as: WallProfileValue.self)
    #expect(profile.context.commonErrors.scale["thickness"] == 0.1)
    let group = profile.group("profile")
    guard let dataset = group.datasets.first(where: { $0.name == "profile_errors" }),
      case .float64(let stated) = dataset.values
    else {
      Issue.record("no errors of the profile")
      return
    }
    let peak = try #require(
      profile.profile.value.indices.max {
        abs(profile.profile.value[$0]) < abs(profile.profile.value[$1])
      })
    // 10^12 electrons leave nothing but the thickness.
    #expect(abs(stated[peak] / (0.1 * abs(profile.profile.value[peak])) - 1) < 1e-3)
  }

  @Test("Errors of the rotation turn vectors, those of a constant tilt the potential")
  func common() {
    var errors = CommonErrors()
    errors.rotation = 0.1
    // The vector (3, -4), turned by 0.1, moves by (0.4, 0.3).
    #expect(abs(errors.terms.variance(along: 3, across: -4) - 0.16) < 1e-12)
    #expect(abs(errors.terms.variance(along: -4, across: 3) - 0.09) < 1e-12)
    errors = CommonErrors()
    let shape = GridShape(rows: 3, columns: 3)
    errors.offset = ["descan": 0.6, "gain": 0.8]
    let potential = ScalarMap(
      field: ScalarField(shape: shape), variance: [Double](repeating: 2, count: 9),
      mask: PixelMask(shape: shape), pixelSize: PixelSize(x: 2, y: 3))
    let added = CommonScalarErrors(errors, of: potential, about: shape.center)
    #expect(added.variance(at: 4) == 0)
    // (-2, -3) from the middle: 1 V times √13.
    #expect(abs(added.variance(at: 0) - 13) < 1e-12)
    let density = CommonScalarErrors(errors, of: potential, about: nil)
    #expect(density.variance(at: 0) == 0)
  }

  @Test("An empty scan detects nothing and states limits; a wall of 10 sigma is detected")
  func verdicts() async throws {
    let laboratory = try Laboratory()
    func scan(_ field: String) -> String {
      """
      schema: dpc-pipeline/1
      name: walls
      stages:
        walls: { uses: phantom-walls, with: { positions_nm: [0], field_V_per_m: \(field), fwhm_nm: 20, thickness_nm: 50 } }
        scan:
          uses: simulate-acquisition
          from: walls
          with: { columns_px: 120, rows_px: 60, pixel_size_nm: 2, electrons_per_pixel: 1e5, thickness_nm: 50, seed: 3 }
      results: [scan]
      """
    }
    func chain(_ path: String) throws -> String {
      try Self.chain(path).changing(
        "{ normal_azimuth_deg: 20, field_direction: normal }",
        to: "{ normal_azimuth_deg: 0, field_direction: perp }")
    }
    let empty = try await laboratory.run(chain(try await laboratory.file(scan("0"))))
    let verdict = try #require(empty.report["field"]?.facts.first { $0.key == "verdict" })
    #expect(verdict.text.hasPrefix("nothing detected: rms signal below"))
    let silent = try await laboratory.run(
      chain(try await laboratory.file(scan("0"), set: ["scan.noise=none"])))
    #expect(
      silent.report["field"]?.facts.first { $0.key == "verdict" }?.text.hasPrefix("no verdict")
        == true)
    let limit = try #require(
      empty.report["profile"]?.facts.first { $0.key == "profile_upper_limit" })
    #expect(limit.text.hasPrefix("not detected: a wall 20 nm wide has less than"))
    // 4.1e8 V/m per pixel, 60 rows, some 10 columns of sech²: 1.8e7 V/m; a limit is some of these.
    let value = try #require(limit.value)
    #expect(value > 2e7 && value < 1e8, "\(value)")
    let wall = try await laboratory.run(chain(try await laboratory.file(scan("3e8"))))
    let facts = wall.report["profile"]?.facts ?? []
    #expect(!facts.contains { $0.key == "profile_upper_limit" })
    #expect(facts.contains { $0.text.contains(", detected at ") && $0.text.hasSuffix(" sigma") })
  }

  @Test(
    "The limit of a pixel and of an average is that of counting: 6480 V/(t sqrt N), over sqrt n")
  func limits() throws {
    let shape = GridShape(rows: 50, columns: 100)
    let beam = ElectronBeam(voltage: 200_000)
    let (electrons, thickness) = (1e5, 50e-9)
    // 5 sigma of one component at one pixel: 5 · 343741 V · π 24 mrad/4 /(t √N).
    let sigma =
      beam.momentumVelocityPerCharge * Double.pi * 0.024 / 4 / (thickness * electrons.squareRoot())
    let map = VectorMap(
      field: VectorField(shape: shape),
      covariance: .uniform((x: sigma * sigma, y: sigma * sigma), shape: shape),
      mask: PixelMask(shape: shape), pixelSize: PixelSize(x: 2e-9, y: 2e-9))
    let metadata = AcquisitionMetadata(
      frameCount: 1, shape: shape, pixelSize: map.pixelSize, beam: beam, probeSemiAngle: 0.024,
      detector: SegmentedDetector(segments: [], orientation: 0), scanRotation: 0,
      signalUnit: .electrons)
    let verdict = try #require(MapVerdict(map, MapContext(metadata: metadata)))
    #expect(abs(verdict.pixelDeviation / (6480 / (thickness * electrons.squareRoot())) - 1) < 1e-3)
    // 100 pixels along the wall, 10 across.
    let limit = 3.2e4 / (thickness * (electrons * 1000).squareRoot())
    #expect(abs(5 * (verdict.wallDeviation ?? 0) / limit - 1) < 0.02)
    #expect(!verdict.isDetected)
    // No power at all, which noise never has: the limit is that of a map whose power is that of noise, 1.645 times
    // the deviation 2 sigma²/√n of the mean power.
    let upper = sigma * (1.645 * 2 / Double(shape.count).squareRoot()).squareRoot()
    #expect(abs(verdict.signal / upper - 1) < 1e-9)
  }

  @Test("A constant within the error of the zero that a reference leaves is no signal")
  func zeroError() throws {
    let shape = GridShape(rows: 30, columns: 40)
    var map = VectorMap(
      field: VectorField(shape: shape, repeating: (0.3, 0)),
      covariance: .uniform((x: 1, y: 1), shape: shape), mask: PixelMask(shape: shape),
      pixelSize: PixelSize(x: 1e-9, y: 1e-9))
    for i in map.field.x.indices {
      map.field.x[i] += i % 2 == 0 ? 1 : -1
      map.field.y[i] += i % 4 < 2 ? 1 : -1
    }
    let metadata = AcquisitionMetadata(
      frameCount: 1, shape: shape, pixelSize: map.pixelSize, beam: ElectronBeam(voltage: 200_000),
      probeSemiAngle: 0.024, detector: SegmentedDetector(segments: [], orientation: 0),
      scanRotation: 0, signalUnit: .electrons)
    var context = MapContext(metadata: metadata)
    // 0.3 of 1/√1200: ten errors of the mean.
    context.commonErrors.offset = ["descan": 1e-6]
    #expect(try #require(MapVerdict(map, context)).isDetected)
    context.commonErrors.offset = ["descan": 0.12, "gain": 0.16]
    let verdict = try #require(MapVerdict(map, context))
    #expect(!verdict.isDetected && verdict.signal > 0.3)
    #expect(abs(verdict.significance - 0.3 / (0.04 + 1 / 1200).squareRoot()) < 1e-9)
  }

  @Test("The longer side is that in meters, whatever the pixels' sides")
  func longerSide() throws {
    // 53 · 3.1 nm along y, 97 · 1.5 nm along x.
    let shape = GridShape(rows: 53, columns: 97)
    let map = VectorMap(
      field: VectorField(shape: shape), covariance: .uniform((x: 4, y: 4), shape: shape),
      mask: PixelMask(shape: shape), pixelSize: PixelSize(x: 1.5e-9, y: 3.1e-9))
    let metadata = AcquisitionMetadata(
      frameCount: 1, shape: shape, pixelSize: map.pixelSize, beam: ElectronBeam(voltage: 200_000),
      probeSemiAngle: 0.024, detector: SegmentedDetector(segments: [], orientation: 0),
      scanRotation: 0, signalUnit: .electrons)
    let verdict = try #require(MapVerdict(map, MapContext(metadata: metadata)))
    let expected = 2 / (53 * 20 / 1.5).squareRoot()
    #expect(abs((verdict.wallDeviation ?? 0) / expected - 1) < 1e-9)
  }
}

extension VectorCovariance {
  /// The same at every pixel, without covariance of x and y.
  fileprivate static func uniform(
    _ variance: (x: Double, y: Double), shape: GridShape
  ) -> VectorCovariance {
    func plane(_ value: Double) -> [Double] { [Double](repeating: value, count: shape.count) }
    return VectorCovariance(
      shape: shape, xx: plane(variance.x), yy: plane(variance.y), xy: plane(0))
  }
}
