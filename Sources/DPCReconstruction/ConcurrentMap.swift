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
  DispatchQueue.concurrentPerform(iterations: count) { index in
    if hasFailed.load(ordering: .relaxed) { return }
    let outcome = Result { () throws(Failure) in try body(index) }
    if case .failure = outcome { hasFailed.store(true, ordering: .relaxed) }
    outcomes.withLock { $0[index] = outcome }
  }
  let finished = outcomes.withLock { $0 }
  for case .failure(let error)? in finished { throw error }
  var results: [Output] = []
  results.reserveCapacity(count)
  for case .success(let result)? in finished { results.append(result) }
  return results
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
