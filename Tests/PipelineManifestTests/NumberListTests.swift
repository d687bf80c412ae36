// Parameters that are lists of numbers: in a manifest, on the command line, in help and schema.

import Foundation
import Pipeline
import PipelineManifest
import Testing

private let catalog = StageCatalog([
  ToyType(
    name: "cut", summary: "Cuts a strip, or a piece of one.",
    parameters: [
      ParameterSpecification(
        "places_nm", .numbers(unit: "nm", range: NumberRange(0...100)), keywords: ["none"],
        default: .list([.number(10), .number(20.5)]), summary: "Where."),
      ParameterSpecification(
        "depths", .numbers(unit: nil, range: .any), isRequired: true, summary: "How deep."),
    ],
    inputs: [InputPort("strip", kinds: ["strip"], isRequired: false, summary: "What is cut.")],
    outputs: [OutputPort("strip", kind: .fixed("strip"), summary: "A piece.")])
])

private func places(_ text: String, set overrides: [String] = []) throws -> ParameterValue? {
  let manifest = """
    schema: dpc-pipeline/1
    name: demo
    stages:
      knife:
        uses: cut
        with: { depths: 1, \(text) }
    results: [knife]

    """
  return try ManifestReader.load(
    text: manifest, path: "demo.yaml", catalog: catalog,
    overrides: overrides.map { ManifestOverride($0) }
  ).graph["knife"]?.parameters["places_nm"]?.value
}

private func problems(_ text: String, set overrides: [String] = []) -> [ManifestProblem] {
  do {
    _ = try places(text, set: overrides)
    return []
  } catch {
    return (error as? ManifestError)?.problems ?? []
  }
}

struct NumberListTests {
  @Test("A list keeps its order, one number is a list, and a keyword stands for none")
  func values() throws {
    #expect(try places("places_nm: [7, 2.5, 7]") == .list([.number(7), .number(2.5), .number(7)]))
    #expect(try places("places_nm: 3") == .list([.number(3)]))
    #expect(try places("places_nm: none") == .text("none"))
    #expect(try places("") == .list([.number(10), .number(20.5)]))
  }

  @Test("The command line takes lists with and without brackets")
  func overrides() throws {
    let list = ParameterValue.list([.number(1), .number(2)])
    #expect(try places("places_nm: 3", set: ["knife.places_nm=1,2"]) == list)
    #expect(try places("places_nm: 3", set: ["knife.places_nm=[1, 2]"]) == list)
    #expect(try places("places_nm: 3", set: ["knife.places_nm=none"]) == .text("none"))
    #expect(problems("", set: ["knife.places_nm=1,x"]).count == 1)
  }

  @Test("Each number that does not fit is told at its own place")
  func numberProblems() {
    let found = problems("places_nm: [1, 101, x, 5 nm]")
    #expect(found.map(\.column) == [39, 44, 47])
    #expect(
      found.map(\.message)
        == ["'101'", "'x'", "'5 nm'"].map {
          "'places_nm' takes a number in nm from 0 to 100, or none, not \($0)"
        })
    #expect(found.last?.suggestion == "the unit is part of the key: write 5")
  }

  @Test("What is no list of numbers is told with how to write one")
  func listProblems() {
    #expect(
      problems("places_nm: much").map(\.message) == [
        "'places_nm' takes a list of numbers in nm, or none, not 'much'"
      ])
    #expect(
      problems("places_nm: []").map(\.message) == ["'places_nm' takes at least one number"])
    #expect(
      problems("places_um: [1]").map(\.suggestion) == [
        "write places_nm and convert the value: 1 um = 1000 nm"
      ])
  }

  @Test("Help and schema tell unit, range and default; the example loads without its own input")
  func texts() throws {
    let help = try #require(StageHelp.text(for: "cut", in: catalog))
    #expect(
      help.contains("places_nm: list of numbers in nm, from 0 to 100 | none; default [10, 20.5]"))
    #expect(help.contains("depths: list of numbers; required"))
    let example = try #require(StageHelp.exampleManifest(for: "cut", in: catalog))
    let graph = try ManifestReader.load(text: example, path: "e.yaml", catalog: catalog).graph
    #expect(graph["cut"]?.parameters["depths"]?.value == .list([.number(1)]))
    #expect(graph["cut"]?.inputs.isEmpty ?? false)
    let schema = JSONSchema.text(for: catalog)
    _ = try JSONSerialization.jsonObject(with: Data(schema.utf8))
    #expect(schema.contains("\"maximum\": 100") || schema.contains("\"maximum\":100"))
  }
}
