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

  @Test("With one thread granted the caller works alone, within a piece too")
  func oneThread() {
    limitThreads(to: 1)
    // Other tests of this process run faster without.
    defer { limitThreads(to: .max) }
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

  @Test("A thread at work of its own helps nobody, and what is borrowed comes back")
  func counts() {
    var counts = ThreadCounts(limit: 4)
    // Whoever asks has one, whether or not that was said.
    #expect(counts.borrow(upTo: 9) == 3)
    #expect(counts.borrow(upTo: 1) == 0)
    counts.giveBack(3)
    counts.occupied = 3
    #expect(counts.borrow(upTo: 9) == 1)
    counts.giveBack(1)
    // Two of the three share their work; four more who share do not: no thread is left.
    counts.sharing = 2
    #expect(counts.borrow(upTo: 9) == 1)
    counts.giveBack(1)
    counts.sharing = 6
    #expect(counts.borrow(upTo: 9) == 0)
    counts.sharing = 0
    counts.occupied = 0
    #expect(counts.borrow(upTo: 2) == 2)
    #expect(counts.borrowed == 2)
  }
}
