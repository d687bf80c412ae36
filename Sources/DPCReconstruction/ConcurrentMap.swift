// The one place where threads are used: independent pieces of work whose number the data decide.
internal import Dispatch
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
