// Programs of the user's own as stages: run only when allowed, checked, keyed by content, killed with the run.
import Foundation
import Testing

/// A Python script that leaves something else than it promised, and what the complaint names.
struct WrongOutput: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let lines: String
  let mentions: [String]

  init(_ name: String, _ lines: String, mentions: [String]) {
    (testDescription, self.lines, self.mentions) = (name, lines, mentions)
  }
}

struct ProgramTests {
  /// Copies the field from input to output by hand, then changes the copy.
  private static let copy = """
    import os, sys, h5py, numpy as np
    print("variables", *sorted(os.environ))
    given = h5py.File(sys.argv[1])
    made = h5py.File(sys.argv[2], "w")
    made.attrs["kind"] = given.attrs["kind"]
    for name in ("x", "y"):
        made.create_dataset(name, data=given[name][()]).attrs["units"] = given[name].attrs["units"]

    """

  private static func manifest(program: String, _ with: String = "") -> String {
    """
    schema: dpc-pipeline/1
    name: own
    inputs: { acquisition: scan.h5, program: "\(program)", script: own.py }
    stages:
    \(FieldStages.text)
      own:
        uses: exec
        from: field
        with: { program: $program, script: $script, output: projected-field, arguments: ["{input}", "{output}"]\(with) }
    results: [field, own]

    """
  }

  @Test("A program that leaves a service running costs no waiting, and the service ends with it")
  func leftRunning() async throws {
    let workspace = try workspace(
      Self.copy
        + """
        import subprocess
        made.close()
        for session in (False, True):
            left = subprocess.Popen(
                ["sleep", "7200"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL, start_new_session=session)
            print("left", left.pid)
        sys.stdout.write("one\\r\\ntwo\\r\\n")
        """)
    let finished = try await workspace.dpc(
      try workspace.runArguments("own.yaml") + ["--allow-exec"])
    #expect(finished.status == 0, "\(finished.errors)")
    let log = try workspace.text("out/logs/own.log").split(whereSeparator: \.isNewline)
    #expect(log.contains("one") && log.contains("two"), "\(log)")
    let left = log.filter { $0.hasPrefix("left ") }.compactMap { Int32($0.dropFirst(5)) }
    try #require(left.count == 2)
    // One in a session of its own is out of reach, and was not waited for.
    #expect(kill(left[1], SIGKILL) == 0)
    // Killed, and perhaps not yet taken away by the system.
    let state = try? String(contentsOfFile: "/proc/\(left[0])/stat", encoding: .utf8)
    #expect(state == nil || state?.contains(") Z ") == true, "\(state ?? "")")
  }

  private func workspace(
    _ script: String = copy, program: String = Program.python, _ with: String = ""
  ) throws -> Workspace {
    try #require(
      FileManager.default.isExecutableFile(atPath: Program.python),
      "run Scripts/prepare-python.sh (make test does)")
    let workspace = try Workspace()
    try workspace.write(Sample())
    try workspace.write(script, to: "own.py")
    try workspace.write(Self.manifest(program: program, with), to: "own.yaml")
    return workspace
  }

  private func scratch(_ workspace: Workspace) -> [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: workspace["cache/v1/tmp"])) ?? []
  }

  @Test("The example takes the median of the field; nothing runs unless it is allowed")
  func example() async throws {
    let workspace = try workspace()
    let python = "python=\(Program.python)"
    let refused = try await workspace.run(
      Program.pipeline("denoise"), "--input", python)
    #expect(refused.status == 2)
    #expect(refused.complaints.count == 1)
    for words in ["denoised", Program.python, "denoise.py"] {
      #expect(refused.errors.contains(words), "\(words): \(refused.errors)")
    }
    #expect(refused.errors.contains("--allow-exec"))
    #expect(!workspace.exists("out") && !workspace.exists("cache"))
    let run = try await workspace.run(
      Program.pipeline("denoise"), "--input", python, "--allow-exec")
    #expect(run.status == 0, "\(run.errors)")
    let result = Stored(workspace["out/result.h5"])
    for component in ["projected_field_x", "projected_field_y"] {
      let shape = try result.description("/entry/field/\(component)").shape
      let given = try result.values("/entry/field/\(component)")
      // A median of nine is one of them, and rounding to float32 keeps their order: equal to the bit.
      #expect(
        try result.values("/entry/denoised/\(component)")
          == medians(given, rows: shape[0], columns: shape[1]))
      #expect(try result.description("/entry/denoised/\(component)").units == "V")
    }
    #expect(try !result.contains("/entry/denoised/projected_field_x_errors"))
    let errors = try #require(try result.attribute("errors", of: "/entry/denoised"))
    #expect(
      errors == ["none: a program outside dpc, on the way to this map, stated none"], "\(errors)")
    #expect(try workspace.text("out/logs/denoised.log").contains("root mean square change"))
    #expect(scratch(workspace) == [])
  }

  /// Over 3 × 3 pixels, the rim repeated.
  private func medians(_ values: [Double], rows: Int, columns: Int) -> [Double] {
    func clamp(_ index: Int, _ count: Int) -> Int { min(max(index, 0), count - 1) }
    return (0..<rows * columns).map { pixel in
      let window = (-1...1).flatMap { dy in
        (-1...1).map { dx in
          values[
            clamp(pixel / columns + dy, rows) * columns + clamp(pixel % columns + dx, columns)]
        }
      }
      return window.sorted()[4]
    }
  }

  @Test("The bytes of program and script decide, and what is set; not times, not what is passed on")
  func key() async throws {
    let workspace = try workspace()
    func outcome(_ more: String..., variables: [String: String] = [:]) async throws -> String? {
      let arguments = try workspace.runArguments("own.yaml") + ["--allow-exec"]
      let run = try await workspace.dpc(
        arguments + ["--progress", "json"] + more, environment: variables)
      #expect(run.status == 0, "\(run.errors)")
      return try Outcomes(run).stages["own"]
    }
    #expect(try await outcome() == "ran")
    #expect(try await outcome() == "hit")
    try FileManager.default.setAttributes(
      [.modificationDate: Date()], ofItemAtPath: workspace["own.py"])
    #expect(try await outcome() == "hit")
    try workspace.write(Self.copy + "# another word\n", to: "own.py")
    #expect(try await outcome() == "ran")
    #expect(try await outcome("--set", "own.environment=[A=1, HIDDEN]") == "ran")
    #expect(
      try await outcome(
        "--set", "own.environment=[A=1, HIDDEN]", variables: ["HIDDEN": "other"]) == "hit")
    #expect(try await outcome("--set", "own.environment=[A=2, HIDDEN]") == "ran")
    #expect(
      try await outcome("--set", "own.arguments=[\"{input}\", \"{output}\", \"a, b\"]") == "ran")
    let other = workspace["other-python"]
    try workspace.write("#!/bin/sh\nexec '\(Program.python)' \"$@\"\n", to: "other-python")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: other)
    #expect(try await outcome("--input", "program=\(other)") == "ran")
    let explained = try await workspace.dpc([
      "explain", "own.yaml", "--cache", "cache", "--set", "own.environment=[A=3]", "--stage", "own",
    ])
    #expect(explained.status == 0, "\(explained.errors)")
    #expect(explained.output.contains("environment"), "\(explained.output)")
    let plan = try await workspace.dpc(["plan", "own.yaml", "--cache", "cache"])
    #expect(plan.output.contains("own; a run needs --allow-exec"), "\(plan.output)")
  }

  @Test("The program sees the variables it was given and no others")
  func environment() async throws {
    let workspace = try workspace(Self.copy, ", environment: [SET=1, PASSED, ABSENT]")
    let run = try await workspace.dpc(
      try workspace.runArguments("own.yaml") + ["--allow-exec"],
      environment: ["PASSED": "2", "SECRET": "3"])
    #expect(run.status == 0, "\(run.errors)")
    // Python itself may add one for its locale.
    let words = try workspace.text("out/logs/own.log").split(whereSeparator: \.isWhitespace)
    let seen = Set(words.dropFirst().map(String.init)).subtracting(["LC_CTYPE"])
    #expect(seen == ["HOME", "LC_ALL", "PASSED", "PATH", "SET", "TMPDIR"])
  }

  static let wrong = [
    WrongOutput("a unit", "made['x'].attrs['units'] = 'kV'", mentions: ["x is in 'kV'", "'V'"]),
    WrongOutput("no unit", "del made['y'].attrs['units']", mentions: ["y is in no unit"]),
    WrongOutput(
      "a kind", "made.attrs['kind'] = 'deflection'",
      mentions: ["holds a deflection, not a projected-field"]),
    WrongOutput("no kind", "del made.attrs['kind']", mentions: ["does not say what it holds"]),
    WrongOutput(
      "a shape",
      "del made['x']; made.create_dataset('x', data=given['x'][()].T).attrs['units'] = 'V'",
      mentions: ["x has the shape [24, 16], not [16, 24]"]),
    WrongOutput("a component less", "del made['y']", mentions: ["no dataset 'y'"]),
    WrongOutput("infinity", "made['x'][3, 5] = np.inf", mentions: ["row 3", "column 5"]),
    WrongOutput("nothing but NaN", "made['y'][...] = np.nan", mentions: ["not one of its pixels"]),
    WrongOutput(
      "errors of one component",
      "made.create_dataset('x_errors', data=abs(made['x'][()])).attrs['units'] = 'V'",
      mentions: ["only one of its components"]),
    WrongOutput("no file", "made.close(); os.remove(sys.argv[2])", mentions: ["left no output.h5"]),
    WrongOutput(
      "no HDF5", "made.close(); open(sys.argv[2], 'w').write('numbers')",
      mentions: ["cannot be read"]),
    WrongOutput(
      "a failure", "sys.exit('it is Monday')", mentions: ["exit code 1", "it is Monday"]),
    WrongOutput("a crash", "os.kill(os.getpid(), 11)", mentions: ["signal 11"]),
  ]

  @Test("An output that is not what was declared fails its stage alone", arguments: wrong)
  func wrongOutput(_ wrong: WrongOutput) async throws {
    let workspace = try workspace(Self.copy + wrong.lines + "\n")
    let run = try await workspace.run("own.yaml", "--allow-exec")
    #expect(run.status == 3, "\(run.errors)")
    #expect(run.complaints.count == 1, "\(run.errors)")
    for words in ["stage own"] + wrong.mentions {
      #expect(run.told.contains(words), "\(words): \(run.told)")
    }
    #expect(try Stored(workspace["out/result.h5"]).names(in: "/entry").contains("field"))
    #expect(try !Stored(workspace["out/result.h5"]).contains("/entry/own"))
    #expect(scratch(workspace) == [])
  }

  @Test("NaN becomes a missing pixel, stated errors become errors, and the field's own go")
  func marks() async throws {
    let lines = """
      made["x"][2, 3] = np.nan
      for name in ("x", "y"):
          made.create_dataset(name + "_errors", data=np.full(made["x"].shape, 0.25)).attrs["units"] = "V"

      """
    let workspace = try workspace(Self.copy + lines)
    let run = try await workspace.run("own.yaml", "--allow-exec")
    #expect(run.status == 0, "\(run.errors)")
    let result = Stored(workspace["out/result.h5"])
    let mask = try result.values("/entry/own/mask")
    #expect(mask.indices.filter { mask[$0] != 0 } == [2 * 24 + 3])
    #expect(mask[2 * 24 + 3] == 1)
    #expect(try result.values("/entry/own/projected_field_y")[2 * 24 + 3].isNaN)
    // Of the one pixel by itself: no error of this sample is shared by all pixels.
    #expect(try result.values("/entry/own/projected_field_x_errors")[0] == 0.25)
  }

  @Test("A run that is stopped kills the program, and leaves nothing behind")
  func interruption() async throws {
    let workspace = try workspace(
      "echo $$ > \"$3\"\nsleep 600 &\nwait\n", program: "/bin/sh", "")
    let started = workspace["started"]
    let arguments = try workspace.runArguments("own.yaml").joined(separator: " ")
    let run = try await workspace.shell(
      """
      "$DPC" \(arguments) --allow-exec --set 'own.arguments=["{input}", "{output}", "\(started)"]' &
      while ! [ -s "\(started)" ] && kill -0 $!; do sleep 0.05; done
      kill -TERM $!
      wait $!
      """)
    #expect(run.status == 143, "\(run.errors)")
    let leader = try workspace.text("started").trimmingCharacters(in: .whitespacesAndNewlines)
    // Nobody is left in the program's group: neither it nor its child.
    let left = try await workspace.shell("kill -0 -- -\(leader)")
    #expect(left.status != 0)
    #expect(scratch(workspace) == [])
  }

  @Test("Scratch folders of a run that was killed are swept up by the next")
  func sweep() async throws {
    let workspace = try workspace(
      "echo $$ > \"$3\"\nexec sleep 600\n", program: "/bin/sh", "")
    let started = workspace["started"]
    let arguments = try workspace.runArguments("own.yaml").joined(separator: " ")
    _ = try await workspace.shell(
      """
      "$DPC" \(arguments) --allow-exec --set 'own.arguments=["{input}", "{output}", "\(started)"]' &
      while ! [ -s "\(started)" ] && kill -0 $!; do sleep 0.05; done
      kill -KILL $!
      wait $!
      kill -KILL "$(cat "\(started)")"
      """)
    // The program's folder, and the file that the run's leases were names of.
    #expect(scratch(workspace).count == 2)
    _ = try await workspace.run()
    #expect(scratch(workspace) == [])
  }

  @Test("A result with a program in its chain: archive, methods, and making it again")
  func archive() async throws {
    let workspace = try workspace(Self.copy, ", environment: [\"A=b, c\"]")
    let run = try await workspace.run("own.yaml", "--allow-exec")
    #expect(run.status == 0, "\(run.errors)")
    let crate = try await workspace.python("crate.py", [workspace["out/provenance"]])
    #expect(crate.status == 0 && !crate.output.contains("objection:"), "\(crate.output)")
    let methods = try await workspace.dpc(["methods", "out/result.h5"])
    #expect(methods.status == 0, "\(methods.errors)")
    let words = methods.output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    #expect(words.contains("The map of field was processed by a program outside dpc"), "\(words)")
    let again = [
      "reproduce", "out/result.h5", "--input", "acquisition=scan.h5",
      "--input", "program=\(Program.python)", "--input", "script=own.py", "--output", "again",
    ]
    let refused = try await workspace.dpc(again)
    #expect(refused.status == 2)
    #expect(refused.told.contains("--allow-exec"), "\(refused.told)")
    #expect(!workspace.exists("again"))
    let allowed = try await workspace.dpc(again + ["--allow-exec"])
    #expect(allowed.status == 0, "\(allowed.errors)")
    #expect(allowed.output.contains("identical bytes"), "\(allowed.output)")
  }
}
