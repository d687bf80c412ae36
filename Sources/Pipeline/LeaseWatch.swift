// Waiting for the lease of another, and taking away one that is void.

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
  mutating func look(patience: Double) -> Finding {
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
