// Files that take their places together: written beside them, made durable side by side, then renamed in order.
internal import Digest
internal import Dispatch
internal import Synchronization

/// Several files, and removals, that are to be seen in one order, none of them ever half-written.
///
/// Each file is written beside its place. ``finish()`` waits until all of them are on the disk, which they
/// reach at the same time, and moves them to their places in the order in which they were added. What is
/// given up before that leaves everything as it was.
public struct Publication: ~Copyable {
  private enum Step {
    case rename(temporary: String, path: String)
    case remove(String)
  }

  /// Whether a finished publication outlives a failure of the power. Where it need not, nobody waits for
  /// the disk; a file may then come out of such a failure as it was before, as it is now, or garbled.
  public var isDurable: Bool

  /// The disk takes longer for so many bytes than whoever adds them takes for what comes next.
  private static let largeByteCount = 1 << 20

  private var steps: [Step] = []
  /// Temporaries that are not on their way to the disk yet.
  private var unsynchronized: [String] = []
  private let disk = DiskWrites()

  public init(isDurable: Bool = true) { self.isDurable = isDurable }

  deinit {
    // What has been moved to its place is no longer there; what is left belongs to a failure.
    for case .rename(let temporary, _) in steps { try? FileSystem.remove(temporary) }
  }

  /// Whether nothing would change: no file was added but such as are there already, and none removed.
  public var isEmpty: Bool { steps.isEmpty }

  /// Adds a file; one that holds these bytes already stays as it is.
  ///
  /// - Parameters:
  ///   - bytes: Its content.
  ///   - path: Its place; what is there is replaced in one step.
  /// - Throws: ``StageFailure`` of category `machine`.
  @discardableResult
  public mutating func add(
    _ bytes: [UInt8], at path: String
  ) throws(StageFailure) -> PublishedFile {
    let present = try? FileSystem.readAll(path)
    if present != bytes {
      let temporary = Self.temporaryPath(for: path)
      steps.append(.rename(temporary: temporary, path: path))
      try writing(path) { () throws(SystemError) in
        try FileSystem.write(bytes, toNew: temporary)
      }
      let isLarge = bytes.count >= Self.largeByteCount
      if isLarge && isDurable {
        disk.begin(temporary, of: path)
      } else {
        unsynchronized.append(temporary)
      }
    }
    return PublishedFile(
      path: path, digest: SHA256Digest(of: bytes).hex, byteCount: bytes.count)
  }

  /// Adds a file that `body` writes at a temporary path beside its place. What it is shown to digests it, so that
  /// nobody reads it again.
  ///
  /// - Parameters:
  ///   - path: Its place; what is there is replaced in one step.
  ///   - body: Writes the whole file, and shows all of its bytes in their order, from one thread at a time.
  /// - Throws: what `body` throws.
  public mutating func make(
    _ path: String,
    _ body: (
      _ temporary: String, _ observer: @escaping @Sendable (UnsafeRawBufferPointer) -> Void
    ) throws -> Void
  ) throws -> PublishedFile {
    let temporary = Self.temporaryPath(for: path)
    steps.append(.rename(temporary: temporary, path: path))
    let digesting = Digesting()
    try body(temporary) { digesting.add($0) }
    if isDurable { disk.begin(temporary, of: path) } else { unsynchronized.append(temporary) }
    let (digest, byteCount) = digesting.finish()
    return PublishedFile(path: path, digest: digest.hex, byteCount: byteCount)
  }

  /// Has a file removed, between the files added before and those added after.
  public mutating func remove(_ path: String) { steps.append(.remove(path)) }

  /// Where the file of this place lies until ``finish()``: what it is there, it will be in its place.
  public func location(of path: String) -> String {
    for case .rename(let temporary, path) in steps { return temporary }
    return path
  }

  /// Moves everything to its place.
  ///
  /// - Throws: ``StageFailure`` of category `machine`; what was at a place is then untouched or replaced,
  ///   never anything else.
  public consuming func finish() throws(StageFailure) {
    if isDurable {
      for case .rename(let temporary, let path) in steps where unsynchronized.contains(temporary) {
        disk.begin(temporary, of: path)
      }
      if let (path, error) = disk.firstFailure() {
        throw PublishedFile.failure(error, writing: path)
      }
    }
    var folders: Set<String> = []
    for step in steps {
      switch step {
      case .rename(let temporary, let path):
        try writing(path) { () throws(SystemError) in
          try FileSystem.rename(temporary, to: path)
        }
        folders.insert(FileSystem.parent(of: path))
      case .remove(let path):
        // What cannot be removed is litter, no more.
        try? FileSystem.remove(path)
      }
    }
    // Nothing is left beside its place.
    steps = []
    if !isDurable { return }
    for folder in folders { disk.begin(folder, of: folder) }
    if let (path, error) = disk.firstFailure() { throw PublishedFile.failure(error, writing: path) }
  }

  private func writing<Value>(
    _ path: String, _ body: () throws(SystemError) -> Value
  ) throws(StageFailure) -> Value {
    do { return try body() } catch { throw PublishedFile.failure(error, writing: path) }
  }

  private static func temporaryPath(for path: String) -> String {
    let name = path.split(separator: "/").last.map(String.init) ?? "file"
    return "\(FileSystem.parent(of: path))/.\(name).\(TemporaryName.make())"
  }
}

/// Files on their way to the disk, each waited for on a thread of its own: the file system writes all that
/// wait at the same time in one go.
private final class DiskWrites: Sendable {
  /// So many wait at the same time; a run with more figures takes turns.
  private static let lanes = 8

  private let lanes = (0..<lanes).map { DispatchQueue(label: "disk \($0)") }
  private let group = DispatchGroup()
  private let state = Mutex((begun: 0, failures: [(path: String, error: SystemError)]()))

  func begin(_ temporary: String, of path: String) {
    let number = state.withLock { state in
      state.begun += 1
      return state.begun - 1
    }
    lanes[number % Self.lanes].async(group: group) {
      do throws(SystemError) { try FileSystem.synchronize(temporary) } catch {
        self.state.withLock { $0.failures.append((path, error)) }
      }
    }
  }

  /// Waits for all of them.
  func firstFailure() -> (path: String, error: SystemError)? {
    group.wait()
    return state.withLock { state in state.failures.min { $0.path < $1.path } }
  }
}
