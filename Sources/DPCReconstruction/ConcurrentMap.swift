// The one place where threads are used: independent pieces of work whose number the data decide.
internal import Dispatch
internal import Synchronization

/// What `body` gives for 0 ..< `count`, in this order, formed on as many threads as are free.
///
/// Pieces must not depend on the number of threads, so that results do not either.
/// - Throws: The error of the first piece that failed; pieces not begun by then are left out.
public func concurrentMap<Result: Sendable>(
  _ count: Int, _ body: @Sendable (Int) throws -> Result
) throws -> [Result] {
  let outcomes = Mutex([Swift.Result<Result, any Error>?](repeating: nil, count: count))
  let hasFailed = Atomic(false)
  DispatchQueue.concurrentPerform(iterations: count) { index in
    if hasFailed.load(ordering: .relaxed) { return }
    let outcome = Swift.Result { try body(index) }
    if case .failure = outcome { hasFailed.store(true, ordering: .relaxed) }
    outcomes.withLock { $0[index] = outcome }
  }
  return try outcomes.withLock { outcomes in
    for case .failure(let error)? in outcomes { throw error }
    return try outcomes.compactMap { try $0?.get() }
  }
}
