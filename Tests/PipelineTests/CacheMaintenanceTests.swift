// Looking after a cache: counting, verifying, clearing, and removing what is old.
import Foundation
import Testing

@testable import Pipeline

struct CacheMaintenanceTests {
  let scratch: Scratch
  let toy = Arithmetic()

  init() throws { scratch = try Scratch() }

  private func stages() -> [StageNode] {
    [
      node("two", toy.constant, ["value": 2]),
      node("scaled", toy.scale, ["factor": 10], from: ["a": "two"]),
      node("sign", toy.sign, from: ["a": "scaled"]),
    ]
  }

  @Test("verify finds what is damaged and removes it on demand; the next run computes it again")
  func verify() async throws {
    let runner = try scratch.runner(stages())
    let first = await runner.run()
    let sound = try scratch.cache.verify()
    #expect(sound.isSound)
    #expect((sound.objectCount, sound.recordCount) == (3, 3))
    let contents = try scratch.cache.contents()
    #expect((contents.objectCount, contents.recordCount) == (3, 3))
    #expect(
      try scratch.cache.records().map(\.preimage.stageType).sorted()
        == ["constant", "scale", "sign"])
    #expect(
      contents.byteCount == first.stages.compactMap { $0.outputs["value"]?.byteCount }.reduce(0, +))
    let path = try scratch.object("scaled", in: first)
    try scratch.overwrite(path) { $0[0] ^= 4 }
    let record = scratch.cache.actions.path(of: try #require(first["two"]?.key))
    try scratch.overwrite(record) { $0[40] ^= 4 }
    let damaged = try scratch.cache.verify()
    #expect(damaged.damagedObjects == [path])
    #expect(damaged.damagedRecords == [record])
    #expect(damaged.incompleteRecordCount == 1)
    #expect(try scratch.cache.verify(isRepairing: true) == damaged)
    #expect(try scratch.cache.verify().isSound)
    #expect(await runner.run().ranCount == 2)
  }

  @Test("an object that another run removes while they are counted is none")
  func vanished() async throws {
    let first = await (try scratch.runner(stages())).run()
    let path = try scratch.object("scaled", in: first)
    let size = first["scaled"]?.outputs["value"]?.byteCount ?? 0
    let before = try scratch.cache.contents()
    // As after the listing: a name, and no file behind it.
    try FileManager.default.removeItem(atPath: path)
    try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "gone")
    let contents = try scratch.cache.contents()
    #expect(contents.objectCount == before.objectCount - 1)
    #expect(size > 0 && contents.byteCount == before.byteCount - size)
  }

  @Test("clear removes what the cache holds and nothing else")
  func clear() async throws {
    let runner = try scratch.runner(stages())
    _ = await runner.run()
    let other = try scratch.write("mine", to: "cache/v1/notes.txt")
    try scratch.cache.clear()
    #expect(try scratch.cache.contents() == .init(objectCount: 0, byteCount: 0, recordCount: 0))
    #expect(FileManager.default.fileExists(atPath: other))
    #expect(await runner.run().ranCount == 3)
    try PipelineCache(path: scratch.path + "/never").clear()
  }

  @Test("results older than an age go, with the objects that only they name")
  func removeOldResults() async throws {
    let runner = try scratch.runner(stages())
    _ = await runner.run()
    let kept = try scratch.cache.collect(.init(keepsOnlyRoots: true, gracePeriod: 3600))
    #expect(kept.objectCount == 0 && kept.recordCount == 0)
    #expect(await runner.run().ranCount == 0)
    // Ages below zero reach into the future: everything is older than that.
    let removed = try scratch.cache.collect(.init(keepsOnlyRoots: true, gracePeriod: -3600))
    #expect(removed.objectCount == 3 && removed.recordCount == 3)
    #expect(await runner.run().ranCount == 3)
  }
}

struct SharedCacheTests {
  let scratch: Scratch
  private var root: String { scratch.path + "/cache" }

  init() throws { scratch = try Scratch() }

  private func mode(_ path: String) throws -> Int {
    try #require(
      FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
  }

  private func everything() -> [String] {
    let names = FileManager.default.enumerator(atPath: root)?.allObjects as? [String] ?? []
    return names.map { root + "/" + $0 }.sorted()
  }

  private func isFolder(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
      && isFolder.boolValue
  }

  @Test("What is written in a folder of a group can be read, used and replaced by the group")
  func group() async throws {
    try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
    #expect(chmod(root, 0o2775) == 0)
    let runner = try scratch.runner([node("two", Arithmetic().constant, ["value": 2])])
    #expect(await runner.run().ranCount == 1)
    let paths = everything()
    #expect(paths.count > 6)
    for path in paths {
      let wanted = isFolder(path) ? 0o2070 : path.contains("/objects/") ? 0o040 : 0o060
      let found = try mode(path)
      #expect(found & wanted == wanted, "\(path): \(String(found, radix: 8))")
    }
  }

  @Test("What is written in a folder of one person, or of everybody, is nobody else's to change")
  func person() async throws {
    for (name, outer) in [("own", 0o755), ("everybody", 0o1777)] {
      let folder = scratch.path + "/" + name
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      #expect(chmod(folder, mode_t(outer)) == 0)
      let cache = PipelineCache(path: folder + "/cache")
      let runner = PipelineRunner(
        graph: try PipelineGraph(
          name: "toy", inputPaths: [:],
          stages: [node("two", Arithmetic().constant, ["value": 2])], results: ["two"]),
        codecs: [NumberCodec()], cache: cache, toolVersion: "toy")
      #expect(await runner.run().ranCount == 1)
      let mask = umask(0o022)
      umask(mask)
      let names =
        FileManager.default.enumerator(atPath: folder)?.allObjects as? [String] ?? []
      #expect(names.count > 6)
      // A umask that gives the group its share is the user's own wish.
      for name in names where mask & 0o020 != 0 {
        #expect(try mode(folder + "/" + name) & 0o022 == 0, "\(name)")
      }
    }
  }

  @Test("A rename whose answer was lost is told from one that never happened")
  func lostAnswer() throws {
    let source = try scratch.write("content", to: "source")
    let stamp = try FileSystem.stamp(of: source)
    let target = scratch.path + "/target"
    #expect(!FileSystem.isSameFile(stamp, at: target))
    _ = try scratch.write("content", to: "target")
    #expect(!FileSystem.isSameFile(stamp, at: target))
    try FileSystem.rename(source, to: target)
    #expect(FileSystem.isSameFile(stamp, at: target))
    #expect(throws: SystemError.self) { try FileSystem.rename(source, to: target) }
    #expect(SystemError(operation: "open", path: "a", code: ESTALE).isMissingFile)
  }
}

struct ScratchFolderTests {
  @Test(
    "A folder is made once, removed with what is in it, and swept only when its process is gone")
  func folder() throws {
    let scratch = try Scratch()
    let objects = scratch.cache.objects
    let folder = ScratchFolder(objects)
    let path = try folder.path()
    #expect(try folder.path() == path)
    try FileManager.default.createDirectory(
      atPath: path + "/a/b", withIntermediateDirectories: true)
    try Data([1]).write(to: URL(fileURLWithPath: path + "/a/b/c"))
    objects.sweepTemporaries()
    #expect(FileManager.default.fileExists(atPath: path + "/a/b/c"))
    folder.remove()
    #expect(!FileManager.default.fileExists(atPath: path))
  }

  @Test(
    "Any word of a list reads back as it was",
    arguments: [
      [], ["a"], ["--sigma", "2.5"], ["{input}", "a, b", "[x]"], ["", " ", "\"", "\\", "a\"b\\c"],
      ["line\nbreak", "tab\t", "µm", "a b", "true", "null"],
    ])
  func list(words: [String]) {
    let text = ParameterValue.list(words.map { .text($0) }).description
    #expect(TextList.words(in: text) == words, "\(text)")
    #expect(!text.contains("\n"))
  }

  @Test("A list that is none is no list", arguments: ["[a,,b]", "[\"a]", "[\"a\" b]", "[\"\\q\"]"])
  func noList(text: String) { #expect(TextList.words(in: text) == nil) }
}
