// phase-contrast-transfer as a stage: frames of reference, calibration, masks, errors and what it says.
@testable import DPCStages
import DPCReconstruction
import DPCSimulation
import Foundation
import Pipeline
import STEMCore
import STEMData
import Testing

struct PhaseContrastStageTests {
  private static let specimen =
    """
    schema: dpc-pipeline/1
    name: charges
    stages:
      hill: { uses: phantom-gaussian, with: { amplitude_V_nm: 500, sigma_nm: 6, center_x_nm: 7, center_y_nm: -4 } }
      pit:  { uses: phantom-gaussian, from: hill, with: { amplitude_V_nm: -350, sigma_nm: 8, center_x_nm: -12, center_y_nm: 6 } }
      scan:
        uses: simulate-acquisition
        from: pit
        with:
          columns_px: 56
          rows_px: 44
          pixel_size_nm: 1
          pixel_size_y_nm: 1.2
          thickness_nm: 50
          orientation_deg: 20
          scan_rotation_deg: 35
          electrons_per_pixel: 1e5
    results: [scan]
    """

  private static func chain(
    _ path: String, tilt: String = "", aligned: String = ""
  ) -> String {
    Laboratory.fieldChain(
      path, tilt: ", with: { method: phase-contrast-transfer\(tilt) }", aligned: aligned) + """
          potential: { uses: integrate, from: field, with: { boundary: neumann } }
        results: [potential]
        """
  }

  /// Largest difference from the phantom's own field, over the field's largest component, off the rim.
  private static func difference(
    _ field: VectorMap, _ layers: [PhantomLayer], pixel: PixelSize, rim: Int = 4
  ) -> Double {
    let truth = Phantom(layers).projectedField(shape: field.shape, pixelSize: pixel)
    let largest = zip(truth.x, truth.y).reduce(0) { max($0, abs($1.0), abs($1.1)) }
    var worst = 0.0
    for row in rim..<field.shape.rows - rim {
      for column in rim..<field.shape.columns - rim {
        let index = row * field.shape.columns + column
        worst = max(
          worst, abs(field.field.x[index] - truth.x[index]),
          abs(field.field.y[index] - truth.y[index]))
      }
    }
    return worst / largest
  }

  private static let charges: [PhantomLayer] = [
    .gaussianPotential(centerX: 7e-9, centerY: -4e-9, sigma: 6e-9, amplitude: 500e-9),
    .gaussianPotential(centerX: -12e-9, centerY: 6e-9, sigma: 8e-9, amplitude: -350e-9),
  ]
  private static let pixel = PixelSize(x: 1e-9, y: 1.2e-9)

  @Test(
    "The field is that of the phantom in the axes of the scan, whether the file or a parameter tells them"
  )
  func frames() async throws {
    let laboratory = try Laboratory()
    for (states, tilt, aligned) in [
      ("true", "", ""), ("false", ", rotation_deg: 35", ", with: { rotation_deg: 35 }"),
    ] {
      let path = try await laboratory.file(
        Self.specimen,
        set: [
          "scan.noise=none", "scan.electrons_per_pixel=1e12", "scan.states_scan_rotation=\(states)",
        ])
      let outcome = try await laboratory.run(
        Self.chain(path, tilt: tilt, aligned: aligned))
      let field = try outcome.value("field", as: ProjectedFieldValue.self).map
      // The transfer is of first order in the deflection (10⁻³ of the disc); open rims cost most.
      let difference = Self.difference(field, Self.charges, pixel: Self.pixel)
      #expect(difference < 0.01, "\(difference)")
    }
  }

  @Test(
    "Without the rotation it refuses and says how to find it; another one downstream is a warning")
  func rotation() async throws {
    let laboratory = try Laboratory()
    let silent = try await laboratory.file(Self.specimen, set: ["scan.states_scan_rotation=false"])
    let refused = try await laboratory.run(Self.chain(silent)).report
    let failure = try #require(refused["tilt"]?.failure)
    #expect(failure.category == .missingPrerequisite)
    #expect(failure.remedy?.contains("--set tilt.rotation_deg=ANGLE") == true)

    let turned = try await laboratory.run(
      Self.chain(silent, tilt: ", rotation_deg: 35", aligned: ", with: { rotation_deg: 20 }"))
    let notes = turned.report["aligned"]?.notes ?? []
    #expect(
      notes.contains {
        $0.text.contains("took a scan rotation of 35") && $0.text.contains("20")
      })
  }

  @Test("A calibration of the deflection is applied once, before and after the phase")
  func calibration() async throws {
    let laboratory = try Laboratory()
    // The disc moves by response times the deflection; the calibration undoes that.
    let response = Matrix2(xx: 0.8, xy: 0.05, yx: -0.04, yy: 0.9)
    let determinant = response.xx * response.yy - response.xy * response.yx
    let calibration = Matrix2(
      xx: response.yy / determinant, xy: -response.xy / determinant,
      yx: -response.yx / determinant, yy: response.xx / determinant)
    var scan = SimulationSpecification(
      beam: ElectronBeam(voltage: 200_000), probeSemiAngle: 0.024,
      detector: .annular(rings: [(0, 0.024, 4), (0.024, 0.048, 4)], orientation: 0.4),
      shape: GridShape(rows: 44, columns: 56), pixelSize: Self.pixel,
      phantom: Phantom(Self.charges), electronsPerPixel: 1e12)
    scan.scanRotation = 0.6
    scan.response = response
    var simulated = simulate(scan)
    simulated.metadata.deflectionCalibration = calibration
    let value = try SimulatedAcquisitionValue(
      simulated, writer: AcquisitionWriter(frameType: .float64, isCompressed: false, units: .si))
    let path = laboratory.folder + "/calibrated.h5"
    try Data(value.acquisition).write(to: URL(filePath: path))
    let outcome = try await laboratory.run(Self.chain(path))
    let field = try outcome.value("field", as: ProjectedFieldValue.self).map
    // A shear is no phase: what it makes of one before it is undone is lost in part.
    let difference = Self.difference(field, Self.charges, pixel: Self.pixel)
    #expect(difference < 0.02, "\(difference)")
  }

  @Test("The descan of a vacuum scan is no phase: it is set aside, and removed downstream as ever")
  func vacuumScan() async throws {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(
      Self.specimen,
      set: [
        "scan.noise=none", "scan.electrons_per_pixel=1e12", "scan.references=[vacuum-scan]",
        "scan.descan_x_urad=20", "scan.descan_x_along_y_urad_per_nm=3",
        "scan.descan_y_along_x_urad_per_nm=-2.5", "scan.descan_x_along_x_urad_per_nm=1",
      ])
    let outcome = try await laboratory.run(
      Self.chain(path).replacing(
        "aligned: { uses: rotate-to-scan, from: tilt",
        with:
          "steady: { uses: remove-descan, from: tilt }\n  aligned: { uses: rotate-to-scan, from: steady"
      ))
    let field = try outcome.value("field", as: ProjectedFieldValue.self).map
    let difference = Self.difference(field, Self.charges, pixel: Self.pixel)
    #expect(difference < 0.01, "\(difference)")
  }

  @Test("Masked pixels stay masked, and their neighbors right")
  func masks() async throws {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(
      Self.specimen,
      set: ["scan.noise=none", "scan.missing=12", "scan.seed=3", "scan.electrons_per_pixel=1e12"])
    let outcome = try await laboratory.run(Self.chain(path))
    let map = try outcome.value("tilt", as: DeflectionValue.self).map
    #expect(map.mask.unusableCount == 12)
    for index in 0..<map.shape.count where !map.mask.isUsable(index) {
      #expect(map.field.x[index] == 0 && map.field.y[index] == 0)
    }
    let field = try outcome.value("field", as: ProjectedFieldValue.self).map
    let truth = Phantom(Self.charges).projectedField(shape: field.shape, pixelSize: Self.pixel)
    var (difference, square) = (0.0, 0.0)
    for index in truth.x.indices where field.mask.isUsable(index) {
      difference += pow(field.field.x[index] - truth.x[index], 2)
      square += pow(truth.x[index], 2)
    }
    // A hole is filled by the mean of its neighbors: second differences of a hill of 6 nm.
    #expect((difference / square).squareRoot() < 0.02)
  }

  @Test(
    "Fields along walls and a descan that turns are no phase, and a lattice must not be cut: it says so"
  )
  func cautions() async throws {
    let laboratory = try Laboratory()
    func texts(_ manifest: String, set overrides: [String] = []) async throws -> [String] {
      let path = try await laboratory.file(manifest, set: overrides)
      let outcome = try await laboratory.run(Self.chain(path))
      if let failure = outcome.report.failures.first?.failure { throw failure }
      return (outcome.report["tilt"]?.notes ?? []).filter { $0.kind == .warning }.map(\.text)
    }
    let walls = """
      schema: dpc-pipeline/1
      name: walls
      stages:
        walls: { uses: phantom-walls, with: { positions_nm: [-20, 20], field_V_per_m: 3e8, fwhm_nm: 10, thickness_nm: 60 } }
        scan:
          uses: simulate-acquisition
          from: walls
          with: { columns_px: 80, rows_px: 24, pixel_size_nm: 1.2, noise: none }
      results: [scan]
      """
    #expect(try await texts(walls).contains { $0.contains("divergence-free") })
    let turning = [
      "scan.noise=none", "scan.descan_x_along_y_urad_per_nm=3",
      "scan.descan_y_along_x_urad_per_nm=-3",
    ]
    #expect(
      try await texts(Self.specimen, set: turning).contains {
        $0.contains("turns about the scan's center")
      })
    #expect(try await texts(Self.specimen, set: ["scan.noise=none"]).isEmpty)
    let lattice = """
      schema: dpc-pipeline/1
      name: lattice
      stages:
        rows: { uses: phantom-sinusoid, with: { amplitude_V_nm: 10, period_nm: 0.32 } }
        scan:
          uses: simulate-acquisition
          from: rows
          with: { model: wave-optical, samples_per_segment: 2000, columns_px: 32, rows_px: 8, pixel_size_nm: 0.04, noise: none }
      results: [scan]
      """
    #expect(try await texts(lattice).contains { $0.contains("crop to whole periods") })
  }

  @Test("Errors of deflection and potential hold over 16 noisy acquisitions, at the rim as well")
  func coverage() async throws {
    let laboratory = try Laboratory()
    var deflections = (within: 0, count: 0)
    var rim = (square: 0.0, count: 0.0)
    var potentials = (within: 0, count: 0)
    let shape = GridShape(rows: 44, columns: 56)
    let phantom = Phantom(Self.charges)
    let field = phantom.projectedField(shape: shape, pixelSize: Self.pixel)
    let potential = try #require(
      phantom.projectedPotential(shape: shape, pixelSize: Self.pixel))
    for seed in 1...16 {
      let path = try await laboratory.file(Self.specimen, set: ["scan.seed=\(seed)"])
      let outcome = try await laboratory.run(Self.chain(path))
      let map = try outcome.value("field", as: ProjectedFieldValue.self).map
      let covariance = try #require(map.covariance)
      for index in 0..<shape.count {
        let (row, column) = (index / shape.columns, index % shape.columns)
        let isRim = min(row, column, shape.rows - 1 - row, shape.columns - 1 - column) < 2
        for (difference, variance) in [
          (map.field.x[index] - field.x[index], covariance.xx[index]),
          (map.field.y[index] - field.y[index], covariance.yy[index]),
        ] {
          let pull = difference * difference / variance
          deflections.within += pull < 1 ? 1 : 0
          deflections.count += 1
          if isRim { rim = (rim.square + pull, rim.count + 1) }
        }
      }
      let found = try outcome.value("potential", as: PotentialValue.self).map
      let variance = try #require(found.variance)
      for index in 0..<shape.count {
        let difference = found.field.values[index] - potential.values[index]
        potentials.within += difference * difference < variance[index] ? 1 : 0
        potentials.count += 1
      }
    }
    // Independent numbers: some 30 pixels share a deflection's error, and a potential has ten waves that
    // count: 16 × 160 and 16 × 10 give 1 % and 4 %; the signal's spectrum is known by classes only (3 %). What noise may
    // hide counts as an error although these charges have next to nothing there: up to 1.5 times what is wrong.
    let share = Double(deflections.within) / Double(deflections.count)
    #expect(share > 0.683 - 0.06 && share < 0.866, "\(share)")
    let potentialShare = Double(potentials.within) / Double(potentials.count)
    #expect(abs(potentialShare - 0.683) < 0.12, "\(potentialShare)")
    let pull = (rim.square / rim.count).squareRoot()
    #expect(abs(pull - 1) < 0.25, "\(pull)")
  }
}
