// A crash inside the library ends the process with an exit code; one outside keeps its course.
import CHDF5
import Foundation
import Testing

@testable import HDF5

struct CrashNoticeTests {
  @Test("A crash inside the library names the file and exits with the code given")
  func insideTheLibrary() async throws {
    let result = await #expect(
      processExitsWith: .exitCode(4), observing: [\.standardErrorContent]
    ) {
      HDF5CrashNotice.install(exitCode: 4)
      HDF5CrashNotice.enter("scan.h5")
      raise(SIGSEGV)
    }
    let text = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
    #expect(text.contains("error: scan.h5: the file is damaged: the HDF5 library crashed on it"))
  }

  @Test("A crash elsewhere still is one")
  func outsideTheLibrary() async {
    await #expect(processExitsWith: .signal(SIGSEGV)) {
      HDF5CrashNotice.install(exitCode: 4)
      HDF5CrashNotice.enter("scan.h5")
      HDF5CrashNotice.leave()
      raise(SIGSEGV)
    }
  }

  @Test("A crash of another thread, while one is inside the library, still is one")
  func besideTheLibrary() async {
    await #expect(processExitsWith: .signal(SIGABRT)) {
      HDF5CrashNotice.install(exitCode: 4)
      HDF5CrashNotice.enter("scan.h5")
      Thread { abort() }.start()
      sleep(60)
    }
  }

  @Test("A crash where an object is released is the file's, also one of the memory functions")
  func release() async throws {
    let result = await #expect(
      processExitsWith: .exitCode(4), observing: [\.standardErrorContent]
    ) {
      HDF5CrashNotice.install(exitCode: 4)
      _ = HDF5Library.version
      // An object of a kind that crashes when its last reference goes.
      let kind = H5Iregister_type(64, 0) { _ in abort() }
      let object = UnsafeMutableRawPointer.allocate(byteCount: 1, alignment: 1)
      _ = try Handle("open", Place(file: "scan.h5", object: nil)) { H5Iregister(kind, object) }
    }
    let text = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
    #expect(text.contains("error: scan.h5: the file is damaged: the HDF5 library crashed on it"))
  }
}
