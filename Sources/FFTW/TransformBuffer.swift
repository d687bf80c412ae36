// The memory on which transforms run: aligned for vector instructions, with exactly one owner.

/// A complex number in FFTW's layout: the real part, then the imaginary part.
@frozen
public struct Complex: BitwiseCopyable, Sendable, Equatable {
  public var real: Double
  public var imaginary: Double

  @inlinable
  public init(_ real: Double, _ imaginary: Double) {
    self.real = real
    self.imaginary = imaginary
  }
}

/// A block of `Double` or ``Complex`` numbers, aligned to 64 bytes, freed when its owner goes.
///
/// Every plan of this module is made for this alignment, so it runs on any buffer of its count.
@frozen
public struct TransformBuffer<Element: BitwiseCopyable>: ~Copyable {
  /// In bytes; a cache line, and the widest vector register.
  @usableFromInline static var alignment: Int { 64 }

  public let count: Int
  @usableFromInline let base: UnsafeMutablePointer<Element>

  /// A buffer of zeros.
  public init(count: Int) {
    self.init(uninitializedCount: count)
    UnsafeMutableRawPointer(base)
      .initializeMemory(as: UInt8.self, repeating: 0, count: count * MemoryLayout<Element>.stride)
  }

  /// A buffer holding a copy of `values`.
  public init(copying values: [Element]) {
    self.init(uninitializedCount: values.count)
    values.withUnsafeBufferPointer { source in
      if let start = source.baseAddress { base.initialize(from: start, count: source.count) }
    }
  }

  /// Memory without content, for planning: an estimated plan reads and writes nothing.
  init(uninitializedCount count: Int) {
    precondition(count >= 0, "a buffer has no negative size")
    self.count = count
    // SAFETY: the block is bound to Element once, here, and freed once, in deinit.
    let memory = UnsafeMutableRawPointer.allocate(
      byteCount: max(1, count) * MemoryLayout<Element>.stride, alignment: Self.alignment)
    base = memory.bindMemory(to: Element.self, capacity: max(1, count))
  }

  deinit { UnsafeMutableRawPointer(base).deallocate() }

  /// A copy of the numbers as an array.
  public func array() -> [Element] {
    [Element](UnsafeBufferPointer(start: base, count: count))
  }

  /// Lends the numbers for reading.
  @inlinable
  public func withSpan<Result, Failure: Error>(
    _ body: (Span<Element>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    // SAFETY: the span cannot leave the closure, and the buffer lives at least as long.
    try body(UnsafeBufferPointer(start: base, count: count).span)
  }

  /// Lends the numbers for writing.
  @inlinable
  public mutating func withMutableSpan<Result, Failure: Error>(
    _ body: (inout MutableSpan<Element>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    // SAFETY: as in withSpan; `mutating` keeps every other access out meanwhile.
    var span = UnsafeMutableBufferPointer(start: base, count: count).mutableSpan
    return try body(&span)
  }
}

// Not a race: the block has one owner, and writing needs exclusive access to it.
extension TransformBuffer: @unchecked Sendable where Element: Sendable {}
