// Objects as they are written: their digests, their names, and the few files beside them.
import Digest
import Foundation
import Testing
import WorkSharing

@testable import Pipeline

struct ObjectFileTests {
  let scratch: Scratch
  let toy = Arithmetic()

  init() throws { scratch = try Scratch() }

  @Test(
    "the digest formed on the way is that of the file's bytes, of any length and in any pieces",
    arguments: [true, false])
  func digest(isShared: Bool) throws {
    let helper: BorrowedThread? = isShared ? .take() : nil
    var state: UInt64 = 7
    for counts in [[], [0], [5], [3, 0, 70_000], [1 << 20], [(1 << 20) + 1, 1, (3 << 20) - 1]] {
      let path = scratch.path + "/\(counts)"
      let file = try ObjectFile(at: path, helper: helper)
      var all: [UInt8] = []
      for count in counts {
        let bytes = (0..<count).map { _ in
          state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
          return UInt8(truncatingIfNeeded: state >> 40)
        }
        try file.write(bytes)
        all += bytes
      }
      let (digest, byteCount) = try file.finish()
      #expect(digest == SHA256Digest(of: all), "\(counts)")
      #expect(byteCount == all.count)
      #expect(try FileSystem.readAll(path) == all)
    }
    #expect(throws: SystemError.self) {
      try ObjectFile(at: scratch.path + "/none/file", helper: helper)
    }
  }

  @Test("a small run makes a file for each result and little beside them, and leaves no other")
  func files() async throws {
    let stages = (1...6).map { node("s\($0)", toy.constant, ["value": Double($0)]) }
    let runner = try scratch.runner(stages)
    #expect(await runner.run().ranCount == 6)
    runner.cache.close()
    for (folder, count) in [
      ("objects", 6), ("records", 6), ("latest", 1), ("memo", 0), ("leases", 0), ("tmp", 0),
      ("last", 0),
    ] {
      #expect(scratch.files(in: folder).count == count, "\(folder)")
    }
    for path in scratch.files(in: "objects") {
      #expect(try FileSystem.stamp(of: path).modified == ObjectStore.modified)
    }
  }

  @Test("all leases of a process are names of one file, which goes with it")
  func token() throws {
    let leases = scratch.cache.leases
    let keys = (1...3).map { ActionKey(SHA256Digest(of: [$0])) }
    let held = try keys.map { try #require(leases.take($0)) }
    let stamps = try keys.map { try FileSystem.stamp(of: leases.path(of: $0)) }
    #expect(Set(stamps.map(\.inode)).count == 1)
    #expect(scratch.files(in: "tmp").count == 1)
    // One that is swept up meanwhile is made anew.
    for path in scratch.files(in: "tmp") { try FileSystem.remove(path) }
    let other = try #require(leases.take(ActionKey(SHA256Digest(of: [9]))))
    #expect(try leases.count() == 4)
    for lease in held + [other] { lease.giveBack() }
    #expect(try leases.count() == 0)
    leases.token.withdraw()
    #expect(scratch.files(in: "tmp").isEmpty)
  }
}
