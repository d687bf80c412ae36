// Sums of raw signals over frames: of short integers in 32 bits as long as they fit, of all else in double precision.

/// The same place of some frames, which follow each other.
struct FramePlaces {
  /// Where it begins in the first of them.
  var start: Int
  /// From frame to frame.
  var stride: Int
  var frames: Int
  /// Signals of each.
  var count: Int

  /// The place in one of them.
  func range(_ frame: Int) -> Range<Int> {
    (start + frame * stride)..<(start + frame * stride + count)
  }
}

/// Sums that are exact for integers, and rounded at most as often as sums of doubles are for all else.
///
/// Half the memory of doubles is read and written for each frame where the sums of short integers are held as
/// integers.
struct FrameSums: Sendable {
  /// How the sums of a type are held.
  enum Counting: Sendable {
    /// In double precision.
    case none
    /// As integers of 32 bits.
    case unsigned, signed
  }

  /// So many signals of 16 bits fit 32 bits, whatever they are and whatever their sign.
  static let limit = 65_535

  private let count: Int
  private var values: [Double] = []
  private var counts: [UInt32] = []
  private var counting = Counting.none
  /// Frames that `counts` holds.
  private var counted = 0

  init(count: Int) { self.count = count }

  /// Makes room for some frames, all to be added next.
  ///
  /// - Precondition: No more than ``limit``.
  mutating func prepare(_ next: Counting, frames: Int) {
    precondition(frames <= Self.limit, "frames that can be counted")
    if next != counting || counted + frames > Self.limit { flush() }
    counting = next
    if next == .none {
      if values.isEmpty { values = [Double](repeating: 0, count: count) }
    } else {
      if counts.isEmpty { counts = [UInt32](repeating: 0, count: count) }
      counted += frames
    }
  }

  /// Takes what was counted over into double precision.
  private mutating func flush() {
    if counted > 0 {
      var sums = [Double](repeating: 0, count: count)
      sums.withUnsafeMutableBufferPointer { copy(0..<count, to: $0) }
      values = sums
      for place in counts.indices { counts[place] = 0 }
    }
    counted = 0
  }

  /// Writes some of the sums.
  ///
  /// - Parameter target: As many places.
  func copy(_ places: Range<Int>, to target: UnsafeMutableBufferPointer<Double>) {
    precondition(target.count == places.count && places.upperBound <= count, "a place for each")
    if values.isEmpty {
      target.update(repeating: 0)
    } else {
      _ = target.update(fromContentsOf: values[places])
    }
    if counted == 0 { return }
    let counts = counts.span.extracting(places)
    if counting == .signed {
      for place in 0..<target.count { target[place] += Double(Int32(bitPattern: counts[place])) }
    } else {
      for place in 0..<target.count { target[place] += Double(counts[place]) }
    }
  }

  fileprivate mutating func count<Raw: ShortRawNumber>(
    _ raw: Span<Raw>, _ places: FramePlaces, at first: Int
  ) {
    var sums = counts.mutableSpan
    addInFours(raw, places, to: &sums, at: first, { UInt32(truncatingIfNeeded: $0) }, &+)
  }

  fileprivate mutating func add<Raw: RawNumber>(
    _ raw: Span<Raw>, _ places: FramePlaces, at first: Int
  ) {
    var sums = values.mutableSpan
    addInFours(raw, places, to: &sums, at: first, { $0.double }, +)
  }
}

/// Frames in fours, so that every sum is read and written once for four of them, and the rest one by one.
@inline(__always)
private func addInFours<Raw: RawNumber, Sum: BitwiseCopyable>(
  _ raw: Span<Raw>, _ places: FramePlaces, to sums: inout MutableSpan<Sum>, at first: Int,
  _ term: (Raw) -> Sum, _ plus: (Sum, Sum) -> Sum
) {
  let count = places.count
  precondition(first >= 0 && first + count <= sums.count, "a sum for each")
  var frame = 0
  while frame + 4 <= places.frames {
    let a = raw.extracting(places.range(frame))
    let b = raw.extracting(places.range(frame + 1))
    let c = raw.extracting(places.range(frame + 2))
    let d = raw.extracting(places.range(frame + 3))
    for place in 0..<count {
      let (left, right) = (
        plus(term(a[place]), term(b[place])), plus(term(c[place]), term(d[place]))
      )
      sums[first + place] = plus(sums[first + place], plus(left, right))
    }
    frame += 4
  }
  while frame < places.frames {
    let plane = raw.extracting(places.range(frame))
    for place in 0..<count { sums[first + place] = plus(sums[first + place], term(plane[place])) }
    frame += 1
  }
}

extension RawNumber {
  static var counting: FrameSums.Counting { .none }

  static func add(
    _ raw: Span<Self>, _ places: FramePlaces, to sums: inout FrameSums, at first: Int
  ) {
    sums.add(raw, places, at: first)
  }
}

extension ShortRawNumber {
  static var counting: FrameSums.Counting { isSigned ? .signed : .unsigned }

  static func add(
    _ raw: Span<Self>, _ places: FramePlaces, to sums: inout FrameSums, at first: Int
  ) {
    sums.count(raw, places, at: first)
  }
}
