// foreach and matrix: the runs that a manifest stands for, and everything that can be wrong with them.
import Foundation
import Pipeline
import PipelineManifest
import Testing

/// A folder with files, gone with the value.
private final class Folder {
  let path: String

  init(_ files: [String: String]) throws {
    path = NSTemporaryDirectory() + "/sweep-[1]-" + UUID().uuidString
    for (name, text) in files {
      let url = URL(fileURLWithPath: path + "/" + name)
      try FileManager.default.createDirectory(
        at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: url)
    }
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func load(_ text: String, set: [String] = [], inputs: [String: String] = [:])
    throws(ManifestError)
    -> LoadedManifest
  {
    try ManifestReader.load(
      text: text, path: path + "/demo.yaml", catalog: toyCatalog,
      overrides: set.map { ManifestOverride($0) }, inputOverrides: inputs)
  }

  /// Problems without the folder's name.
  func complaint(
    _ text: String, set: [String] = [], inputs: [String: String] = [:]
  ) -> String {
    do {
      _ = try load(text, set: set, inputs: inputs)
      return "no error"
    } catch {
      return error.rendered.replacing(path + "/", with: "")
    }
  }
}

private func manifest(_ sweep: String, tape: String = "null") -> String {
  goodManifest.replacing(
    "inputs:\n  tape: data/tape.txt", with: "inputs:\n  tape: \(tape)\n\(sweep)")
}

struct SweepTests {
  private static let table = manifest("foreach: { table: t.csv }")

  @Test("A table makes a run of each row, named by its key, with its own files and parameters")
  func table() throws {
    let folder = try Folder([
      "sub/t.csv": """
      \u{FEFF}key, tape ,long.length_nm,figure.format\r
      b,one.txt,1.5e1,\r
      \r
      "a.2",../two.txt,,"svg, pdf"\r

      """
    ])
    let loaded = try folder.load(manifest("foreach: { table: sub/t.csv }"))
    #expect(loaded.instances.map(\.key) == ["b", "a.2"])
    let (b, a) = (loaded.instances[0].graph, loaded.instances[1].graph)
    #expect(b.name == "demo/b" && loaded.graph.name == "demo")
    // Paths start from the table's folder.
    #expect(b.inputPaths == ["tape": folder.path + "/sub/one.txt"])
    #expect(a.inputPaths == ["tape": folder.path + "/sub/../two.txt"])
    #expect(b["long"]?.parameters["length_nm"] == ResolvedParameter(.number(15), origin: .foreach))
    // An empty cell leaves what the manifest says, or the default.
    #expect(a["long"]?.parameters["length_nm"] == ResolvedParameter(.number(50), origin: .manifest))
    #expect(b["figure"]?.parameters["format"]?.origin == .default)
    #expect(a["figure"]?.parameters["format"]?.value == .list([.text("svg"), .text("pdf")]))
    let settings = loaded.instances[0].settings
    #expect(settings.map(\.name) == ["tape", "long.length_nm"])
    #expect(settings.map(\.value) == ["one.txt", "15"])
    #expect(settings.allSatisfy { $0.origin == .foreach })
  }

  @Test("A glob makes a run of each file, in the order of names; other signs become _")
  func glob() throws {
    let folder = try Folder(["in/b.txt": "", "in/a 1.txt": "", "in/c.dat": "", "in/B.txt": ""])
    for sweep in ["{ glob: in/*.txt }", "{ glob: in/*.txt, input: tape }"] {
      let loaded = try folder.load(manifest("foreach: \(sweep)", tape: "other.txt"))
      #expect(loaded.instances.map(\.key) == ["B", "a_1", "b"])
      #expect(
        loaded.instances.map { $0.graph.inputPaths["tape"] ?? "" }
          == ["B.txt", "a 1.txt", "b.txt"].map { "\(folder.path)/in/\($0)" })
    }
  }

  @Test("Letters of any script stay in keys, also where the file system takes marks apart")
  func keysOfOtherScripts() throws {
    let folder = try Folder(["in/ä 1.txt": "", "in/o\u{308}.txt": "", "in/(壁).txt": ""])
    let loaded = try folder.load(manifest("foreach: { glob: in/*.txt }", tape: "other.txt"))
    let keys = Set(loaded.instances.map(\.key))
    #expect(keys == ["ä_1", "ö", "_壁_"])
    #expect(keys.allSatisfy { $0.unicodeScalars.allSatisfy { $0.value != 0x308 } })
    let long = try Folder(["in/\(String(repeating: "ä", count: 60))b.txt": ""])
    let cut = try long.load(manifest("foreach: { glob: in/*.txt }", tape: "other.txt"))
    #expect(cut.instances.map(\.key) == [String(repeating: "ä", count: 50)])
  }

  @Test("A matrix makes a run of each combination, axes by name and values as listed")
  func matrix() throws {
    let folder = try Folder(["t.csv": "key,tape\nx,1.txt\ny,2.txt\n"])
    let axes = "matrix: { long.passes: [2, 1], figure.format: [png, [svg, png]] }"
    let loaded = try folder.load(manifest("foreach: { table: t.csv }\n\(axes)"))
    #expect(
      loaded.instances.prefix(4).map(\.key) == [
        "x/figure.format=png,long.passes=2", "x/figure.format=png,long.passes=1",
        "x/figure.format=png+svg,long.passes=2", "x/figure.format=png+svg,long.passes=1",
      ])
    #expect(loaded.instances.count == 8 && loaded.instances[4].key.hasPrefix("y/"))
    #expect(
      loaded.instances[1].graph["long"]?.parameters["passes"]
        == ResolvedParameter(.integer(1), origin: .matrix))
    let alone = try folder.load(
      manifest("matrix: { long.length_nm: [-0.5e2, 60] }", tape: "a")
        .replacing("-0.5e2", with: "0.5e2"))
    #expect(alone.instances.map(\.key) == ["long.length_nm=50", "long.length_nm=60"])
  }

  @Test("A parameter that only the table gives is given; a plain manifest is one run")
  func required() throws {
    let glued =
      "stages:\n  glued: { uses: glue, from: { left: read, right: long } }\n"
    let folder = try Folder([
      "t.csv": "key,tape,glued.overlap\na,1.txt,0.5\n",
      "gap.csv": "key,tape,glued.overlap\na,1.txt,\n",
    ])
    let text = Self.table.replacing("stages:\n", with: glued)
    #expect(
      try folder.load(text).instances[0].graph["glued"]?.parameters["overlap"]?.value
        == .number(0.5))
    #expect(
      folder.complaint(text.replacing("t.csv", with: "gap.csv")).hasPrefix(
        "gap.csv:2:9: error: 'glued.overlap' has no value in this row, and none in the manifest"))
    #expect(try load(goodManifest).instances.isEmpty)
  }

  @Test("A resolved instance reads back as the same graph")
  func resolved() throws {
    let folder = try Folder(["t.csv": "key,tape,long.length_nm\na,1.txt,7\n"])
    let graph = try folder.load(Self.table).instances[0].graph
    let again = try folder.load(ResolvedManifest.text(graph)).graph
    #expect(again.name == "demo/a")
    #expect(
      again["long"]?.parameters.mapValues(\.value) == graph["long"]?.parameters.mapValues(\.value))
    #expect(again.inputPaths == graph.inputPaths)
  }

  @Test("All mistakes of a table are told at once, rows of another length among them, in order")
  func allMistakes() throws {
    let told = try Folder([
      "t.csv": "key,tape,long.length_nm\na,1.txt,5,0\nb,1.txt,-3\nb,1.txt,4\nc,1.txt\n"
    ]).complaint(Self.table)
    let places = told.split(separator: "\n").filter { $0.hasPrefix("t.csv:") }
    #expect(
      places.map { String($0.split(separator: " ")[0]) } == [
        "t.csv:2:11:", "t.csv:3:9:", "t.csv:4:1:", "t.csv:5:3:",
      ], "\(told)")
    #expect(places.count { $0.contains("cells, the header 3") } == 2)
    #expect(told.hasSuffix("\n4 errors in demo.yaml\n"))
  }

  @Test(
    "Each mistake in a table is told with its place and what to do",
    arguments: [
      (
        "key,tape,long.lenght_nm\na,1.txt,5\n",
        "t.csv:1:10: error: stretch has no parameter 'lenght_nm'\n  key,tape,long.lenght_nm\n"
          + "           ^\n  help: did you mean 'length_nm'?"
      ),
      ("key,tape,lnog.length_nm\na,1.txt,5\n", "the manifest has no stage 'lnog'"),
      ("key,tape,length_nm\na,1.txt,5\n", "t.csv:1:10: error: there is no column 'length_nm'"),
      ("key,tape,length_nm\na,1.txt,5\n", "help: write long.length_nm"),
      ("key,tpae\na,1.txt\n", "t.csv:1:5: error: there is no column 'tpae'"),
      ("key,tpae\na,1.txt\n", "did you mean 'tape'?"),
      ("kye,tape\na,1.txt\n", "t.csv:1:1: error: there is no column 'kye'"),
      ("tape\n1.txt\n", "t.csv:1:1: error: the table has no column 'key'"),
      ("key,tape,key\na,1.txt,b\n", "t.csv:1:10: error: two columns are called 'key'"),
      ("tape,key\n1.txt,a\n2.txt,a\n", "t.csv:3:7: error: the key 'a' stands already on line 2"),
      // Lines as old spreadsheets end them, and as others do.
      ("key,tape\ra,1.txt\ra,2.txt\r", "t.csv:3:1: error: the key 'a' stands already on line 2"),
      ("key,tape\r\na,1.txt\r\na,2.txt", "t.csv:3:1: error: the key 'a' stands already on line 2"),
      ("key,tape\n,1.txt\n", "t.csv:2:1: error: this row has no key"),
      ("key,tape\na/b,1.txt\n", "t.csv:2:1: error: a key cannot be 'a/b'"),
      ("key,tape\n..,1.txt\n", "t.csv:2:1: error: a key cannot be '..'"),
      ("key,tape\nprovenance,1.txt\n", "an acquisition cannot be called 'provenance'"),
      ("key,tape\na,\n", "t.csv:2:3: error: the input 'tape' has no path in this row"),
      (
        "key,tape,long.length_nm\na,1.txt,50 nm\n",
        "t.csv:2:9: error: 'length_nm' takes a number in nm greater than 0"
      ),
      ("key,tape,long.length_nm\na,1.txt,-5\n", "t.csv:2:9: error: 'length_nm' takes a number"),
      (
        "key,tape,long.length_nm\na,1.txt,1,5\n",
        "t.csv:2:11: error: this row has 4 cells, the header 3"
      ),
      ("key;tape\na;1.txt\n", "t.csv:1:1: error: the columns are not separated by commas"),
      ("key,tape\na,\"1.txt\n", "t.csv:2:3: error: the quotation mark is never closed"),
      ("key,tape\na,\"1\".txt\n", "t.csv:2:6: error: text after a closing quotation mark"),
      ("key,tape\n", "t.csv:1:1: error: the table has a header and no rows"),
      ("\n \n", "t.csv:1:1: error: the table is empty"),
    ])
  func mistakes(table: String, complaint: String) throws {
    let told = try Folder(["t.csv": table]).complaint(Self.table)
    #expect(told.contains(complaint), "\(told)")
    #expect(told.hasSuffix("\n1 error in demo.yaml\n"))
  }

  @Test(
    "Each mistake in foreach and matrix is told with its place and what to do",
    arguments: [
      ("foreach: { table: x.csv }", "demo.yaml:5:19: error: the table x.csv cannot be read"),
      ("foreach: { table: tt.csv }", "did you mean 't.csv'?"),
      ("foreach: { glob: '*.h6' }", "demo.yaml:5:18: error: no file matches '*.h6'"),
      ("foreach: { glob: '*.txt', input: tpae }", "did you mean 'tape'?"),
      ("foreach: { glob: '*/?.txt' }", "1/a.txt and 2/a.txt would both be called 'a'"),
      ("foreach: { glob: '*.txt', table: t.csv }", "either a glob or a table, not both"),
      ("foreach: { tabel: t.csv }", "did you mean 'table'?"),
      ("foreach: [a.txt]", "'foreach' takes { glob: PATTERN, input: NAME } or { table: FILE }"),
      ("foreach: {}", "'foreach' takes"),
      ("foreach: { input: tape }", "'foreach' needs a glob or a table"),
      ("matrix: { long.passes: 2 }", "'long.passes' takes a list of the values to run with"),
      ("matrix: { long.passes: [2, 9] }", "demo.yaml:5:28: error: 'passes' takes a whole number"),
      ("matrix: { long.passes: [2, 2] }", "demo.yaml:5:28: error: 'long.passes' lists '2' twice"),
      ("matrix: { long.pases: [2] }", "did you mean 'passes'?"),
      ("matrix: { passes: [2] }", "'passes' is not of the form STAGE.PARAMETER"),
      ("matrix: []", "'matrix' takes a mapping"),
      (
        "foreach: { table: t.csv }\nmatrix: { long.passes: [1, 2] }",
        "demo.yaml:6:11: error: foreach sets 'long.passes' already"
      ),
    ])
  func sweepMistakes(sweep: String, complaint: String) throws {
    let folder = try Folder([
      "1/a.txt": "", "2/a.txt": "", "t.csv": "key,tape,long.passes\na,1/a.txt,2\n",
    ])
    let told = folder.complaint(manifest(sweep))
      .replacing(folder.path, with: "")
    #expect(told.contains(complaint), "\(told)")
  }

  @Test("What varies cannot be given on the command line too; the number of runs has a bound")
  func conflicts() throws {
    let folder = try Folder(["t.csv": "key,tape,long.passes\na,1.txt,2\n"])
    let told = folder.complaint(
      Self.table, set: ["long.passes=3", "long.length_nm=5"], inputs: ["tape": "x.txt"])
    #expect(told.contains("--set long.passes=3: error: 'long.passes' is what foreach or matrix"))
    #expect(told.contains("--input tape=x.txt: error: foreach gives the input 'tape' its files"))
    #expect(told.contains("2 errors in demo.yaml"))
    func values(_ count: Int) -> String { (1...count).map { "\($0)" }.joined(separator: ", ") }
    for (count, complaint) in [(101, "make 10100 runs, at most 10000"), (100, "no error")] {
      let sweep =
        "matrix: { long.length_nm: [\(values(count))], long.rotation_deg: [\(values(100))] }"
      #expect(folder.complaint(manifest(sweep, tape: "a")).contains(complaint))
    }
  }
}
