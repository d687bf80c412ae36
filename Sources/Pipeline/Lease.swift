// Leases: who computes a stage at this moment, so that others wait instead of computing it too.
internal import Glibc

/// Advisory leases by action key, on every machine that uses the cache.
///
/// ```
/// CACHE/v1/leases/CDEF...   PLACE-PROCESS-RANDOM and the start of the machine, a line each
/// ```
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

  private var folder: String { root + "/leases" }

  func path(of key: ActionKey) -> String { folder + "/" + key.digest.hex }

  /// Takes the lease if nobody has it.
  ///
  /// - Returns: nil where another has it. A lease that cannot be written is granted all the same.
  func take(_ key: ActionKey) -> Lease? {
    let path = path(of: key)
    let name = TemporaryName.make()
    let bytes = Array((name + "\n" + (Clock.boot ?? "") + "\n").utf8)
    do throws(SystemError) {
      let temporary = try objects.temporaryPath()
      defer { try? FileSystem.remove(temporary) }
      try FileSystem.write(bytes, toNew: temporary, durably: false)
      FileSystem.shareWithGroup(temporary, in: FileSystem.parent(of: temporary))
      try FileSystem.makeSharedFolder(folder)
      if try !FileSystem.link(temporary, to: path) { return nil }
      return Lease(path: path, name: name)
    } catch {
      return Lease(path: nil, name: name)
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

/// A lease that this process holds, touched until it is given back.
final class Lease: Sendable {
  private let path: String?
  private let name: String
  private let beating: Task<Void, Never>?

  /// - Parameters:
  ///   - path: nil for one that could not be written, which nobody else knows of.
  ///   - name: By which its holder knows it.
  init(path: String?, name: String) {
    self.path = path
    self.name = name
    beating = path.map { path in
      Task.detached {
        // Sleeping ends with an error as soon as the lease is given back.
        while (try? await Task.sleep(for: .seconds(Leases.beat))) != nil {
          FileSystem.touch(path)
        }
      }
    }
  }

  /// Lets others have it.
  func giveBack() {
    beating?.cancel()
    guard let path, LeaseContent(at: path)?.name == name else { return }
    // One that stays is void when its holder ends.
    try? FileSystem.remove(path)
  }
}

/// The watch of one who waits for a lease of another.
struct LeaseWatch {
  private let path: String
  private var seen: LeaseContent?
  /// When what is seen was first seen, on a clock that never jumps.
  private var since = Clock.stopwatch()

  init(_ path: String) { self.path = path }

  enum Finding: Equatable {
    case held
    /// There is none, or none any more.
    case free
    /// It is void and cannot be taken away.
    case stuck
  }

  /// Whether the lease is still worth waiting for; one that is void is taken away.
  ///
  /// - Parameter patience: Seconds after which a lease is void about which nothing has changed.
  mutating func look(patience: Double = Leases.patience) -> Finding {
    let present = LeaseContent(at: path)
    if let present {
      if present != seen { (seen, since) = (present, Clock.stopwatch()) }
      if !present.isOfDead && Clock.stopwatch() - since < patience { return .held }
    }
    return takeAway(present)
  }

  /// Takes away what was found void, and only that: another who waits may have done so, and hold the next.
  private func takeAway(_ void: LeaseContent?) -> Finding {
    let folder = FileSystem.parent(of: FileSystem.parent(of: path)) + "/tmp"
    let aside = folder + "/" + TemporaryName.make()
    do throws(SystemError) {
      try FileSystem.makeSharedFolder(folder)
      try FileSystem.rename(path, to: aside)
    } catch {
      return error.isMissingFile ? .free : .stuck
    }
    defer { try? FileSystem.remove(aside) }
    guard let taken = LeaseContent(at: aside), taken.name != void?.name else { return .free }
    // One that lost its name in between costs double work at most.
    _ = try? FileSystem.link(aside, to: path)
    return .held
  }
}
