// A folder for the files of a stage at work, gone with it.
internal import Synchronization

/// A folder on the file system of the cache: made when it is first asked for, removed when the stage is done,
/// swept up by a later run where the process died.
final class ScratchFolder: Sendable {
  private let objects: ObjectStore
  private let made = Mutex<String?>(nil)

  init(_ objects: ObjectStore) { self.objects = objects }

  /// - Throws: ``StageFailure`` of category `machine` where there is no room for it.
  func path() throws -> String {
    try made.withLock { made in
      if let made { return made }
      do throws(SystemError) {
        let path = try objects.temporaryPath()
        try FileSystem.makeSharedFolder(path)
        made = path
        return path
      } catch {
        throw PipelineCache.failure(error, in: objects.root)
      }
    }
  }

  /// What cannot be removed is swept up later.
  func remove() {
    if let path = made.withLock({ $0 }) { try? FileSystem.removeFolder(path) }
  }
}
