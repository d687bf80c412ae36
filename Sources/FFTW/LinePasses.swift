// A transform of a plane as two passes over its lines, several lines at a time and on all threads.
internal import CFFTW
internal import WorkSharing

/// Writes some rows of a plane, one behind the other; called from several threads.
public typealias PlaneFill =
  @Sendable (_ rows: Range<Int>, _ lines: UnsafeMutablePointer<Double>) -> Void

/// Plans for all lines of a plane along one axis, a fixed number of lines at a time.
///
/// Which lines go together depends on the plane alone, so that the bytes do not depend on the number of
/// threads. Groups begin at multiples of ``groupLength`` lines: every one is aligned as the plan wants it.
struct LinePlans: ~Copyable, @unchecked Sendable {
  // Not a race: executing a plan only reads it.
  static let groupLength = 16
  /// Below this number of samples threads cost more than they save.
  private static let smallCount = 1 << 14

  private let full: Plan
  private let rest: Plan
  let lineCount: Int
  private let sampleCount: Int

  /// - Parameters:
  ///   - lineCount: Lines of the plane.
  ///   - lineLength: Samples of each.
  ///   - make: Plans the transform of so many neighboring lines.
  init(lineCount: Int, lineLength: Int, _ make: (_ lines: Int32) -> OpaquePointer?) {
    self.lineCount = lineCount
    sampleCount = lineCount * lineLength
    let remainder = lineCount % Self.groupLength
    full = Plan { make(Int32(min(lineCount, Self.groupLength))) }
    rest = Plan { make(Int32(remainder == 0 ? 1 : remainder)) }
  }

  /// What `body` makes of every group of columns of two planes, copied together into lines; nothing is copied back.
  ///
  /// - Parameter body: Gets the plan, the lines of both planes, and which columns they are.
  func mapColumnGroups<Element: BitwiseCopyable, Output: Sendable>(
    of first: UnsafeMutablePointer<Element>, _ second: UnsafeMutablePointer<Element>, rows: Int,
    _ body:
      @Sendable (
        OpaquePointer, UnsafeMutablePointer<Element>, UnsafeMutablePointer<Element>, Range<Int>
      ) -> Output
  ) -> [Output] {
    let (plans, columns, length) = (groupPlans(), lineCount, Self.groupLength)
    // SAFETY: the planes are only read.
    nonisolated(unsafe) let planes = (first, second)
    return concurrentMap((columns + length - 1) / length) { group in
      let range = (group * length)..<min((group + 1) * length, columns)
      let left = fetched(range, of: planes.0, rows: rows, columns: columns)
      let right = fetched(range, of: planes.1, rows: rows, columns: columns)
      let output = body(plans[range.count], left.base, right.base, range)
      _ = consume left
      _ = consume right
      return output
    }
  }

  /// What transforms groups of lines; to be used while these plans live.
  func groupPlans() -> GroupPlans {
    GroupPlans(full: full.pointer, rest: rest.pointer, lineCount: lineCount)
  }

  /// Runs `body` for every group of lines: its plan, its first line and how many there are.
  func forEachGroup(_ body: @Sendable (OpaquePointer, _ first: Int, _ count: Int) -> Void) {
    let length = Self.groupLength
    let groups = (lineCount + length - 1) / length
    let (plans, lineCount) = (groupPlans(), lineCount)
    @Sendable func perform(_ group: Int) {
      let first = group * length
      let count = min(length, lineCount - first)
      body(plans[count], first, count)
    }
    if groups == 1 || sampleCount < Self.smallCount {
      for group in 0..<groups { perform(group) }
    } else {
      shareWork(groups, perform)
    }
  }

  /// Runs `body` on every group of columns of a plane, copied together into lines and copied back.
  ///
  /// Columns of a large plane lie pages apart: a group of them, a whole cache line wide, is fetched once.
  ///
  /// - Parameter body: Gets the plan, the lines, and which columns they are.
  func forEachColumnGroup<Element: BitwiseCopyable>(
    of plane: UnsafeMutablePointer<Element>, rows: Int,
    _ body: @Sendable (OpaquePointer, UnsafeMutablePointer<Element>, Range<Int>) -> Void
  ) {
    let columns = lineCount
    // SAFETY: each group reads and writes its own columns.
    nonisolated(unsafe) let plane = plane
    forEachGroup { plan, first, count in
      let lines = fetched(first..<(first + count), of: plane, rows: rows, columns: columns)
      body(plan, lines.base, first..<(first + count))
      store(lines, as: first..<(first + count), of: plane, rows: rows, columns: columns)
    }
  }

  /// Runs `body` on every group of columns of two planes, copied together into lines, and copies back what it makes
  /// of those of the first or of both.
  ///
  /// - Parameters:
  ///   - copiesSecond: Whether the second plane is written; else it stays as it is.
  ///   - body: Gets the lines of both planes, and which columns they are.
  func forEachColumnGroup<Element: BitwiseCopyable>(
    of first: UnsafeMutablePointer<Element>, _ second: UnsafeMutablePointer<Element>, rows: Int,
    copiesSecond: Bool,
    _ body:
      @Sendable (UnsafeMutablePointer<Element>, UnsafeMutablePointer<Element>, Range<Int>) -> Void
  ) {
    let columns = lineCount
    // SAFETY: each group reads and writes its own columns.
    nonisolated(unsafe) let planes = (first, second)
    forEachGroup { _, start, count in
      let group = start..<(start + count)
      let left = fetched(group, of: planes.0, rows: rows, columns: columns)
      let right = fetched(group, of: planes.1, rows: rows, columns: columns)
      body(left.base, right.base, group)
      store(left, as: group, of: planes.0, rows: rows, columns: columns)
      if copiesSecond {
        store(right, as: group, of: planes.1, rows: rows, columns: columns)
      } else {
        _ = consume right
      }
    }
  }
}

/// Some columns of a plane, one behind the other.
@inline(__always)
private func fetched<Element: BitwiseCopyable>(
  _ group: Range<Int>, of plane: UnsafeMutablePointer<Element>, rows: Int, columns: Int
) -> TransformBuffer<Element> {
  let lines = TransformBuffer<Element>(uninitializedCount: group.count * rows)
  let (base, first) = (lines.base, group.lowerBound)
  for top in stride(from: 0, to: rows, by: 8) {
    let bottom = min(top + 8, rows)
    for column in 0..<group.count {
      for row in top..<bottom {
        base[column * rows + row] = plane[row * columns + first + column]
      }
    }
  }
  return lines
}

/// Puts lines back as columns of the plane they came from.
@inline(__always)
private func store<Element: BitwiseCopyable>(
  _ lines: consuming TransformBuffer<Element>, as group: Range<Int>,
  of plane: UnsafeMutablePointer<Element>, rows: Int, columns: Int
) {
  let (base, first) = (lines.base, group.lowerBound)
  for row in 0..<rows {
    for column in 0..<group.count {
      plane[row * columns + first + column] = base[column * rows + row]
    }
  }
  _ = consume lines
}

/// The plans of whole groups of lines and of the last, without their owner.
struct GroupPlans: @unchecked Sendable {
  // Not a race: executing a plan only reads it.
  fileprivate let full: OpaquePointer
  fileprivate let rest: OpaquePointer
  fileprivate let lineCount: Int

  /// For a group of so many lines.
  subscript(count: Int) -> OpaquePointer {
    count == min(lineCount, LinePlans.groupLength) ? full : rest
  }
}

/// Room for planning: an estimated plan reads and writes nothing.
func planningBuffer<Element>(
  rows: Int, columns: Int, of type: Element.Type
) -> TransformBuffer<Element> {
  TransformBuffer(
    uninitializedCount: max(
      min(rows, LinePlans.groupLength) * columns, min(columns, LinePlans.groupLength) * rows))
}
