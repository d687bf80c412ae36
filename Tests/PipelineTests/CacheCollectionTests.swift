// Making room in a cache: what is kept, in which order the rest goes, and what never goes.
import Foundation
import Testing

@testable import Pipeline

struct CacheCollectionTests {
  let scratch: Scratch
  let toy = Arithmetic()

  init() throws { scratch = try Scratch() }

  /// Objects of 11 bytes ("number 2.0" and a newline) and 12 bytes.
  private func runner(_ factor: Double) throws -> PipelineRunner {
    try scratch.runner([
      node("two", toy.constant, ["value": 2]),
      node("scaled", toy.scale, ["factor": factor], from: ["a": "two"]),
    ])
  }

  private func collect(
    keeping roots: Set<ActionKey> = [], onlyRoots: Bool = false, maximum: Int? = nil,
    grace: Double = -3600, dryRun: Bool = false
  ) throws -> PipelineCache.Collection {
    try scratch.cache.collect(
      .init(
        roots: roots, keepsOnlyRoots: onlyRoots, maximumByteCount: maximum, gracePeriod: grace),
      isDryRun: dryRun)
  }

  /// Sets when a record was used last, in days before now; a file's change time stays.
  private func age(_ report: RunReport, _ stage: String, days: Double) throws {
    let path = scratch.cache.actions.path(of: try #require(report[stage]?.key))
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSinceNow: -86_400 * days)], ofItemAtPath: path)
  }

  @Test("roots stay, everything else goes, and a dry run only tells")
  func roots() async throws {
    let first = await (try runner(10)).run()
    let second = await (try runner(20)).run()
    let roots = Set(second.stages.compactMap(\.key))
    let told = try collect(keeping: roots, onlyRoots: true, dryRun: true)
    #expect((told.recordCount, told.objectCount, told.byteCount) == (1, 1, 12))
    #expect(told.keptByteCount == 23)
    #expect(scratch.files(in: "objects").count == 3)
    #expect(try collect(keeping: roots, onlyRoots: true) == told)
    #expect(await (try runner(20)).run().ranCount == 0)
    #expect(
      try FileManager.default.fileExists(atPath: scratch.object("scaled", in: first)) == false)
    #expect(await (try runner(10)).run().ranCount == 1)
    #expect(try scratch.cache.verify().isSound)
  }

  @Test("to fit a size, what was unused for longest goes first, and no more than that")
  func size() async throws {
    let first = await (try runner(10)).run()
    let second = await (try runner(20)).run()
    try age(first, "scaled", days: 1)
    try age(second, "scaled", days: 3)
    try age(second, "two", days: 2)
    #expect(try collect(maximum: 35).recordCount == 0)
    let done = try collect(maximum: 34)
    #expect((done.recordCount, done.byteCount, done.keptByteCount) == (1, 12, 23))
    #expect(await (try runner(10)).run().ranCount == 0)
    #expect(try collect(maximum: 0).keptByteCount == 0)
  }

  @Test("a result that was taken from the cache counts as used")
  func used() async throws {
    let report = await (try runner(10)).run()
    try age(report, "two", days: 3)
    try age(report, "scaled", days: 3)
    _ = await (try runner(10)).run()
    for stage in ["two", "scaled"] {
      let path = scratch.cache.actions.path(of: try #require(report[stage]?.key))
      let date = try FileManager.default.attributesOfItem(atPath: path)[.modificationDate] as? Date
      #expect(try #require(date).timeIntervalSinceNow > -3600)
    }
  }

  @Test(
    "what is young stays whatever the rules say; an object without a record goes when it is not")
  func grace() async throws {
    let report = await (try runner(10)).run()
    #expect(try collect(onlyRoots: true, maximum: 0, grace: 3600).recordCount == 0)
    #expect(await (try runner(10)).run().ranCount == 0)
    let record = scratch.cache.actions.path(of: try #require(report["scaled"]?.key))
    try FileManager.default.removeItem(atPath: record)
    #expect(try collect(grace: 3600).objectCount == 0)
    let done = try collect()
    #expect((done.recordCount, done.objectCount, done.byteCount) == (0, 1, 12))
    #expect(scratch.files(in: "latest").count == 1)
  }

  @Test("the inventory counts by type of stage")
  func holdings() async throws {
    _ = await (try runner(10)).run()
    _ = await (try runner(20)).run()
    let holdings = try scratch.cache.holdings()
    #expect(holdings.map(\.stageType) == ["constant", "scale"])
    #expect(holdings.map(\.recordCount) == [1, 2])
    #expect(holdings.map(\.byteCount) == [11, 24])
  }
}
