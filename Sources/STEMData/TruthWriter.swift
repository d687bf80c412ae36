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
    /// Row-major, of any rank; an empty shape is one number.
    case array([Double], shape: [Int])
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
  ///
  /// - Parameters:
  ///   - items: Named arrays in their units.
  ///   - path: A new file, or one to replace.
  ///   - isCompressed: Packs maps by gzip and byte shuffling.
  public static func write(
    _ items: [TruthItem], to path: String, isCompressed: Bool = false
  ) throws(AcquisitionError) {
    do {
      let file = try HDF5File(creating: path)
      try write(items, in: file.root, isCompressed: isCompressed)
      try file.close()
    } catch { throw AcquisitionError(writing: error) }
  }

  static func write(
    _ items: [TruthItem], in root: borrowing HDF5Group, isCompressed: Bool = false
  ) throws(HDF5Error) {
    func write(
      _ name: String, _ values: [Double], _ shape: [Int], in group: borrowing HDF5Group
    ) throws(HDF5Error) -> HDF5Dataset {
      // A chunk is one plane; short lists gain nothing by packing.
      let chunk = shape.count > 2 ? [1] + shape.dropFirst() : shape
      let isPacked = isCompressed && shape.count > 1
      return try group.write(
        name, values, shape: shape,
        layout: isPacked ? .compressed(chunk: chunk, level: 9) : .contiguous)
    }
    let group = try root.createGroup("/truth")
    for item in items {
      let dataset =
        switch item.value {
        case .text(let text): try group.write(item.name, text)
        case .scalar(let value): try group.write(item.name, value)
        case .list(let values): try group.write(item.name, values, shape: [values.count])
        case .field(let field):
          try write(
            item.name, field.values, [field.shape.rows, field.shape.columns], in: group)
        case .vectors(let field):
          try write(
            item.name, field.x + field.y, [2, field.shape.rows, field.shape.columns], in: group)
        case .array(let values, let shape): try write(item.name, values, shape, in: group)
        }
      if let unit = item.unit { try dataset.setAttribute("units", to: unit) }
    }
  }
}
