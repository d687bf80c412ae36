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
  private let value: Mutex<String>
  private let pending = DispatchGroup()

  /// One that is still being formed.
  init() {
    value = Mutex("")
    pending.enter()
  }

  init(_ hex: String) { value = Mutex(hex) }

  /// Waits until it is known.
  var hex: String {
    pending.wait()
    return value.withLock { $0 }
  }

  /// Only once, of one that is being formed.
  ///
  /// - Parameter hex: Empty where the file has none.
  func resolve(_ hex: String) {
    value.withLock { $0 = hex }
    pending.leave()
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
