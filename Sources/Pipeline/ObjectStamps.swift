// Objects believed without being read: their record tells what the file system said of them.
internal import Digest
internal import Dispatch
internal import Synchronization

/// Objects as they were when they got their names: one that still has its stamp holds the bytes that it had.
///
/// An object's time of modification is a fixed one in the past, so that whoever writes to it leaves another,
/// however soon.
struct ObjectStamps: Sendable, Equatable, Codable {
  /// The start of the machine in which they were written, while they may not be on the disk; nil: they are.
  var boot: String?
  /// By output port.
  var stamps: [String: FileStamp]
}

extension ActionCache {
  /// So many records are seen to at a time; the disk is at work, not a processor.
  private static let waiting = 64
  /// From so many records on their objects are waited for by one call for the whole file system: one for each
  /// file has the disk write its journal as often.
  private static let many = 32

  /// Whether the object at an output is as its record left it: one stat, and nothing is read.
  ///
  /// What was not on the disk when the power failed may be other bytes with the same stamp, so that a stamp
  /// holds for the start of the machine in which it was taken, until somebody has waited for the disk.
  func isAsLeft(_ port: String, of record: ActionRecord) -> Bool {
    guard let noted = record.objects, noted.boot == nil || noted.boot == boot,
      let stamp = noted.stamps[port], let output = record.outputs[port]
    else { return false }
    return (try? FileSystem.stamp(of: objects.path(of: output.digest))) == stamp
  }

  /// Takes down that the objects of a record were taken on its word. Nobody waits in order to look: who took them
  /// waits for all of them together, when its work is done, and not before the system has had the time to write
  /// them.
  func noteTaken(_ record: ActionRecord, _ key: ActionKey) {
    guard let noted = record.objects, noted.boot != nil,
      let changed = noted.stamps.values.map(\.changed).max(), Clock.now() - changed >= writingTime
    else { return }
    taken.add(key)
  }

  /// Waits for the disk to have what was taken on trust, so that it is believed after the next start of the
  /// machine too. Few are waited for side by side, many by one call.
  func synchronize() {
    let keys = taken.takeAll()
    if keys.isEmpty { return }
    // Where the call fails, each file by itself tells what is lost.
    let areOnDisk =
      keys.count >= Self.many && (try? FileSystem.synchronizeAll(besides: objects.root)) != nil
    let group = DispatchGroup()
    for part in 0..<min(keys.count, Self.waiting) {
      // A queue of its own is a thread of its own, however few processors there are.
      DispatchQueue(label: "disk").async(group: group) {
        for index in stride(from: part, to: keys.count, by: Self.waiting) {
          synchronize(keys[index], isOnDisk: areOnDisk)
        }
      }
    }
    group.wait()
  }

  private func synchronize(_ key: ActionKey, isOnDisk: Bool) {
    guard case .found(var record) = record(of: key), let noted = record.objects, noted.boot != nil
    else { return }
    do throws(SystemError) {
      for (port, stamp) in noted.stamps {
        guard let output = record.outputs[port] else { return }
        let path = objects.path(of: output.digest)
        if !isOnDisk { try FileSystem.synchronize(path) }
        if try FileSystem.stamp(of: path) != stamp { return }
      }
      record.objects?.boot = nil
    } catch {
      // What the disk has lost is read again by whoever wants it; anything else costs another waiting.
      if !error.isLostData { return }
      record.objects = nil
    }
    // A record that cannot be written anew stays as good as it was.
    try? commit(record, as: key)
  }
}

/// Records of which objects were taken on their word.
final class TakenRecords: Sendable {
  private let keys = Mutex<Set<ActionKey>>([])

  func add(_ key: ActionKey) { keys.withLock { _ = $0.insert(key) } }

  /// Hands them out, once.
  func takeAll() -> [ActionKey] {
    keys.withLock { keys in
      defer { keys = [] }
      return Array(keys)
    }
  }
}
