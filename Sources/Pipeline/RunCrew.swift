// The hands of several runs: how many stages work at once, and that no two do the same work.
internal import Synchronization
internal import WorkSharing

/// Shares a number of threads between runs that go on at the same time.
///
/// A stage that another run is just computing waits for it and then finds it in the cache.
public final class RunCrew: Sendable {
  private struct State {
    var free: Int
    var busy: Set<ActionKey> = []
    var waiting: [(key: ActionKey?, continuation: CheckedContinuation<Void, Never>)] = []

    /// Takes a thread for the work, if there is one and nobody does the same.
    mutating func take(_ key: ActionKey?) -> Bool {
      if free == 0 { return false }
      if let key, !busy.insert(key).inserted { return false }
      free -= 1
      return true
    }
  }

  private let state: Mutex<State>
  /// Called when a run has nothing to do but to wait for another runner's work.
  let isIdle: @Sendable () -> Void

  /// - Parameter threads: How many pieces of work may go on at once, at least 1.
  public convenience init(threads: Int) { self.init(threads: threads) {} }

  /// - Parameters:
  ///   - threads: How many pieces of work may go on at once, at least 1.
  ///   - isIdle: Called when a run has nothing to do but to wait for another runner's work.
  init(threads: Int, isIdle: @escaping @Sendable () -> Void) {
    state = Mutex(State(free: max(1, threads)))
    self.isIdle = isIdle
  }

  /// A piece of work's turn.
  final class Turn: Sendable {
    private let leaving: Mutex<(@Sendable () -> Void)?>

    init(_ leaving: @escaping @Sendable () -> Void) { self.leaving = Mutex(leaving) }

    /// Leaves the thread to others: what is still to be done only waits. Without effect the second time.
    func end() {
      let leave = leaving.withLock { leaving in
        defer { leaving = nil }
        return leaving
      }
      leave?()
    }
  }

  /// Does a piece of work when its turn comes.
  ///
  /// - Parameters:
  ///   - key: Names the work; nil for what nobody else does.
  ///   - body: Is given its turn, which it may end before its own end.
  func work<Value: Sendable>(
    on key: ActionKey?, _ body: @Sendable (Turn) async -> Value
  ) async -> Value {
    await withCheckedContinuation { continuation in
      let mayStart = state.withLock { state in
        if state.take(key) { return true }
        state.waiting.append((key, continuation))
        return false
      }
      if mayStart { continuation.resume() }
    }
    occupyThread()
    let turn = Turn {
      vacateThread()
      self.leave(key)
    }
    let value = await body(turn)
    turn.end()
    return value
  }

  private func leave(_ key: ActionKey?) {
    let next = state.withLock { state in
      state.free += 1
      if let key { state.busy.remove(key) }
      // Whoever waits longest goes first, unless someone else does the same work.
      let waiting = state.waiting
      state.waiting = []
      var next: [CheckedContinuation<Void, Never>] = []
      for one in waiting {
        if state.take(one.key) {
          next.append(one.continuation)
        } else {
          state.waiting.append(one)
        }
      }
      return next
    }
    for continuation in next { continuation.resume() }
  }
}
