// A catalog about numbers on paper strips: every kind of parameter and port, and no microscopy.

import Pipeline
import PipelineManifest
import Testing

/// A stage type that is only described; the manifest never runs it.
struct ToyType: StageType {
  var name: String
  var summary: String
  var algorithmVersion = 1
  var parameters: [ParameterSpecification] = []
  var inputs: [InputPort] = []
  var outputs: [OutputPort] = []
  /// What it objects to where the parameters are right one by one.
  var objection: (@Sendable ([String: ParameterValue]) -> ParameterProblem?)?

  func problems(
    with parameters: [String: ParameterValue], connected ports: Set<String>
  ) -> [ParameterProblem] {
    (objection?(parameters)).map { [$0] } ?? []
  }

  func run(_ context: StageContext) throws -> StageProduct {
    throw StageFailure(.failed, "a toy does not run")
  }
}

let toyCatalog = StageCatalog([
  ToyType(
    name: "read-strip", summary: "Reads a strip of numbers.",
    parameters: [
      ParameterSpecification("file", .file, isRequired: true, summary: "The strip."),
      ParameterSpecification("title", .text, summary: "A title for figures."),
    ],
    outputs: [
      OutputPort("strip", kind: .fixed("strip"), summary: "The numbers."),
      OutputPort("rejects", kind: .fixed("reject list"), summary: "What was no number."),
    ]),
  ToyType(
    name: "stretch", summary: "Stretches a strip.",
    parameters: [
      ParameterSpecification(
        "length_nm", .number(unit: "nm", range: .positive), keywords: ["from-file"],
        default: .text("from-file"), summary: "Length of the strip."),
      ParameterSpecification(
        "rotation_deg", .number(unit: "deg", range: NumberRange(-180...180)), default: .number(0),
        summary: "Turns the strip."),
      ParameterSpecification(
        "passes", .integer(1...8), default: .integer(1), summary: "How often."),
      ParameterSpecification(
        "method", .choice(["linear", "cubic"]), default: .text("linear"), summary: "How."),
      ParameterSpecification(
        "keep_ends", .boolean, default: .boolean(true), summary: "Keeps both ends."),
    ],
    inputs: [InputPort("strip", kinds: ["strip"], summary: "What is stretched.")],
    outputs: [OutputPort("strip", kind: .sameAs(input: "strip"), summary: "The longer strip.")]),
  ToyType(
    name: "glue", summary: "Glues two strips.",
    parameters: [
      ParameterSpecification(
        "overlap", .number(unit: nil, range: NumberRange(0...1, excludesUpper: true)),
        isRequired: true, summary: "Overlap as a fraction.")
    ],
    inputs: [
      InputPort("left", kinds: ["strip"], summary: "The left strip."),
      InputPort("right", kinds: ["strip"], summary: "The right strip."),
    ],
    outputs: [OutputPort("roll", kind: .fixed("roll"), summary: "Both.")]),
  ToyType(
    name: "draw", summary: "Draws a strip or a roll.",
    parameters: [
      ParameterSpecification(
        "format", .choices(["png", "svg", "pdf"]), default: .list([.text("png")]),
        summary: "Kinds of figure.")
    ],
    inputs: [
      InputPort("subject", kinds: ["strip", "roll"], summary: "What is drawn."),
      InputPort("rejects", kinds: ["reject list"], isRequired: false, summary: "Listed below it."),
    ]),
])

/// A manifest without mistakes; tests change single lines of it.
let goodManifest = """
  schema: dpc-pipeline/1
  name: demo
  inputs:
    tape: data/tape.txt
  stages:
    read: { uses: read-strip, with: { file: $tape } }
    long:
      uses: stretch
      from: read
      with: { length_nm: 50, method: cubic }
    figure: { uses: draw, from: long }
  results: [long, figure]

  """

func load(
  _ text: String, path: String = "demo.yaml", set overrides: [String] = [],
  inputs: [String: String] = [:], workingDirectory: String = ""
) throws(ManifestError) -> LoadedManifest {
  try ManifestReader.load(
    text: text, path: path, catalog: toyCatalog, overrides: overrides.map { ManifestOverride($0) },
    inputOverrides: inputs, workingDirectory: workingDirectory)
}

/// What a user reads about a manifest that is refused.
func complaint(
  _ text: String, set overrides: [String] = [], inputs: [String: String] = [:]
) -> String {
  do {
    _ = try load(text, set: overrides, inputs: inputs)
    return "no error"
  } catch {
    return error.rendered
  }
}

/// The good manifest with one piece of text replaced.
func changed(_ piece: String, to other: String) -> String {
  let text = goodManifest.replacing(piece, with: other)
  #expect(text != goodManifest, "the piece to change is not in the manifest")
  return text
}

extension ManifestProblem {
  /// In the manifest's text; nil elsewhere.
  var line: Int? {
    if case .text(let line, _, _, _) = place { return line }
    return nil
  }

  /// In the manifest's text; nil elsewhere.
  var column: Int? {
    if case .text(_, let column, _, _) = place { return column }
    return nil
  }
}
