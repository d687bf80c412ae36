// What a run keeps in memory, and what it reads from the cache: no more than a stage asks for.
import Foundation
import Pipeline
import Synchronization
import Testing

/// A number that tells when it is let go.
private final class Tracked: StageValue {
  let value: Double
  let alive: Tally
  init(_ value: Double, alive: Tally) {
    self.value = value
    self.alive = alive
    alive.count("\(value)")
  }
  deinit { _ = alive.take("\(value)") }
}

private struct TrackedCodec: ValueCodec {
  let kind: PortKind = "number"
  let alive = Tally()
  let decoded = Tally()

  func encode(_ value: any StageValue, to file: ObjectFile) throws {
    let text = (value as? Tracked).map { "\($0.value)" } ?? ""
    try file.write(Array(text.utf8))
  }

  func decode(from path: String, files: InputFiles) throws -> any StageValue {
    let value = Double(try String(contentsOfFile: path, encoding: .utf8)) ?? .nan
    decoded.count("\(value)")
    return Tracked(value, alive: alive)
  }
}

/// Leaves the sum of its inputs and `plus`; says which values are in memory meanwhile.
private struct Sum: StageType {
  let name = "sum"
  let summary = ""
  let algorithmVersion = 1
  let parameters: [ParameterSpecification] = []
  let inputs = [
    InputPort("a", kinds: ["number"], isRequired: false, summary: ""),
    InputPort("b", kinds: ["number"], isRequired: false, summary: ""),
  ]
  let outputs = [OutputPort("value", kind: .fixed("number"), summary: "")]
  let alive: Tally

  func run(_ context: StageContext) throws -> StageProduct {
    var sum = context.number("plus") ?? 0
    for port in ["a", "b"] { sum += (context.input(port) as? Tracked)?.value ?? 0 }
    return StageProduct(
      outputs: ["value": Tracked(sum, alive: alive)],
      facts: [Fact("alive", text: "", value: Double(alive.total))])
  }
}

struct MemoryTests {
  private let codec = TrackedCodec()
  let scratch: Scratch

  init() throws { scratch = try Scratch() }

  private func runner(last: Double = 1) throws -> PipelineRunner {
    let sum = Sum(alive: codec.alive)
    return PipelineRunner(
      graph: try PipelineGraph(
        name: "toy", inputPaths: [:],
        stages: [
          node("a", sum, ["plus": 1]), node("b", sum, ["plus": 10], from: ["a": "a"]),
          node("c", sum, ["plus": 100], from: ["a": "b"]),
          node("d", sum, ["plus": 1000], from: ["a": "c"]),
          node("e", sum, ["plus": last], from: ["a": "d", "b": "b"]),
        ], results: ["e"]), codecs: [codec], cache: scratch.cache, toolVersion: "toy")
  }

  @Test("a value stays in memory while a stage to come needs it, and no longer")
  func released() async throws {
    let report = await (try runner()).run()
    #expect(report.exitCode == 0)
    // Beside each sum its own value: nothing; a; b; c and b; d and b.
    #expect(report.stages.map { $0.facts.first?.value } == [1, 2, 2, 3, 3])
    #expect(codec.decoded.total == 0)
    #expect(codec.alive.total == 0)
  }

  @Test("a warm run reads no value; a run of one stage reads what that stage takes")
  func lazyReading() async throws {
    _ = await (try runner()).run()
    let warm = await (try runner()).run()
    #expect(warm.hitCount == 5)
    #expect(codec.decoded.total == 0)
    let changed = await (try runner(last: 2)).run()
    #expect(changed.ranCount == 1)
    #expect(codec.decoded.total == 2)
    #expect((codec.decoded["1111.0"], codec.decoded["11.0"]) == (1, 1))
    #expect(codec.alive.total == 0)
  }
}
