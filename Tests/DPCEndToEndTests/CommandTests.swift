// Every subcommand that tells rather than computes, and what it tells.
import Foundation
import Testing

struct CommandTests {
  @Test("A plan says hit, run or blocked for each stage, and down to the parameter why")
  func plan() async throws {
    let workspace = try Workspace()
    try workspace.write(Sample(rows: 6, columns: 9))
    let arguments = Array(try workspace.runArguments().dropFirst())
    let planned = arguments.filter { $0 != "--output" && $0 != "out" }
    let cold = try await workspace.dpc(["run"] + arguments + ["--dry-run"])
    #expect(cold.status == 0, "\(cold.errors)")
    #expect(cold.output.contains("frames     no record"), "\(cold.output)")
    #expect(cold.output.contains("0 from the cache, 7 to run, 0 blocked"))
    #expect(!workspace.exists("out"))

    let twelve = ["--set", "aligned.rotation_deg=12"]
    #expect(try await workspace.dpc(["run"] + arguments + twelve).status == 0)
    let warm = try await workspace.dpc(["plan"] + planned + twelve)
    #expect(warm.output.contains("7 from the cache, 0 to run, 0 blocked"), "\(warm.output)")
    let more = ["--set", "aligned.rotation_deg=12.5"]
    for command in [["plan"], ["run", "--dry-run"]] {
      let changed = try await workspace.dpc(command + planned + more)
      #expect(changed.status == 0)
      #expect(changed.output.contains("hit      tilt"), "\(changed.output)")
      #expect(changed.output.contains("run      aligned    rotation_deg 12 -> 12.5"))
      #expect(
        changed.output.contains("run      field      aligned because rotation_deg 12 -> 12.5"))
      // The stage in between only passes it on.
      #expect(
        changed.output.contains("run      potential  aligned because rotation_deg 12 -> 12.5\n"))
      #expect(changed.output.contains("3 from the cache, 4 to run, 0 blocked"))
    }
    let explained = try await workspace.dpc(["explain"] + planned + more + ["--stage", "aligned"])
    #expect(explained.output.hasPrefix("aligned because rotation_deg 12 -> 12.5\n"))
    #expect(explained.output.contains("parameter rotation_deg = 12.5"))
    #expect(explained.output.contains("\n  parameters.rotation_deg: 12 -> 12.5\n"))
    #expect(explained.output.contains(", as the last time"))
    for command in [["explain"], ["plan"], ["run", "--dry-run"]] {
      let json = try await workspace.dpc(command + planned + more + ["--format", "json"])
      let object = try JSONSerialization.jsonObject(with: Data(json.output.utf8))
      let stages = try #require((object as? [String: Any])?["stages"] as? [[String: Any]])
      #expect(stages.map { $0["decision"] as? String }.count { $0 == "run" } == 4)
      let potential = try #require(stages.first { $0["stage"] as? String == "potential" })
      #expect(
        potential["reasons"] as? [String] == [
          "field because aligned because rotation_deg 12 -> 12.5"
        ])
    }
    let cached = try await workspace.dpc(["explain"] + planned + twelve + ["--stage", "aligned"])
    #expect(cached.output.contains("aligned: cached") && cached.output.contains("computed 20"))

    try FileManager.default.removeItem(atPath: workspace["scan.h5"])
    let blocked = try await workspace.dpc(["plan"] + planned)
    #expect(blocked.status == 4)
    #expect(blocked.output.contains("blocked  frames     input 'acquisition': cannot open scan.h5"))
    #expect(
      blocked.output.contains(
        "\nblocked  by frames: clean, tilt, aligned, field, map, potential\n0 from the cache"),
      "\(blocked.output)")
    #expect(blocked.complaints.count == 1)
  }

  @Test(
    "Plans and explanations fit on a terminal of 100 columns",
    arguments: ["top-view", "cross-section", "two-views", "many"])
  func width(pipeline: String) async throws {
    let workspace = try Workspace()
    for command in ["plan", "explain"] {
      let told = try await workspace.dpc([command, Program.pipeline(pipeline), "--cache", "cache"])
      #expect(told.status == 0, "\(told.errors)")
      let lines = told.output.split(separator: "\n")
      #expect(!lines.isEmpty && lines.allSatisfy { $0.count <= 100 }, "\(told.output)")
    }
  }

  @Test("A pipeline is drawn for Mermaid and for Graphviz, with an arrow for each connection")
  func graph() async throws {
    let workspace = try Workspace()
    try workspace.write(Quick.text, to: Quick.manifest)
    let mermaid = try await workspace.dpc(["graph", Quick.manifest])
    #expect(mermaid.status == 0)
    #expect(mermaid.output.hasPrefix("flowchart"))
    let dot = try await workspace.dpc(["graph", Quick.manifest, "--format", "dot"])
    #expect(dot.output.hasPrefix("digraph"))
    #expect(dot.output.hasSuffix("}\n"))
    for text in [mermaid.output, dot.output] {
      for stage in ["frames", "tilt", "potential", "vector-map", "acquisition"] {
        #expect(text.contains(stage))
      }
      // From the input to the first stage, then six between the seven.
      #expect(text.split(separator: "\n").count { $0.contains("->") || $0.contains("--") } == 7)
    }
  }

  @Test("Every stage type is listed and describes its ports, its parameters and an example")
  func stages() async throws {
    let workspace = try Workspace()
    let list = try await workspace.dpc(["stages"])
    #expect(list.status == 0)
    let lines = list.output.split(separator: "\n")
    #expect(lines.allSatisfy { $0.count <= 100 }, "\(list.output)")
    let names = lines.filter { $0.first != " " }.compactMap {
      $0.split(separator: " ").first.map(String.init)
    }
    #expect(names.count >= 17)
    for name in names {
      let described = try await workspace.dpc(["stages", name])
      #expect(described.status == 0)
      #expect(described.output.contains(name))
      #expect(described.output.contains("uses: \(name)"), "\(described.output)")
      let help = described.output.split(separator: "\n").prefix { $0 != "example:" }
      #expect(help.allSatisfy { $0.count <= 100 }, "\(described.output)")
    }
    let mistaken = try await workspace.dpc(["stages", "deflektion"])
    #expect(mistaken.status == 2)
    #expect(mistaken.errors.contains("did you mean 'deflection'?"), "\(mistaken.errors)")
  }

  @Test("What is in a file, and what is wrong with it, is told by inspect")
  func inspect() async throws {
    let workspace = try Workspace()
    try workspace.write(Sample(rows: 6, columns: 9))
    let good = try await workspace.dpc(["inspect", "scan.h5"])
    #expect(good.status == 0, "\(good.errors)")
    for words in ["8 segments", "6×9", "200 kV", "4 nm × 5 nm", "25 deg", "50 nm", "24 mrad"] {
      #expect(good.output.contains(words), "\(words): \(good.output)")
    }
    var sample = Sample(rows: 6, columns: 9)
    sample.items[Sample.thickness] = nil
    try workspace.write(sample, to: "thin.h5")
    let thin = try await workspace.dpc(["inspect", "thin.h5"])
    #expect(thin.status == 0)
    #expect(thin.output.contains("thickness       not stated"), "\(thin.output)")
    sample.items["/entry/instrument/scan/electrons_per_pixel"] = .scalar(2 * Sample.electrons, "")
    try workspace.write(sample, to: "dose.h5")
    let doubtful = try await workspace.dpc(["inspect", "dose.h5"])
    #expect(
      doubtful.output.contains(
        "\nBeware:\n  1e8 electrons per pixel counted, 2e8 stated (electrons_per_pixel)"),
      "\(doubtful.output)")
    #expect(doubtful.status == 0 && !thin.output.contains("Beware"))
    sample.items[Sample.voltage] = .scalar(200, "V")
    try workspace.write(sample, to: "bad.h5")
    try workspace.write("no HDF5", to: "text.h5")
    for (name, words) in [
      ("bad.h5", Sample.voltage), ("text.h5", "not an HDF5 file"), ("absent.h5", "no such file"),
    ] {
      let bad = try await workspace.dpc(["inspect", name])
      #expect(bad.status == 4)
      #expect(bad.output.isEmpty)
      #expect(bad.complaints.count == 1 && bad.errors.contains(words), "\(bad.errors)")
    }
  }

  @Test(
    "Every command's help gives an example, and nothing on standard error",
    arguments: [
      "", "run", "plan", "explain", "graph", "stages", "inspect", "schema", "cache", "cache list",
      "cache verify", "cache gc", "cache clear", "provenance", "simulate", "diff", "methods",
      "reproduce",
    ])
  func help(command: String) async throws {
    let workspace = try Workspace()
    let help = try await workspace.dpc(
      command.split(separator: " ").map(String.init) + ["--help"])
    #expect(help.status == 0)
    #expect(help.output.contains("Example: dpc \(command)"), "\(help.output)")
    #expect(help.errors.isEmpty)
  }

  @Test("Texts end with one line break, as other programs' do")
  func lineBreaks() async throws {
    let workspace = try Workspace()
    try workspace.write(Quick.text, to: Quick.manifest)
    for arguments in [
      ["schema"], ["stages"], ["stages", "deflection"], ["graph", Quick.manifest],
      ["graph", Quick.manifest, "--format", "dot"], ["--version"],
    ] {
      let output = try await workspace.dpc(arguments).output
      #expect(output.hasSuffix("\n") && !output.hasSuffix("\n\n"), "\(arguments)")
    }
  }

  @Test("Without --output and --cache, results stand beside the caller and the cache in its place")
  func defaults() async throws {
    let workspace = try Workspace()
    try workspace.write(Sample(rows: 6, columns: 9))
    try workspace.write(Quick.text, to: Quick.manifest)
    let finished = try await workspace.dpc(
      ["run", Quick.manifest], environment: ["XDG_CACHE_HOME": workspace["xdg"]])
    #expect(finished.status == 0, "\(finished.errors)")
    #expect(workspace.exists("quick/result.h5"))
    #expect(workspace.exists("xdg/dpc/v1"))
    let homeless = try await workspace.dpc(
      ["run", Quick.manifest], environment: ["XDG_CACHE_HOME": "", "HOME": ""])
    #expect(homeless.status == 2)
    #expect(homeless.told.contains("--cache"), "\(homeless.errors)")
  }

  @Test("Progress is drawn, told line by line, told to programs or not at all, on standard error")
  func progress() async throws {
    let workspace = try Workspace()
    try workspace.write(Sample(rows: 6, columns: 9))
    let arguments = try workspace.runArguments() + ["--progress"]
    let board = try await workspace.dpc(arguments + ["board"], environment: ["TERM": "xterm"])
    #expect(board.errors.contains("\u{1B}[7A"))
    #expect(board.errors.contains("✓"))
    let plain = try await workspace.dpc(arguments + ["auto"])
    #expect(plain.errorLines.count == 7)
    #expect(plain.errorLines.last?.hasPrefix("[7/7] ") == true, "\(plain.errors)")
    #expect(plain.errorLines.allSatisfy { $0.hasSuffix("from the cache") })
    let json = try await workspace.dpc(arguments + ["json"])
    #expect(json.errorLines.count > 15)
    for line in json.errorLines {
      let event = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      #expect(event?["event"] is String)
    }
    let silent = try await workspace.dpc(arguments + ["none"])
    #expect(silent.errors.isEmpty)
    for finished in [board, plain, json, silent] {
      #expect(finished.status == 0)
      #expect(finished.output.contains("Result:  out/result.h5"), "\(finished.output)")
    }
  }

  @Test("The version is that which results record")
  func version() async throws {
    let workspace = try Workspace()
    let version = try await workspace.dpc(["--version"])
    #expect(version.status == 0)
    try workspace.write(Sample(rows: 6, columns: 9))
    #expect(try await workspace.run().status == 0)
    let recorded = try Stored(workspace["out/result.h5"]).text("/entry/process_01_frames/version")
    #expect(version.output == recorded + "\n")
  }

  @Test("A command that does not exist is named, with the nearest that does")
  func mistypedCommand() async throws {
    let workspace = try Workspace()
    let near = try await workspace.dpc(["rum", "x.yaml"])
    #expect(near.status == 2)
    #expect(near.errors == "error: there is no command 'rum'\n  did you mean 'run'?\n")
    let help = try await workspace.dpc(["help", "rum"])
    #expect(help.status == 2 && help.errors == near.errors)
    let inner = try await workspace.dpc(["help", "cache", "status"])
    #expect(inner.status == 2 && inner.errors.contains("no command 'cache status'"))
    let far = try await workspace.dpc(["frobnicate"])
    #expect(far.status == 2 && far.errors.contains("dpc --help lists them"), "\(far.errors)")
  }
}
