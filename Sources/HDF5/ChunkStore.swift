// Unpacked chunks that several threads share: each is unpacked once, by whoever comes first.
internal import Glibc

/// The numbers of one chunk, as they are stored but without filters.
final class ChunkBytes: Sendable {
  // Not a race: written before the object is handed on, only read after.
  nonisolated(unsafe) let bytes: UnsafeMutableRawBufferPointer

  init(byteCount: Int) {
    bytes = .allocate(byteCount: byteCount, alignment: 64)
  }

  deinit { bytes.deallocate() }
}

/// Chunks by number, the oldest given up where room is needed.
///
/// Threads that want the same chunks at the same time divide them: what one is unpacking, the others
/// leave for later.
final class ChunkStore: @unchecked Sendable {
  // Not a race: everything below is touched with the mutex held.
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let changed: UnsafeMutablePointer<pthread_cond_t>
  private var chunks: [Int: ChunkBytes] = [:]
  private var claimed: Set<Int> = []
  /// The chunks held, oldest first, from `oldest` on.
  private var order: [Int] = []
  private var oldest = 0
  private var byteCount = 0
  private let capacity: Int

  /// - Parameter capacity: Bytes to hold at most; one chunk is held however large it is.
  init(capacity: Int) {
    self.capacity = capacity
    mutex = .allocate(capacity: 1)
    changed = .allocate(capacity: 1)
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(changed, nil)
  }

  deinit {
    pthread_cond_destroy(changed)
    pthread_mutex_destroy(mutex)
    changed.deallocate()
    mutex.deallocate()
  }

  private enum Turn {
    case ready(ChunkBytes)
    case mine
    case someoneElses
  }

  /// Hands each of the chunks to `use`, in any order.
  ///
  /// - Parameters:
  ///   - numbers: The chunks, each once.
  ///   - unpack: Makes a chunk that is not here; nil ends the whole.
  ///   - use: Called once for each chunk, on this thread.
  /// - Returns: false where `unpack` gave nil.
  /// - Throws: What `unpack` throws.
  func forEach(
    _ numbers: [Int], unpack: (Int) throws(HDF5Error) -> ChunkBytes?,
    use: (Int, ChunkBytes) -> Void
  ) throws(HDF5Error) -> Bool {
    var pending = numbers
    while !pending.isEmpty {
      var left: [Int] = []
      for number in pending {
        switch turn(number) {
        case .ready(let chunk): use(number, chunk)
        case .someoneElses: left.append(number)
        case .mine:
          var chunk: ChunkBytes?
          do { chunk = try unpack(number) } catch {
            endClaim(number, nil)
            throw error
          }
          endClaim(number, chunk)
          guard let chunk else { return false }
          use(number, chunk)
        }
      }
      wait(forAnyOf: left)
      pending = left
    }
    return true
  }

  private func turn(_ number: Int) -> Turn {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    if let chunk = chunks[number] { return .ready(chunk) }
    return claimed.insert(number).inserted ? .mine : .someoneElses
  }

  private func endClaim(_ number: Int, _ chunk: ChunkBytes?) {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    claimed.remove(number)
    if let chunk {
      chunks[number] = chunk
      order.append(number)
      byteCount += chunk.bytes.count
      while byteCount > capacity, oldest < order.count - 1 {
        byteCount -= chunks.removeValue(forKey: order[oldest])?.bytes.count ?? 0
        oldest += 1
      }
      if oldest > 4096 {
        order.removeFirst(oldest)
        oldest = 0
      }
    }
    pthread_cond_broadcast(changed)
  }

  private func wait(forAnyOf numbers: [Int]) {
    if numbers.isEmpty { return }
    pthread_mutex_lock(mutex)
    while numbers.allSatisfy(claimed.contains) { pthread_cond_wait(changed, mutex) }
    pthread_mutex_unlock(mutex)
  }
}
