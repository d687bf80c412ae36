// dpc killed, or refused a call, at chosen calls that change a file: nothing is lost, nothing is half.
// A sample of what `make torture` does at every call.
import Foundation
import TestText
import Testing

struct FaultTests {
  /// Built with the tests, beside dpc.
  static let shim =
    (Program.dpc as NSString).deletingLastPathComponent + "/libFaultInjection.so"

  private func run(
    _ workspace: Workspace, cache: String = "cache", output: String = "out",
    _ environment: [String: String] = [:], set: String...
  ) async throws -> Finished {
    try await workspace.dpc(
      try workspace.runArguments("small.yaml", output: output, cache: cache)
        + ["--progress", "none"] + set.flatMap { ["--set", $0] },
      environment: environment.isEmpty
        ? [:] : environment.merging(["LD_PRELOAD": Self.shim]) { $0 + $1 })
  }

  /// A workspace with the result of another parameter in `old`, this one's in `new`, and the number of
  /// calls that change files.
  private func prepared() async throws -> (Workspace, calls: Int) {
    let workspace = try Workspace()
    try workspace.write(Sample(rows: 6, columns: 9))
    try workspace.write(Quick.small, to: "small.yaml")
    #expect(
      try await run(workspace, cache: "cache-old", output: "old", set: Quick.other).status == 0)
    let counted = try await run(
      workspace, cache: "cache-new", output: "new",
      ["FAULT_LOG": workspace["calls"]])
    #expect(counted.status == 0, "\(counted.errors)")
    #expect(try workspace.bytes("old/result.h5") != workspace.bytes("new/result.h5"))
    let calls = try workspace.text("calls").split(separator: "\n").count
    #expect(calls > 100, "the calls are not counted: is the shim loaded?")
    return (workspace, calls)
  }

  private func begin(_ workspace: Workspace) throws {
    for name in ["out", "cache"] where workspace.exists(name) {
      try FileManager.default.removeItem(atPath: workspace[name])
    }
    try FileManager.default.copyItem(atPath: workspace["old"], toPath: workspace["out"])
  }

  private func checkWhole(_ workspace: Workspace, _ label: String) throws {
    let bytes = try workspace.bytes("out/result.h5")
    let whole = try [workspace.bytes("old/result.h5"), workspace.bytes("new/result.h5")]
    #expect(whole.contains(bytes), "\(label)")
  }

  /// The same command again ends as if nothing had happened.
  private func checkFinish(_ workspace: Workspace, _ label: String) async throws {
    let again = try await run(workspace)
    #expect(again.status == 0, "\(label): \(again.errors)")
    #expect(try workspace.bytes("out/result.h5") == workspace.bytes("new/result.h5"), "\(label)")
    let verified = try await workspace.dpc(["cache", "verify", "--cache", "cache"])
    #expect(verified.status == 0, "\(label): \(verified.output)")
    let left = workspace.files(under: "out").filter { file in
      let name = file.split(separator: "/").last ?? ""
      return name.hasPrefix(".") || name.hasPrefix("unfinished-")
    }
    #expect(left.isEmpty, "\(label)")
    #expect(workspace.files(under: "cache/v1/tmp").isEmpty, "\(label)")
  }

  @Test("Killed at a call that changes a file, and in the recovery, the same command goes on")
  func killed() async throws {
    let (workspace, calls) = try await prepared()
    for number in stride(from: 1, through: calls, by: max(1, calls / 12)) {
      for action in ["kill", "tear"] {
        let label = "\(action) at \(number)"
        try begin(workspace)
        for call in [number, number / 2 + 1] {
          let killed = try await run(
            workspace, ["FAULT_AT": "\(call)", "FAULT_ACTION": action])
          #expect([0, 137].contains(killed.status), "\(label): \(killed.errors)")
          try checkWhole(workspace, label)
        }
        try await checkFinish(workspace, label)
      }
    }
  }

  @Test(
    "Refused a call, a run that cannot do without it ends with 5 and a path; the old result stays",
    arguments: ["EIO", "ENOSPC"])
  func refused(error: String) async throws {
    let (workspace, calls) = try await prepared()
    var statuses: Set<Int32> = []
    for number in stride(from: 3, through: calls, by: max(1, calls / 24)) {
      let label = "\(error) at \(number)"
      try begin(workspace)
      var faults = ["FAULT_AT": "\(number)", "FAULT_ACTION": error]
      if error == "ENOSPC" { faults["FAULT_LASTING"] = "1" }
      let refused = try await run(workspace, faults)
      statuses.insert(refused.status)
      try checkWhole(workspace, label)
      if refused.status == 0 {
        // What failed was of no consequence, such as a memo.
        #expect(
          try workspace.bytes("out/result.h5") == workspace.bytes("new/result.h5"), "\(label)")
      } else {
        #expect(refused.status == 5, "\(label): \(refused.errors)")
        #expect(
          // The folder itself, whose entries could not be brought to the disk, or a file in it.
          refused.complaints.contains { complaint in
            ["out:", "out/", "cache/"].contains { complaint.contains($0) }
          },
          "\(label): \(refused.errors)")
      }
      try await checkFinish(workspace, label)
    }
    #expect(statuses.isSubset(of: [0, 5]) && statuses.contains(5))
  }

  @Test(
    "Where the machine fails a reproduction, no part of it takes the place of an earlier result")
  func refusedReproduction() async throws {
    let (workspace, _) = try await prepared()
    let arguments = [
      "reproduce", "new/result.h5", "--input", "acquisition=scan.h5", "--output", "out",
    ]
    func reproduce(_ faults: [String: String]) async throws -> Finished {
      try await workspace.dpc(
        arguments, environment: faults.merging(["LD_PRELOAD": Self.shim]) { $0 + $1 })
    }
    try begin(workspace)
    let counted = try await reproduce(["FAULT_LOG": workspace["made-again"]])
    #expect(counted.status == 0, "\(counted.errors)")
    let calls = try workspace.text("made-again").split(separator: "\n").count
    for number in stride(from: 3, through: calls, by: max(1, calls / 24)) {
      let label = "ENOSPC at \(number)"
      try begin(workspace)
      let refused = try await reproduce([
        "FAULT_AT": "\(number)", "FAULT_ACTION": "ENOSPC", "FAULT_LASTING": "1",
      ])
      try checkWhole(workspace, label)
      #expect([0, 5].contains(refused.status), "\(label): \(refused.errors)")
    }
  }

  /// The calls of a run that change files.
  ///
  /// - Parameter clock: Seconds by which its clock is ahead.
  private func calls(
    _ workspace: Workspace, _ arguments: [String], named log: String, clock: Int = 0
  ) async throws -> [String] {
    let finished = try await workspace.dpc(
      arguments,
      environment: [
        "LD_PRELOAD": Self.shim, "FAULT_LOG": workspace[log], "FAULT_CLOCK": "\(clock)",
      ])
    #expect(finished.status == 0, "\(finished.errors)")
    return workspace.exists(log)
      ? try workspace.text(log).split(separator: "\n").map(String.init) : []
  }

  @Test("A run that finds everything as it was changes no file, and one that does not makes few")
  func fewFiles() async throws {
    let workspace = try Workspace()
    try workspace.write(Sample(rows: 6, columns: 9))
    try workspace.write(Quick.small, to: "small.yaml")
    // An input just written could change without its times telling, and is not remembered.
    try await Task.sleep(for: .seconds(2.1))
    let arguments = try workspace.runArguments("small.yaml") + ["--progress", "none"]
    let cold = try await calls(workspace, arguments, named: "cold")
    // In the cache the memo of the input, what leases are names of, the stages' last actions, and for each stage
    // a record and an object at most; in the output folder whose it is, the log, and the files that stay.
    let stages = 6
    let stay = workspace.files(under: "out").count
    // Not what the first drawing on a machine has to say of its fonts.
    let made = cold.filter { $0.contains(" open cache/") || $0.contains(" open out/") }
    #expect(made.count <= 3 + 2 * stages + 2 + stay, "\(made)")
    let before = try workspace.files(under: "out").map { try workspace.bytes("out/\($0)") }
    // By this clock no minute has passed, however late the machine comes to it.
    #expect(try await calls(workspace, arguments, named: "warm", clock: -1800) == [])
    // A minute later the disk has the objects, which their records say once.
    let later = try await calls(workspace, arguments, named: "later", clock: 120)
    #expect(!later.isEmpty && later.allSatisfy { $0.contains("cache/v1/") }, "\(later)")
    #expect(try await calls(workspace, arguments, named: "settled") == [])
    // The command alone is another.
    #expect(try await calls(workspace, arguments + ["--threads", "1"], named: "again") == [])
    #expect(try workspace.files(under: "out").map { try workspace.bytes("out/\($0)") } == before)
    // Another manifest with the same stages is another record, beside the same result.
    try workspace.write(Quick.small + "# a remark\n", to: "small.yaml")
    let remarked = try await calls(workspace, arguments, named: "remarked")
    #expect(!remarked.isEmpty && !remarked.contains { $0.contains("result.h5") }, "\(remarked)")
    #expect(try workspace.text("out/provenance/manifest.yaml").hasSuffix("# a remark\n"))
    // What is missing from the record is written again.
    try FileManager.default.removeItem(atPath: workspace["out/provenance/run.json"])
    #expect(!(try await calls(workspace, arguments, named: "missing")).isEmpty)
    #expect(workspace.exists("out/provenance/run.json"))
  }

  @Test("Many runs at once on one cache, some of them killed: every other one has the right result")
  func together() async throws {
    let (workspace, calls) = try await prepared()
    var running: [RunningProgram] = []
    for number in 0..<6 {
      var environment: [String: String] = [:]
      if number % 3 == 2 {
        environment = [
          "LD_PRELOAD": Self.shim, "FAULT_AT": "\(calls * number / 8)", "FAULT_ACTION": "kill",
        ]
      }
      running.append(
        try await workspace.start(
          Program.dpc,
          try workspace.runArguments("small.yaml", output: "out-\(number)", cache: "shared"),
          environment: environment))
    }
    for (number, program) in running.enumerated() {
      let finished = try await program.end()
      if number % 3 == 2 { continue }
      #expect(finished.status == 0, "\(finished.errors)")
      #expect(
        try workspace.bytes("out-\(number)/result.h5") == workspace.bytes("new/result.h5"))
    }
    let verified = try await workspace.dpc(["cache", "verify", "--cache", "shared"])
    #expect(verified.output.contains("all sound"), "\(verified.output)")
  }

  @Test("A cache that cannot be listed to its end is not collected: nothing of it goes")
  func unlisted() async throws {
    let workspace = try Workspace()
    try workspace.write(Sample(rows: 6, columns: 9))
    try workspace.write(Quick.small, to: "small.yaml")
    #expect(try await run(workspace).status == 0)
    let before = workspace.files(under: "cache/v1")
    let refused = try await workspace.dpc(
      ["cache", "gc", "--cache", "cache", "--grace-hours", "0"],
      environment: ["LD_PRELOAD": Self.shim, "FAULT_LIST": "cache/v1/records"])
    #expect(refused.status == 5, "\(refused.output)\(refused.errors)")
    #expect(refused.errors.contains("cache/v1/records"), "\(refused.errors)")
    #expect(workspace.files(under: "cache/v1") == before)
  }

  @Test("A clock that was set back, or runs ahead, and a renamed pipeline: everything is a hit")
  func clocks() async throws {
    let workspace = try Workspace()
    try workspace.write(Sample(rows: 6, columns: 9))
    try workspace.write(Quick.small, to: "small.yaml")
    #expect(try await run(workspace).status == 0)
    for seconds in ["-86400", "-90", "864000"] {
      let run = try await run(workspace, output: "out\(seconds)", ["FAULT_CLOCK": seconds])
      #expect(run.output.contains("everything from the cache"), "\(run.output)\(run.errors)")
      #expect(try workspace.bytes("out\(seconds)/result.h5") == workspace.bytes("out/result.h5"))
    }
    let renamed = try Quick.small.changing("name: small", to: "name: other")
    try workspace.makeFolder("moved")
    try workspace.write(renamed, to: "moved/small.yaml")
    let moved = try await workspace.dpc(
      try workspace.runArguments("moved/small.yaml", output: "moved-out"))
    #expect(moved.output.contains("other: everything from the cache"), "\(moved.output)")
  }
}

extension Quick {
  /// The shortest pipeline with a result and a figure.
  static let small = """
    schema: dpc-pipeline/1
    name: small
    inputs: { acquisition: scan.h5 }
    stages:
      frames:  { uses: read-acquisition, with: { file: $acquisition } }
      clean:   { uses: normalize-segments, from: frames }
      tilt:    { uses: deflection, from: clean }
      aligned: { uses: rotate-to-scan, from: tilt, with: { rotation_deg: from-file } }
      map:     { uses: vector-map, from: aligned, with: { format: [svg] } }
    results: [aligned]

    """
  /// A parameter by which its result is another.
  static let other = "aligned.rotation_deg=12"
}
