// What the stages of each pipeline did lately, on any input and on each: against the nearest of it a plan tells why
// one of them runs again.
internal import Digest
internal import Synchronization

/// The last actions of each stage of a pipeline.
struct LatestActions: Sendable, Equatable, Codable {
  /// How many actions of a stage before its last are remembered: more than a person tries in a row, few enough to
  /// be read when a plan is made.
  static let earlierLimit = 7

  var pipeline: String
  /// The last of all, by stage.
  var keys: [String: ActionKey]
  /// Those before it by stage, the latest first; nil where there are none.
  var earlier: [String: [ActionKey]]?

  /// All that are known of a stage, the latest first.
  func actions(of stage: String) -> [ActionKey] {
    (keys[stage].map { [$0] } ?? []) + (earlier?[stage] ?? [])
  }

  /// Remembers these as the last of their stage.
  ///
  /// - Parameters:
  ///   - new: By stage; what others did stays as it is.
  ///   - stages: All stages that there are; what is known of any other goes.
  mutating func note(_ new: [String: ActionKey], of stages: Set<String>) {
    setActions(
      Dictionary(
        uniqueKeysWithValues: stages.map { stage in
          let known = actions(of: stage)
          return (stage, new[stage].map { last in [last] + known.filter { $0 != last } } ?? known)
        }))
  }

  /// - Parameter actions: By stage, the latest first.
  mutating func setActions(_ actions: [String: [ActionKey]]) {
    keys = actions.compactMapValues(\.first)
    let rest = actions.mapValues { Array($0.dropFirst().prefix(Self.earlierLimit)) }
      .filter { !$0.value.isEmpty }
    earlier = rest.isEmpty ? nil : rest
  }
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

  /// What the stages of a pipeline did lately on these inputs, or else last on any: what is new differs from all of
  /// these in its input. nil where nothing is known.
  func latest(of pipeline: String, on inputs: [String: String]) -> LatestActions? {
    if let own = latest(at: latestPath(pipeline, on: inputs)) { return own }
    var last = latest(at: latestPath(pipeline, on: [:]))
    last?.earlier = nil
    return last
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
      let known = latest(at: path) ?? LatestActions(pipeline: pipeline, keys: [:])
      var present = known
      present.note(keys, of: stages)
      if present != known { write(present, to: path) }
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
      present.setActions(
        Dictionary(
          uniqueKeysWithValues: known.keys.keys.map { stage in
            let actions = known.actions(of: stage)
            return (
              stage, actions.filter { (try? FileSystem.stamp(of: self.path(of: $0))) != nil }
            )
          }))
      if present.keys.isEmpty {
        try? FileSystem.remove(path)
      } else if present != known {
        write(present, to: path)
      }
    }
  }
}

/// The records of what a pipeline's stages did lately. Their list is read once, when it is first asked for: a run
/// in which everything is a hit never does.
final class LatestRecords: Sendable {
  private let actions: ActionCache
  private let pipeline: String
  private let inputs: [String: String]
  /// nil until it is asked for; nothing in it where nothing is known.
  private let known = Mutex<LatestActions?>(nil)

  /// - Parameter inputs: Digests by name.
  init(_ actions: ActionCache, of pipeline: String, on inputs: [String: String]) {
    self.actions = actions
    self.pipeline = pipeline
    self.inputs = inputs
  }

  private func keys(of stage: String) -> [ActionKey] {
    known.withLock { known in
      let latest =
        known ?? actions.latest(of: pipeline, on: inputs)
        ?? LatestActions(pipeline: pipeline, keys: [:])
      known = latest
      return latest.actions(of: stage)
    }
  }

  private func record(_ key: ActionKey) -> ActionRecord? {
    guard case .found(let record) = actions.record(of: key) else { return nil }
    return record
  }

  /// What the stage did last; nil where that is not known.
  subscript(stage: String) -> ActionRecord? { keys(of: stage).first.flatMap(record) }

  /// Of what the stage did lately, that from which the present action differs least; of two alike the later.
  ///
  /// - Parameters:
  ///   - preimage: The present action.
  ///   - unknownPorts: Ports whose content is not known yet; they are left out.
  func nearest(
    of stage: String, to preimage: ActionPreimage, ignoring unknownPorts: Set<String>
  ) -> ActionRecord? {
    var nearest: (record: ActionRecord, distance: Int)?
    for key in keys(of: stage) {
      guard let record = record(key) else { continue }
      let distance = preimage.fieldDifferences(from: record.preimage, ignoring: unknownPorts).count
      if distance < nearest?.distance ?? .max { nearest = (record, distance) }
      // Where all is known, what differs in nothing would not be asked about.
      if distance <= (unknownPorts.isEmpty ? 1 : 0) { break }
    }
    return nearest?.record
  }
}
