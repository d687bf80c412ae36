// The cache folder: where it is, what it holds, and how it is looked after.

/// A folder that keeps what stages computed. Safe to use by several runs at once, and to delete.
///
/// Everything in it can be computed again: a file that is missing or damaged is a miss.
public struct PipelineCache: Sendable {
  /// The folder, as given.
  public let path: String
  public let objects: ObjectStore
  let actions: ActionCache
  var leases: Leases
  let digests: FileDigests

  var root: String { path + "/v1" }

  /// Nothing is made or read until it is needed.
  public init(path: String) { self.init(path: path, boot: Clock.boot) }

  /// - Parameters:
  ///   - boot: This start of the machine; nil where it has no name.
  ///   - writingTime: Nanoseconds after which the system has written a file by itself (Linux begins after 30 s).
  init(path: String, boot: String?, writingTime: Int = 60_000_000_000) {
    let root = path + "/v1"
    self.path = path
    digests = FileDigests(folder: root + "/memo")
    objects = ObjectStore(root: root, digests: digests)
    actions = ActionCache(root: root, objects: objects, boot: boot, writingTime: writingTime)
    leases = Leases(root: root, objects: objects)
  }

  /// Whether a run has ever kept anything here.
  public var exists: Bool { FileSystem.isFolder(path + "/v1") }

  /// Removes what runs left behind that are no more.
  func sweep() {
    objects.sweepTemporaries()
    leases.sweep()
  }

  /// Waits for the disk to have what an earlier process published and this one took, and takes away what stood for
  /// this process. To be called when everything else is done.
  public func close() {
    actions.synchronize()
    leases.token.withdraw()
  }

  /// What the cache holds.
  public struct Contents: Sendable, Hashable {
    public var objectCount: Int
    /// Of all objects together.
    public var byteCount: Int
    public var recordCount: Int
    /// Stages that somebody is computing at this moment.
    public var leaseCount = 0
  }

  /// Everything that can be taken from the cache, newest first; what cannot be read is left out.
  ///
  /// - Throws: ``StageFailure`` of category `machine` where the folder cannot be read.
  public func records() throws(StageFailure) -> [ActionRecord] {
    try mapped { () throws(SystemError) in
      // A record that another run removes meanwhile, or a damaged one, is none.
      try actions.allPaths().compactMap { path in
        guard let bytes = try? FileSystem.readAll(path) else { return nil }
        return try? CacheJSON.unseal(ActionRecord.self, from: bytes)
      }.sorted { $0.started > $1.started }
    }
  }

  /// Counts objects, records and leases.
  ///
  /// - Throws: ``StageFailure`` of category `machine` where the folder cannot be read.
  public func contents() throws(StageFailure) -> Contents {
    try mapped { () throws(SystemError) in
      var contents = Contents(
        objectCount: 0, byteCount: 0, recordCount: try actions.allPaths().count,
        leaseCount: try leases.count())
      // Another run may remove objects meanwhile.
      for digest in try objects.all() {
        guard let stamp = try FileSystem.existingStamp(of: objects.path(of: digest)) else {
          continue
        }
        contents.objectCount += 1
        contents.byteCount += stamp.size
      }
      return contents
    }
  }

  /// Removes everything that the cache holds, and only that: other files in the folder stay.
  ///
  /// - Throws: ``StageFailure`` of category `machine` where something cannot be removed.
  public func clear() throws(StageFailure) {
    try mapped { () throws(SystemError) in
      // Records first: a record must never outlive the objects that it names for longer than
      // a crash takes, and a reader that meets one without its objects takes it for a miss.
      for section in [ActionCache.explainingSection] + [
        "records", "memo", "tmp", "leases", "objects",
      ] {
        try FileSystem.removeFolder(root + "/" + section)
      }
    }
  }

  func mapped<Value>(
    _ body: () throws(SystemError) -> Value
  ) throws(StageFailure) -> Value {
    do { return try body() } catch { throw Self.failure(error, in: root) }
  }

  /// A failure to use the cache whose files lie under `root`, as the user has to hear it.
  static func failure(_ error: SystemError, in root: String) -> StageFailure {
    StageFailure(.machine, "cache: \(error)", remedy: remedy(for: error, in: root))
  }

  private static func remedy(for error: SystemError, in root: String) -> String {
    if let obstacle = FileSystem.obstacle(of: error, in: root) {
      return "remove \(obstacle == error.path ? "it" : obstacle): the cache did not put it there"
    }
    switch error.code {
    case FileSystem.noSpace, FileSystem.overQuota:
      return "free some space, or choose another cache folder (--cache)"
    default:
      return (error.isPermission ? nil : error.machineRemedy)
        ?? "choose a cache folder that can be written to (--cache)"
    }
  }
}
