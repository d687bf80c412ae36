// The digest of bytes that come piece by piece, formed behind whoever adds them.
internal import Digest
internal import Dispatch
internal import Synchronization
internal import WorkSharing

/// Forms a digest of pieces in their order, behind whoever adds them.
final class Digesting: Sendable {
  /// Digested in less time than another thread takes to begin.
  private static let smallCount = 1 << 16

  /// Bytes that stay where they are until they were digested.
  private struct Piece: @unchecked Sendable {
    // Not a race: nobody writes to them, and whoever adds them waits.
    let bytes: UnsafeRawBufferPointer
  }

  private let hasher = Mutex<SHA256Hasher?>(SHA256Hasher())
  private let byteCount = Mutex(0)
  private let helper: BorrowedThread?
  /// nil: digested by whoever adds.
  private let queue: DispatchQueue?

  /// - Parameter helper: Whose thread digests; nil: whoever adds does.
  init(_ helper: BorrowedThread? = nil) {
    self.helper = helper
    queue = helper == nil ? nil : DispatchQueue(label: "digest")
  }

  /// - Parameters:
  ///   - bytes: Stay as they are until ``wait()`` returns.
  ///   - isAlone: Whether nothing was added since then, nor will be: a small piece is not worth another thread.
  func add(_ bytes: UnsafeRawBufferPointer, isAlone: Bool = true) {
    let piece = Piece(bytes: bytes)
    guard let queue, !isAlone || bytes.count > Self.smallCount else { return digest(piece) }
    queue.async { self.digest(piece) }
  }

  private func digest(_ piece: Piece) {
    hasher.withLock { $0?.update(piece.bytes) }
    byteCount.withLock { $0 += piece.bytes.count }
  }

  /// Returns when everything added was digested.
  func wait() { queue?.sync {} }

  /// - Precondition: called once, after everything was added.
  func finish() -> (digest: SHA256Digest, byteCount: Int) {
    wait()
    let digest = hasher.withLock { hasher in
      guard let whole = hasher.take() else {
        preconditionFailure("a digest is finished once")
      }
      return whole.finalize()
    }
    return (digest, byteCount.withLock { $0 })
  }
}
