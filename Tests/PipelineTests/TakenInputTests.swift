// Stages that take their input for themselves: in place where nobody else wants it, a copy where somebody does.
import Foundation
import Synchronization
import Testing

@testable import Pipeline

/// An array, and where it lies.
private struct Numbers: StageValue {
  var values: [Double]
  var address: Int { values.withUnsafeBufferPointer { Int(bitPattern: $0.baseAddress) } }
}

private struct NumbersCodec: ValueCodec {
  let kind: PortKind = "number"

  func encode(_ value: any StageValue, to file: ObjectFile) throws {
    guard let numbers = value as? Numbers else { throw StageFailure(.failed, "no numbers") }
    try file.write(Array(try JSONEncoder().encode(numbers.values)))
  }

  func decode(from path: String, files: InputFiles) throws -> any StageValue {
    let data = try Data(contentsOf: URL(fileURLWithPath: path))
    return Numbers(values: try JSONDecoder().decode([Double].self, from: data))
  }
}

/// Makes a thousand ones, or adds one to what it takes.
private struct Adding: StageType {
  let hasInput: Bool
  let addresses: Addresses

  final class Addresses: Sendable {
    private let list = Mutex<[String: Int]>([:])
    subscript(stage: String) -> Int? {
      get { list.withLock { $0[stage] } }
      set { list.withLock { $0[stage] = newValue } }
    }
  }

  var name: String { hasInput ? "add" : "ones" }
  let summary = ""
  let algorithmVersion = 1
  let parameters: [ParameterSpecification] = []
  var inputs: [InputPort] {
    hasInput ? [InputPort("a", kinds: ["number"], summary: "numbers")] : []
  }
  let outputs = [OutputPort("value", kind: .fixed("number"), summary: "numbers")]
  func keepsOutputs(with parameters: [String: ParameterValue]) -> Bool { false }

  func run(_ context: StageContext) throws -> StageProduct {
    var numbers =
      hasInput
      ? try context.take("a", as: Numbers.self)
      : Numbers(values: [Double](repeating: 1, count: 1000))
    if hasInput {
      for index in numbers.values.indices { numbers.values[index] += 1 }
      #expect(context.input("a") == nil)
    }
    addresses[context.stageName] = numbers.address
    return StageProduct(outputs: ["value": numbers])
  }
}

struct TakenInputTests {
  private let addresses = Adding.Addresses()

  private func runner(_ scratch: Scratch, _ edges: [(String, String?)], results: [String]) throws
    -> PipelineRunner
  {
    let nodes = edges.map { name, source in
      node(
        name, Adding(hasInput: source != nil, addresses: addresses),
        from: source.map { ["a": $0] } ?? [:])
    }
    return PipelineRunner(
      graph: try PipelineGraph(name: "toy", inputPaths: [:], stages: nodes, results: results),
      codecs: [NumbersCodec()], cache: scratch.cache, toolVersion: "1", threads: 2)
  }

  @Test("along a chain the same memory is used from the first stage to the last")
  func chain() async throws {
    let scratch = try Scratch()
    let runner = try runner(
      scratch, [("ones", nil), ("two", "ones"), ("three", "two")], results: ["three"])
    let report = await runner.run()
    let last =
      try runner.value(of: OutputReference(stage: "three", port: "value"), in: report) as? Numbers
    #expect(last?.values == [Double](repeating: 3, count: 1000))
    #expect(addresses["ones"] == addresses["two"] && addresses["two"] == addresses["three"])
  }

  @Test("what another stage or the result wants is left as it is")
  func shared() async throws {
    let scratch = try Scratch()
    let runner = try runner(
      scratch, [("ones", nil), ("two", "ones"), ("deux", "ones"), ("three", "two")],
      results: ["ones", "two", "deux", "three"])
    let report = await runner.run()
    for (stage, value) in [("ones", 1.0), ("two", 2), ("deux", 2), ("three", 3)] {
      let reference = OutputReference(stage: stage, port: "value")
      let numbers = try runner.value(of: reference, in: report) as? Numbers
      #expect(numbers?.values == [Double](repeating: value, count: 1000))
    }
  }
}
