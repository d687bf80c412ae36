// The threads on which runs go on: their stages, and what lies between them.
internal import Dispatch
internal import Synchronization

/// A number of threads that take one piece of work after the other, and may wait within it.
///
/// What follows a stage, the next one first of all, is done by the thread that did the stage, unless other work was
/// there before: waking another thread takes a good part of what a small stage takes.
final class RunThreads: TaskExecutor {
  private struct State {
    var jobs: [UnownedJob] = []
    /// Threads at work.
    var busy = 0
    /// How many there may be: one more for each that only waits.
    var limit: Int

    /// Whether a thread is to begin, which counts as busy from now on.
    mutating func callOne() -> Bool {
      if jobs.isEmpty || busy >= limit { return false }
      busy += 1
      return true
    }

    /// nil where the thread that asks is to end.
    mutating func next() -> UnownedJob? {
      if jobs.isEmpty || busy > limit {
        busy -= 1
        return nil
      }
      return jobs.removeFirst()
    }
  }

  private let state: Mutex<State>

  /// - Parameter count: How many work at a time, at least 1.
  init(_ count: Int) { state = Mutex(State(limit: max(1, count))) }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    change { $0.jobs.append(job) }
  }

  /// Has another thread work while the one that calls this only waits.
  func rest() { change { $0.limit += 1 } }

  /// Ends what ``rest()`` began.
  func goOn() { change { $0.limit -= 1 } }

  private func change(_ body: (inout State) -> Void) {
    let isWanted = state.withLock { state in
      body(&state)
      return state.callOne()
    }
    // A queue of its own: work that waits keeps no other queue from a thread.
    if isWanted { DispatchQueue(label: "run").async { self.work() } }
  }

  /// Works until nothing is left to do.
  private func work() {
    while let job = state.withLock({ $0.next() }) {
      job.runSynchronously(on: asUnownedTaskExecutor())
    }
  }
}
