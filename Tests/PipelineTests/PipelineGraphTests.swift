// Graphs: every mistake is found, all of them at once.
import Testing

@testable import Pipeline

struct PipelineGraphTests {
  let toy = Arithmetic()

  /// A stage type whose output is of its input's kind.
  private struct Pass: StageType {
    let name = "pass"
    let summary = ""
    let algorithmVersion = 1
    let parameters: [ParameterSpecification] = []
    let inputs = [InputPort("in", kinds: ["number", "word"], summary: "anything")]
    let outputs = [OutputPort("value", kind: .sameAs(input: "in"), summary: "the same")]
    func run(_ context: StageContext) throws -> StageProduct { StageProduct(outputs: [:]) }
  }

  private struct Say: StageType {
    let name = "say"
    let summary = ""
    let algorithmVersion = 1
    let parameters: [ParameterSpecification] = []
    let inputs: [InputPort] = []
    let outputs = [OutputPort("value", kind: .fixed("word"), summary: "a word")]
    func run(_ context: StageContext) throws -> StageProduct { StageProduct(outputs: [:]) }
  }

  private func problems(_ stages: [StageNode], results: [String] = []) -> [GraphProblem] {
    do throws(GraphError) {
      _ = try PipelineGraph(name: "toy", inputPaths: [:], stages: stages, results: results)
      return []
    } catch { return error.problems }
  }

  @Test("stages come in topological order, ties by name, whatever order they are given in")
  func order() throws {
    let stages = [
      node("a-last", toy.add, from: ["a": "m", "b": "z"]), node("m", toy.sign, from: ["a": "z"]),
      node("z", toy.constant), node("b", toy.constant),
    ]
    for given in [stages, stages.reversed()] {
      let graph = try PipelineGraph(name: "toy", inputPaths: [:], stages: given, results: [])
      #expect(graph.stages.map(\.name) == ["z", "m", "a-last", "b"])
    }
  }

  @Test("a cycle is reported as a path, each cycle once")
  func cycles() {
    let found = problems([
      node("a", toy.sign, from: ["a": "b"]), node("b", toy.sign, from: ["a": "a"]),
      node("c", toy.sign, from: ["a": "c"]), node("d", toy.sign, from: ["a": "b"]),
    ])
    #expect(
      found == [
        GraphProblem(.stage("a"), "the stages feed each other in a circle: a <- b <- a"),
        GraphProblem(.stage("c"), "the stages feed each other in a circle: c <- c"),
      ])
  }

  @Test("unknown stages, ports and results are named, with what was meant")
  func unknownNames() {
    let found = problems(
      [
        node("first", toy.constant), node("x", toy.sign, from: ["a": "frist"]),
        node("y", toy.split, from: ["a": "first"]), node("z", toy.sign, from: ["a": "y.hole"]),
        node("w", toy.add, from: ["a": "first", "bb": "first", "b": "first"]),
      ], results: ["frst"])
    #expect(
      found == [
        GraphProblem(
          .port(stage: "w", port: "bb"), "add has no input port 'bb'",
          suggestion: "did you mean 'b'?"),
        GraphProblem(
          .port(stage: "x", port: "a"), "there is no stage 'frist'",
          suggestion: "did you mean 'first'?"),
        GraphProblem(
          .port(stage: "z", port: "a"), "stage 'y' (split) has no output 'hole'",
          suggestion: "did you mean 'whole'?"),
        GraphProblem(
          .result(0), "results: there is no stage 'frst'", suggestion: "did you mean 'first'?"),
      ])
  }

  @Test("a required input that nothing feeds is missing, an optional one is not")
  func requiredInputs() {
    #expect(
      problems([node("lonely", toy.sign)]) == [
        GraphProblem(
          .stage("lonely"), "stage 'lonely' (sign) needs its input 'a': a number",
          suggestion: "connect it with from: (it takes a number)")
      ])
    let optional = Operation("any", inputs: ["a"], optional: ["a"]) { _ in [:] }
    #expect(problems([node("fine", optional)]).isEmpty)
  }

  @Test("kinds are held against ports, through stages that pass them on")
  func kinds() throws {
    let chain = [
      node("word", Say()), node("one", Pass(), from: ["in": "word"]),
      node("two", Pass(), from: ["in": "one"]), node("sign", toy.sign, from: ["a": "two"]),
    ]
    #expect(
      problems(chain) == [
        GraphProblem(
          .port(stage: "sign", port: "a"), "sign takes a number at 'a', but two.value is a word")
      ])
    let numbers = try PipelineGraph(
      name: "toy", inputPaths: [:],
      stages: [
        node("n", toy.constant), node("one", Pass(), from: ["in": "n"]),
        node("sign", toy.sign, from: ["a": "one"]),
      ], results: [])
    #expect(numbers.kind(of: OutputReference(stage: "one", port: "value")) == "number")
    #expect(numbers.kind(of: OutputReference(stage: "one", port: "other")) == nil)
  }

  @Test("a kind is checked below a cycle too, and two stages of one name are a mistake")
  func together() {
    let found = problems([
      node("a", toy.sign, from: ["a": "a"]), node("b", toy.add, from: ["a": "a", "b": "word"]),
      node("word", Say()), node("twin", toy.constant), node("twin", toy.constant),
    ])
    #expect(
      found.map(\.message) == [
        "there are two stages named 'twin'",
        "the stages feed each other in a circle: a <- a",
        "add takes a number at 'b', but word.value is a word",
      ])
  }
}
