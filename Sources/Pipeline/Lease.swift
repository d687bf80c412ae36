// Leases: who computes a stage at this moment, so that others wait instead of computing it too.
internal import Digest
internal import Glibc
internal import Synchronization

/// Advisory leases by action key, on every machine that uses the cache.
///
/// ```
/// CACHE/v1/leases/CDEF...   PLACE-PROCESS-RANDOM and the start of the machine, a line each
/// ```
/// All leases of a holder are names of one file, its token in `tmp`: to take one is to link it, which fails where
/// the name is taken, and to touch that file touches them all.
///
/// A lease saves double work and decides nothing: whoever cannot read, write or understand one computes. Its
/// holder touches it every few seconds. It is void when its holder is known to be dead, and where it was not
/// touched for some seconds by the watch of whoever waits, so that no two clocks are ever compared. Nobody holds
/// a lease while waiting for another, so that no two can wait for each other.
struct Leases: Sendable {
  /// Seconds between two touches of a holder.
  static let beat = 2
  /// Seconds after which a lease that nobody touches is void: several beats, and the time for which a network
  /// file system may tell of an earlier one.
  static let patience = 12.0

  let root: String
  let objects: ObjectStore
  var patience = Leases.patience
  let token = LeaseToken()

  private var folder: String { root + "/leases" }

  func path(of key: ActionKey) -> String { folder + "/" + key.digest.hex }

  /// Takes the lease if nobody has it.
  ///
  /// - Returns: nil where another has it. A lease that cannot be written is granted all the same.
  func take(_ key: ActionKey) -> Lease? {
    let path = path(of: key)
    do throws(SystemError) {
      return try token.link(to: path, in: folder, objects)
        ? Lease(path: path, name: token.name) : nil
    } catch {
      return Lease(path: nil, name: token.name)
    }
  }

  /// Removes leases of the dead, and those that nobody touched for a day.
  func sweep() {
    // One that stays is void all the same.
    for path in (try? paths()) ?? [] {
      let content = LeaseContent(at: path)
      guard let stamp = content?.stamp ?? (try? FileSystem.stamp(of: path)) else { continue }
      if content?.isOfDead == true || TemporaryName.isLeftOver(content?.name ?? "", stamp) {
        try? FileSystem.remove(path)
      }
    }
  }

  /// The path of every lease, in order.
  func paths() throws(SystemError) -> [String] {
    try FileSystem.names(in: folder).map { folder + "/" + $0 }
  }

  /// How many of the leases may have a holder.
  func count() throws(SystemError) -> Int {
    try paths().count { LeaseContent(at: $0).map { !$0.isOfDead } ?? false }
  }
}

/// The file that stands for a holder, made when it is first needed and touched until it is withdrawn.
final class LeaseToken: Sendable {
  /// By which the holder knows its leases.
  let name = TemporaryName.make()
  private let file = Mutex<TouchedFile?>(nil)

  deinit { withdraw() }

  /// Gives the token another name.
  ///
  /// - Returns: Whether it has that name now; not where there is something of that name.
  func link(
    to new: String, in folder: String, _ objects: ObjectStore
  ) throws(SystemError) -> Bool {
    try file.withLock { (file) throws(SystemError) in
      if let present = file?.path {
        do throws(SystemError) { return try FileSystem.link(present, to: new) } catch {
          // Somebody swept it up, or emptied the cache: leases that still have its name are touched no more.
          if !error.isMissingFile { throw error }
        }
      }
      file = nil
      let made = try objects.temporaryPath()
      let bytes = Array((name + "\n" + (Clock.boot ?? "") + "\n").utf8)
      do throws(SystemError) {
        try FileSystem.write(bytes, toNew: made)
        FileSystem.shareWithGroup(made, in: FileSystem.parent(of: made))
        try FileSystem.makeSharedFolder(folder)
      } catch {
        // The first error is the one to tell; half a token is of no use.
        try? FileSystem.remove(made)
        throw error
      }
      file = TouchedFile(made)
      return try FileSystem.link(made, to: new)
    }
  }

  /// Takes the file away; leases that are still held keep their own names of it.
  func withdraw() {
    file.withLock { file in
      // One that cannot be removed is swept up when this process is no more.
      if let made = file?.path { try? FileSystem.remove(made) }
      file = nil
    }
  }
}

/// A file that is touched every few seconds as long as this lives.
private final class TouchedFile: Sendable {
  let path: String
  private let beating: Task<Void, Never>

  init(_ path: String) {
    self.path = path
    beating = Task.detached {
      // Sleeping ends with an error as soon as the task is canceled.
      while (try? await Task.sleep(for: .seconds(Leases.beat))) != nil {
        FileSystem.touch(path)
      }
    }
  }

  deinit { beating.cancel() }
}

/// What a lease says, and when it was touched.
struct LeaseContent: Hashable {
  var name: String
  var boot: String
  var stamp: FileStamp

  /// nil where there is none, or none that can be understood.
  init?(at path: String) {
    guard let stamp = try? FileSystem.stamp(of: path), let bytes = try? FileSystem.readAll(path)
    else { return nil }
    let lines = String(decoding: bytes, as: UTF8.self)
      .split(separator: "\n", omittingEmptySubsequences: false)
    guard lines.count == 3, TemporaryName.isTemporary(lines[0]) else { return nil }
    self.stamp = stamp
    name = String(lines[0])
    boot = String(lines[1])
  }

  /// Whether its holder is known to be no more.
  var isOfDead: Bool {
    TemporaryName.isOfDeadProcess(name)
      || TemporaryName.isOfThisPlace(name) && boot != (Clock.boot ?? "")
  }
}

/// A lease that this process holds until it gives it back; its token is touched meanwhile.
struct Lease: Sendable {
  private let path: String?
  private let name: String
  /// Whether others know of it, which tells that the cache can be written to.
  var isKnown: Bool { path != nil }

  /// - Parameters:
  ///   - path: nil for one that could not be written, which nobody else knows of.
  ///   - name: By which its holder knows it.
  init(path: String?, name: String) {
    self.path = path
    self.name = name
  }

  /// Lets others have it.
  func giveBack() {
    guard let path, LeaseContent(at: path)?.name == name else { return }
    // One that stays is void when its holder ends.
    try? FileSystem.remove(path)
  }
}
