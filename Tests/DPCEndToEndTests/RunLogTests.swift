// What a run tells of itself when it is cut off, what is kept of how stages were computed, and what is left behind.
import Foundation
import TestText
import Testing

struct RunLogTests {
  private static func event(_ name: String, _ key: String, _ value: String) -> String {
    "\"event\":\"\(name)\",\"\(key)\":\"\(value)\""
  }

  private func unfinished(_ workspace: Workspace, under folder: String = "out") -> [String] {
    workspace.files(under: folder).filter { $0.contains("unfinished-") }
  }

  @Test("A run that is killed leaves its log so far, and the next run says how far it had come")
  func cutOff() async throws {
    let workspace = try Workspace()
    var sample = Sample(rows: 4, columns: 6)
    sample.enlarge(rows: 300, columns: 300)
    try workspace.write(sample)
    let arguments = try workspace.runArguments() + ["--progress", "json", "--threads", "1"]
    let signal = TimedSignal(
      number: SIGKILL, words: Self.event("stage-started", "stage", "tilt"))
    let killed = try await workspace.start(Program.dpc, arguments, signal: signal).end()
    #expect(killed.status == 128 + SIGKILL, "\(killed.errors)")
    let left = try #require(unfinished(workspace).first)
    let lines = try workspace.text("out/\(left)").split(separator: "\n")
    #expect(lines.count > 8)
    for line in lines {
      let event = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      #expect(event?["time"] is String)
    }
    #expect(!workspace.exists("out/provenance/run.json"))

    let again = try await workspace.dpc(try workspace.runArguments())
    #expect(again.status == 0, "\(again.errors)")
    let words = try #require(again.errorLines.first { $0.contains("was cut off") })
    #expect(words.contains(": 2 of 7 stages finished, at work on tilt;"), "\(words)")
    #expect(words.hasSuffix("its log is out/provenance/cut-off.jsonl"), "\(words)")
    #expect(
      try workspace.text("out/provenance/cut-off.jsonl").split(separator: "\n") == lines)
    #expect(unfinished(workspace).isEmpty)
    let third = try await workspace.dpc(try workspace.runArguments())
    #expect(!third.errors.contains("cut off"), "\(third.errors)")
  }

  private static let many = ["run", "many.yaml", "--output", "out", "--cache", "cache"]

  /// A table over one scan.
  private func many(_ keys: [String]) throws -> Workspace {
    let workspace = try Workspace()
    try workspace.write(Sample(rows: 6, columns: 9))
    let sweep = "inputs: { acquisition: null }\nforeach: { table: t.csv }"
    try workspace.write(
      Quick.text.changing("inputs: { acquisition: scan.h5 }", to: sweep),
      to: "many.yaml")
    try writeTable(keys, in: workspace)
    return workspace
  }

  private func writeTable(_ keys: [String], in workspace: Workspace) throws {
    let rows = keys.enumerated().map { "\($1),scan.h5,\($0 + 30)\n" }.joined()
    try workspace.write("key,acquisition,field.thickness_nm\n" + rows, to: "t.csv")
  }

  @Test("Many runs that are killed: one log of all, and what was at work in its own folder")
  func manyCutOff() async throws {
    let workspace = try many((0..<30).map { "k\($0)" })
    let signal = TimedSignal(number: SIGKILL, words: "instance-finished")
    let killed = try await workspace.start(
      Program.dpc, Self.many + ["--progress", "json", "--threads", "1"], signal: signal
    ).end()
    #expect(killed.status == 128 + SIGKILL, "\(killed.errors)")
    #expect(unfinished(workspace).contains { $0.hasPrefix("provenance/") })
    let again = try await workspace.dpc(Self.many)
    #expect(again.status == 0, "\(again.errors)")
    let told = again.errorLines.filter { $0.contains("was cut off") }
    #expect(told.count == 1, "\(again.errors)")
    #expect(told.first?.contains("of 30 runs finished") == true, "\(told)")
    #expect(unfinished(workspace).isEmpty)
  }

  @Test("A run into a folder that another one is at work on says so")
  func another() async throws {
    let workspace = try Workspace()
    try workspace.write(Sample(rows: 6, columns: 9))
    // A program of the first run starts the second, so that the first is at work for sure.
    let inner = try workspace.runArguments(cache: "other").joined(separator: " ")
    try workspace.write(
      "#!/bin/sh\ncd '\(workspace[""])' && '\(Program.dpc)' \(inner) 2> told && cp \"$1\" \"$2\"\n",
      to: "inner.sh")
    let own = """
        own: { uses: exec, from: field, with: { program: $shell, output: projected-field,
               arguments: ["\(workspace["inner.sh"])", "{input}", "{output}"] } }
      results: [own]

      """
    try workspace.write(
      Quick.text
        .changing(
          "inputs: { acquisition: scan.h5 }",
          to: "inputs: { acquisition: scan.h5, shell: /bin/sh }"
        ).changing("results: [field, aligned, tilt, potential]\n", to: own),
      to: "own.yaml")
    let outer = try await workspace.dpc([
      "run", "own.yaml", "--output", "out", "--cache", "cache", "--allow-exec",
    ])
    #expect(outer.status == 0, "\(outer.errors)")
    #expect(!outer.errors.contains("another run"), "\(outer.errors)")
    let told = try workspace.text("told")
    #expect(told.contains("another run is at work on out:"), "\(told)")
  }

  @Test("How a stage was computed is told while it is in the cache, its program's words too")
  func stageLog() async throws {
    let workspace = try Workspace()
    try workspace.write(Sample(rows: 6, columns: 9))
    let own = """
        own: { uses: exec, from: field, with: { program: $copy, output: projected-field,
               arguments: ["-v", "{input}", "{output}"] } }
      results: [field, own]

      """
    let text = try Quick.text
      .changing(
        "inputs: { acquisition: scan.h5 }",
        to: "inputs: { acquisition: scan.h5, copy: /bin/cp }"
      ).changing("results: [field, aligned, tilt, potential]\n", to: own)
    try workspace.write(text, to: "own.yaml")
    let run = try await workspace.dpc([
      "run", "own.yaml", "--output", "out", "--cache", "cache", "--allow-exec", "--threads", "2",
    ])
    #expect(run.status == 0, "\(run.errors)")
    try FileManager.default.removeItem(atPath: workspace["out"])

    let explain = ["explain", "own.yaml", "--cache", "cache", "--log"]
    let one = try await workspace.dpc(explain + ["--stage", "own"])
    #expect(one.status == 0)
    let lines = one.output.split(separator: "\n")
    #expect(lines[0] == "own (exec, algorithm version 2)")
    #expect(lines.contains("  because no record"), "\(one.output)")
    #expect(lines.contains { $0.contains(" processors, 2 stages at once; ") }, "\(one.output)")
    #expect(lines.contains { $0.hasPrefix("  assumption: the program's errors") })
    #expect(lines.contains { $0.hasPrefix("  | '") && $0.contains("output.h5'") }, "\(one.output)")

    let changed = try await workspace.dpc(
      explain + ["--stage", "field", "--set", "field.thickness_nm=41"])
    #expect(
      changed.output.contains("the last one; what is asked for now was not computed yet"),
      "\(changed.output)")

    let json = try await workspace.dpc(explain + ["--format", "json"])
    let object = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any]
    #expect(object?["schema"] as? String == "dpc-stage-logs/1")
    #expect((object?["stages"] as? [Any])?.count == 8)
  }

  @Test("Folders of rows that are gone are told by plan and run, and stay as they are")
  func leftovers() async throws {
    let workspace = try many(["a", "b", "c"])
    let first = try await workspace.dpc(Self.many)
    #expect(first.status == 0, "\(first.errors)")
    #expect(!first.output.contains("no longer asked for"))
    try writeTable(["a", "c"], in: workspace)
    try workspace.makeFolder("out/notes")
    let words = "Left by earlier runs and no longer asked for, in out: b (nothing is removed)"
    for arguments in [
      ["plan", "many.yaml", "--output", "out", "--cache", "cache"], Self.many + ["--dry-run"],
      Self.many,
    ] {
      let finished = try await workspace.dpc(arguments)
      #expect(finished.status == 0, "\(finished.errors)")
      #expect(
        finished.output.split(separator: "\n").contains { $0 == words }, "\(finished.output)")
      #expect(workspace.exists("out/b/result.h5"))
    }
    // With a matrix each row has folders below its own.
    let manifest = try workspace.text("many.yaml").changing(
      "stages:", to: "matrix: { tilt.method: [disc-shift, center-of-mass] }\nstages:")
    try workspace.write(manifest, to: "many.yaml")
    let swept = try await workspace.dpc(Self.many)
    #expect(swept.output.contains("in out: a, b, c (nothing"), "\(swept.output)")
    try workspace.write(
      manifest.changing(", center-of-mass", to: ""), to: "many.yaml")
    let json = try await workspace.dpc(Self.many + ["--dry-run", "--format", "json"])
    let object = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any]
    #expect(
      object?["leftovers"] as? [String]
        == [
          "a", "a/tilt.method=center-of-mass", "b", "c", "c/tilt.method=center-of-mass",
        ])
  }

  @Test("Runners at once on one cache do each stage once, those apart that are killed")
  func leases() async throws {
    let workspace = try Workspace()
    var sample = Sample(rows: 4, columns: 6)
    sample.enlarge(rows: 150, columns: 150)
    try workspace.write(sample)
    let tilt = Self.event("stage-started", "stage", "tilt")
    var running: [RunningProgram] = []
    for number in 0..<8 {
      let signal = number == 0 ? TimedSignal(number: SIGKILL, words: tilt) : nil
      let arguments =
        try workspace.runArguments(output: "out-\(number)") + ["--progress", "json"]
      running.append(try await workspace.start(Program.dpc, arguments, signal: signal))
    }
    var counts: [String: Int] = [:]
    for (number, program) in running.enumerated() {
      let finished = try await program.end()
      if number == 0 { continue }
      #expect(finished.status == 0, "\(finished.errors)")
      for stage in try Outcomes(finished).named("ran") { counts[stage, default: 0] += 1 }
    }
    // What is not kept is formed by each for itself.
    for stage in ["frames", "clean", "tilt", "potential", "map"] {
      #expect((counts[stage] ?? 0) <= 1, "\(stage): \(counts)")
    }
    #expect(counts["tilt"] == 1)
    #expect(workspace.files(under: "cache/v1/leases").count <= 1)
    let verified = try await workspace.dpc(["cache", "verify", "--cache", "cache"])
    #expect(verified.output.contains("all sound"), "\(verified.output)")
  }
}
