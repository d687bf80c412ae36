// Arrays with a text header in one file: the form in which intermediate values are kept.

/// Named arrays and a header; equal archives give equal bytes.
///
/// ```
/// 0    8   "dpcarr1" and a line break
/// 8    8   bytes before the first array, a multiple of 64
/// 16   8   bytes of the header, and the header in UTF-8
///      8   number of arrays; then of each, in the order of their names' UTF-8:
///      8     bytes of the name, and the name
///      8     0: numbers, IEEE 754 binary64; 1: bytes
///      8     number of axes; then of each, the slowest first: 8 its length
///          zeros up to a multiple of 64
///          the arrays in the same order, each followed by zeros up to a multiple of 64
/// ```
/// All integers and numbers are little-endian.
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

/// Why a file is no archive.
public struct ArchiveDamage: Error, Sendable, CustomStringConvertible {
  public var description: String
}

// MARK: Writing

extension ArrayArchive {
  static let signature = Array("dpcarr1\n".utf8)
  static let alignment = 64

  private var sorted: [(name: String, entry: Entry)] {
    entries.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }.map { ($0, $1) }
  }

  /// Writes the archive, uncompressed: these arrays are read again soon.
  ///
  /// - Parameter take: Takes piece after piece; the memory is not its own.
  /// - Throws: what that throws.
  public func write(_ take: (UnsafeRawBufferPointer) throws -> Void) throws {
    precondition(1.littleEndian == 1, "archives are written as this machine holds numbers")
    try head.withUnsafeBytes(take)
    for (_, entry) in sorted {
      let count: Int
      switch entry.values {
      case .float64(let values):
        count = values.count * 8
        try values.withUnsafeBytes(take)
      case .uint8(let values):
        count = values.count
        try values.withUnsafeBytes(take)
      }
      try Self.padding(count).withUnsafeBytes(take)
    }
  }

  private static func padding(_ count: Int) -> [UInt8] {
    [UInt8](repeating: 0, count: (alignment - count % alignment) % alignment)
  }

  /// All that stands before the first array.
  private var head: [UInt8] {
    var body: [UInt8] = []
    func add(_ number: Int) {
      withUnsafeBytes(of: UInt64(number).littleEndian) { body.append(contentsOf: $0) }
    }
    func add(_ text: String) {
      add(text.utf8.count)
      body.append(contentsOf: text.utf8)
    }
    add(header)
    add(entries.count)
    for (name, entry) in sorted {
      add(name)
      switch entry.values {
      case .float64: add(0)
      case .uint8: add(1)
      }
      add(entry.shape.count)
      for length in entry.shape { add(length) }
    }
    body += Self.padding(16 + body.count)
    let length = withUnsafeBytes(of: UInt64(16 + body.count).littleEndian) { Array($0) }
    return Self.signature + length + body
  }
}
