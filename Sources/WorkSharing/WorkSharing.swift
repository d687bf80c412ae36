// The one place where threads are used: independent pieces of work whose number the data decide.
internal import Dispatch
internal import Synchronization

/// Runs `body` for 0 ..< `count`, in no order, on as many threads as are free.
///
/// Pieces must not depend on the number of threads, so that results do not either; none may touch what
/// another writes.
public func shareWork(_ count: Int, _ body: @Sendable (_ piece: Int) -> Void) {
  if count <= 1 {
    if count == 1 { body(0) }
    return
  }
  let next = Atomic(0)
  let helpers = ThreadBudget.shared.enter(helpers: count - 1)
  DispatchQueue.concurrentPerform(iterations: helpers + 1) { _ in
    while true {
      let piece = next.add(1, ordering: .relaxed).oldValue
      if piece >= count { return }
      body(piece)
    }
  }
  ThreadBudget.shared.leave(helpers: helpers)
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

/// Ends what ``occupyThread()`` began.
public func vacateThread() { ThreadBudget.shared.occupy(-1) }

/// A thread for work beside the caller's; given back when nobody holds it any more.
public final class BorrowedThread: Sendable {
  private init() {}

  deinit { ThreadBudget.shared.giveBack(1) }

  /// - Returns: nil where none is free.
  public static func take() -> BorrowedThread? {
    ThreadBudget.shared.borrow() ? BorrowedThread() : nil
  }
}

/// How many threads are at work, and how many there may be. Whoever asks for more has one, even where none is
/// left.
struct ThreadCounts {
  var limit = Int.max
  /// Threads said to be at work.
  var occupied = 0
  /// Threads that share their work; taken to be among those said to be at work, where there are any.
  var sharing = 0
  /// Threads that work for others.
  private(set) var borrowed = 0

  /// - Returns: How many of `count` there are.
  mutating func borrow(upTo count: Int) -> Int {
    let taken = max(0, min(count, limit - borrowed - max(1, occupied, sharing)))
    borrowed += taken
    return taken
  }

  mutating func giveBack(_ count: Int) { borrowed -= count }
}

/// The threads of this process.
private final class ThreadBudget: Sendable {
  static let shared = ThreadBudget()

  private let counts = Mutex(ThreadCounts())

  func limit(to limit: Int) { counts.withLock { $0.limit = max(1, limit) } }

  func occupy(_ change: Int) { counts.withLock { $0.occupied += change } }

  func borrow() -> Bool { counts.withLock { $0.borrow(upTo: 1) == 1 } }

  func giveBack(_ count: Int) { counts.withLock { $0.giveBack(count) } }

  /// - Parameter helpers: How many threads could be of use beside the caller's own.
  /// - Returns: How many it may have.
  func enter(helpers: Int) -> Int {
    counts.withLock { counts in
      counts.sharing += 1
      return counts.borrow(upTo: helpers)
    }
  }

  func leave(helpers: Int) {
    counts.withLock { counts in
      counts.sharing -= 1
      counts.giveBack(helpers)
    }
  }
}
