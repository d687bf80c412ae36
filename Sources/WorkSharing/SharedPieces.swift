// Pieces of work that several threads take one after the other, some of them joining late.
internal import Dispatch
internal import Synchronization

/// Pieces of work for whoever has time. The caller works on them until none is left, and helpers join as threads become
/// free.
final class SharedPieces: Sendable {
  typealias Body = @Sendable (_ piece: Int) -> Void

  private struct State {
    /// nil once the caller has left: what it refers to may be gone.
    var body: Body?
    /// Helpers at work.
    var helpers = 0
  }

  private let count: Int
  private let budget: ThreadBudget
  private let next = Atomic(0)
  private let state: Mutex<State>
  private let lastHelper = DispatchSemaphore(value: 0)

  init(_ count: Int, _ budget: ThreadBudget, _ body: @escaping Body) {
    self.count = count
    self.budget = budget
    state = Mutex(State(body: body))
  }

  /// Works until no piece is left to take.
  func work() {
    guard let body = state.withLock({ $0.body }) else { return }
    while true {
      let piece = next.add(1, ordering: .relaxed).oldValue
      if piece >= count { return }
      if piece + 1 < count && budget.borrow() { callHelper() }
      body(piece)
    }
  }

  /// Waits for the helpers that are at work. One that comes later does nothing.
  func end() {
    let isAlone = state.withLock { state in
      state.body = nil
      return state.helpers == 0
    }
    if !isAlone { lastHelper.wait() }
  }

  private func callHelper() {
    DispatchQueue.global().async {
      if self.join() {
        self.work()
        self.part()
      }
      self.budget.giveBack()
    }
  }

  private func join() -> Bool {
    state.withLock { state in
      if state.body == nil { return false }
      state.helpers += 1
      return true
    }
  }

  private func part() {
    let isAwaited = state.withLock { state in
      state.helpers -= 1
      return state.helpers == 0 && state.body == nil
    }
    if isAwaited { lastHelper.signal() }
  }
}
