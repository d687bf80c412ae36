// Maps made and changed in place, piece by piece on all threads: new memory costs more than the arithmetic.
public import STEMCore
internal import WorkSharing

/// Fills a plane line by line, bands of lines on all threads.
///
/// - Parameters:
///   - values: One value per place of `shape`, row after row; what is there already is handed on.
///   - shape: Of the plane.
///   - body: Works on the line `row`, which begins at `start` of the band lent to it.
func forEachLine<Element: BitwiseCopyable & Sendable>(
  of values: inout [Element], _ shape: GridShape,
  _ body: @Sendable (_ row: Int, _ start: Int, _ band: inout MutableSpan<Element>) -> Void
) {
  precondition(values.count == shape.count, "one value per place")
  let height = 64
  values.withUnsafeMutableBufferPointer { buffer in
    // Not a race: every band of lines belongs to one piece of work, and all end before this does.
    nonisolated(unsafe) let whole = buffer
    shareWork((shape.rows + height - 1) / height) { index in
      let rows = index * height..<min(shape.rows, (index + 1) * height)
      let places = rows.lowerBound * shape.columns..<rows.upperBound * shape.columns
      // SAFETY: the places of a band lie within the buffer, whose owner is borrowed meanwhile.
      var band = UnsafeMutableBufferPointer(rebasing: whole[places]).mutableSpan
      for row in rows { body(row, (row - rows.lowerBound) * shape.columns, &band) }
    }
  }
}

/// Numbers that several threads write to, each its own positions.
public struct SharedPlane<Element: BitwiseCopyable>: @unchecked Sendable {
  // Not a race: whoever lends the numbers has them to itself, and whoever writes keeps to its positions.
  private let buffer: UnsafeMutableBufferPointer<Element>

  fileprivate init(_ buffer: UnsafeMutableBufferPointer<Element>) { self.buffer = buffer }

  public var count: Int { buffer.count }

  @inline(__always)
  public subscript(position: Int) -> Element {
    get { buffer[position] }
    nonmutating set { buffer[position] = newValue }
  }

  /// The numbers at some positions.
  public subscript(positions: Range<Int>) -> UnsafeMutableBufferPointer<Element> {
    UnsafeMutableBufferPointer(rebasing: buffer[positions])
  }
}

extension Array where Element: BitwiseCopyable {
  /// Numbers that are yet to be written, every one before any is read.
  public init(uninitializedCount count: Int) {
    self.init(unsafeUninitializedCapacity: count) { $1 = count }
  }

  /// Lends the numbers to several threads.
  public mutating func share<Result, Failure: Error>(
    _ body: (SharedPlane<Element>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try withUnsafeMutableBufferPointer { buffer throws(Failure) in
      try body(SharedPlane(buffer))
    }
  }

  /// Lends the numbers with room for what takes their place, to several threads: both are the same memory, or new
  /// memory where another array holds the numbers as well, so that none are copied only to be changed.
  ///
  /// - Parameter body: Reads `old` only, and writes a number to every position of `new`, at each after it has read
  ///   what was there.
  mutating func rewrite(_ body: (_ old: SharedPlane<Element>, _ new: SharedPlane<Element>) -> Void)
  {
    guard hasOtherOwners() else { return share { body($0, $0) } }
    var numbers = Self(uninitializedCount: count)
    withUnsafeBufferPointer { old in
      numbers.share { body(SharedPlane(UnsafeMutableBufferPointer(mutating: old)), $0) }
    }
    self = numbers
  }

  /// Whether writing to the numbers would copy them.
  private mutating func hasOtherOwners() -> Bool {
    // SAFETY: an array is a reference to its numbers' storage and nothing else. Were it not, the answer could be
    // wrong, and with it the time, never a number.
    withUnsafeMutablePointer(to: &self) { array in
      array.withMemoryRebound(to: AnyObject.self, capacity: 1) { storage in
        !isKnownUniquelyReferenced(&storage.pointee)
      }
    }
  }
}

/// Both components of vectors that several threads write to.
typealias SharedVectors = (x: SharedPlane<Double>, y: SharedPlane<Double>)

/// xx, yy and xy of covariances that several threads write to.
public typealias SharedCovariance = (
  xx: SharedPlane<Double>, yy: SharedPlane<Double>, xy: SharedPlane<Double>
)

extension VectorField {
  /// Every vector by another, as numbers of an array are rewritten.
  mutating func rewrite(_ body: (_ old: SharedVectors, _ new: SharedVectors) -> Void) {
    x.rewrite { oldX, newX in
      y.rewrite { oldY, newY in body((oldX, oldY), (newX, newY)) }
    }
  }
}

extension VectorCovariance {
  /// Every covariance by another, in the same way.
  mutating func rewrite(_ body: (_ old: SharedCovariance, _ new: SharedCovariance) -> Void) {
    xx.rewrite { oldXX, newXX in
      yy.rewrite { oldYY, newYY in
        xy.rewrite { oldXY, newXY in body((oldXX, oldYY, oldXY), (newXX, newYY, newXY)) }
      }
    }
  }
}

/// The numbers of a vector map while several threads write to them.
public struct SharedVectorMap: Sendable {
  public let x: SharedPlane<Double>
  public let y: SharedPlane<Double>
  /// xx, yy and xy; nil where nothing is known of the errors.
  public let covariance: SharedCovariance?
  public let mask: SharedPlane<UInt8>
}

extension VectorMap {
  /// A map whose numbers are yet to be written, every one before any is read.
  public init(uninitialized shape: GridShape, withCovariance: Bool, pixelSize: PixelSize?) {
    func plane() -> [Double] { Array(uninitializedCount: shape.count) }
    self.init(
      field: VectorField(shape: shape, x: plane(), y: plane()),
      covariance: withCovariance
        ? VectorCovariance(shape: shape, xx: plane(), yy: plane(), xy: plane()) : nil,
      mask: PixelMask(shape: shape, bytes: Array(uninitializedCount: shape.count)),
      pixelSize: pixelSize)
  }

  /// Lends the numbers to several threads.
  public mutating func share<Result, Failure: Error>(
    _ body: (SharedVectorMap) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    // Else the arrays would have two owners, and lending them would copy them.
    var errors = covariance
    covariance = nil
    defer { covariance = errors }
    return try field.x.share { x throws(Failure) in
      try field.y.share { y throws(Failure) in
        try mask.bytes.share { mask throws(Failure) in
          return try errors.share { planes throws(Failure) in
            try body(SharedVectorMap(x: x, y: y, covariance: planes, mask: mask))
          }
        }
      }
    }
  }
}

extension VectorCovariance? {
  /// Lends the numbers to several threads; nil where there are none.
  fileprivate mutating func share<Result, Failure: Error>(
    _ body: (SharedCovariance?) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    guard var errors = self else { return try body(nil) }
    self = nil
    defer { self = errors }
    return try errors.xx.share { xx throws(Failure) in
      try errors.yy.share { yy throws(Failure) in
        try errors.xy.share { xy throws(Failure) in try body((xx, yy, xy)) }
      }
    }
  }
}
