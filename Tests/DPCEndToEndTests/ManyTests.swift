// One manifest over many acquisitions, as a user runs it.
import Foundation
import TestText
import Testing

struct ManyTests {
  private static func manifest(_ sweep: String) throws -> String {
    try Quick.text.changing(
      "inputs: { acquisition: scan.h5 }", to: "inputs: { acquisition: null }\n\(sweep)")
  }

  /// Three scans, of which one states no thickness and another is none.
  private func workspace(_ sweep: String) throws -> Workspace {
    let workspace = try Workspace()
    try workspace.makeFolder("scans")
    try workspace.write(Sample(rows: 6, columns: 9), to: "scans/good.h5")
    var thin = Sample(rows: 6, columns: 9)
    thin.items[Sample.rotation] = nil
    try workspace.write(thin, to: "scans/unturned.h5")
    try workspace.write("no scan", to: "scans/text.h5")
    try workspace.write(Self.manifest(sweep), to: "many.yaml")
    return workspace
  }

  private static let run = ["run", "many.yaml", "--output", "out", "--cache", "cache"]

  @Test("A glob: a folder for each, failures apart and grouped, table, sheet and crates of all")
  func glob() async throws {
    let workspace = try workspace("foreach: { glob: scans/*.h5 }")
    try workspace.write("no scan either", to: "scans/words.h5")
    let run = try await workspace.dpc(Self.run)
    #expect(run.status == 3, "\(run.errors)")
    #expect(run.complaints.count == 2, "\(run.errors)")
    #expect(
      run.complaints.contains { $0.hasPrefix("error: text, words: frames: $acquisition") },
      "\(run.errors)")
    #expect(run.output.contains("quick: 1 of 4 done, 1 partial, 2 failed"), "\(run.output)")
    for name in ["good/result.h5", "good/figures/map.png", "contact-sheet.png", "summary.h5"] {
      #expect(workspace.exists("out/\(name)"), "\(name)")
    }
    #expect(!workspace.exists("out/text/result.h5"))
    let rows = try workspace.text("out/summary.csv").split(separator: "\n")
    #expect(rows.count == 5)
    #expect(rows[0].hasPrefix("key,outcome,reason,acquisition,"))
    #expect(rows[0].contains("field.detection_limit (V/m)"))
    #expect(rows[1].hasPrefix("good,done,,"))
    let crates = ["out", "out/good", "out/text", "out/unturned"]
    let checked = try await workspace.python(
      "crate.py", crates.map { workspace["\($0)/provenance"] })
    #expect(checked.status == 0, "\(checked.errors)")
    #expect(!checked.output.contains("objection:"), "\(checked.output)")
    // The same again: every byte as it was.
    let before = try workspace.bytes("out/summary.h5") + workspace.bytes("out/contact-sheet.png")
    try FileManager.default.removeItem(atPath: workspace["out/provenance/outputs.json"])
    #expect(try await workspace.dpc(Self.run + ["--threads", "1"]).status == 3)
    let after = try workspace.bytes("out/summary.h5") + workspace.bytes("out/contact-sheet.png")
    #expect(before == after)
  }

  @Test("A file that a table names and nobody has is to be mended there: --input would be refused")
  func absent() async throws {
    let workspace = try workspace("foreach: { table: scans.csv }")
    try workspace.write(
      "key,acquisition\na,scans/good.h5\nb,scans/unturnd.h5\nc,scans/elsewhere-0815.h5\n",
      to: "scans.csv")
    let run = try await workspace.dpc(Self.run)
    #expect(run.status == 3, "\(run.errors)")
    #expect(
      run.errors.contains("check the path; that of a swept input stands under foreach")
        && !run.errors.contains("--input") && !run.errors.contains("did you mean"), "\(run.errors)")
    // One file that is missing is told with the one that was meant; a plan tells the same.
    try workspace.write("key,acquisition\na,scans/good.h5\nc,scans/unturnd.h5\n", to: "scans.csv")
    let near = try await workspace.dpc(Self.run)
    #expect(near.errors.contains("did you mean 'scans/unturned.h5'?"), "\(near.errors)")
    try workspace.write("key,acquisition\na,0815.h5\nb,4711.h5\n", to: "scans.csv")
    let plan = try await workspace.dpc(Self.run + ["--dry-run"])
    #expect(
      plan.errors.contains("stands under foreach") && !plan.errors.contains("--input"),
      "\(plan.errors)")
  }

  @Test("A table and a matrix: each point is what a run of its own gives, and can be made again")
  func table() async throws {
    let workspace = try workspace(
      "foreach: { table: t.csv }\nmatrix: { tilt.method: [disc-shift, center-of-mass] }")
    try workspace.write(
      "key,acquisition,field.thickness_nm\na,scans/good.h5,40\nb,scans/good.h5,\n", to: "t.csv")
    let run = try await workspace.dpc(Self.run)
    #expect(run.status == 0, "\(run.errors)")
    let point = "out/a/tilt.method=center-of-mass"
    let alone = try await workspace.run(
      input: "scans/good.h5", output: "alone", cache: "other", "--set", "field.thickness_nm=40",
      "--set", "tilt.method=center-of-mass")
    #expect(alone.status == 0, "\(alone.errors)")
    for item in ["/entry/field/projected_field_x", "/entry/tilt/deflection_x"] {
      let (mine, other) = (
        Stored(workspace["\(point)/result.h5"]), Stored(workspace["alone/result.h5"])
      )
      #expect(try mine.values(item).map(\.bitPattern) == other.values(item).map(\.bitPattern))
    }
    let again = try await workspace.dpc([
      "reproduce", "\(point)/result.h5", "--input", "acquisition=scans/good.h5", "--output",
      "again",
    ])
    #expect(again.status == 0, "\(again.errors)")
    #expect(again.output.contains("reproduced: identical bytes"), "\(again.output)")
    let summary = Stored(workspace["out/summary.h5"])
    #expect(try summary.values("/entry/summary/field.field_rms").count == 4)
    #expect(try summary.description("/entry/summary/field.field_rms").units == "V/m")
    // Thicknesses of 40 and 50 nm: the mean field of one and the same scan is as 5 to 4.
    let rms = try summary.values("/entry/summary/field.field_rms")
    #expect(abs(rms[0] / rms[2] - 1.25) < 1e-12)
    // A row above changes nothing that was there.
    try workspace.write(
      "key,acquisition,field.thickness_nm\nnew,scans/good.h5,60\na,scans/good.h5,40\n"
        + "b,scans/good.h5,\n", to: "t.csv")
    let plan = try await workspace.dpc(["plan", "many.yaml", "--cache", "cache"])
    #expect(plan.status == 0)
    // Longer lines are broken, and go on below their third column.
    let whole = plan.output.replacing(/\n +/, with: " ")
    let own = whole.split(separator: "\n").filter { $0.hasPrefix("run ") }
    #expect(own.count == 3, "\(plan.output)")
    #expect(
      own.allSatisfy {
        $0.hasSuffix("(new/tilt.method=disc-shift, new/tilt.method=center-of-mass)")
      })
  }

  @Test("One reason over many is told once, as text and as JSON")
  func explained() async throws {
    let workspace = try workspace("foreach: { table: t.csv }")
    try workspace.write(
      "key,acquisition\na,scans/good.h5\nb,scans/good.h5\nc,scans/none.h5\n", to: "t.csv")
    #expect(try await workspace.dpc(Self.run).status == 3)
    let arguments = ["explain", "many.yaml", "--cache", "cache", "--set", "field.thickness_nm=41"]
    let text = try await workspace.dpc(arguments)
    #expect(text.status == 3)
    #expect(
      text.output.contains(
        "field because thickness_nm from-file -> 41: field, map, potential  (a, b)"),
      "\(text.output)")
    #expect(text.output.contains("frames blocked input 'acquisition'"), "\(text.output)")
    let json = try await workspace.dpc(arguments + ["--format", "json"])
    let object = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any]
    let causes = try #require(object?["causes"] as? [[String: Any]])
    #expect(causes.first?["instances"] as? [String] == ["a", "b"])
    #expect((object?["instances"] as? [Any])?.count == 3)
  }

  @Test(
    "After a failure no other is begun where that is asked for; a single run refuses to be asked")
  func failFast() async throws {
    let workspace = try workspace("foreach: { table: t.csv }")
    let rows = (0..<9).map { "k\($0),scans/\($0 == 0 ? "text" : "good").h5\n" }.joined()
    try workspace.write("key,acquisition\n" + rows, to: "t.csv")
    let run = try await workspace.dpc(Self.run + ["--fail-fast", "--threads", "1"])
    #expect(run.output.contains(" skipped;"), "\(run.output)")
    #expect(!workspace.exists("out/k8"))
    #expect(try workspace.text("out/summary.csv").contains("\nk8,skipped,"))
    let single = try await workspace.run("quick.yaml", input: "scans/good.h5", "--fail-fast")
    #expect(single.status == 2)
    #expect(single.complaints.count == 1, "\(single.errors)")
    for wrong in [["--max-failures", "0"], ["--max-failures", "2", "--fail-fast"]] {
      #expect(try await workspace.dpc(Self.run + wrong).status == 2)
    }
  }

  @Test("The board stays small, a pipe gets a line for each tenth, and JSON names the run")
  func progress() async throws {
    let workspace = try workspace("foreach: { table: t.csv }")
    let rows = (0..<40).map { "k\($0),scans/good.h5\n" }.joined()
    try workspace.write("key,acquisition\n" + rows, to: "t.csv")
    let board = try await workspace.dpc(Self.run + ["--progress", "board"])
    #expect(board.errors.contains("40 of 40"), "\(board.errors)")
    #expect(board.errors.contains("slowest  k"))
    let moves = board.errors.matches(of: /\u{1B}\[(\d+)A/).compactMap { Int($0.output.1) }
    #expect(!moves.isEmpty && moves.allSatisfy { $0 <= 6 })
    let piped = try await workspace.dpc(Self.run)
    #expect(piped.errorLines.count == 10, "\(piped.errors)")
    #expect(piped.errorLines.last == "[40/40] 40 done")
    let json = try await workspace.dpc(Self.run + ["--progress", "json"])
    var instances: Set<String> = []
    for line in json.errorLines {
      let event = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      if event?["event"] as? String == "stage-finished", let key = event?["instance"] as? String {
        instances.insert(key)
      }
    }
    #expect(instances.count == 40)
  }

  @Test("Interrupted, it says so, keeps what there is, and goes on where it stopped")
  func interrupted() async throws {
    let workspace = try workspace("foreach: { table: t.csv }")
    let rows = (0..<30).map { "k\($0),scans/good.h5,\($0 + 30)\n" }.joined()
    try workspace.write("key,acquisition,field.thickness_nm\n" + rows, to: "t.csv")
    let arguments = Self.run + ["--progress", "json", "--threads", "1"]
    let signal = TimedSignal(number: SIGINT, words: "instance-finished")
    let stopped = try await workspace.start(Program.dpc, arguments, signal: signal).end()
    #expect(stopped.status == 130, "\(stopped.errors)")
    #expect(stopped.output.contains("goes on where this one stopped"))
    #expect(!workspace.exists("out/summary.csv"))
    #expect(workspace.exists("out/k0/result.h5"))
    let again = try await workspace.dpc(Self.run)
    #expect(again.status == 0, "\(again.errors)")
    #expect(try workspace.text("out/summary.csv").split(separator: "\n").count == 31)
  }

  @Test("The walls of all runs stand in one table, which goes where no walls are listed any more")
  func walls() async throws {
    let workspace = try Workspace()
    let manifest = """
      schema: dpc-pipeline/1
      name: many-walls
      inputs: { acquisition: null }
      foreach: { table: t.csv }
      stages:
      \(FieldStages.text)
        walls: { uses: correct-inclination, from: field, with: { model: finite-wall, inclination_deg: 45 } }
      results: [walls]

      """
    try workspace.write(manifest, to: "many.yaml")
    let scan = "\(Program.repository)/ExampleData/cross-section.h5"
    try workspace.write(
      "key,acquisition,field.thickness_nm\na,\(scan),60\nb,\(scan),66\nc,none.h5,60\n", to: "t.csv")
    let run = try await workspace.dpc(Self.run)
    #expect(run.status == 3 && run.output.contains("Walls:   out/walls.csv"), "\(run.errors)")
    // What differs in numbers only is told once.
    let notes = run.output.split(separator: "\n").filter { $0.contains("inclination 45° without") }
    #expect(notes.count == 1 && notes[0].hasSuffix("  (a; b with other numbers)"), "\(run.output)")
    let text = try workspace.text("out/walls.csv")
    let rows = text.split(separator: "\n").map { $0.split(separator: ",").map(String.init) }
    #expect(rows.dropFirst().map(\.first) == ["a", "a", "b", "b"])
    let column = try #require(rows[0].firstIndex(of: "position (m)"))
    let stored = try Stored(workspace["out/b/result.h5"]).values("/entry/walls/wall_position")
    #expect(rows[3...].map { Double($0[column]) } == stored)
    let table = Stored(workspace["out/summary.h5"])
    #expect(try table.values("/entry/walls/position")[2...] == stored[...])
    #expect(try table.values("/entry/walls/wall") == [1, 2, 1, 2])
    // From the cache the same bytes; and none where nobody asks for walls.
    try FileManager.default.removeItem(atPath: workspace["out/provenance/outputs.json"])
    #expect(try await workspace.dpc(Self.run).status == 3)
    #expect(try workspace.text("out/walls.csv") == text)
    try workspace.write(
      manifest.changing("results: [walls]", to: "results: [field]"), to: "many.yaml")
    #expect(try await workspace.dpc(Self.run).status == 3)
    #expect(!workspace.exists("out/walls.csv") && workspace.exists("out/summary.csv"))
  }

  @Test("A folder of someone else's is refused before any work is done")
  func foreignFolder() async throws {
    let workspace = try workspace("foreach: { glob: scans/good.h5 }")
    try workspace.makeFolder("out/good")
    try workspace.write("mine", to: "out/good/notes.txt")
    try workspace.makeFolder("out/provenance")
    let run = try await workspace.dpc(Self.run)
    #expect(run.status == 2)
    #expect(run.complaints == ["error: out/good: not empty, and not made by dpc"])
    #expect(!workspace.exists("cache"))
  }
}
