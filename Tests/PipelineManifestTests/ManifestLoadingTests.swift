// What a right manifest becomes: the graph, its parameters and origins, its paths.

import Pipeline
import PipelineManifest
import Testing

struct ManifestLoadingTests {
  @Test("A manifest becomes a graph with every parameter, default or given")
  func graph() throws {
    let manifest = try load(goodManifest)
    #expect(manifest.name == "demo")
    #expect(manifest.description == nil)
    #expect(manifest.text == goodManifest)
    #expect(manifest.path == "demo.yaml")
    #expect(manifest.graph.stages.map(\.name) == ["read", "long", "figure"])
    #expect(manifest.graph.results == ["long", "figure"])
    let long = try #require(manifest.graph["long"])
    #expect(long.inputs == ["strip": OutputReference(stage: "read", port: "strip")])
    #expect(
      long.parameters == [
        "length_nm": ResolvedParameter(.number(50), origin: .manifest),
        "method": ResolvedParameter(.text("cubic"), origin: .manifest),
        "rotation_deg": ResolvedParameter(.number(0), origin: .default),
        "passes": ResolvedParameter(.integer(1), origin: .default),
        "keep_ends": ResolvedParameter(.boolean(true), origin: .default),
      ])
    #expect(manifest.graph["read"]?.fileParameters == ["file": "tape"])
    #expect(manifest.graph["read"]?.parameters == [:])
  }

  @Test("Order of keys, comments and YAML style mean nothing")
  func order() throws {
    let other = """
      # The same pipeline, from the end.
      results:
        - long   # first
        - figure
      stages:
        "figure": {from: {subject: long.strip}, uses: "draw", with: {}}
        long: {with: {method: 'cubic', length_nm: 5.0e+1}, from: read.strip, uses: stretch}
        read:
          with:
            file: "$tape"
          uses: read-strip
      inputs: {tape: ./data/tape.txt}
      name: demo
      schema: 'dpc-pipeline/1'
      """
    let first = try load(goodManifest).graph
    let second = try load(other).graph
    #expect(ResolvedManifest.text(first) == ResolvedManifest.text(second))
    #expect(second["long"]?.parameters == first["long"]?.parameters)
  }

  @Test(
    "Numbers are read as decimal, whatever the locale",
    arguments: [
      ("50.0", 50), ("5e1", 50), ("+.5", 0.5), ("1e-3", 0.001), ("5.", 5), ("0.1E+2", 10),
    ])
  func numbers(_ text: String, _ value: Double) throws {
    let manifest = try load(changed("length_nm: 50", to: "length_nm: \(text)"))
    #expect(manifest.graph["long"]?.parameters["length_nm"]?.value == .number(value))
  }

  @Test("Minus zero is zero, so that equal pipelines have equal parameters")
  func minusZero() throws {
    let manifest = try load(changed("length_nm: 50", to: "rotation_deg: -0.0"))
    let value = try #require(manifest.graph["long"]?.parameters["rotation_deg"]?.value)
    guard case .number(let number) = value else {
      Issue.record("not a number")
      return
    }
    #expect(number.bitPattern == 0)
  }

  @Test("A keyword stands in place of a number, and a list comes in the order of declaration")
  func keywordsAndLists() throws {
    let keyword = try load(changed("length_nm: 50", to: "length_nm: from-file"))
    #expect(keyword.graph["long"]?.parameters["length_nm"]?.value == .text("from-file"))
    let list = try load(changed("from: long }", to: "from: long, with: { format: [pdf, png] } }"))
    #expect(
      list.graph["figure"]?.parameters["format"]?.value == .list([.text("png"), .text("pdf")]))
    let word = try load(changed("from: long }", to: "from: long, with: { format: svg } }"))
    #expect(word.graph["figure"]?.parameters["format"]?.value == .list([.text("svg")]))
  }

  @Test("A text keeps its letters even where YAML knows a number")
  func text() throws {
    let manifest = try load(changed("file: $tape", to: "file: $tape, title: 007"))
    #expect(manifest.graph["read"]?.parameters["title"]?.value == .text("007"))
  }

  @Test("Paths start at the manifest's folder, those of the command line at the working folder")
  func paths() throws {
    let near = try load(goodManifest, path: "Pipelines/demo.yaml", workingDirectory: "/work place")
    #expect(near.graph.inputPaths == ["tape": "/work place/Pipelines/data/tape.txt"])
    let relative = try load(goodManifest, path: "Pipelines/demo.yaml")
    #expect(relative.graph.inputPaths == ["tape": "Pipelines/data/tape.txt"])
    let elsewhere = try load(goodManifest, path: "/etc/demo.yaml", workingDirectory: "/home")
    #expect(elsewhere.graph.inputPaths == ["tape": "/etc/data/tape.txt"])
    let given = try load(
      goodManifest, path: "Pipelines/demo.yaml", inputs: ["tape": "new.txt"],
      workingDirectory: "/home")
    #expect(given.graph.inputPaths == ["tape": "/home/new.txt"])
    let absolute = try load(changed("data/tape.txt", to: "/data/tape.txt"), workingDirectory: "/x")
    #expect(absolute.graph.inputPaths == ["tape": "/data/tape.txt"])
    let parent = try load(changed("data/tape.txt", to: "../tape.txt"), path: "Pipelines/demo.yaml")
    #expect(parent.graph.inputPaths == ["tape": "Pipelines/../tape.txt"])
  }

  @Test("An input without a path is filled from the command line")
  func unfilledInput() throws {
    let manifest = try load(
      changed("tape: data/tape.txt", to: "tape:"), inputs: ["tape": "a b.txt"])
    #expect(manifest.graph.inputPaths == ["tape": "a b.txt"])
  }

  @Test("The command line wins over the manifest and over defaults")
  func overrides() throws {
    let manifest = try load(
      goodManifest,
      set: [
        "long.length_nm=7.5", "long.passes=3", "figure.format=[svg, png]", "long.keep_ends=false",
      ])
    let long = try #require(manifest.graph["long"]?.parameters)
    #expect(long["length_nm"] == ResolvedParameter(.number(7.5), origin: .commandLine))
    #expect(long["passes"] == ResolvedParameter(.integer(3), origin: .commandLine))
    #expect(long["keep_ends"] == ResolvedParameter(.boolean(false), origin: .commandLine))
    #expect(long["method"] == ResolvedParameter(.text("cubic"), origin: .manifest))
    #expect(
      manifest.graph["figure"]?.parameters["format"]
        == ResolvedParameter(.list([.text("png"), .text("svg")]), origin: .commandLine))
  }

  @Test("A required parameter and a file may come from the command line alone")
  func requiredFromCommandLine() throws {
    let manifest = try load(changed(", with: { file: $tape }", to: ""), set: ["read.file=$tape"])
    #expect(manifest.graph["read"]?.fileParameters == ["file": "tape"])
  }

  @Test("Aliases, a byte order mark and line ends of another system are read as meant")
  func foreignText() throws {
    let aliased = changed("length_nm: 50", to: "length_nm: &n 50, rotation_deg: *n")
    #expect(try load(aliased).graph["long"]?.parameters["rotation_deg"]?.value == .number(50))
    let windows = "\u{FEFF}" + goodManifest.replacing("\n", with: "\r\n")
    let manifest = try load(windows)
    #expect(manifest.text == windows)
    #expect(
      ResolvedManifest.text(manifest.graph) == ResolvedManifest.text(try load(goodManifest).graph))
  }

  @Test("The resolved manifest tells who decided, and reads back as the same graph")
  func resolved() throws {
    let graph = try load(goodManifest, set: ["long.passes=2"]).graph
    let text = ResolvedManifest.text(graph)
    #expect(
      text == """
        schema: dpc-pipeline/1
        name: demo
        inputs:
          tape: data/tape.txt
        stages:
          read:
            uses: read-strip
            with:
              file: $tape
          long:
            uses: stretch
            from: { strip: read.strip }
            with:
              keep_ends: true  # default
              length_nm: 50  # manifest
              method: cubic  # manifest
              passes: 2  # command line
              rotation_deg: 0  # default
          figure:
            uses: draw
            from: { subject: long.strip }
            with:
              format: [png]  # default
        results: [long, figure]

        """)
    let again = try load(text).graph
    #expect(again.stages.map(\.inputs) == graph.stages.map(\.inputs))
    #expect(
      again["long"]?.parameters.mapValues(\.value) == graph["long"]?.parameters.mapValues(\.value))
  }

  @Test("A resolved manifest survives names and texts that YAML would take for something else")
  func resolvedQuoting() throws {
    let text = changed("file: $tape", to: "file: $tape, title: \"a: #b\\n\\\"1e3\\\" \\u2028\"")
      .replacing("name: demo", with: "name: 'true'")
      .replacing("data/tape.txt", with: "'1.5'")
    let graph = try load(text).graph
    let again = try load(ResolvedManifest.text(graph)).graph
    #expect(again.name == "true")
    #expect(again.inputPaths == ["tape": "1.5"])
    #expect(again["read"]?.parameters["title"]?.value == .text("a: #b\n\"1e3\" \u{2028}"))
  }
}
