// Making room: which results may go, in which order, and how much that frees.
internal import Digest

extension PipelineCache {
  /// What ``collect(_:isDryRun:)`` has to keep.
  public struct CollectionRules: Sendable {
    /// Actions whose results stay.
    public var roots: Set<ActionKey>
    /// Whether, without a `maximumByteCount`, every result goes that is no root.
    public var keepsOnlyRoots: Bool
    /// What the objects that stay may take: results that are no roots go until it is met, those first that were
    /// not used for longest. nil: no result goes for its size.
    public var maximumByteCount: Int?
    /// Seconds for which whatever was written or used stays: a run may be about to need it.
    public var gracePeriod: Double

    public init(
      roots: Set<ActionKey> = [], keepsOnlyRoots: Bool = false, maximumByteCount: Int? = nil,
      gracePeriod: Double = 86_400
    ) {
      self.roots = roots
      self.keepsOnlyRoots = keepsOnlyRoots
      self.maximumByteCount = maximumByteCount
      self.gracePeriod = gracePeriod
    }
  }

  /// What a collection removed, or would.
  public struct Collection: Sendable, Hashable {
    public var recordCount = 0
    public var objectCount = 0
    /// Of the removed objects.
    public var byteCount = 0
    /// Of the objects that stay.
    public var keptByteCount = 0
  }

  /// A record as the collection sees it.
  private struct Candidate {
    var path: String
    /// Nanoseconds since 1970.
    var used: Int
    var isProtected: Bool
    var objects: Set<SHA256Digest>
  }

  /// Removes results by the rules, and always what no result needs: objects without a record, names of results
  /// that are gone, halves of writes that never ended, leases and working folders of the dead.
  ///
  /// Safe beside running pipelines: records go before the objects that they name, and both stay where they were
  /// written or used within the grace period, even if more than `maximumByteCount` is left. A result that goes
  /// all the same is computed again.
  ///
  /// - Parameters:
  ///   - rules: What stays.
  ///   - isDryRun: Whether only to tell what would go.
  /// - Returns: What went, or would, of records and objects; the rest is not counted.
  /// - Throws: ``StageFailure`` of category `machine`.
  public func collect(
    _ rules: CollectionRules, isDryRun: Bool = false
  ) throws(StageFailure) -> Collection {
    try mapped { () throws(SystemError) in
      let oldest = Clock.now() - Int(rules.gracePeriod * 1e9)
      let candidates = try candidates(rules, oldest: oldest)
      var sizes: [SHA256Digest: Int] = [:]
      var young: Set<SHA256Digest> = []
      for digest in try objects.all() {
        guard let stamp = try FileSystem.existingStamp(of: objects.path(of: digest)) else {
          continue
        }
        sizes[digest] = stamp.size
        if max(stamp.modified, stamp.changed) >= oldest { young.insert(digest) }
      }
      let doomed = Self.doomed(candidates, sizes: sizes, young: young, rules)
      var needed = young
      for (index, candidate) in candidates.enumerated() where !doomed.contains(index) {
        needed.formUnion(candidate.objects)
      }
      var done = Collection(recordCount: doomed.count)
      for (digest, size) in sizes {
        if needed.contains(digest) {
          done.keptByteCount += size
        } else {
          done.objectCount += 1
          done.byteCount += size
        }
      }
      if isDryRun { return done }
      for index in doomed { try FileSystem.remove(candidates[index].path) }
      for digest in sizes.keys where !needed.contains(digest) { try remove(digest, oldest: oldest) }
      actions.dropDanglingLatest()
      sweep()
      return done
    }
  }

  private func candidates(
    _ rules: CollectionRules, oldest: Int
  ) throws(SystemError) -> [Candidate] {
    let roots = Set(rules.roots.map { actions.path(of: $0) })
    var found: [Candidate] = []
    for path in try actions.allPaths() {
      guard let stamp = try FileSystem.existingStamp(of: path) else { continue }
      // A damaged record keeps nothing.
      let record = (try? FileSystem.readAll(path)).flatMap {
        try? CacheJSON.unseal(ActionRecord.self, from: $0)
      }
      found.append(
        Candidate(
          path: path, used: stamp.modified,
          isProtected: roots.contains(path) || max(stamp.modified, stamp.changed) >= oldest,
          objects: Set(record?.outputs.values.map(\.digest) ?? [])))
    }
    return found
  }

  /// The indices of the records that go.
  private static func doomed(
    _ candidates: [Candidate], sizes: [SHA256Digest: Int], young: Set<SHA256Digest>,
    _ rules: CollectionRules
  ) -> Set<Int> {
    let loose = candidates.indices.filter { !candidates[$0].isProtected }
    if rules.keepsOnlyRoots && rules.maximumByteCount == nil { return Set(loose) }
    guard let maximum = rules.maximumByteCount else { return [] }
    var owners: [SHA256Digest: Int] = [:]
    for candidate in candidates {
      for digest in candidate.objects { owners[digest, default: 0] += 1 }
    }
    var total = sizes.reduce(0) { sum, object in
      owners[object.key] != nil || young.contains(object.key) ? sum + object.value : sum
    }
    var doomed: Set<Int> = []
    let inOrder = loose.sorted {
      (candidates[$0].used, candidates[$0].path) < (candidates[$1].used, candidates[$1].path)
    }
    for index in inOrder {
      if total <= maximum { break }
      doomed.insert(index)
      for digest in candidates[index].objects {
        owners[digest, default: 1] -= 1
        if owners[digest] == 0 && !young.contains(digest) { total -= sizes[digest] ?? 0 }
      }
    }
    return doomed
  }

  /// Removes an object unless a run has just published it again.
  private func remove(_ digest: SHA256Digest, oldest: Int) throws(SystemError) {
    let path = objects.path(of: digest)
    guard let stamp = try FileSystem.existingStamp(of: path),
      max(stamp.modified, stamp.changed) < oldest
    else { return }
    digests.forget(stamp)
    try FileSystem.remove(path)
  }
}
