// What is kept of how a stage was computed.
import Testing

@testable import Pipeline

struct StageLogTests {
  let scratch: Scratch
  let toy = Arithmetic()

  init() throws { scratch = try Scratch() }

  private func runner(_ factor: Double) throws -> PipelineRunner {
    try scratch.runner(
      [
        node("two", toy.constant, ["value": 2]),
        node("scaled", toy.scale, ["factor": factor], from: ["a": "two"]),
      ], threads: 3)
  }

  @Test("a hit tells how it was computed, and so does the last record of what is to run")
  func log() async throws {
    let first = await (try runner(3)).run()
    _ = await (try runner(4)).run()
    let entries = try runner(4).plan().onRecord()
    #expect(entries.map(\.stage) == ["two", "scaled"])
    #expect(entries.map(\.isPresent) == [true, true])
    let two = entries[0].record.log
    #expect(entries[0].record.runID == first.runID)
    #expect(two.reasons == ["no record"] && two.threads == 3 && two.attempts == 1)
    #expect(two.host == Machine.hostName && two.processors >= 1)
    #expect(entries[1].record.log.reasons == ["factor 3 -> 4"])

    let next = try runner(5).plan().onRecord("scaled")
    #expect(next.count == 1)
    #expect(next.first?.isPresent == false)
    #expect(next.first?.record.facts.map(\.text) == ["value = 8.0"])
    #expect(try scratch.runner([node("new", toy.constant)]).plan().onRecord().isEmpty)
  }
}
