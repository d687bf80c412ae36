// Mistakes in a manifest or on the command line: all at once, each with its place, before anything runs.
import Foundation
import TestText
import Testing

struct ManifestMistakeTests {
  @Test("Every mistake of a manifest is told at once, with line, column, caret and a suggestion")
  func allAtOnce() async throws {
    let workspace = try Workspace()
    try workspace.write(
      """
      schema: dpc-pipeline/1
      name: bad
      inputs: { acquisition: scan.h5 }
      stages:
        frames:  { uses: read-acquisitions, with: { file: $acquisition } }
        clean:   { uses: normalize-segments, from: frame }
        tilt:    { uses: deflection, from: clean, with: { methd: disc-shift } }
        aligned: { uses: rotate-to-scan, from: tilt, with: { rotation_deg: 4000 } }
        field:   { uses: electric-field, from: aligned, with: { thickness_um: 50 } }
        wrong:   { uses: integrate, from: tilt }
        port:    { uses: integrate, from: { feild: field } }
        word:    { uses: integrate, from: field, with: { boundary: neuman } }
        one:     { uses: smooth, from: two, with: { sigma_nm: 1 } }
        two:     { uses: smooth, from: one, with: { sigma_nm: 1 } }
        one:     { uses: integrate, from: field }
      results: [field, nothing]
      extra: 1
      """, to: "bad.yaml")
    let finished = try await workspace.run("bad.yaml")
    #expect(finished.status == 2)
    #expect(!workspace.exists("out") && !workspace.exists("cache"))
    let lines = finished.errors.components(separatedBy: "\n")
    for (place, word, suggestion) in [
      ("5:20", "read-acquisitions", "read-acquisition"), ("6:46", "frame", "frames"),
      ("7:53", "methd", "method"), ("8:70", "4000", ""), ("9:59", "thickness_um", "thickness_nm"),
      ("10:37", "detector-deflection", ""), ("11:39", "feild", "field"),
      ("12:62", "neuman", "neumann"), ("13:3", "circle", ""), ("15:3", "one", ""),
      ("16:18", "nothing", ""), ("17:1", "extra", ""),
    ] {
      let index = lines.firstIndex {
        $0.hasPrefix("bad.yaml:\(place): error: ") && $0.contains(word)
      }
      guard let index else {
        Issue.record("\(place) \(word) is not told of:\n\(finished.errors)")
        continue
      }
      // Below the message stand the line of the manifest and a caret under its column.
      let column = try #require(Int(place.split(separator: ":")[1]))
      let caret = try #require(lines[index + 2].firstIndex(of: "^"))
      #expect(
        lines[index + 2].distance(from: lines[index + 2].startIndex, to: caret) == column + 1)
      #expect(suggestion.isEmpty || lines[index + 3].contains(suggestion), "\(lines[index + 3])")
    }
    #expect(lines.contains("12 errors in bad.yaml"), "\(finished.errors)")
  }

  @Test("Mistakes on the command line are told the same way")
  func commandLine() async throws {
    let workspace = try Workspace()
    try workspace.write(Sample(rows: 6, columns: 9))
    let finished = try await workspace.dpc([
      "run", Program.pipeline("top-view"), "--input", "acquisition=scan.h5", "--input", "foo=bar",
      "--set", "field.thickness_nn=5", "--set", "fild.thickness_nm=3",
      "--set", "field.thickness_nm=-4", "--output", "out", "--cache", "cache",
    ])
    #expect(finished.status == 2)
    for words in [
      "--input foo=bar: error: the manifest has no input 'foo'",
      "--set field.thickness_nn=5: error: electric-field has no parameter 'thickness_nn'",
      "did you mean 'thickness_nm'?", "--set fild.thickness_nm=3: error: ", "did you mean 'field'?",
      "--set field.thickness_nm=-4: error: ", "from 0.1 to 10000", "4 errors in ",
    ] {
      #expect(finished.errors.contains(words), "\(words):\n\(finished.errors)")
    }
    #expect(!workspace.exists("out"))
  }

  @Test(
    "A command line that is none ends with 2 and says how it goes",
    arguments: [
      ["--frobnicate"], ["run"], ["frobnicate"], ["run", "x.yaml", "--threads", "0"],
      ["run", "x.yaml", "--progress", "loud"], ["stages", "deflektion"], ["plan", "absent.yaml"],
      ["plan", "."], ["run", "x.yaml", "--input", "scan.h5"],
      ["cache", "clear", "--older-than-days", "-1"],
      ["cache", "clear", "--older-than-days", "1e6"],
      ["run", "quick.yaml", "--output", ""], ["run", "quick.yaml", "--cache", ""],
      ["reproduce", "result.h5", "-o", ""], ["inspect", ""],
      ["run", "quick.yaml", "--format", "json"], ["simulate", "quick.yaml", "--sigma", "5"],
      ["plan", "quick.yaml", "-i", "acquisition=a.h5", "-i", "acquisition=b.h5"],
      ["explain", "quick.yaml", "--stage", "feild"],
    ])
  func usage(arguments: [String]) async throws {
    let workspace = try Workspace()
    try workspace.write(Quick.text, to: Quick.manifest)
    let finished = try await workspace.dpc(arguments)
    #expect(finished.status == 2)
    #expect(finished.output.isEmpty)
    #expect(finished.complaints.count == 1, "\(finished.errors)")
    #expect(!finished.errors.contains("error: error"))
  }

  @Test(
    "A word that begins with a hyphen is no request for help, and a number below zero is a value",
    arguments: [
      (["inspect", "-x.h5"], "error: -x.h5: taken for an option", "written ./-x.h5"),
      (["inspect", "-h.h5"], "error: -h.h5: taken for an option", "written ./-h.h5"),
      (["run", "-there"], "error: -there: taken for an option", "written ./-there"),
      (["diff", "a.h5", "-h.h5"], "error: -h.h5: taken for an option", "written ./-h.h5"),
      (["run", "x.yaml", "-threads", "2"], "no option '-threads'", "(--threads)"),
      (["inspect", "-x"], "no option '-x'", "written ./-x"),
      (["run", "x.yaml", "--threads", "-1"], "--threads takes a number of 1 or more, not -1", ""),
      (["run", "x.yaml", "--max-failures", "-2"], "a number of 1 or more, not -2", ""),
      (["cache", "gc", "--cache", "c", "--max-size", "-5GB"], "-5GB", ""),
      (["inspect", "--", "-x.h5"], "error: -x.h5: cannot open: no such file", ""),
    ])
  func hyphens(arguments: [String], message: String, remedy: String) async throws {
    let workspace = try Workspace()
    try workspace.write("", to: "-there")
    let finished = try await workspace.dpc(arguments)
    #expect(finished.status == (arguments[1] == "--" ? 4 : 2), "\(finished.output)")
    #expect(finished.output.isEmpty)
    #expect(
      finished.errors.contains(message) && (remedy.isEmpty || finished.errors.contains(remedy)),
      "\(finished.errors)")
  }

  @Test(
    "A mistyped path, command or parameter is told with what may have been meant",
    arguments: [
      (["run", "qiuck.yaml"], "did you mean 'quick.yaml'?"),
      (["run", "./quick"], "did you mean './quick.yaml'?"),
      (["plan", "elsewhere/quick.yaml"], "there is no folder 'elsewhere'"),
      (["run", "quick.yaml", "-i", "acquisition=scna.h5"], "did you mean 'scan.h5'?"),
      (["inspect", "scna.h5"], "did you mean 'scan.h5'?"),
      (["inspect", "quick.yaml"], "a manifest is checked by dpc plan, and run by dpc run"),
      (["provenance", "scna.h5"], "did you mean 'scan.h5'?"),
      (["methods", "scna.h5"], "did you mean 'scan.h5'?"),
      (["reproduce", "scna.h5"], "did you mean 'scan.h5'?"),
      (["diff", "scan.h5", "scna.h5"], "did you mean 'scan.h5'?"),
      (
        ["run", "quick.yaml", "-i", "acquisition=quick.yaml"],
        "dpc inspect tells whether a file is one"
      ),
      (["run", "quick.yaml", "-i", "file=scan.h5"], "its inputs are acquisition"),
      (["run", "quick.yaml", "--set", "wandfeld.x=1"], "its stages are "),
      (["cache", "verfy"], "did you mean 'verify'?"),
      (["run", "quick.yaml", "--set", "thickness_nm=5"], "did you mean 'field.thickness_nm=5'?"),
      (
        ["run", "quick.yaml", "--set", "tilt.method", "disc-shift"],
        "write --set tilt.method=disc-shift"
      ),
    ])
  func meant(arguments: [String], suggestion: String) async throws {
    let workspace = try Workspace()
    try workspace.write(Quick.text, to: Quick.manifest)
    try workspace.write(Sample(rows: 6, columns: 9))
    let finished = try await workspace.dpc(arguments)
    #expect(finished.status == 2 || finished.status == 4)
    #expect(finished.errors.contains(suggestion), "\(finished.errors)")
  }

  @Test("Names that would lead out of the folder, or collide in result.h5, are refused")
  func names() async throws {
    let workspace = try Workspace()
    try workspace.write(Sample(rows: 6, columns: 9))
    for (from, to, words) in [
      ("name: quick", "name: ../elsewhere", "--output"), ("tilt", "title", "'title'"),
      ("tilt", "process_01_frames", "'process_01_frames'"), ("tilt", "../tilt", "'../tilt'"),
    ] {
      try workspace.write(Quick.text.changing(from, to: to), to: "named.yaml")
      let finished = try await workspace.dpc(["run", "named.yaml", "--cache", "cache"])
      #expect(finished.status == 2)
      #expect(finished.errors.contains(words), "\(finished.errors)")
      #expect(!workspace.exists("cache") && !workspace.exists("../elsewhere"))
    }
  }

  @Test(
    "A manifest from a pipe is refused by every command alike, since its paths are relative to its folder",
    arguments: ["plan", "run", "explain", "graph"])
  func pipe(command: String) async throws {
    let workspace = try Workspace()
    try workspace.write(Quick.text, to: "quick.yaml")
    let piped = try await workspace.shell("cat quick.yaml | $DPC \(command) /dev/stdin")
    #expect(piped.status == 2 && piped.errors.contains("a pipe or a device"), "\(piped.errors)")
    let dash = try await workspace.shell("cat quick.yaml | $DPC \(command) -")
    #expect(dash.status == 2 && dash.errors.contains("which standard input has not"))
  }
}
