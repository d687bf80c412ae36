// Work on several threads: in order, complete, and never on more threads than were granted.
import Foundation
import Synchronization
import Testing

@testable import WorkSharing

struct ConcurrentMapTests {
  private struct Refused: Error { var index: Int }

  @Test("Every piece is done once and stands in its place", arguments: [0, 1, 2, 1000])
  func order(count: Int) {
    let calls = Atomic(0)
    let squares = concurrentMap(count) { index in
      calls.add(1, ordering: .relaxed)
      return index * index
    }
    #expect(squares == (0..<count).map { $0 * $0 })
    #expect(calls.load(ordering: .relaxed) == count)
  }

  @Test("The first piece that failed is the error, and work goes on afterwards")
  func failure() {
    let error = #expect(throws: Refused.self) {
      try concurrentMap(100) { index throws(Refused) in
        if index >= 40 { throw Refused(index: index) }
      }
    }
    #expect((40..<100).contains(error?.index ?? 0))
    #expect(concurrentMap(3) { $0 } == [0, 1, 2])
  }

  /// In a process of its own: whoever else set the limit of this one meanwhile would let helpers in.
  @Test("With one thread granted the caller works alone, within a piece too")
  func oneThread() async {
    await #expect(processExitsWith: .success) {
      limitThreads(to: 1)
      let threads = Mutex(Set<UInt>())
      let nested = concurrentMap(64) { piece in
        concurrentMap(2) { part in
          Thread.sleep(forTimeInterval: 0.0005)
          _ = threads.withLock { $0.insert(UInt(pthread_self())) }
          return 2 * piece + part
        }
      }
      #expect(nested.flatMap { $0 } == Array(0..<128))
      #expect(threads.withLock { $0.count } == 1)
    }
  }

  @Test("A thread that becomes free while pieces are worked on takes the next ones")
  func lateHelp() {
    let budget = ThreadBudget(limit: 1)
    let threads = Mutex<[UInt]>([])
    let deadline = Date().addingTimeInterval(60)
    let pieces = SharedPieces(1000, budget) { piece in
      if piece == 10 { budget.limit(to: 2) }
      threads.withLock { $0.append(UInt(pthread_self())) }
      // Until there is help, which nothing but time can show.
      while piece == 11, Date() < deadline, threads.withLock({ Set($0).count }) == 1 {
        Thread.sleep(forTimeInterval: 0.001)
      }
    }
    pieces.work()
    pieces.end()
    let all = threads.withLock { $0 }
    #expect(all.count == 1000)
    #expect(Set(all.prefix(10)).count == 1)
    #expect(Set(all).count > 1)
  }

  @Test("A thread at work of its own helps nobody, and what is borrowed comes back")
  func counts() {
    func borrowed(_ counts: inout ThreadCounts) -> Int { (0..<9).count { _ in counts.borrow() } }
    var counts = ThreadCounts(limit: 4)
    // Whoever asks has one, whether or not that was said.
    #expect(borrowed(&counts) == 3)
    let isRefused = !counts.occupyFree()
    #expect(isRefused)
    for _ in 0..<3 { counts.giveBack() }
    counts.occupied = 3
    #expect(borrowed(&counts) == 1)
    counts.giveBack()
    // Two of the three share their work; four more who share do not: no thread is left.
    counts.sharing = 2
    #expect(borrowed(&counts) == 1)
    counts.giveBack()
    counts.sharing = 6
    #expect(borrowed(&counts) == 0)
    counts.sharing = 0
    counts.occupied = 0
    for _ in 0..<2 { _ = counts.borrow() }
    #expect(counts.borrowed == 2)
    // Two more that work for themselves; then there is none.
    let granted = (0..<3).map { _ in counts.occupyFree() }
    #expect(granted == [true, true, false])
    #expect(counts.occupied == 2)
  }
}
