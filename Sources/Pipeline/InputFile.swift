// The input files of a run as stages see them: a path, and the digest of the content.
internal import Dispatch
internal import Synchronization

/// A named input file of the run, identified by its content.
public struct InputFile: Sendable, Hashable {
  /// The manifest's name for it.
  public let name: String
  public let path: String
  private let content: PendingDigest

  public init(name: String, path: String, digest: String) {
    self.init(name: name, path: path, content: PendingDigest(digest))
  }

  init(name: String, path: String, content: PendingDigest) {
    self.name = name
    self.path = path
    self.content = content
  }

  /// SHA-256 of its bytes, hexadecimal. Waits for it where a stage began before the file was digested; empty where
  /// that failed, and then nothing of the stage is used.
  public var digest: String { content.hex }

  /// Waits until whoever digests the file has passed this part of it, or ended: a stage that follows finds in memory
  /// what was just read, and the disk has one reader that goes straight on.
  ///
  /// - Parameter part: Of the file from its beginning, 0...1.
  public func follow(through part: Double) { content.wait(through: part) }

  public static func == (one: Self, other: Self) -> Bool {
    one.name == other.name && one.path == other.path && one.digest == other.digest
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(name)
    hasher.combine(path)
    hasher.combine(digest)
  }
}

/// A digest that is known, or about to be.
final class PendingDigest: Sendable {
  private struct State {
    /// nil while it is being formed; empty where the file has none.
    var hex: String?
    /// Bytes that were digested.
    var passed = 0
    /// Who waits until so many bytes were.
    var waiting: [(byteCount: Int, semaphore: DispatchSemaphore)] = []

    /// Lets go on who waits for no more than what was passed.
    mutating func release() {
      let limit = hex == nil ? passed : Int.max
      for waiter in waiting where waiter.byteCount <= limit { waiter.semaphore.signal() }
      waiting.removeAll { $0.byteCount <= limit }
    }
  }

  private let state: Mutex<State>
  private let size: Int

  /// One that is still being formed.
  ///
  /// - Parameter size: Of the file, bytes.
  init(ofSize size: Int) {
    state = Mutex(State())
    self.size = size
  }

  init(_ hex: String) {
    state = Mutex(State(hex: hex))
    size = 0
  }

  /// Waits until it is known.
  var hex: String {
    wait(for: .max)
    return state.withLock { $0.hex ?? "" }
  }

  /// Waits until a part of the file was digested, from its beginning on, or all is over.
  func wait(through part: Double) {
    wait(for: Int((Double(size) * min(1, part)).rounded(.down)))
  }

  private func wait(for byteCount: Int) {
    let semaphore: DispatchSemaphore? = state.withLock { state in
      if state.hex != nil || state.passed >= byteCount { return nil }
      let semaphore = DispatchSemaphore(value: 0)
      state.waiting.append((byteCount, semaphore))
      return semaphore
    }
    semaphore?.wait()
  }

  /// - Parameter byteCount: How many bytes of the file were digested.
  func pass(_ byteCount: Int) {
    state.withLock { state in
      state.passed = byteCount
      state.release()
    }
  }

  /// Only once, of one that is being formed.
  ///
  /// - Parameter hex: Empty where the file has none.
  func resolve(_ hex: String) {
    state.withLock { state in
      state.hex = hex
      state.release()
    }
  }
}

/// The input files of a run; values refer to them by digest, never by path.
public struct InputFiles: Sendable {
  private let byDigest: [String: InputFile]

  public init(_ files: [InputFile]) {
    byDigest = Dictionary(files.map { ($0.digest, $0) }, uniquingKeysWith: { first, _ in first })
  }

  public subscript(digest digest: String) -> InputFile? { byDigest[digest] }
}
