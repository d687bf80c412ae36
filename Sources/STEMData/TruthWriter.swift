// Writes what a simulation knows to be true, beside the acquisition made from it.
internal import HDF5
public import STEMCore

/// One true quantity by name, in SI units.
public struct TruthItem: Sendable {
  public enum Value: Sendable {
    case text(String)
    case scalar(Double)
    case list([Double])
    /// Shape (rows, columns).
    case field(ScalarField)
    /// Stored as [2, rows, columns]: x, then y.
    case vectors(VectorField)
  }

  public var name: String
  /// As "V/m"; nil for a text or a pure number.
  public var unit: String?
  public var value: Value

  public init(_ name: String, _ value: Value, unit: String?) {
    self.name = name
    self.value = value
    self.unit = unit
  }
}

/// Writes the group `/truth`.
public enum TruthWriter {
  /// Writes a file that holds nothing but the truth, replacing one of that name.
  public static func write(_ items: [TruthItem], to path: String) throws(AcquisitionError) {
    do {
      let file = try HDF5File(creating: path)
      try write(items, in: file.root)
      try file.close()
    } catch { throw AcquisitionError(writing: error) }
  }

  static func write(_ items: [TruthItem], in root: borrowing HDF5Group) throws(HDF5Error) {
    let group = try root.createGroup("/truth")
    for item in items {
      let dataset =
        switch item.value {
        case .text(let text): try group.write(item.name, text)
        case .scalar(let value): try group.write(item.name, value)
        case .list(let values): try group.write(item.name, values, shape: [values.count])
        case .field(let field):
          try group.write(
            item.name, field.values, shape: [field.shape.rows, field.shape.columns])
        case .vectors(let field):
          try group.write(
            item.name, field.x + field.y, shape: [2, field.shape.rows, field.shape.columns])
        }
      if let unit = item.unit { try dataset.setAttribute("units", to: unit) }
    }
  }
}
