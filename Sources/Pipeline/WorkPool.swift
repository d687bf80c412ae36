// The threads of several runs: how many stages work at once, and that no two do the same work.
internal import Synchronization
internal import WorkSharing

/// Shares a number of threads between runs that go on at the same time.
///
/// A stage that another run is just computing waits for it and then finds it in the cache.
public final class WorkPool: Sendable {
  private struct State {
    var busy: Set<ActionKey> = []
    /// Those who want to do what is being done, in the order in which they came.
    var waiting: [ActionKey: [CheckedContinuation<Void, Never>]] = [:]
  }

  private let state = Mutex(State())
  /// On which ``work(on:_:)`` is to be called.
  let threads: RunThreads
  /// Called when a run has nothing to do but to wait for another runner's work.
  let isIdle: @Sendable () -> Void

  /// - Parameter threads: How many pieces of work may go on at once, at least 1.
  public convenience init(threads: Int) { self.init(threads: threads) {} }

  /// - Parameters:
  ///   - threads: How many pieces of work may go on at once, at least 1.
  ///   - isIdle: Called when a run has nothing to do but to wait for another runner's work.
  init(threads: Int, isIdle: @escaping @Sendable () -> Void) {
    self.threads = RunThreads(threads)
    self.isIdle = isIdle
  }

  /// Does a piece of work on the thread of the caller, which must be one of ``threads``, as soon as nobody does the same.
  ///
  /// - Parameters:
  ///   - key: Names the work; nil for what nobody else does.
  ///   - body: May say, by calling what it is given, that it only waits until its end: another has its thread.
  func work<Value>(
    on key: ActionKey?, _ body: (_ rests: () -> Void) -> Value
  ) async -> Value {
    if let key { await take(key) }
    occupyThread()
    var isResting = false
    let value = body {
      if isResting { return }
      isResting = true
      vacateThread()
      threads.rest()
    }
    if isResting { threads.goOn() } else { vacateThread() }
    if let key { leave(key) }
    return value
  }

  private func take(_ key: ActionKey) async {
    await withCheckedContinuation { continuation in
      let mayStart = state.withLock { state in
        if state.busy.insert(key).inserted { return true }
        state.waiting[key, default: []].append(continuation)
        return false
      }
      if mayStart { continuation.resume() }
    }
  }

  /// Who waits longest for the same work has its turn.
  private func leave(_ key: ActionKey) {
    let next = state.withLock { state in
      guard let waiting = state.waiting[key] else {
        state.busy.remove(key)
        return nil as CheckedContinuation<Void, Never>?
      }
      state.waiting[key] = waiting.count > 1 ? Array(waiting.dropFirst()) : nil
      return waiting[0]
    }
    next?.resume()
  }
}
