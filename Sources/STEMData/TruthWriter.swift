// Writes what a simulation knows to be true, beside the acquisition made from it.
internal import HDF5

/// One true quantity by name, in SI units.
public struct TruthItem: Sendable {
  public enum Value: Sendable {
    case text(String)
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
  /// Writes a file that holds nothing but the truth, replacing one of that name; its maps are packed by gzip and byte
  /// shuffling.
  ///
  /// - Parameters:
  ///   - items: Named arrays in their units.
  ///   - path: A new file, or one to replace.
  public static func write(_ items: [TruthItem], to path: String) throws(AcquisitionError) {
    do {
      let file = try HDF5File(creating: path)
      try write(items, in: file.root)
      try file.close()
    } catch { throw AcquisitionError(writing: error) }
  }

  private static func write(
    _ items: [TruthItem], in root: borrowing HDF5Group
  ) throws(HDF5Error) {
    let group = try root.createGroup("/truth")
    for item in items { try write(item, in: group) }
  }

  private static func write(
    _ item: TruthItem, in group: borrowing HDF5Group
  ) throws(HDF5Error) {
    let dataset: HDF5Dataset
    switch item.value {
    case .text(let text): dataset = try group.write(item.name, text)
    case .array(let values, let shape):
      // A chunk is one plane; short lists gain nothing by packing.
      let chunk = shape.count > 2 ? [1] + shape.dropFirst() : shape
      dataset = try group.write(
        item.name, values, shape: shape,
        layout: shape.count > 1 ? .compressed(chunk: chunk, level: 9) : .contiguous)
    }
    if let unit = item.unit { try dataset.setAttribute("units", to: unit) }
  }
}
