// The threads of runs: how many work at a time, in which order, and who stands in for one that waits.
import Digest
import Dispatch
import Synchronization
import Testing

@testable import Pipeline

struct RunThreadsTests {
  /// What goes on at the same time.
  private final class Gauge: Sendable {
    private let state = Mutex((now: 0, most: 0))

    /// Stays long enough for others to come in, if they may.
    func pass() {
      state.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) }
      _ = DispatchSemaphore(value: 0).wait(timeout: .now() + .milliseconds(5))
      state.withLock { $0.now -= 1 }
    }

    var most: Int { state.withLock { $0.most } }
  }

  private final class Order: Sendable {
    private let state = Mutex<[Int]>([])

    func add(_ number: Int) { state.withLock { $0.append(number) } }

    var numbers: [Int] { state.withLock { $0 } }
  }

  @Test("As many pieces of work go on at a time as there are threads", arguments: [1, 2, 3])
  func limit(count: Int) async {
    let gauge = Gauge()
    await withTaskExecutorPreference(RunThreads(count)) {
      await withTaskGroup(of: Void.self) { group in
        for _ in 0..<24 { group.addTask { gauge.pass() } }
      }
    }
    #expect(gauge.most == count)
  }

  @Test("What comes first is done first")
  func order() async {
    let order = Order()
    await withTaskExecutorPreference(RunThreads(1)) {
      await withTaskGroup(of: Void.self) { group in
        for index in 0..<50 { group.addTask { order.add(index) } }
      }
    }
    #expect(order.numbers == Array(0..<50))
  }

  @Test("Another works in the place of one that waits, and only as long")
  func rest() async {
    let threads = RunThreads(1)
    let gauge = Gauge()
    let other = DispatchSemaphore(value: 0)
    await withTaskExecutorPreference(threads) {
      await withTaskGroup(of: Void.self) { group in
        group.addTask {
          threads.rest()
          #expect(other.wait(timeout: .now() + 60) == .success)
          threads.goOn()
        }
        group.addTask { other.signal() }
        for _ in 0..<12 { group.addTask { gauge.pass() } }
      }
    }
    #expect(gauge.most == 1)
  }

  @Test("The same work is done by one after the other; other work goes on")
  func sameWork() async throws {
    let pool = WorkPool(threads: 4)
    let key = ActionKey(SHA256Digest(of: [1]))
    let same = Gauge()
    let any = Gauge()
    await withTaskExecutorPreference(pool.threads) {
      await withTaskGroup(of: Void.self) { group in
        for index in 0..<16 {
          group.addTask {
            await pool.work(on: index % 2 == 0 ? key : nil) { _ in
              if index % 2 == 0 { same.pass() }
              any.pass()
            }
          }
        }
      }
    }
    #expect(same.most == 1)
    #expect(any.most > 1)
  }

  @Test("Work that says that it only waits has another in its place, once")
  func waitingWork() async {
    let pool = WorkPool(threads: 1)
    let gauge = Gauge()
    let other = DispatchSemaphore(value: 0)
    await withTaskExecutorPreference(pool.threads) {
      await withTaskGroup(of: Void.self) { group in
        group.addTask {
          await pool.work(on: nil) { leaveThread in
            leaveThread()
            leaveThread()
            #expect(other.wait(timeout: .now() + 60) == .success)
          }
        }
        group.addTask { await pool.work(on: nil) { _ in _ = other.signal() } }
        for _ in 0..<12 { group.addTask { await pool.work(on: nil) { _ in gauge.pass() } } }
      }
    }
    #expect(gauge.most == 1)
  }
}
