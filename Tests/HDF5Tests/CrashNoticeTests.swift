// A crash inside the library ends the process with an exit code; one outside keeps its course.
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
}
