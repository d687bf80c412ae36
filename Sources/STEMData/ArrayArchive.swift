// Arrays with a text header in one file: the form in which intermediate values are kept.
public import HDF5

/// Named arrays and a header; equal archives give equal bytes.
public struct ArrayArchive: Sendable, Equatable {
  /// The numbers of one array, row after row.
  public enum Values: Sendable, Equatable {
    case float64([Double])
    case uint8([UInt8])
  }

  /// One array and its shape.
  public struct Entry: Sendable, Equatable {
    public var shape: [Int]
    public var values: Values

    public init(shape: [Int], values: Values) {
      self.shape = shape
      self.values = values
    }
  }

  /// Whatever is not an array, as text.
  public var header: String
  public var entries: [String: Entry]

  public init(header: String, entries: [String: Entry] = [:]) {
    self.header = header
    self.entries = entries
  }

  private static let headerName = "header"
  private static let arraysName = "arrays"

  /// Writes a new file, uncompressed: these arrays are read again soon.
  public func write(to path: String) throws {
    try HDF5File.create(path) { root in
      try root.write(Self.headerName, header)
      let arrays = try root.createGroup(Self.arraysName)
      for (name, entry) in entries.sorted(by: { $0.key < $1.key }) {
        switch entry.values {
        case .float64(let values): try arrays.write(name, values, shape: entry.shape)
        case .uint8(let values): try arrays.write(name, values, shape: entry.shape)
        }
      }
    }
  }

  /// Reads an archive back.
  public init(contentsOf path: String) throws(HDF5Error) {
    let file = try HDF5File(opening: path)
    header = try file.root.dataset(Self.headerName).string()
    let arrays = try file.root.group(Self.arraysName)
    entries = [:]
    for child in try arrays.children() {
      let dataset = try arrays.dataset(child.name)
      let isBytes = dataset.description.element == .integer(bytes: 1, bits: 8, isSigned: false)
      entries[child.name] = Entry(
        shape: dataset.shape,
        values: isBytes ? .uint8(try dataset.values()) : .float64(try dataset.values()))
    }
  }

  /// The numbers of an array; nil where it is absent or holds bytes.
  public func doubles(_ name: String) -> [Double]? {
    if case .float64(let values) = entries[name]?.values { return values }
    return nil
  }

  /// The bytes of an array; nil where it is absent or holds numbers.
  public func bytes(_ name: String) -> [UInt8]? {
    if case .uint8(let values) = entries[name]?.values { return values }
    return nil
  }
}
