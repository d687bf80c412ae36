// Finding cases, running a program on them, and the report; a script stands in for the program.
import Foundation
import Testing

@testable import dpc_validate

struct RunTests {
  @Test("A folder without a pair is an error that says what is wanted")
  func emptyFolder() throws {
    try inTemporaryFolder { folder in
      try Data().write(to: folder.appendingPathComponent("alone.h5"))
      let error = #expect(throws: ValidationError.self) {
        try ValidationCase.all(in: folder.path, filter: nil)
      }
      #expect(try #require(error).description.contains("no acquisition NAME.h5 with a truth-"))
    }
  }

  @Test("A report of no cases is not ok")
  func emptyReport() {
    #expect(!ValidationReport(judgments: []).isOK)
  }

  @Test("Only pairs whose name has the filter are taken, in alphabetical order")
  func filter() throws {
    try inTemporaryFolder { folder in
      for name in ["b", "truth-b", "a", "truth-a", "c"] {
        try Data().write(to: folder.appendingPathComponent("\(name).h5"))
      }
      #expect(try ValidationCase.all(in: folder.path, filter: nil).map(\.name) == ["a", "b"])
      #expect(try ValidationCase.all(in: folder.path, filter: "b").map(\.name) == ["b"])
      #expect(throws: ValidationError.self) {
        try ValidationCase.all(in: folder.path, filter: "z")
      }
    }
  }

  /// Runs a script in place of the program on a synthetic case; `$RESULT` is a right result.
  private func judged(script: String) throws -> Judgment {
    try inTemporaryFolder { folder in
      let item = SyntheticCase()
      try item.write(to: folder)
      let scratch = folder.appendingPathComponent("scratch")
      try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
      let program = folder.appendingPathComponent("program")
      let text = """
        #!/bin/sh
        RESULT='\(folder.path)/\(item.name)/result.h5'
        OUTPUT='\(scratch.path)/\(item.name)'
        \(script)
        """
      try Data(text.utf8).write(to: program)
      try FileManager.default.setAttributes(
        [.posixPermissions: 0o755], ofItemAtPath: program.path)
      let runner = CaseRunner(
        program: program.path, pipelines: "Pipelines", scratch: scratch.path)
      let chosen = try #require(try ValidationCase.all(in: folder.path, filter: nil).first)
      return try #require(runner.judgments(chosen, methods: [.discShift]).first)
    }
  }

  @Test("Exit codes 0 and 3 are judged by the result")
  func usable() throws {
    let copy = "mkdir -p \"$OUTPUT\"; cp \"$RESULT\" \"$OUTPUT\""
    #expect(try judged(script: "\(copy); exit 0").failures == [])
    let partial = try judged(script: "\(copy); echo 'error: walls failed' >&2; exit 3")
    #expect(partial.isOK && partial.notes == ["partial: error: walls failed"])
  }

  @Test("Any other exit code fails with the program's error line")
  func refused() throws {
    let judgment = try judged(script: "echo 'error: no such file' >&2; exit 4")
    #expect(judgment.failures == ["dpc left with 4: error: no such file"])
  }

  @Test("A run without a result file fails")
  func noResult() throws {
    #expect(try judged(script: "exit 0").isOK == false)
  }

  @Test("An unknown rotation is left to the program, a crystal gets its period and pipeline")
  func arguments() throws {
    try inTemporaryFolder { folder in
      let item = SyntheticCase(name: "multislice-any")
      try item.write(to: folder)
      var facts = try AcquisitionFacts(
        name: item.name, path: folder.appendingPathComponent("\(item.name).h5").path)
      var truth = try Truth(
        path: folder.appendingPathComponent("truth-\(item.name).h5").path)
      facts.isRotationKnown = false
      truth.scanRotation = 31 * Double.pi / 180
      truth.latticePeriod = 0.378e-9
      var run = CaseRun(
        item: ValidationCase(name: item.name, acquisition: "a", truth: "t"), method: .centerOfMass,
        facts: facts, truth: truth)
      var arguments: [String] { run.arguments(pipelines: "P", output: "O", cache: "C") }
      #expect(arguments[1] == "P/crystal.yaml")
      #expect(arguments.contains("tilt.method=center-of-mass"))
      // It is the program's to find; only where it says that it cannot is it told.
      #expect(!arguments.contains("aligned.rotation_deg=31.0"))
      run.givesRotation = true
      #expect(arguments.contains("aligned.rotation_deg=31.0"))
      #expect(arguments.contains("cell.period_x_nm=0.378"))
    }
  }

  @Test("The table has a row and a verdict for every case")
  func table() throws {
    var wrong = SyntheticCase()
    wrong.name = "case-wrong"
    wrong.transform = { scaled($0, -1) }
    let report = ValidationReport(
      judgments: [try SyntheticCase().judged(), try wrong.judged()])
    #expect(!report.isOK)
    let lines = report.markdown.split(separator: "\n")
    #expect(lines.contains { $0.hasPrefix("| case-waves |") && $0.hasSuffix("| ok |") })
    #expect(lines.contains { $0.hasPrefix("| case-wrong |") && $0.hasSuffix("| FAIL |") })
    #expect(report.text.contains("1 of 2 results FAIL"))
  }
}
