// From the record of a graph back to the graph.
import Pipeline
import PipelineManifest
import Testing

struct RecordedPipelineTests {
  private func record(_ graph: PipelineGraph) -> RecordedPipeline {
    RecordedPipeline(
      name: graph.name,
      stages: graph.stages.map { node in
        RecordedStage(
          name: node.name, type: node.type.name,
          parameters: node.parameters.mapValues { $0.value.description }
            .merging(node.fileParameters.mapValues { "$" + $0 }) { value, _ in value },
          inputs: node.inputs.mapValues(\.description))
      }, results: graph.results, inputNames: Array(graph.inputPaths.keys))
  }

  @Test("Stages, values, connections and results come back from their texts")
  func roundTrip() throws {
    let graph = try load(goodManifest, set: ["figure.format=[pdf, png]", "long.length_nm=1.25e-7"])
      .graph
    let again = try record(graph).load(
      path: "r.h5", catalog: toyCatalog, inputs: ["tape": "elsewhere.txt"]
    ).graph
    #expect(record(again) == record(graph))
    for node in graph.stages {
      #expect(
        again[node.name]?.parameters.mapValues(\.value) == node.parameters.mapValues(\.value))
    }
    #expect(again.inputPaths == ["tape": "elsewhere.txt"])
    #expect(record(graph).unfaithful(again).isEmpty)
  }

  @Test("A value that the graph holds otherwise is named")
  func unfaithful() throws {
    let graph = try load(goodManifest).graph
    let other = try load(goodManifest, set: ["long.length_nm=51"]).graph
    #expect(record(graph).unfaithful(other) == ["long.length_nm"])
  }

  @Test("A type or a parameter that is known no longer is an error that names it")
  func unknown() throws {
    var pipeline = record(try load(goodManifest).graph)
    pipeline.stages[0].type = "forgotten"
    pipeline.stages[1].parameters["lost_nm"] = "3"
    do {
      _ = try pipeline.load(path: "r.h5", catalog: toyCatalog, inputs: ["tape": "t"])
      Issue.record("no error")
    } catch {
      #expect(error.rendered.contains("forgotten"), "\(error.rendered)")
      #expect(error.rendered.contains("r.h5"))
    }
  }
}
