// Small readers over HDF5 groups: numbers in SI units, planes and vectors by shape.
internal import HDF5
internal import STEMCore

/// What keeps a case from being judged.
struct ValidationError: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

/// Factors to SI (and from deg to rad) of the units that occur in acquisitions and truths.
private let factors: [String: Double] = [
  "nm": 1e-9, "um": 1e-6, "angstrom": 1e-10, "pm": 1e-12, "m": 1, "mrad": 1e-3, "rad": 1,
  "deg": Double.pi / 180, "kV": 1e3, "V": 1, "V/m": 1, "V m": 1, "1": 1, "": 1,
]

extension HDF5Group {
  /// A single number in SI units (angles in rad); nil where there is no such dataset.
  func number(_ path: String) throws -> Double? {
    guard try contains(path) else { return nil }
    let dataset = try dataset(path)
    return try dataset.scalar(as: Double.self) * siFactor(dataset)
  }

  /// All numbers of a dataset in SI units (angles in rad); nil where there is no such dataset.
  func numbers(_ path: String) throws -> [Double]? {
    guard try contains(path) else { return nil }
    let dataset = try dataset(path)
    let factor = try siFactor(dataset)
    return try dataset.values(as: Double.self).map { $0 * factor }
  }

  func text(_ path: String) throws -> String? {
    guard try contains(path) else { return nil }
    return try dataset(path).string()
  }

  /// A plane [rows, columns] in SI units.
  func plane(_ path: String) throws -> ScalarField? {
    guard try contains(path) else { return nil }
    let shape = try dataset(path).shape
    guard shape.count == 2, let values = try numbers(path) else {
      throw ValidationError("\(path): shape \(shape), a plane [rows, columns] is wanted")
    }
    return ScalarField(shape: GridShape(rows: shape[0], columns: shape[1]), values: values)
  }

  /// Vectors [2, rows, columns], x before y, in SI units.
  func vectors(_ path: String) throws -> VectorField? {
    guard try contains(path) else { return nil }
    let shape = try dataset(path).shape
    guard shape.count == 3, shape[0] == 2, let values = try numbers(path) else {
      throw ValidationError("\(path): shape \(shape), vectors [2, rows, columns] are wanted")
    }
    let grid = GridShape(rows: shape[1], columns: shape[2])
    return VectorField(
      shape: grid, x: Array(values[..<grid.count]), y: Array(values[grid.count...]))
  }

  private func siFactor(_ dataset: borrowing HDF5Dataset) throws -> Double {
    let unit = try dataset.attributeString("units") ?? ""
    guard let factor = factors[unit] else {
      throw ValidationError("\(dataset.path): unknown unit \(unit)")
    }
    return factor
  }
}
