// What is handed over as truth.
import DPCSimulation
import Glibc
import STEMCore
import Testing

@Test("the truth is stored in SI units, vectors as [2, rows, columns] in the order x, y")
func datasets() throws {
  let wall = WallArray(
    positions: [-3e-9, 4e-9], signs: [1, -1], amplitude: -3e8, fullWidthHalfMaximum: 20e-9,
    normalAzimuth: Double.pi / 3, inclination: Double.pi / 4, thickness: 50e-9,
    direction: .parallel)
  var specification = SimulationSpecification(
    beam: ElectronBeam(voltage: 200e3), probeSemiAngle: 24e-3,
    detector: .annular(rings: [(0, 48e-3, 4)]), shape: GridShape(rows: 3, columns: 5),
    pixelSize: PixelSize(x: 1e-9, y: 1e-9),
    phantom: Phantom([.uniform(x: 5, y: -2), .walls(wall)]), electronsPerPixel: 1e4)
  specification.scanRotation = Double.pi / 9
  specification.specimen.thickness = 50e-9
  specification.segmentGain = [1, 2, 3, 4]
  specification.dark = [5, 6, 7, 8]
  specification.output = SignalOutput(unit: .counts)
  specification.descan = Descan(offset: (1e-6, 2e-6), alongX: (0, 0), alongY: (0, 0))
  let truth = simulate(specification).truth
  func dataset(_ name: String) throws -> SimulationTruth.Dataset {
    try #require(truth.datasets.first { $0.name == name }, "\(name)")
  }
  #expect(
    truth.datasets.map(\.name) == [
      "deflection", "E_proj", "E", "potential_proj", "phase", "thickness", "scan_rotation",
      "gain", "dark", "descan_deflection", "wall_E0", "wall_w", "wall_fwhm", "wall_inclination",
      "wall_positions", "wall_signs", "wall_normal_azimuth",
    ])
  #expect(
    truth.datasets.map(\.unit) == [
      "rad", "V", "V/m", "V m", "rad", "m", "deg", "1", "counts", "rad", "V/m", "m", "m", "deg",
      "m", "1", "deg",
    ])
  for dataset in truth.datasets {
    #expect(dataset.values.count == dataset.shape.reduce(1, *), "\(dataset.name)")
  }
  let projected = try dataset("E_proj")
  #expect(projected.shape == [2, 3, 5])
  #expect(projected.values == truth.projectedField.x + truth.projectedField.y)
  let field = try dataset("E")
  let deflection = try dataset("deflection")
  for index in 0..<30 {
    #expect(abs(field.values[index] * 50e-9 - projected.values[index]) < 1e-13)
    #expect(abs(deflection.values[index] * 343_741.13 + projected.values[index]) < 1e-7)
  }
  // σ at 200 kV is 7.2884e6 rad/(V m).
  let (phase, potential) = (try dataset("phase"), try dataset("potential_proj"))
  #expect(abs(phase.values[3] / potential.values[3] - 7.288401e6) < 1)
  #expect(abs(try dataset("scan_rotation").values[0] - 20) < 1e-13)
  #expect(abs(try dataset("wall_inclination").values[0] - 45) < 1e-13)
  #expect(abs(try dataset("wall_normal_azimuth").values[0] - 60) < 1e-13)
  #expect(try dataset("wall_E0").values == [-3e8])
  #expect(try dataset("wall_E0").shape == [])
  #expect(try dataset("wall_positions").values == [-3e-9, 4e-9])
  #expect(truth.labels.map(\.value) == ["parallel"])
}

@Test("what does not exist is absent from the truth")
func absentDatasets() {
  let wall = WallArray(
    positions: [0], signs: [1], amplitude: 1e8, fullWidthHalfMaximum: 20e-9, normalAzimuth: 0,
    thickness: 50e-9, direction: .perp)
  let specification = SimulationSpecification(
    beam: ElectronBeam(voltage: 200e3), probeSemiAngle: 24e-3,
    detector: .annular(rings: [(0, 48e-3, 4)]), shape: GridShape(rows: 3, columns: 5),
    pixelSize: PixelSize(x: 1e-9, y: 1e-9), phantom: Phantom([.walls(wall), .walls(wall)]),
    electronsPerPixel: 1e4)
  let truth = simulate(specification).truth
  let names = truth.datasets.map(\.name)
  #expect(names.prefix(3) == ["deflection", "E_proj", "scan_rotation"])
  #expect(names.contains("wall_E0") && names.contains("wall_E0_2"))
  #expect(truth.labels.map(\.name) == ["field_kind", "field_kind_2"])
}
