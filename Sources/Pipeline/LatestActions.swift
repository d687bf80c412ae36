// What the stages of each pipeline did last, on any input and on each: against it a plan tells why one of them
// runs again.
internal import Digest
internal import Synchronization

/// The last action of each stage of a pipeline.
struct LatestActions: Sendable, Equatable, Codable {
  var pipeline: String
  /// By stage.
  var keys: [String: ActionKey]
}

extension ActionCache {
  private static let section = "latest"
  /// The folder that holds nothing but what explains.
  static let explainingSection = section

  /// - Parameter inputs: Digests by name; none for what the pipeline did last, on whatever input.
  private func latestPath(_ pipeline: String, on inputs: [String: String]) -> String {
    var name = CanonicalEncoder()
    name.text(pipeline)
    for (input, digest) in inputs.sorted(by: { $0.key < $1.key }) {
      name.text(input)
      name.text(digest)
    }
    return "\(root)/\(Self.section)/" + Self.split(SHA256Digest(of: name.bytes))
  }

  private func latest(at path: String) -> LatestActions? {
    guard let bytes = try? FileSystem.readAll(path) else { return nil }
    return try? CacheJSON.unseal(LatestActions.self, from: bytes)
  }

  /// What the stages of a pipeline did last on these inputs, or else on any; nothing of what is not known.
  func latest(of pipeline: String, on inputs: [String: String]) -> [String: ActionKey] {
    let known =
      latest(at: latestPath(pipeline, on: inputs)) ?? latest(at: latestPath(pipeline, on: [:]))
    return known?.keys ?? [:]
  }

  /// Remembers what stages did last; a cache that cannot be written to explains less, no more.
  ///
  /// - Parameters:
  ///   - keys: By stage; what others did stays as it is.
  ///   - pipeline: Whose stages they are.
  ///   - inputs: Digests by name.
  ///   - stages: All stages that it has; what is known of any other goes.
  func setLatest(
    _ keys: [String: ActionKey], pipeline: String, inputs: [String: String], stages: Set<String>
  ) {
    for inputs in inputs.isEmpty ? [[:]] : [[:], inputs] {
      let path = latestPath(pipeline, on: inputs)
      let known = latest(at: path)?.keys ?? [:]
      let present = known.filter { stages.contains($0.key) }.merging(keys) { $1 }
      if present == known { continue }
      write(LatestActions(pipeline: pipeline, keys: present), to: path)
    }
  }

  private func write(_ latest: LatestActions, to path: String) {
    guard let bytes = try? CacheJSON.seal(latest) else { return }
    try? objects.writeAtomically(bytes, to: path)
  }

  /// The path of every pipeline's last actions, in order.
  func latestPaths() throws(SystemError) -> [String] { try paths(in: Self.section) }

  static func isSoundLatest(_ bytes: [UInt8]) -> Bool {
    (try? CacheJSON.unseal(LatestActions.self, from: bytes)) != nil
  }

  /// Removes the last actions whose record is gone; they explain nothing any more.
  func dropDanglingLatest() {
    // What stays costs a few bytes.
    for path in (try? latestPaths()) ?? [] {
      guard let known = latest(at: path) else { continue }
      var present = known
      present.keys = known.keys.filter {
        (try? FileSystem.stamp(of: self.path(of: $0.value))) != nil
      }
      if present.keys.isEmpty {
        try? FileSystem.remove(path)
      } else if present != known {
        write(present, to: path)
      }
    }
  }
}

/// The records of what a pipeline's stages did last. Their list is read once, when it is first asked for: a run
/// in which everything is a hit never does.
final class LatestRecords: Sendable {
  private let actions: ActionCache
  private let pipeline: String
  private let inputs: [String: String]
  private let keys = Mutex<[String: ActionKey]?>(nil)

  /// - Parameter inputs: Digests by name.
  init(_ actions: ActionCache, of pipeline: String, on inputs: [String: String]) {
    self.actions = actions
    self.pipeline = pipeline
    self.inputs = inputs
  }

  /// nil where none is known.
  subscript(stage: String) -> ActionRecord? {
    let key = keys.withLock { keys in
      let known = keys ?? actions.latest(of: pipeline, on: inputs)
      keys = known
      return known[stage]
    }
    guard let key, case .found(let record) = actions.record(of: key) else { return nil }
    return record
  }
}
