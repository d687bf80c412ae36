// Input files: known by content, remembered by stamp, refused when they change under a stage.
import Foundation
import Testing

@testable import Pipeline

struct InputFileTests {
  let scratch: Scratch
  let toy = Arithmetic()

  init() throws { scratch = try Scratch() }

  private func reading(_ path: String, type: (any StageType)? = nil) throws -> PipelineRunner {
    try scratch.runner(
      [
        node("read", type ?? toy.read, files: ["file": "numbers"]),
        node("sign", toy.sign, from: ["a": "read"]),
        node("other", toy.constant, ["value": 1]),
      ], results: ["sign"], inputs: ["numbers": path])
  }

  @Test("content decides: another path with the same bytes is a hit, other bytes are not")
  func contentDecides() async throws {
    let first = try scratch.write("6", to: "first.txt")
    let report = await (try reading(first)).run()
    #expect(report.inputs.map(\.size) == [1])
    #expect(report.inputs.map(\.name) == ["numbers"])
    #expect(
      report.inputs.first?.digest.map { "\($0)" }
        == "e7f6c011776e8db7cd330b54174fd76f7d0216b612387a5ffcfb81e6f0919683")
    let copy = try scratch.write("6", to: "copy.txt")
    #expect(await (try reading(copy)).run().ranCount == 0)
    let runner = try reading(try scratch.write("-6", to: "copy.txt"))
    #expect(runner.plan()["read"]?.description == "read because file 'file' changed")
    #expect(runner.plan()["sign"]?.description == "sign because read because file 'file' changed")
    #expect(try runner.number("sign", in: await runner.run()) == -1)
  }

  @Test("a folder, a missing file and an input nobody named are refused before anything runs")
  func refused() async throws {
    let folder = try reading(scratch.path).plan()
    #expect(
      folder["read"]?.description
        == "read: blocked: input 'numbers': cannot read \(scratch.path): Is a directory")
    #expect(folder["sign"]?.description == "sign: blocked by read")
    #expect((folder.blockedCount, folder.runCount) == (2, 1))
    let unnamed = try scratch.runner([node("read", toy.read, files: ["file": "numbers"])])
    let report = await unnamed.run()
    #expect(report["read"]?.failure?.message == "input 'numbers': no file is given for it")
    #expect(report["read"]?.failure?.category == .inputRefused)
    #expect(report.exitCode == 4)
  }

  @Test("of two inputs with one file that is missing the first is named, each time")
  func sharedPath() throws {
    for index in 0..<8 {
      let names = ["a\(index)", "b\(index)"]
      let graph = try PipelineGraph(
        name: "toy", inputPaths: Dictionary(uniqueKeysWithValues: names.map { ($0, "none.txt") }),
        stages: names.map { node("read-\($0)", toy.read, files: ["file": $0]) },
        results: ["read-b\(index)"])
      let many = ManyPlans([("k", graph)], cache: scratch.cache, threads: 1)
      #expect(
        many.plans.first?.plan["read-b\(index)"]?.description
          == "read-b\(index): blocked: input 'a\(index)': cannot open none.txt:"
          + " No such file or directory")
    }
  }

  @Test("an input that changes while it is read is never published", arguments: [1, 2])
  func changedWhileRead(threads: Int) async throws {
    let path = try scratch.write("6", to: "number.txt")
    let scratch = scratch
    let changing = Operation("changing", inputs: [], tally: toy.tally) { context in
      _ = context.file("file")
      _ = try scratch.write("7", to: "number.txt")
      return ["value": 6]
    }
    let runner = try reading(path, type: changing)
    let report = await runner.run()
    #expect(
      report["read"]?.failure
        == StageFailure(
          .inputRefused, "input 'numbers' changed while it was read: \(path)",
          remedy: "run again once the file is complete"))
    #expect(report["sign"]?.outcome == .blocked(by: ["read"]))
    #expect(report["other"]?.outcome == .ran)
    #expect(report.exitCode == 4)
    #expect(scratch.files(in: "records").count == 1)
    #expect(scratch.files(in: "objects").count == 1)
    runner.cache.close()
    #expect(scratch.files(in: "tmp").isEmpty)
  }

  @Test("an input that cannot be read again is told in the system's words, whose fault it is too")
  func unreadable() async throws {
    // Nothing lies at the beginning of a process's memory: reading it fails as a disk does. A link to itself
    // leads nowhere; a file that is gone is another.
    for (target, code, words) in [
      ("/proc/self/mem", Int32(5), "input 'numbers': cannot read PATH: Input/output error"),
      ("number.txt", 4, "input 'numbers': cannot open PATH: Too many levels of symbolic links"),
      (
        "gone.txt", 4,
        "input 'numbers' changed while it was read: PATH (cannot open PATH: No such file or directory)"
      ),
    ] {
      let path = try scratch.write("6", to: "number.txt")
      let replacing = Operation("replacing-\(code)\(target.count)", inputs: []) { _ in
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: target)
        return ["value": 6]
      }
      let report = await (try reading(path, type: replacing)).run()
      try FileManager.default.removeItem(atPath: path)
      #expect(
        report["read"]?.failure?.message == words.replacingOccurrences(of: "PATH", with: path))
      #expect(report["read"]?.failure?.remedy?.isEmpty == false)
      #expect(report.exitCode == code)
    }
  }

  @Test("a stage further down is not published either")
  func changedUnderDescendant() async throws {
    let path = try scratch.write("6", to: "number.txt")
    let scratch = scratch
    let late = Operation("late", inputs: ["a"]) { context in
      _ = try scratch.write("77", to: "number.txt")
      return ["value": try context.value("a")]
    }
    let runner = try scratch.runner(
      [
        node("read", toy.read, files: ["file": "numbers"]), node("late", late, from: ["a": "read"]),
      ], inputs: ["numbers": path])
    let report = await runner.run()
    #expect(report["read"]?.outcome == .ran)
    #expect(report["late"]?.failure?.category == .inputRefused)
  }

  @Test("an input that is touched while it is read is read again; never at rest, it is refused")
  func touched() async throws {
    let path = try scratch.write("6", to: "number.txt")
    for (restless, expected) in [(false, Int32(0)), (true, 4)] {
      let tally = Tally()
      let touching = Operation("touching-\(restless)", inputs: [], tally: tally) { _ in
        if restless || tally.total == 1 {
          let date = Date(timeIntervalSince1970: 1e9 + Double(tally.total))
          try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: path)
        }
        return ["value": 6]
      }
      let report = await (try reading(path, type: touching)).run()
      #expect(report.exitCode == expected)
      #expect(tally.total == (restless ? 3 : 2))
      #expect(
        report["read"]?.failure?.message
          == (restless
            ? "input 'numbers' was touched each time that it was read: \(path)" : nil))
    }
  }

  @Test("what a file held for a moment, between two times the same content, is never published")
  func changedAndChangedBack() async throws {
    let path = try scratch.write("6", to: "number.txt")
    let scratch = scratch
    let fleeting = Operation("fleeting", inputs: []) { context in
      _ = try scratch.write("7", to: "number.txt")
      let text = try String(contentsOfFile: context.file("file")?.path ?? "", encoding: .utf8)
      _ = try scratch.write("6", to: "number.txt")
      return ["value": Double(text) ?? 0]
    }
    // One that never stops writing is refused; one that does is read as what it is.
    #expect(await (try reading(path, type: fleeting)).run().exitCode == 4)
    let counted = Tally()
    let once = Operation("once", inputs: [], tally: counted) { context in
      let isFirst = counted.total == 1
      if isFirst { _ = try scratch.write("7", to: "number.txt") }
      let text = try String(contentsOfFile: context.file("file")?.path ?? "", encoding: .utf8)
      if isFirst { _ = try scratch.write("6", to: "number.txt") }
      return ["value": Double(text) ?? 0]
    }
    let reader = try reading(path, type: once)
    #expect(try reader.number("read", in: await reader.run()) == 6)
    #expect(counted.total == 2)
  }

  @Test("a young file is not remembered, an old one is, and any change forgets it")
  func memo() throws {
    var (path, memo) = ("", "")
    var (digests, young) = (FileDigests(folder: ""), DigestedFile?.none)
    // A starved machine may need longer than a file is young: then another one is written.
    for attempt in 0..<20 where young?.isYoung != true {
      path = try scratch.write("6", to: "number-\(attempt).txt")
      memo = scratch.path + "/memo-\(attempt)"
      digests = FileDigests(folder: memo)
      young = try digests.digest(of: path)
    }
    func memoCount() throws -> Int { try FileSystem.names(in: memo).count }
    #expect(young?.isYoung == true)
    #expect(try memoCount() == 0)
    // Only waiting makes the change time old: no call sets it.
    Thread.sleep(forTimeInterval: 2.1)
    let old = try digests.digest(of: path)
    #expect(!old.isYoung)
    #expect(old.digest == young?.digest)
    #expect(try memoCount() == 1)
    #expect(try digests.digest(of: path) == old)
    let before = try FileManager.default.attributesOfItem(atPath: path)[.modificationDate]
    let handle = try #require(FileHandle(forWritingAtPath: path))
    try handle.write(contentsOf: Data("8".utf8))
    try handle.close()
    try FileManager.default.setAttributes([.modificationDate: before as Any], ofItemAtPath: path)
    // Same file, same size, same modification time: the change time tells.
    #expect(try digests.digest(of: path).digest != old.digest)
    #expect(try digests.confirm(old) == nil)
  }

  @Test("a memo that lies about its content is not believed")
  func garbledMemo() throws {
    let path = try scratch.write("6", to: "number.txt")
    let digests = FileDigests(folder: scratch.path + "/memo")
    Thread.sleep(forTimeInterval: 2.1)
    let digest = try digests.digest(of: path).digest
    let memo = try #require(try FileSystem.names(in: scratch.path + "/memo").first)
    var text = try String(contentsOfFile: scratch.path + "/memo/" + memo, encoding: .utf8)
    text.replace("\(digest)", with: String(repeating: "0", count: 64))
    _ = try scratch.write(text, to: "memo/" + memo)
    #expect(try digests.digest(of: path).digest == digest)
  }
}
