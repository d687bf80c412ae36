// The stages of a simulation: units, signs, what the file tells, and what is refused before it traps.
@testable import DPCStages
import Foundation
import Glibc
import Pipeline
import STEMCore
import STEMData
import Testing

/// A field of 1e8 V/m to the right and -4e7 V/m down (so up) in 50 nm: 5 V and -2 V.
private let uniform = """
  schema: dpc-pipeline/1
  name: uniform
  stages:
    slab:
      uses: phantom-uniform
      with: { field_x_V_per_m: 1e8, field_y_V_per_m: -4e7, thickness_nm: 50 }
    scan:
      uses: simulate-acquisition
      from: slab
      with: { columns_px: 12, rows_px: 10, pixel_size_nm: 1, noise: none }
  results: [scan]

  """

/// The stiffness pv/e of a 200 kV beam, V; known to its last digit, 1.5e-8 relative.
private let stiffness = 343_741.13

@Suite("Simulations from manifests")
struct SimulationTests {
  let laboratory: Laboratory

  init() throws { laboratory = try Laboratory() }

  @Test(
    "5 V to the right and 2 V up come back as such, however detector and scan are turned",
    arguments: [
      [], ["scan.orientation_deg=33", "scan.detector_start_deg=-45"], ["scan.scan_rotation_deg=70"],
      ["scan.ring_edges_mrad=0,30", "scan.ring_sectors=4", "scan.scan_rotation_deg=-20"],
      ["scan.ring_edges_mrad=0,10,20,30", "scan.ring_sectors=4,8,16"],
      ["scan.voltage_kV=80", "scan.semi_angle_mrad=15"], ["scan.frame_type=float32"],
      ["scan.unit=fraction"], ["scan.file_units=SI"],
      ["scan.segment_order=5,2,7,0,3,6,1,4", "scan.scan_rotation_deg=15"],
    ])
  func projectedField(_ overrides: [String]) async throws {
    let path = try await laboratory.file(uniform, set: overrides)
    let field = try await laboratory.projectedField(in: path)
    // Single precision: 250 000 electrons to 2⁻²⁴ relative, 4 of them in the difference, 1e-7 of
    // the disc's radius over a shift of 6e-4 of it.
    let tolerance = overrides.contains("scan.frame_type=float32") ? 1e-3 : 1e-9
    #expect(field.x.allSatisfy { abs($0 - 5) < 5 * tolerance })
    #expect(field.y.allSatisfy { abs($0 + 2) < 5 * tolerance })
  }

  @Test("The first segment of four quadrants loses electrons when the field pulls them away")
  func signals() async throws {
    // Quadrant 0 is right and below; 5 V to the right move the disc left, 2 V up move it down.
    let path = try await laboratory.file(
      uniform, set: ["scan.ring_edges_mrad=0,30", "scan.ring_sectors=4"])
    let reader = try AcquisitionReader(path: path)
    var values: [Double] = []
    try reader.readRows(0..<1, ofFrame: 0, into: &values)
    let signals = (0..<4).map { values[$0 * 12] }
    // To first order a shift d moves d·2R/πR² of the beam across a diameter, half of it in each
    // quadrant beside it; 1e6 electrons, R = 24 mrad. Second order is d²/πR² of them: 0.14.
    let perVolt: Double = 1e6 / stiffness / (Double.pi * 24e-3)
    let volts: [Double] = [-5 + 2, 5 + 2, 5 - 2, -5 - 2]
    for (signal, volts) in zip(signals, volts) {
      let expected = 250_000 + volts * perVolt
      #expect(abs(signal - expected) < 0.3)
    }
    #expect(signals[1] > 250_270 && signals[3] < 249_730)
  }

  @Test("Gains, dark signal, descan and offset are undone by the references beside the frames")
  func references() async throws {
    let path = try await laboratory.file(
      uniform,
      set: [
        "scan.unit=counts", "scan.counts_per_electron=1000", "scan.gain_error_percent=10",
        "scan.dark_counts=700", "scan.references=dark,flat,vacuum-scan",
        "scan.descan_x_urad=300", "scan.descan_y_along_x_urad_per_nm=5",
        "scan.descan_x_along_y_urad_per_nm=-3", "scan.scan_rotation_deg=25",
      ])
    let metadata = try AcquisitionReader(path: path).metadata
    let dark = try #require(metadata.references.dark)
    #expect(dark.allSatisfy { (350...1050).contains($0) } && Set(dark).count > 4)
    let flat = try #require(metadata.references.flat)
    let gains = (0..<4).map { (flat[$0] - dark[$0]) / (flat[0] - dark[0]) }
    #expect(gains.contains { abs($0 - 1) > 0.01 })
    let field = try await laboratory.projectedField(in: path)
    // Counts are whole: 1 in 2.5e8 of a segment, 4e-9 of the radius over a shift of 6e-4 of it;
    // the descan of 300 µrad is removed as a plane fitted to the vacuum scan.
    #expect(field.x.allSatisfy { abs($0 - 5) < 1e-3 })
    #expect(field.y.allSatisfy { abs($0 + 2) < 1e-3 })
  }

  @Test("The file says what it is told to say, and no more")
  func statements() async throws {
    let path = try await laboratory.file(
      uniform,
      set: [
        "scan.states_scan_rotation=false", "scan.thickness_nm=unknown", "scan.view=unknown",
        "scan.pixel_size_y_nm=2.5", "scan.frames=2", "scan.zone_axis=[001]", "scan.title=t",
      ])
    let metadata = try AcquisitionReader(path: path).metadata
    #expect(metadata.scanRotation == nil && metadata.specimen.thickness == nil)
    #expect(metadata.specimen.view == nil && metadata.specimen.zoneAxis == "[001]")
    #expect(metadata.pixelSize == PixelSize(x: 1e-9, y: 2.5e-9))
    #expect(metadata.frameCount == 2 && metadata.title == "t")
    #expect(metadata.references == References() && metadata.segmentGain == nil)
    let known = try AcquisitionReader(
      path: try await laboratory.file(
        uniform,
        set: ["scan.thickness_nm=50", "scan.states_gain=true", "scan.gain_error_percent=3"]
      )
    ).metadata
    #expect(known.specimen.thickness == 50e-9)
    #expect(known.segmentGain?.allSatisfy { (0.97...1.03).contains($0) } ?? false)
  }

  @Test("Equal seeds make equal files, another seed another file")
  func seeds() async throws {
    func bytes(_ seed: Int) async throws -> [UInt8] {
      let elsewhere = try Laboratory()
      let outcome = try await elsewhere.run(
        uniform, set: ["scan.noise=poisson", "scan.seed=\(seed)"])
      return try outcome.value("scan", as: SimulatedAcquisitionValue.self).acquisition
    }
    let first = try await bytes(1)
    let isSame = try await bytes(1) == first
    let isOther = try await bytes(2) != first
    #expect(isSame && isOther)
  }

  @Test(
    "What cannot be simulated is refused with the reason and a remedy",
    arguments: [
      ("scan.spikes=121", "do not fit in 120 pixels"), ("scan.dark_counts=5", "in electrons"),
      ("scan.references=vacuum,vacuum-scan", "both vacuum and vacuum-scan"),
      ("scan.frames=10000 scan.columns_px=4000", "more than 268435456"),
      ("scan.missing=1 scan.frame_type=uint16", "uint16 cannot hold"),
      ("scan.unit=fraction scan.frame_type=uint32", "would make them zero"),
      ("slab.field_x_V_per_m=1e300", "shift the disc without bounds"),
      ("slab.field_x_V_per_m=1e13", "shift the disc by"),
      ("scan.descan_x_along_x_urad_per_nm=1e5", "shift the disc by"),
    ])
  func refusals(_ overrides: String, _ reason: String) async throws {
    let outcome = try await laboratory.run(
      uniform, set: overrides.split(separator: " ").map(String.init))
    let failure = try #require(outcome.report["scan"]?.failure)
    #expect(failure.message.hasPrefix("stage scan: ") && failure.message.contains(reason))
    #expect(failure.remedy != nil && failure.category == .failed)
  }

  @Test("Walls whose signs are not as many as they are refused; alternating is + - +")
  func wallSigns() async throws {
    let manifest = uniform.replacing("phantom-uniform", with: "phantom-walls").replacing(
      "field_x_V_per_m: 1e8, field_y_V_per_m: -4e7,",
      with: "positions_nm: [-3, 0, 3], field_V_per_m: 1e8, fwhm_nm: 1,")
    let refused = try await laboratory.run(manifest, set: ["slab.signs=1,-1"])
    #expect(
      refused.report["slab"]?.failure?.message == "stage slab: 3 positions_nm but 2 signs")
    let explicit = try await laboratory.file(manifest, set: ["slab.signs=1,-1,1"])
    let alternating = try await laboratory.file(manifest)
    let isSame =
      try Data(contentsOf: URL(filePath: explicit))
      == Data(contentsOf: URL(filePath: alternating))
    #expect(isSame)
  }

  @Test("A disc beyond the detector and saturated signals are worth a warning")
  func warnings() async throws {
    let outcome = try await laboratory.run(
      uniform, set: ["scan.ring_edges_mrad=0,12,20", "scan.frame_type=uint16"])
    let notes = outcome.report["scan"]?.notes ?? []
    #expect(notes.contains { $0.kind == .warning && $0.text.contains("beyond the detector") })
    #expect(notes.contains { $0.kind == .warning && $0.text.contains("saturate") })
  }
}
