// Whether a cache is sound: every byte of it read again, whatever the memo says.
internal import Digest

extension PipelineCache {
  /// What ``verify(isRepairing:)`` found.
  public struct Verification: Sendable, Hashable {
    public var objectCount = 0
    /// Of all objects together.
    public var byteCount = 0
    /// Paths of objects whose bytes are not what their name says.
    public var damagedObjects: [String] = []
    public var recordCount = 0
    /// Paths of records that are not what was written.
    public var damagedRecords: [String] = []
    /// Paths of remembered digests and last actions that are not what was written; nothing but time
    /// and explanations depends on them.
    public var damagedEntries: [String] = []
    /// Records of which an object is missing or damaged; their stages are computed again.
    public var incompleteRecordCount = 0

    /// Every damaged file.
    public var damage: [String] { damagedObjects + damagedRecords + damagedEntries }
    public var isSound: Bool { damage.isEmpty }
  }

  /// Reads every file of the cache again.
  ///
  /// - Parameter isRepairing: Whether to remove what is damaged: what it held is computed again when
  ///   it is needed.
  /// - Returns: What was found. A file that another run removes meanwhile is none.
  /// - Throws: ``StageFailure`` of category `machine` where the folder cannot be read or written.
  public func verify(isRepairing: Bool = false) throws(StageFailure) -> Verification {
    try mapped { () throws(SystemError) in
      var found = Verification()
      var sound: Set<SHA256Digest> = []
      for digest in try objects.all() { try verify(digest, &found, &sound) }
      for path in try actions.allPaths() {
        guard let bytes = try Self.bytes(of: path) else { continue }
        found.recordCount += 1
        guard let record = record(in: bytes, at: path) else {
          found.damagedRecords.append(path)
          continue
        }
        if !record.outputs.values.allSatisfy({ !$0.isKept || sound.contains($0.digest) }) {
          found.incompleteRecordCount += 1
        }
      }
      for path in try actions.latestPaths() + digests.memoPaths() {
        guard let bytes = try Self.bytes(of: path) else { continue }
        if !ActionCache.isSoundLatest(bytes) && !FileDigests.isSoundMemo(bytes) {
          found.damagedEntries.append(path)
        }
      }
      if isRepairing {
        for path in found.damage { try FileSystem.remove(path) }
        leases.sweep()
      }
      return found
    }
  }

  private func verify(
    _ digest: SHA256Digest, _ found: inout Verification, _ sound: inout Set<SHA256Digest>
  ) throws(SystemError) {
    let path = objects.path(of: digest)
    do throws(FileDigestError) {
      let present = try SHA256Digest.ofFile(at: path)
      found.byteCount += present.byteCount
      if present.digest == digest {
        sound.insert(digest)
      } else {
        found.damagedObjects.append(path)
      }
    } catch {
      let error = SystemError(operation: error.operation, path: path, code: error.code)
      if error.isMissingFile { return }
      // A disk that cannot give the bytes back has lost them; a folder that is shut has not.
      if !error.isLostData { throw error }
      found.damagedObjects.append(path)
    }
    found.objectCount += 1
  }

  /// The bytes of a small file; nil where it is gone.
  private static func bytes(of path: String) throws(SystemError) -> [UInt8]? {
    do throws(SystemError) { return try FileSystem.readAll(path) } catch {
      if error.isMissingFile { return nil }
      if error.isLostData { return [] }
      throw error
    }
  }

  private func record(in bytes: [UInt8], at path: String) -> ActionRecord? {
    guard let record = try? CacheJSON.unseal(ActionRecord.self, from: bytes),
      let key = try? record.preimage.key(), actions.path(of: key) == path
    else { return nil }
    return record
  }
}
