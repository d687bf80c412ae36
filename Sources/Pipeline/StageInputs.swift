// The values at a stage's input ports: to be looked at, or to be taken and changed in place.
internal import Synchronization

/// What a stage is fed. A value that was taken is gone; one that nobody else holds can then be changed
/// without a copy of its arrays.
final class StageInputs: Sendable {
  private let values: Mutex<[String: any StageValue]>

  init(_ values: [String: any StageValue] = [:]) { self.values = Mutex(values) }

  subscript(port: String) -> (any StageValue)? {
    get { values.withLock { $0[port] } }
    set { values.withLock { $0[port] = newValue } }
  }

  func take(_ port: String) -> (any StageValue)? {
    values.withLock { $0.removeValue(forKey: port) }
  }

  func empty() { values.withLock { $0 = [:] } }
}
