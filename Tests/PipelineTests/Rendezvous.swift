// Stages that wait for each other, so that whether they meet does not depend on how busy the machine is.
import Foundation
import Synchronization

/// Counts stages that are at work at the same time.
final class Rendezvous: Sendable {
  private struct Count {
    var now = 0
    var most = 0
  }

  private let count = Mutex(Count())

  /// The most that were at work at once.
  var most: Int { count.withLock { $0.most } }

  /// Is at work until so many have been at once. A minute is for those who never will be; others meet sooner,
  /// however busy the machine is.
  func wait(for expected: Int) {
    count.withLock { count in
      count.now += 1
      count.most = max(count.most, count.now)
    }
    let deadline = Date().addingTimeInterval(60)
    while most < expected, Date() < deadline { usleep(1000) }
    count.withLock { $0.now -= 1 }
  }
}
