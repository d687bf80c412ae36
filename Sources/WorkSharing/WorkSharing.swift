// The one place where threads are used: independent pieces of work whose number the data decide.
internal import Glibc
internal import Synchronization

/// Runs `body` for 0 ..< `count`, in no order, on as many threads as are free, those included that become free
/// meanwhile.
///
/// Pieces must not depend on the number of threads, so that results do not either; none may touch what
/// another writes.
public func shareWork(_ count: Int, _ body: @Sendable (_ piece: Int) -> Void) {
  if count <= 1 {
    if count == 1 { body(0) }
    return
  }
  withoutActuallyEscaping(body) { body in
    let budget = ThreadBudget.shared
    let pieces = SharedPieces(count, budget, body)
    budget.enter()
    pieces.work()
    pieces.end()
    budget.leave()
  }
}

/// What `body` gives for 0 ..< `count`, in this order; see ``shareWork(_:_:)``.
///
/// - Throws: The error of the first piece that failed; pieces not begun by then are left out.
public func concurrentMap<Output: Sendable, Failure: Error>(
  _ count: Int, _ body: @Sendable (Int) throws(Failure) -> Output
) throws(Failure) -> [Output] {
  let outcomes = Mutex([Result<Output, Failure>?](repeating: nil, count: count))
  let hasFailed = Atomic(false)
  shareWork(count) { piece in
    if hasFailed.load(ordering: .relaxed) { return }
    let outcome = Result { () throws(Failure) in try body(piece) }
    if case .failure = outcome { hasFailed.store(true, ordering: .relaxed) }
    outcomes.withLock { $0[piece] = outcome }
  }
  let finished = outcomes.withLock { $0 }
  for case .failure(let error)? in finished { throw error }
  var results: [Output] = []
  results.reserveCapacity(count)
  for case .success(let result)? in finished { results.append(result) }
  return results
}

/// Positions of a piece.
private let pieceLength = 1 << 15

/// Runs `body` on consecutive pieces of `count` positions; see ``shareWork(_:_:)``.
///
/// A piece is a multiple of 1024 positions, but for the last.
public func concurrentPieces(_ count: Int, _ body: @Sendable (Range<Int>) -> Void) {
  shareWork((count + pieceLength - 1) / pieceLength) { piece in
    body((piece * pieceLength)..<min((piece + 1) * pieceLength, count))
  }
}

/// What `body` gives for the pieces of ``concurrentPieces(_:_:)``, in their order.
public func mapPieces<Output: Sendable>(
  _ count: Int, _ body: @Sendable (Range<Int>) -> Output
) -> [Output] {
  concurrentMap((count + pieceLength - 1) / pieceLength) { piece in
    body((piece * pieceLength)..<min((piece + 1) * pieceLength, count))
  }
}

/// Has all work of this process share so many threads from now on: whoever finds none free works alone.
///
/// No result depends on it. Without it there are as many as the system offers.
///
/// - Parameter threads: At least 1.
public func limitThreads(to threads: Int) { ThreadBudget.shared.limit(to: threads) }

/// Says that a thread is at work, whether or not it calls ``shareWork(_:_:)``, until ``vacateThread()``: pieces of
/// others' work are not given to a thread that has work of its own.
public func occupyThread() { ThreadBudget.shared.occupy(1) }

/// ``occupyThread()`` where one is free beside those that are at work.
///
/// - Returns: Whether one was; only then it is to be vacated.
public func occupyFreeThread() -> Bool { ThreadBudget.shared.occupyFree() }

/// Ends what ``occupyThread()`` began.
public func vacateThread() { ThreadBudget.shared.occupy(-1) }

/// A thread for work beside the caller's; given back when nobody holds it any more.
public final class BorrowedThread: Sendable {
  private init() {}

  deinit { ThreadBudget.shared.giveBack() }

  /// - Returns: nil where none is free.
  public static func take() -> BorrowedThread? {
    ThreadBudget.shared.borrow() ? BorrowedThread() : nil
  }
}

/// How many threads are at work, and how many there may be. Whoever asks for more has one, even where none is
/// left.
struct ThreadCounts {
  var limit: Int
  /// Threads said to be at work.
  var occupied = 0
  /// Threads that share their work; taken to be among those said to be at work, where there are any.
  var sharing = 0
  /// Threads that work for others.
  private(set) var borrowed = 0

  private var used: Int { borrowed + max(1, occupied, sharing) }

  /// - Returns: Whether there is one more.
  mutating func borrow() -> Bool {
    if used >= limit { return false }
    borrowed += 1
    return true
  }

  mutating func giveBack() { borrowed -= 1 }

  /// Occupies a thread if one is free.
  mutating func occupyFree() -> Bool {
    if used >= limit { return false }
    occupied += 1
    return true
  }
}

/// The threads of this process.
final class ThreadBudget: Sendable {
  static let shared = ThreadBudget(limit: max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))))

  private let counts: Mutex<ThreadCounts>

  init(limit: Int) { counts = Mutex(ThreadCounts(limit: limit)) }

  func limit(to limit: Int) { counts.withLock { $0.limit = max(1, limit) } }

  func occupy(_ change: Int) { counts.withLock { $0.occupied += change } }

  func borrow() -> Bool { counts.withLock { $0.borrow() } }

  func giveBack() { counts.withLock { $0.giveBack() } }

  /// Says that a thread shares its work, until ``leave()``.
  func enter() { counts.withLock { $0.sharing += 1 } }

  func leave() { counts.withLock { $0.sharing -= 1 } }

  func occupyFree() -> Bool { counts.withLock { $0.occupyFree() } }
}
