// Action records: which objects an action left, and what it had to say.
public import Digest

/// What a stage left at one of its outputs.
public struct OutputRecord: Sendable, Hashable {
  /// Of the object's bytes; of the action's key and the port where there is no object.
  public var digest: SHA256Digest
  /// Of the object; 0 where there is none.
  public var byteCount: Int
  /// The name of its ``PortKind``.
  public var kind: String
  /// Whether there is an object; otherwise the value is formed again where it is wanted.
  public var isKept: Bool

  public init(digest: SHA256Digest, byteCount: Int, kind: String, isKept: Bool = true) {
    self.digest = digest
    self.byteCount = byteCount
    self.kind = kind
    self.isKept = isKept
  }

  /// An output that is not kept: the same action gives the same value.
  init(unkept port: String, of key: ActionKey, kind: String) {
    var name = CanonicalEncoder()
    name.text("pipeline-output")
    name.text(key.digest.hex)
    name.text(port)
    self.init(digest: SHA256Digest(of: name.bytes), byteCount: 0, kind: kind, isKept: false)
  }
}

extension OutputRecord: Codable {
  private enum CodingKeys: String, CodingKey { case digest, byteCount, kind, isKept }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    digest = try container.decode(SHA256Digest.self, forKey: .digest)
    byteCount = try container.decode(Int.self, forKey: .byteCount)
    kind = try container.decode(String.self, forKey: .kind)
    isKept = try container.decodeIfPresent(Bool.self, forKey: .isKept) ?? true
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(digest, forKey: .digest)
    try container.encode(byteCount, forKey: .byteCount)
    try container.encode(kind, forKey: .kind)
    // Said only where it is not so, which is seldom.
    if !isKept { try container.encode(false, forKey: .isKept) }
  }
}

/// What is kept of an action that succeeded.
public struct ActionRecord: Sendable, Equatable, Codable {
  public var preimage: ActionPreimage
  /// By output port.
  public var outputs: [String: OutputRecord]
  public var facts: [Fact]
  public var notes: [Note]
  /// ISO 8601, UTC.
  public var started: String
  /// Seconds.
  public var duration: Double
  /// The run that did the work.
  public var runID: String
  public var toolVersion: String
  /// How the work went.
  public var log: StageLog
  /// The objects as they were when they got their names; nil where nobody noted it.
  var objects: ObjectStamps?

  public init(
    preimage: ActionPreimage, outputs: [String: OutputRecord], facts: [Fact], notes: [Note],
    started: String, duration: Double, runID: String, toolVersion: String, log: StageLog
  ) {
    self.preimage = preimage
    self.outputs = outputs
    self.facts = facts
    self.notes = notes
    self.started = started
    self.duration = duration
    self.runID = runID
    self.toolVersion = toolVersion
    self.log = log
  }
}

/// Records by action key.
///
/// ```
/// CACHE/v1/records/ab/cdef....json   the record of the action with the key abcdef...
/// CACHE/v1/latest/ab/cdef....json    the last actions of a pipeline's stages; for explaining only
/// ```
/// A record is written after the objects that it names: it is the commit of a stage.
struct ActionCache: Sendable {
  enum Lookup {
    case found(ActionRecord)
    case none
    /// There is a record, but nothing can be made of it.
    case unreadable(String)
  }

  let root: String
  let objects: ObjectStore
  /// This start of the machine; nil where it has no name, and then nothing fresh is believed.
  let boot: String?
  /// Nanoseconds after which the system has written a file by itself, so that to wait for the disk is no wait.
  let writingTime: Int
  /// Of which objects were taken that may not be on the disk.
  let taken = TakenRecords()

  func path(of key: ActionKey) -> String { root + "/records/" + Self.split(key.digest) }

  static func split(_ digest: SHA256Digest) -> String {
    digest.hex.prefix(2) + "/" + digest.hex.dropFirst(2) + ".json"
  }

  func record(of key: ActionKey) -> Lookup {
    let path = path(of: key)
    do {
      let record = try CacheJSON.unseal(ActionRecord.self, from: try FileSystem.readAll(path))
      guard try record.preimage.key() == key else {
        return .unreadable("\(path): it belongs to another action")
      }
      return .found(record)
    } catch let error as SystemError {
      return error.isMissingFile ? .none : .unreadable("\(error)")
    } catch {
      return .unreadable("\(path): \(error)")
    }
  }

  /// Makes sure that a record which another machine has just written is seen.
  func refresh(_ key: ActionKey) {
    FileSystem.refresh(root + "/records")
    FileSystem.refresh(FileSystem.parent(of: path(of: key)))
  }

  /// Commits an action: from here on it is a hit.
  func commit(_ record: ActionRecord, as key: ActionKey) throws {
    try objects.writeAtomically(try CacheJSON.seal(record), to: path(of: key))
  }

  /// Notes that a result was of use, so that it is among the last to go. Once in an hour is enough,
  /// and a cache that cannot be written to forgets a little sooner.
  func markUsed(_ key: ActionKey) {
    let path = path(of: key)
    guard let stamp = try? FileSystem.stamp(of: path) else { return }
    if abs(Clock.now() - stamp.modified) > 3600 * 1_000_000_000 { FileSystem.touch(path) }
  }

  /// Every record's path, in order.
  func allPaths() throws(SystemError) -> [String] { try paths(in: "records") }

  func paths(in section: String) throws(SystemError) -> [String] {
    var found: [String] = []
    for prefix in try FileSystem.names(in: root + "/" + section) {
      let folder = root + "/" + section + "/" + prefix
      found += try FileSystem.names(in: folder).map { folder + "/" + $0 }
    }
    return found
  }
}
