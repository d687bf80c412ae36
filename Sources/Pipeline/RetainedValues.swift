// The values of a run that are asked for when it is over: they need not be read back.
internal import Digest
internal import Synchronization

/// Values of listed results and of stages that feed no other, by what stands for them in keys.
final class RetainedValues: Sendable {
  private struct Name: Hashable {
    var digest: SHA256Digest
    var kind: String
  }

  private let values = Mutex<[Name: any StageValue]>([:])

  func keep(_ value: any StageValue, _ output: OutputRecord) {
    values.withLock { $0[Name(digest: output.digest, kind: output.kind)] = value }
  }

  private let found = Mutex<[Note]>([])

  /// What was found amiss with the cache when values were read that are not here.
  var notes: [Note] { found.withLock { $0 } }

  func add(_ note: Note) { found.withLock { $0.append(note) } }

  func empty() { values.withLock { $0 = [:] } }

  subscript(output: OutputRecord) -> (any StageValue)? {
    values.withLock { $0[Name(digest: output.digest, kind: output.kind)] }
  }
}
