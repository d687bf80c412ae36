// Writes that fail when an object is released, where no call of ours is there to be told.
import Foundation
import Testing

@testable import HDF5

struct LostWriteTests {
  /// Zero bytes are left when the dataset is full: what the library held back has nowhere to go.
  @Test("a file whose last writes fail is not closed as if all were well")
  func lostWrites() async throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/full.h5"
    await #expect(processExitsWith: .success) { [path = path as String] in
      signal(SIGXFSZ, SIG_IGN)
      var limit = rlimit(rlim_cur: 1024, rlim_max: 1024)
      try #require(setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
      #expect(throws: HDF5Error.self) {
        try HDF5File.create(path) { root in
          for index in 0..<40 { _ = try root.createGroup("group-\(index)") }
        }
      }
    }
  }

  @Test("a failed release is told once, by the file that it belongs to")
  func told() {
    ReleaseFailures.note("/a.h5")
    #expect(!ReleaseFailures.take("/b.h5"))
    #expect(ReleaseFailures.take("/a.h5"))
    #expect(!ReleaseFailures.take("/a.h5"))
  }
}
