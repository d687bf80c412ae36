// The machine's own limits and interruptions: places that are none, full disks, signals, readers that leave.
import Foundation
import TestText
import Testing

struct MachineTests {
  /// What `--progress json` prints when a stage begins.
  private static func started(_ stage: String) -> String {
    #""event":"stage-started","stage":"\#(stage)""#
  }

  @Test("What is missing or changed in the output folder is written again; what is old goes")
  func restored() async throws {
    let workspace = try Workspace()
    try workspace.write(Sample(rows: 6, columns: 9))
    #expect(try await workspace.run().status == 0)
    let files = workspace.files(under: "out").filter { !$0.hasPrefix("provenance") }
    #expect(files == ["figures/map.png", "figures/map.svg", "result.h5"])
    let before = try files.map { try workspace.bytes("out/\($0)") }
    try FileManager.default.removeItem(atPath: workspace["out/figures"])
    try workspace.write("spoiled", to: "out/result.h5")
    #expect(try await workspace.run().status == 0)
    for (name, bytes) in zip(files, before) {
      #expect(try workspace.bytes("out/\(name)") == bytes, "\(name)")
    }
    let fewer = try await workspace.dpc(
      workspace.runArguments() + ["--set", "map.format=[svg]", "--set", "field.thickness_nm=40"])
    #expect(fewer.status == 0, "\(fewer.errors)")
    #expect(
      workspace.files(under: "out").filter { !$0.hasPrefix("provenance") }
        == ["figures/map.svg", "result.h5"])
    #expect(try workspace.bytes("out/result.h5") != before[2])
  }

  @Test("Two runs at once share a cache without harm")
  func together() async throws {
    let workspace = try Workspace()
    try workspace.write(Sample(rows: 6, columns: 9))
    var running: [RunningProgram] = []
    for number in 0..<3 {
      running.append(
        try await workspace.start(
          Program.dpc, workspace.runArguments(output: "out-\(number)")))
    }
    for program in running {
      let finished = try await program.end()
      #expect(finished.status == 0, "\(finished.errors)")
    }
    for number in 1..<3 {
      #expect(
        try workspace.bytes("out-\(number)/result.h5") == workspace.bytes("out-0/result.h5"))
    }
    let verified = try await workspace.dpc(["cache", "verify", "--cache", "cache"])
    #expect(verified.output.contains("all sound"), "\(verified.output)")
  }

  @Test("A folder with someone else's files is refused and left alone")
  func foreignFolder() async throws {
    let workspace = try Workspace()
    try workspace.write(Sample(rows: 6, columns: 9))
    try workspace.makeFolder("out")
    try workspace.write("mine", to: "out/notes.txt")
    let finished = try await workspace.run()
    #expect(finished.status == 2)
    #expect(finished.complaints == ["error: out: not empty, and not made by dpc"])
    #expect(workspace.files(under: "out") == ["notes.txt"])
  }

  @Test("Where nothing can be written, the path is named before any work is done")
  func unwritable() async throws {
    let workspace = try Workspace()
    try workspace.write(Sample(rows: 6, columns: 9))
    try workspace.write("", to: "file")
    let output = try await workspace.run(output: "file/out")
    #expect(output.status == 5)
    #expect(output.complaints.first?.contains("file/out") == true, "\(output.errors)")
    #expect(!workspace.exists("cache"))
    let cache = try await workspace.run(cache: "file/cache")
    #expect(cache.status == 5)
    #expect(cache.complaints.first?.contains("file/cache") == true, "\(cache.errors)")
    #expect(!workspace.exists("out/result.h5"))
    let file = try await workspace.run(output: "file")
    #expect(file.status == 2)
    #expect(file.complaints == ["error: file: a file, not a folder"])
  }

  @Test("A full disk ends a run with 5 and the path; with room, the same command goes on")
  func fullDisk() async throws {
    let workspace = try Workspace()
    try workspace.write(Sample(rows: 24, columns: 32))
    let words = try workspace.runArguments() + ["--progress", "none"]
    let command = "exec \"$DPC\" " + words.joined(separator: " ")
    // Blocks of 512 bytes: no file may grow beyond 10 kB, as if the space ended there.
    let limit = "trap '' XFSZ; ulimit -f 20; "
    let inCache = try await workspace.shell(limit + command)
    #expect(inCache.status == 5)
    let complaint = try #require(inCache.complaints.first, "\(inCache.errors)")
    #expect(complaint.contains("cache/v1/") && complaint.contains("File too large"), "\(complaint)")
    #expect(!workspace.exists("out/result.h5"))

    let complete = try await workspace.shell(command)
    #expect(complete.status == 0, "\(complete.errors)")
    let result = try workspace.bytes("out/result.h5")

    // Everything is in the cache now; only the result has no room.
    let warm = try limit + command.changing("--output out", to: "--output new")
    let inOutput = try await workspace.shell(warm)
    #expect(inOutput.status == 5)
    #expect(
      inOutput.complaints == ["error: new/result.h5: cannot be written: File too large"],
      "\(inOutput.errors)")
    #expect(workspace.files(under: "new").filter { $0.contains("result.h5") }.isEmpty)
    #expect(try workspace.bytes("out/result.h5") == result)
  }

  @Test(
    "An interrupted run says so by its exit code, leaves no result, and goes on when run again",
    arguments: [SIGINT, SIGTERM])
  func interrupted(number: Int32) async throws {
    let workspace = try Workspace()
    // Large enough that its deflection takes long after the signal is sent.
    var sample = Sample(rows: 4, columns: 6)
    sample.enlarge(rows: 300, columns: 300)
    try workspace.write(sample)
    let arguments = try workspace.runArguments() + ["--progress", "json", "--threads", "1"]
    let signal = TimedSignal(number: number, words: Self.started("tilt"))
    let running = try await workspace.start(Program.dpc, arguments, signal: signal)
    let finished = try await running.end()
    #expect(finished.status == 128 + number, "\(finished.errors)")
    #expect(workspace.files(under: "out").filter { !$0.hasPrefix("provenance") }.isEmpty)
    #expect(workspace.exists("out/provenance/run.json"))

    let again = try await workspace.dpc(arguments)
    #expect(again.status == 0, "\(again.errors)")
    let outcomes = try Outcomes(again)
    #expect(outcomes.named("hit").isSuperset(of: ["frames", "clean"]))
    #expect(!outcomes.named("ran").isEmpty)
    #expect(workspace.exists("out/result.h5"))
  }

  @Test("A run that is killed at any moment goes on when the same command is given again")
  func killed() async throws {
    let workspace = try Workspace()
    var sample = Sample(rows: 4, columns: 6)
    sample.enlarge(rows: 120, columns: 120)
    try workspace.write(sample)
    let arguments = try workspace.runArguments() + ["--progress", "json"]
    var kills = 0
    for stage in ["frames", "tilt", "field", "map"] {
      let signal = TimedSignal(number: SIGKILL, words: Self.started(stage))
      let running = try await workspace.start(Program.dpc, arguments, signal: signal)
      if try await running.end().status == 128 + SIGKILL { kills += 1 }
    }
    #expect(kills > 0)
    let again = try await workspace.dpc(arguments)
    #expect(again.status == 0, "\(again.errors)")
    let pristine = try await workspace.run(output: "new", cache: "new-cache")
    #expect(pristine.status == 0, "\(pristine.errors)")
    #expect(try workspace.bytes("out/result.h5") == workspace.bytes("new/result.h5"))
  }

  @Test("A reader that leaves costs no work: the result is complete")
  func brokenPipe() async throws {
    let workspace = try Workspace()
    try workspace.write(Sample(rows: 6, columns: 9))
    let words = try workspace.runArguments().joined(separator: " ")
    for (stream, output) in [("2>&1 >log", "progress"), ("2>log", "summary")] {
      let command = try words.changing("--output out", to: "--output \(output)")
      let finished = try await workspace.shell("trap '' PIPE; \"$DPC\" \(command) \(stream) | :")
      #expect(finished.status == 0)
      let result = Stored(workspace["\(output)/result.h5"])
      #expect(try result.contains("/entry/field/projected_field_x"))
      #expect(workspace.exists("\(output)/provenance/run.json"))
    }
    // Unlike a reader that leaves, a full disk under the output is an error: of short texts, which
    // fail at the end, and of long ones, which fail before.
    for command in ["--version", "stages", "schema"] {
      let full = try await workspace.shell("\"$DPC\" \(command) >/dev/full")
      #expect(full.status == 5, "\(command)")
      #expect(full.complaints == ["error: standard output: not all of it could be written"])
    }
    // A difference counts for less than that it could not be told in full.
    let other = try await workspace.run(output: "other", "--set", "field.thickness_nm=40")
    #expect(other.status == 0, "\(other.errors)")
    let compared = "\"$DPC\" diff summary/result.h5 other/result.h5"
    #expect(try await workspace.shell("\(compared) >differences").status == 1)
    #expect(try await workspace.shell("\(compared) >/dev/full").status == 5)
  }
}
