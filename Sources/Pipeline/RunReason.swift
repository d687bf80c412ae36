// Why a stage runs although a cache stands by: the words of `explain`.

/// A reason for which a stage is not taken from the cache.
public indirect enum RunReason: Sendable, Hashable {
  /// Nothing like it was ever computed.
  case noRecord
  /// What differs from the nearest of the last times, each difference a phrase.
  case changed([String])
  /// A stage that feeds it runs, for the first of its own reasons.
  case upstream(stage: String, because: RunReason)
  case objectMissing(port: String, path: String)
  case objectDamaged(port: String, path: String)
  case objectUnreadable(port: String, reason: String)
  case recordUnreadable(String)

  /// Whether the cache is not as it was left: worth a word to the user.
  public var isDamage: Bool {
    switch self {
    case .noRecord, .changed, .upstream, .objectMissing: return false
    case .objectDamaged, .objectUnreadable, .recordUnreadable: return true
    }
  }
}

extension ObjectStore.State {
  /// Why the stage that left the object is not taken from the cache; nil where it can be.
  func reason(port: String, path: String) -> RunReason? {
    switch self {
    case .intact: return nil
    case .missing: return .objectMissing(port: port, path: path)
    case .damaged: return .objectDamaged(port: port, path: path)
    case .unreadable(let error): return .objectUnreadable(port: port, reason: "\(error)")
    }
  }
}

extension RunReason: CustomStringConvertible {
  /// Completes "STAGE because …": "thickness_nm 50 -> 52", "field because thickness_nm 50 -> 52".
  public var description: String {
    switch self {
    case .noRecord: return "no record"
    case .changed(let phrases): return phrases.joined(separator: ", ")
    case .upstream(let stage, let reason): return "\(stage) because \(reason)"
    case .objectMissing(let port, let path): return "output object '\(port)' is missing (\(path))"
    case .objectDamaged(let port, let path): return "output object '\(port)' is corrupt (\(path))"
    case .objectUnreadable(let port, let reason):
      return "output object '\(port)' is unreadable (\(reason))"
    case .recordUnreadable(let reason): return "its record is unreadable (\(reason))"
    }
  }
}
