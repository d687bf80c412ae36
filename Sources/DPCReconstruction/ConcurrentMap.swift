// The one place where threads are used: independent pieces of work whose number the data decide.
internal import Dispatch
internal import STEMCore
internal import Synchronization

/// What `body` gives for 0 ..< `count`, in this order, formed on as many threads as are free.
///
/// Pieces must not depend on the number of threads, so that results do not either.
/// - Throws: The error of the first piece that failed; pieces not begun by then are left out.
public func concurrentMap<Output: Sendable, Failure: Error>(
  _ count: Int, _ body: @Sendable (Int) throws(Failure) -> Output
) throws(Failure) -> [Output] {
  let outcomes = Mutex([Result<Output, Failure>?](repeating: nil, count: count))
  let hasFailed = Atomic(false)
  let next = Atomic(0)
  let helpers = ThreadBudget.shared.enter(helpers: count - 1)
  DispatchQueue.concurrentPerform(iterations: helpers + 1) { _ in
    while !hasFailed.load(ordering: .relaxed) {
      let index = next.add(1, ordering: .relaxed).oldValue
      if index >= count { return }
      let outcome = Result { () throws(Failure) in try body(index) }
      if case .failure = outcome { hasFailed.store(true, ordering: .relaxed) }
      outcomes.withLock { $0[index] = outcome }
    }
  }
  ThreadBudget.shared.leave(helpers: helpers)
  let finished = outcomes.withLock { $0 }
  for case .failure(let error)? in finished { throw error }
  var results: [Output] = []
  results.reserveCapacity(count)
  for case .success(let result)? in finished { results.append(result) }
  return results
}

/// Has all work of this process share so many threads from now on: whoever finds none free works alone.
///
/// No result depends on it. Without it there are as many as the system offers.
///
/// - Parameter threads: At least 1.
public func limitThreads(to threads: Int) { ThreadBudget.shared.limit(to: threads) }

/// Threads at work, and how many there may be. Each caller has the one on which it is called, even where none
/// is left.
private final class ThreadBudget: Sendable {
  static let shared = ThreadBudget()

  private let threads = Mutex((limit: Int.max, busy: 0))

  func limit(to limit: Int) { threads.withLock { $0.limit = max(1, limit) } }

  /// - Parameter helpers: How many threads could be of use beside the caller's own.
  /// - Returns: How many it may have.
  func enter(helpers: Int) -> Int {
    threads.withLock { threads in
      let taken = max(0, min(helpers, threads.limit - threads.busy - 1))
      threads.busy += taken + 1
      return taken
    }
  }

  func leave(helpers: Int) { threads.withLock { $0.busy -= helpers + 1 } }
}

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
    DispatchQueue.concurrentPerform(iterations: (shape.rows + height - 1) / height) { index in
      let rows = index * height..<min(shape.rows, (index + 1) * height)
      let places = rows.lowerBound * shape.columns..<rows.upperBound * shape.columns
      // SAFETY: the places of a band lie within the buffer, whose owner is borrowed meanwhile.
      var band = UnsafeMutableBufferPointer(rebasing: whole[places]).mutableSpan
      for row in rows { body(row, (row - rows.lowerBound) * shape.columns, &band) }
    }
  }
}
