// What a dataset or an attribute is, before any of it is read.

/// The type of the stored elements.
public enum HDF5ElementType: Sendable, Equatable {
  /// `bits` counts the significant ones, which may be fewer than the bytes hold.
  case integer(bytes: Int, bits: Int, isSigned: Bool)
  case float(bytes: Int)
  case fixedString(bytes: Int)
  case variableString
  /// A type that this module does not read: compound, enumeration, reference, ...
  case other(String)
}

extension HDF5ElementType: CustomStringConvertible {
  public var description: String {
    switch self {
    case .integer(_, let bits, let isSigned): return "\(isSigned ? "int" : "uint")\(bits)"
    case .float(let bytes): return "float\(8 * bytes)"
    case .fixedString(let bytes): return "string of \(bytes) bytes"
    case .variableString: return "string"
    case .other(let name): return name
    }
  }
}

/// How a dataset's elements lie in the file.
public enum HDF5Storage: Sendable, Equatable {
  case compact
  case contiguous
  /// In blocks of this shape, each filtered by itself.
  case chunked(shape: [Int])
  /// In other files; never read.
  case external(firstFile: String)
  /// Put together from other datasets; never read.
  case virtual
}

/// A step of a dataset's compression.
public struct HDF5Filter: Sendable, Equatable {
  /// The identifier registered with The HDF Group.
  public let id: Int
  /// The name in the file, else the registered one.
  public let name: String
  /// Whether this library can undo it.
  public let isAvailable: Bool
}

/// What a dataset is.
public struct HDF5DatasetDescription: Sendable, Equatable {
  /// Empty for a scalar; [0] for a dataset without a value.
  public let shape: [Int]
  public let element: HDF5ElementType
  public let storage: HDF5Storage
  public let filters: [HDF5Filter]
  /// Bytes taken in the file, after compression, when it was opened; 0 for one that was just created.
  public let storedBytes: Int
}

/// A block of a dataset: where it begins and how far it reaches along each axis.
public struct HDF5Region: Sendable, Equatable {
  public var offset: [Int]
  public var count: [Int]

  public init(offset: [Int], count: [Int]) {
    self.offset = offset
    self.count = count
  }

  /// All of a dataset of this shape.
  public init(wholeOf shape: [Int]) {
    self.init(offset: [Int](repeating: 0, count: shape.count), count: shape)
  }

  /// Number of elements in the block.
  public var elementCount: Int { count.reduce(1, *) }
}
