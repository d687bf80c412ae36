// Texts made from a catalog or a graph: help, examples, drawings, the schema for editors.

import Foundation
import Pipeline
import PipelineManifest
import Testing

struct CatalogTextTests {
  @Test("Help tells ports, parameters with unit, range and default, and an example")
  func help() {
    #expect(
      StageHelp.text(for: "stretch", in: toyCatalog) == """
        stretch: Stretches a strip.

        inputs:
          strip  strip  What is stretched.

        outputs:
          strip  as strip  The longer strip.

        parameters:
          length_nm: number in nm, greater than 0 | from-file; default from-file
              Length of the strip.
          rotation_deg: number in deg, from -180 to 180; default 0
              Turns the strip.
          passes: whole number from 1 to 8; default 1
              How often.
          method: linear | cubic; default linear
              How.
          keep_ends: true | false; default true
              Keeps both ends.

        example:
          stretch:
            uses: stretch
            from: read-strip
            with:
              length_nm: from-file
              rotation_deg: 0
              passes: 1
              method: linear
              keep_ends: true

        """)
    #expect(StageHelp.text(for: "strech", in: toyCatalog) == nil)
  }

  @Test("The example of every type is part of a manifest that loads", arguments: toyCatalog.names)
  func example(_ name: String) throws {
    let manifest = try #require(StageHelp.exampleManifest(for: name, in: toyCatalog))
    let graph = try load(manifest).graph
    #expect(graph.results == [name])
    #expect(graph[name]?.type.name == name)
    let help = try #require(StageHelp.text(for: name, in: toyCatalog))
    let snippet = try #require(help.components(separatedBy: "example:\n").last)
    #expect(manifest.contains(snippet))
  }

  @Test("An example shows usual values, and links as the ports name them or list their kinds")
  func usual() throws {
    var weigh = ToyType(name: "weigh", summary: "Weighs what is there.")
    weigh.parameters = [
      ParameterSpecification(
        "mass_kg", .number(unit: "kg", range: .positive), isRequired: true, example: "2.5e3",
        summary: "Mass."),
      ParameterSpecification(
        "tare_kg", .number(unit: "kg", range: .positive), example: "7", summary: "Tare."),
      ParameterSpecification("unit", .text, summary: "Never shown."),
    ]
    weigh.inputs = [
      InputPort("first", kinds: ["roll", "strip"], summary: "A roll, mostly."),
      InputPort("second", kinds: ["strip"], exampleSource: "press", summary: "Pressed."),
      InputPort(
        "third", kinds: ["strip"], isRequired: false, exampleSource: "press", summary: "Also."),
      InputPort("fourth", kinds: ["strip"], isRequired: false, summary: "Never shown."),
    ]
    let press = ToyType(
      name: "press", summary: "Presses.",
      parameters: [
        ParameterSpecification(
          "to", .choice(["flat", "thin"]), isRequired: true, example: "thin", summary: "How.")
      ], inputs: [InputPort("in", kinds: ["strip"], summary: "A strip.")],
      outputs: [
        OutputPort(
          "out", kind: .chosen(byParameter: "to", ["flat": "sheet", "thin": "strip"]),
          summary: "As chosen.")
      ])
    let catalog = StageCatalog(toyCatalog.types + [press, weigh])
    let help = try #require(StageHelp.text(for: "weigh", in: catalog))
    #expect(
      help.hasSuffix(
        """
          weigh:
            uses: weigh
            from: { first: glue, second: press, third: press }
            with:
              mass_kg: 2.5e3
              tare_kg: 7

        """), "\(help)")
  }

  @Test("A Mermaid flowchart shows files, stages, kinds and results")
  func mermaid() throws {
    #expect(
      GraphDrawing.mermaid(try load(goodManifest).graph) == """
        flowchart LR
          f0[("tape")]
          s0["read<br/>read-strip"]
          s1["long<br/>stretch"]:::result
          s2["figure<br/>draw"]:::result
          f0 --> s0
          s0 -->|"strip"| s1
          s1 -->|"strip"| s2
          classDef result stroke-width:3px

        """)
  }

  @Test("A Graphviz digraph shows the same, ports named where there are several")
  func dot() throws {
    let text = changed("from: long }", to: "from: { subject: long, rejects: read.rejects } }")
      .replacing("results: [long, figure]", with: "results: [figure]")
      .replacing("name: demo", with: "name: 'a \"demo\"'")
    #expect(
      GraphDrawing.dot(try load(text).graph) == """
        digraph "a \\"demo\\"" {
          rankdir=LR;
          node [shape=box];
          f0 [label="tape", shape=cylinder];
          s0 [label="read\\nread-strip"];
          s1 [label="long\\nstretch"];
          s2 [label="figure\\ndraw", peripheries=2];
          f0 -> s0;
          s0 -> s1 [label="strip"];
          s1 -> s2 [label="strip (subject)"];
          s0 -> s2 [label="reject list (rejects)"];
        }

        """)
  }

  @Test("The schema is JSON, always the same, and says what the catalog says")
  func schema() throws {
    let text = JSONSchema.text(for: toyCatalog)
    #expect(text == JSONSchema.text(for: toyCatalog))
    let root = try object(JSONSerialization.jsonObject(with: Data(text.utf8)))
    #expect(root["$schema"] as? String == "https://json-schema.org/draft/2020-12/schema")
    #expect(root["additionalProperties"] as? Bool == false)
    #expect(root["required"] as? [String] == ["schema", "name", "stages", "results"])
    let definitions = try object(root["$defs"])
    #expect(
      definitions.keys.sorted()
        == ["reference", "stage-draw", "stage-glue", "stage-read-strip", "stage-stretch"])
    let stretch = try object(definitions["stage-stretch"])
    #expect(stretch["additionalProperties"] as? Bool == false)
    #expect(stretch["required"] as? [String] == ["uses", "from"])
    let with = try object(object(stretch["properties"])["with"])
    #expect(with["additionalProperties"] as? Bool == false)
    let parameters = try object(with["properties"])
    #expect(
      parameters.keys.sorted() == ["keep_ends", "length_nm", "method", "passes", "rotation_deg"])
    let length = try object(parameters["length_nm"])
    #expect(length["description"] as? String == "Length of the strip. Unit: nm.")
    #expect(length["default"] as? String == "from-file")
    let branches = try #require(length["anyOf"] as? [[String: Any]])
    #expect(branches.first?["exclusiveMinimum"] as? Double == 0)
    #expect(branches.last?["enum"] as? [String] == ["from-file"])
    let rotation = try object(parameters["rotation_deg"])
    #expect(rotation["minimum"] as? Double == -180)
    #expect(rotation["maximum"] as? Double == 180)
    #expect(try object(parameters["method"])["enum"] as? [String] == ["linear", "cubic"])
    let glue = try object(definitions["stage-glue"])
    #expect(glue["required"] as? [String] == ["uses", "from", "with"])
  }

  @Test("The schema leads from uses to the type's own definition")
  func discrimination() throws {
    let text = JSONSchema.text(for: toyCatalog)
    let root = try object(JSONSerialization.jsonObject(with: Data(text.utf8)))
    let stages = try object(object(root["properties"])["stages"])
    let stage = try object(stages["additionalProperties"])
    let branches = try #require(stage["allOf"] as? [[String: Any]])
    let targets = try branches.map { branch -> [String?] in
      let uses = try object(object(object(branch["if"])["properties"])["uses"])
      return [uses["const"] as? String, try object(branch["then"])["$ref"] as? String]
    }
    #expect(targets == toyCatalog.names.map { [$0, "#/$defs/stage-\($0)"] })
  }

  private func object(_ value: Any?) throws -> [String: Any] {
    try #require(value as? [String: Any])
  }
}
