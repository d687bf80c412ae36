// Acquisition, truth and result of an analytic field, written to files, each with a fault if wanted.
import Foundation
import HDF5
import STEMCore

@testable import dpc_validate

/// pv/e of electrons of 200 kV, V: a projected field of this many volts deflects by one radian.
let momentumVoltage = 343_741.126

/// V = V0 sin(kx x) cos(ky y), and what a right program leaves of it in result.h5.
struct SyntheticCase {
  var name = "case-waves"
  var shape = GridShape(rows: 20, columns: 20)
  let pixel = 1e-9
  let thickness = 50e-9
  /// V m.
  let amplitude = 1e-7
  var isSampled = false
  /// Seeds the noise; the deviation is that of `electrons` counts.
  var seed: UInt64 = 0
  var electrons = 1e6
  var view = "top"
  var walls: [ResultWall] = []
  var fitted: [ResultWall]?

  // Faults of the result.
  var transform: (VectorField) -> VectorField = { $0 }
  var potentialSign = 1.0
  var frame = "scan"
  var unit = "rad"
  var leavesOut: Set<String> = []
  var maskedCount = 0
  var errorScale = 1.0

  var potential: ScalarField {
    plane { x, y in amplitude * sin(waveX * x) * cos(waveY * y) }
  }

  /// E = -grad V, V.
  var projectedField: VectorField {
    VectorField(
      shape: shape,
      x: plane { x, y in -amplitude * waveX * cos(waveX * x) * cos(waveY * y) }.values,
      y: plane { x, y in amplitude * waveY * sin(waveX * x) * sin(waveY * y) }.values)
  }

  /// Against the field.
  var deflection: VectorField { scaled(projectedField, -1 / momentumVoltage) }

  private var waveX: Double { 2 * Double.pi / 10e-9 }
  private var waveY: Double { 2 * Double.pi / 14e-9 }

  private func plane(_ value: (Double, Double) -> Double) -> ScalarField {
    var field = ScalarField(shape: shape)
    for row in 0..<shape.rows {
      for column in 0..<shape.columns {
        field[row, column] = value(Double(column) * pixel, Double(row) * pixel)
      }
    }
    return field
  }

  // MARK: Files

  /// Writes NAME.h5 and truth-NAME.h5 into a folder and `result.h5` into its subfolder NAME.
  func write(to folder: URL) throws {
    try HDF5File.create(folder.appendingPathComponent("\(name).h5").path) {
      try writeAcquisition(to: $0)
    }
    try HDF5File.create(folder.appendingPathComponent("truth-\(name).h5").path) {
      try writeTruth(to: $0)
    }
    let output = folder.appendingPathComponent(name)
    try FileManager.default.createDirectory(at: output, withIntermediateDirectories: true)
    try HDF5File.create(output.appendingPathComponent("result.h5").path) {
      try writeResult(to: $0)
    }
  }

  /// The verdict on the files in memory's place: written, read back and compared.
  func judged() throws -> Judgment {
    try inTemporaryFolder { folder in
      try write(to: folder)
      return Judgment(
        try AcquisitionFacts(
          name: name, path: folder.appendingPathComponent("\(name).h5").path),
        truth: try Truth(path: folder.appendingPathComponent("truth-\(name).h5").path),
        result: try ResultQuantities(
          path: folder.appendingPathComponent("\(name)/result.h5").path))
    }
  }

  private func writeAcquisition(to root: borrowing HDF5Group) throws {
    for group in [
      "entry", "entry/data", "entry/instrument", "entry/instrument/optics",
      "entry/instrument/detector", "entry/instrument/scan", "entry/sample",
    ] { _ = try root.createGroup(group) }
    let sides = [8, shape.rows, shape.columns]
    let frames = "entry/data/frames"
    if isSampled {
      try root.write(frames, [UInt32](repeating: 1, count: 8 * shape.count), shape: sides)
    } else {
      try root.write(frames, [Double](repeating: 1, count: 8 * shape.count), shape: sides)
    }
    try root.dataset(frames).setAttribute("units", to: "electrons")
    try put(24, "mrad", "entry/instrument/optics/semi_convergence_angle", to: root)
    let starts = "entry/instrument/detector/segment_start"
    try root.write(starts, [-45.0, 45, 135, 225, 315, 45, 135, 225], shape: [8])
    try root.dataset(starts).setAttribute("units", to: "deg")
    try root.write("entry/instrument/scan/electrons_per_pixel", electrons)
    for axis in ["x", "y"] {
      try put(pixel * 1e9, "nm", "entry/instrument/scan/pixel_size_\(axis)", to: root)
    }
    try put(0, "deg", "entry/instrument/scan/scan_rotation", to: root)
    try put(45, "deg", "entry/sample/wall_inclination", to: root)
    try root.write("entry/sample/view", view)
  }

  private func writeTruth(to root: borrowing HDF5Group) throws {
    let group = try root.createGroup("truth")
    let field = projectedField
    try put(deflection, "rad", "deflection", to: group)
    try put(field, "V", "E_proj", to: group)
    try put(scaled(field, 1 / thickness), "V/m", "E", to: group)
    try put(potential, "V m", "potential_proj", to: group)
    guard let wall = walls.first else { return }
    try put(abs(wall.field), "V/m", "wall_E0", to: group)
    try put(wall.width, "m", "wall_fwhm", to: group)
    try group.write("wall_positions", walls.map(\.position), shape: [walls.count])
      .setAttribute("units", to: "m")
    try group.write("wall_signs", walls.map { $0.field < 0 ? -1 : 1 }, shape: [walls.count])
  }

  private func writeResult(to root: borrowing HDF5Group) throws {
    let entry = try root.createGroup("entry")
    let measured = transform(isSampled ? noisy(deflection) : deflection)
    let field = scaled(measured, -momentumVoltage)
    try writeMap("turned", measured, "deflection", unit, to: entry)
    try writeMap("volts", field, "projected_field", "V", to: entry)
    try writeMap("mean", scaled(field, 1 / thickness), "electric_field", "V/m", to: entry)
    if !leavesOut.contains("projected_potential") {
      let group = try entry.createGroup("integrated")
      var potential = potential
      // A constant is free.
      potential.values = potential.values.map { potentialSign * $0 + 3 * amplitude }
      try put(potential, "V m", "projected_potential", to: group)
      try writeMask(to: group)
    }
    guard let fitted else { return }
    let group = try entry.createGroup("table")
    for (name, unit, values) in [
      ("wall_position", "m", fitted.map(\.position)), ("wall_field", "V/m", fitted.map(\.field)),
      ("wall_width", "m", fitted.map(\.width)),
    ] {
      try group.write(name, values, shape: [values.count]).setAttribute("units", to: unit)
    }
  }

  private func writeMap(
    _ name: String, _ field: VectorField, _ quantity: String, _ unit: String,
    to entry: borrowing HDF5Group
  ) throws {
    if leavesOut.contains(quantity) { return }
    let group = try entry.createGroup(name)
    try group.setAttribute("frame", to: frame)
    let sides = [field.shape.rows, field.shape.columns]
    for (axis, values) in [("x", field.x), ("y", field.y)] {
      try group.write("\(quantity)_\(axis)", values.map { Float($0) }, shape: sides)
        .setAttribute("units", to: unit)
      if quantity == "deflection" {
        let errors = [Float](repeating: Float(deviation * errorScale), count: values.count)
        try group.write("\(quantity)_\(axis)_errors", errors, shape: sides)
          .setAttribute("units", to: unit)
      }
    }
    try writeMask(to: group)
  }

  private func writeMask(to group: borrowing HDF5Group) throws {
    let bytes = (0..<shape.count).map { UInt8($0 < maskedCount ? 1 : 0) }
    try group.write("mask", bytes, shape: [shape.rows, shape.columns])
  }

  // MARK: Noise

  /// rad per component, of quadrants: π α / (4 √N).
  var deviation: Double { Double.pi * 0.024 / (4 * electrons.squareRoot()) }

  /// Normal noise by Box and Muller from a seeded congruential generator.
  private func noisy(_ field: VectorField) -> VectorField {
    var state = seed
    func uniform() -> Double {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return (Double(state >> 11) + 0.5) / Double(1 << 53)
    }
    func normal() -> Double {
      (-2 * log(uniform())).squareRoot() * cos(2 * Double.pi * uniform())
    }
    return VectorField(
      shape: field.shape, x: field.x.map { $0 + deviation * normal() },
      y: field.y.map { $0 + deviation * normal() })
  }
}

func scaled(_ field: VectorField, _ factor: Double) -> VectorField {
  VectorField(shape: field.shape, x: field.x.map { $0 * factor }, y: field.y.map { $0 * factor })
}

/// Lends a new folder and removes it afterwards.
func inTemporaryFolder<Result>(_ body: (URL) throws -> Result) throws -> Result {
  let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("ValidationTests-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder)
}

private func put(
  _ value: Double, _ unit: String, _ path: String, to group: borrowing HDF5Group
) throws {
  try group.write(path, value).setAttribute("units", to: unit)
}

private func put(
  _ field: VectorField, _ unit: String, _ path: String, to group: borrowing HDF5Group
) throws {
  try group.write(path, field.x + field.y, shape: [2, field.shape.rows, field.shape.columns])
    .setAttribute("units", to: unit)
}

private func put(
  _ field: ScalarField, _ unit: String, _ path: String, to group: borrowing HDF5Group
) throws {
  try group.write(path, field.values, shape: [field.shape.rows, field.shape.columns])
    .setAttribute("units", to: unit)
}
