// Objects that were just written: remembered without another reading, and for how long.
import Digest
import Foundation
import Testing

@testable import Pipeline

struct FreshObjectTests {
  let scratch: Scratch

  init() throws { scratch = try Scratch() }

  private func digests(boot: String?) -> FileDigests {
    FileDigests(folder: scratch.path + "/cache/v1/memo", boot: boot)
  }

  private func memos() throws -> [String] {
    try FileSystem.names(in: scratch.path + "/cache/v1/memo").map {
      try String(contentsOfFile: scratch.path + "/cache/v1/memo/" + $0, encoding: .utf8)
    }
  }

  /// A digest that the file does not have: whoever gives it has not read the file.
  private let planted = SHA256Digest(of: [42])

  /// A file that was noted as fresh with the planted digest, and is old enough to be remembered.
  private func file(noting digests: FileDigests) throws -> String {
    let path = try scratch.write("6", to: "object")
    digests.noteFresh(path, planted)
    Thread.sleep(forTimeInterval: 2.1)
    return path
  }

  @Test("a fresh object is remembered when it is old enough, and only while nothing touched it")
  func settling() throws {
    let digests = digests(boot: "this")
    let path = try scratch.write("6", to: "object")
    digests.noteFresh(path, planted)
    digests.settle()
    #expect(try memos().isEmpty, "too young")
    Thread.sleep(forTimeInterval: 2.1)
    digests.settle()
    #expect(try memos().count == 1)
    #expect(try digests.digest(of: path).digest == planted)

    let touched = try scratch.write("7", to: "touched")
    digests.noteFresh(touched, planted)
    Thread.sleep(forTimeInterval: 2.1)
    _ = try scratch.write("8", to: "touched")
    digests.settle()
    #expect(try memos().count == 1)
    #expect(try digests.digest(of: touched).digest == SHA256Digest(of: Array("8".utf8)))
  }

  @Test("after another start of the machine it is read, whatever its times say")
  func anotherBoot() throws {
    let before = digests(boot: "before")
    let path = try file(noting: before)
    before.settle()
    #expect(try memos().allSatisfy { $0.contains("\"boot\" : \"before\"") })
    let after = digests(boot: "after")
    #expect(try after.digest(of: path).digest == SHA256Digest(of: Array("6".utf8)))
    // What was read from the disk is remembered for good.
    #expect(try memos().allSatisfy { !$0.contains("boot") })
    #expect(try digests(boot: "later").digest(of: path).digest == SHA256Digest(of: Array("6".utf8)))
  }

  @Test("whoever takes it in the same start waits for no disk while the system is still writing it")
  func stillBeingWritten() throws {
    let writer = digests(boot: "this")
    let path = try file(noting: writer)
    writer.settle()
    let reader = digests(boot: "this")
    #expect(try reader.digest(of: path).digest == planted)
    reader.synchronize()
    #expect(try memos().allSatisfy { $0.contains("\"boot\" : \"this\"") })
    // So it still does not hold for good.
    #expect(try digests(boot: "later").digest(of: path).digest == SHA256Digest(of: Array("6".utf8)))
  }

  @Test(
    "whoever takes it later in the same start waits for the disk when it is done, not when it looks"
  )
  func sameBoot() throws {
    let writer = digests(boot: "this")
    let path = try file(noting: writer)
    writer.settle()
    let reader = FileDigests(
      folder: scratch.path + "/cache/v1/memo", boot: "this", writingTime: 1_000_000_000)
    #expect(try reader.digest(of: path).digest == planted)
    #expect(try memos().count == 1)
    #expect(try memos().allSatisfy { $0.contains("boot") })
    reader.synchronize()
    #expect(try memos().count == 1)
    #expect(try memos().allSatisfy { !$0.contains("boot") })
    #expect(try digests(boot: "later").digest(of: path).digest == planted)
  }

  @Test("what was touched before the disk had it is not remembered for good")
  func touchedBeforeTheDisk() throws {
    let writer = digests(boot: "this")
    let path = try file(noting: writer)
    writer.settle()
    let reader = FileDigests(
      folder: scratch.path + "/cache/v1/memo", boot: "this", writingTime: 1_000_000_000)
    #expect(try reader.digest(of: path).digest == planted)
    _ = try scratch.write("7", to: "object")
    reader.synchronize()
    #expect(try memos().allSatisfy { $0.contains("boot") })
    #expect(try digests(boot: "later").digest(of: path).digest == SHA256Digest(of: Array("7".utf8)))
  }

  @Test(
    "a plan waits for nothing, a run when it is done, and not for what the system is still writing",
    arguments: [0, 3_600_000_000_000])
  func plansDoNotWait(writingTime: Int) async throws {
    let toy = Arithmetic()
    let stages = (0..<40).map { node("s\($0)", toy.constant, ["value": Double($0)]) }
    let first = try scratch.runner(stages)
    _ = await first.run()
    try await Task.sleep(for: .seconds(2.1))
    first.cache.settle()
    #expect(try memos().count == 40)
    let second = try scratch.runner(stages, writingTime: writingTime)
    #expect(second.plan().hitCount == 40)
    #expect(try memos().allSatisfy { $0.contains("boot") })
    #expect(await second.run().hitCount == 40)
    second.cache.settle()
    #expect(try memos().allSatisfy { $0.contains("boot") == (writingTime > 0) })
  }

  @Test("where the machine does not name its start nothing fresh is remembered")
  func noBoot() throws {
    let digests = digests(boot: nil)
    _ = try file(noting: digests)
    digests.settle()
    #expect(try memos().isEmpty)
  }

  @Test("a run that follows another reads none of its objects, and still notices a changed one")
  func secondRun() async throws {
    let toy = Arithmetic()
    let stages = [
      node("two", toy.constant, ["value": 2]),
      node("scaled", toy.scale, ["factor": 3], from: ["a": "two"]),
    ]
    let first = try scratch.runner(stages)
    let report = await first.run()
    try await Task.sleep(for: .seconds(2.1))
    first.cache.settle()
    #expect(scratch.files(in: "memo").count == 2)
    #expect(await (try scratch.runner(stages)).run().hitCount == 2)
    try scratch.overwrite(try scratch.object("two", in: report)) { $0[0] ^= 1 }
    let again = await (try scratch.runner(stages)).run()
    #expect(again["two"]?.outcome == .ran)
    #expect(again.cacheNotes.count == 1)
  }
}
