// Maps made and changed in place, piece by piece on all threads: new memory costs more than the arithmetic.
internal import Dispatch
public import STEMCore

/// Positions of a piece: a multiple of the block of ``orderedSum(_:_:)``.
private let pieceLength = 1 << 15

/// Runs `body` on consecutive pieces of `count` positions, on as many threads as are free.
///
/// The pieces are the same for any number of threads. No piece may write to another's positions.
public func concurrentPieces(_ count: Int, _ body: @Sendable (Range<Int>) -> Void) {
  let pieces = (count + pieceLength - 1) / pieceLength
  if pieces <= 1 { return body(0..<count) }
  DispatchQueue.concurrentPerform(iterations: pieces) { piece in
    body((piece * pieceLength)..<min((piece + 1) * pieceLength, count))
  }
}

/// What `body` gives for consecutive pieces of `count` positions, in their order; the pieces are the same
/// for any number of threads.
public func mapPieces<Output: Sendable>(
  _ count: Int, _ body: @Sendable (Range<Int>) -> Output
) -> [Output] {
  concurrentMap((count + pieceLength - 1) / pieceLength) { piece in
    body((piece * pieceLength)..<min((piece + 1) * pieceLength, count))
  }
}

/// ``orderedSum(_:_:)`` on all threads: the same bits.
func concurrentSum(_ count: Int, _ term: @Sendable (Int) -> Double) -> Double {
  let block = orderedSumBlock
  var partials = [Double](repeating: 0, count: (count + block - 1) / block)
  partials.share { partials in
    concurrentPieces(count) { positions in
      for start in stride(from: positions.lowerBound, to: positions.upperBound, by: block) {
        var partial = 0.0
        for index in start..<min(start + block, positions.upperBound) { partial += term(index) }
        partials[start / block] = partial
      }
    }
  }
  return partials.reduce(0, +)
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
}

/// The numbers of a vector map while several threads write to them.
public struct SharedVectorMap: Sendable {
  public let x: SharedPlane<Double>
  public let y: SharedPlane<Double>
  /// xx, yy and xy; nil where nothing is known of the errors.
  public let covariance:
    (xx: SharedPlane<Double>, yy: SharedPlane<Double>, xy: SharedPlane<Double>)?
  public let mask: SharedPlane<UInt8>

  /// Puts a part of the map in its place.
  ///
  /// - Parameters:
  ///   - part: With a covariance where this map has one.
  ///   - first: The position of the part's first pixel; the others follow it.
  public func write(_ part: VectorMap, at first: Int) {
    func copy<Element>(_ source: [Element], to target: SharedPlane<Element>) {
      _ = target[first..<(first + source.count)].update(fromContentsOf: source)
    }
    copy(part.field.x, to: x)
    copy(part.field.y, to: y)
    copy(part.mask.bytes, to: mask)
    guard let covariance else { return }
    guard let errors = part.covariance else { preconditionFailure("a part has the map's errors") }
    copy(errors.xx, to: covariance.xx)
    copy(errors.yy, to: covariance.yy)
    copy(errors.xy, to: covariance.xy)
  }
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

  /// Lends the numbers to several threads; arrays that another map holds as well are copied first.
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
    _ body: (
      (xx: SharedPlane<Double>, yy: SharedPlane<Double>, xy: SharedPlane<Double>)?
    ) throws(Failure) -> Result
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
