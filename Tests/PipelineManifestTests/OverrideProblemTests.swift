// Parameters of the command line that are right one by one, and wrong with what the manifest says.
import Pipeline
import PipelineManifest
import Testing

struct OverrideProblemTests {
  /// The toys, and one that objects to some of its parameters.
  private static let catalog = StageCatalog(
    toyCatalog.types + [
      ToyType(
        name: "cut", summary: "Cuts a strip.",
        parameters: [
          ParameterSpecification(
            "into", .choice(["halves", "waste"]), default: .text("halves"),
            summary: "What comes out."),
          ParameterSpecification("at", .integer(0...100), default: .integer(50), summary: "Where."),
          ParameterSpecification(
            "side", .choice(["left", "right"]), default: .text("left"), summary: "What is kept."),
        ],
        inputs: [InputPort("strip", kinds: ["strip"], summary: "What is cut.")],
        outputs: [
          OutputPort(
            "part",
            kind: .chosen(byParameter: "into", ["halves": "strip", "waste": "reject list"]),
            summary: "A part.")
        ],
        objection: { parameters in
          guard parameters["at"] == .integer(0), parameters["side"] == .text("left") else {
            return nil
          }
          return ParameterProblem("at", "nothing lies left of 0", suggestion: "cut farther right")
        })
    ])

  /// What a user reads.
  private static func complaint(_ text: String, set overrides: [String]) -> String {
    do throws(ManifestError) {
      _ = try ManifestReader.load(
        text: text, path: "demo.yaml", catalog: catalog,
        overrides: overrides.map { ManifestOverride($0) })
      return "no error"
    } catch {
      return error.rendered
    }
  }

  private static func manifest(_ with: String) -> String {
    """
    schema: dpc-pipeline/1
    name: demo
    inputs: { tape: data/tape.txt }
    stages:
      read: { uses: read-strip, with: { file: $tape } }
      part: { uses: cut, from: read, with: { \(with) } }
      figure: { uses: draw, from: part }
    results: [figure]

    """
  }

  @Test(
    "What a stage objects to is told of the argument that brought it about",
    arguments: [
      // The parameter itself, one that goes with it, and one beside it that has nothing to do with it.
      ("at: 10", ["part.at=0", "part.into=halves"], "--set part.at=0"),
      ("at: 0, side: right", ["part.side=left"], "--set part.side=left"),
      ("side: right", ["part.at=0", "part.side=left"], "--set part.at=0 --set part.side=left"),
    ])
  func objections(_ with: String, _ overrides: [String], _ arguments: String) {
    #expect(
      Self.complaint(Self.manifest(with), set: overrides) == """
        \(arguments): error: stage 'part' (cut): nothing lies left of 0
          help: cut farther right

        1 error in demo.yaml

        """)
  }

  @Test("What the manifest says wrong by itself is told of its own line, whatever else is set")
  func innocent() {
    #expect(
      Self.complaint(Self.manifest("at: 0"), set: ["part.into=halves"])
        .hasPrefix("demo.yaml:6:46: error: stage 'part' (cut): nothing lies left of 0\n"))
  }

  @Test("A kind that an argument chose is told of it, with the stage that cannot take it")
  func chosenKind() {
    let told = Self.complaint(Self.manifest("at: 10"), set: ["part.into=waste"])
    #expect(
      told.hasPrefix("--set part.into=waste: error: stage 'figure': draw takes a strip or a roll"),
      "\(told)")
  }

  @Test("An argument that does not go with one value of a matrix is told with that value")
  func matrix() {
    let text = Self.manifest("side: right") + "matrix: { part.side: [right, left] }\n"
    let told = Self.complaint(text, set: ["part.at=0"])
    #expect(
      told.contains("--set part.at=0: error: ") && told.contains("nothing lies left of 0"),
      "\(told)")
  }
}
