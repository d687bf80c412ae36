// What is computed once is never computed again, and is the same wherever and however it is computed.
import Foundation
import Testing

struct CacheTests {
  private static let json = ["--progress", "json"]

  /// A run of a shipped pipeline, and what became of its stages.
  private func run(
    _ workspace: Workspace, pipeline: String = Program.pipeline("top-view"),
    input: String = "scan.h5", output: String = "out", cache: String = "cache",
    in folder: String = "", environment: [String: String] = [:], _ more: String...
  ) async throws -> Outcomes {
    let finished = try await workspace.dpc(
      workspace.runArguments(pipeline, input: input, output: output, cache: cache) + Self.json
        + more, in: folder, environment: environment)
    #expect(finished.status == 0, "\(finished.errors)")
    return try Outcomes(finished)
  }

  @Test(
    "A second run takes every stage from the cache, leaves the same bytes and never opens the input",
    arguments: ["top-view", "cross-section"])
  func warm(pipeline: String) async throws {
    let workspace = try Workspace()
    try workspace.write(Sample())
    // A file just written could change without its times telling: it would be read again.
    try await Task.sleep(for: .seconds(0.1))
    let watch = try FileWatch(workspace["scan.h5"])
    let path = Program.pipeline(pipeline)
    let cold = try await run(workspace, pipeline: path)
    #expect(cold.named("ran").count == cold.stages.count && cold.stages.count > 10)
    #expect(watch.pendingBytes() > 0)
    let files = workspace.files(under: "out").filter { !$0.hasPrefix("provenance") }
    let before = try files.map { try workspace.bytes("out/\($0)") }

    let warm = try await run(workspace, pipeline: path)
    #expect(warm.named("hit") == Set(cold.stages.keys))
    let other = try await run(workspace, pipeline: path, output: "new")
    #expect(other.named("hit") == Set(cold.stages.keys))
    #expect(watch.pendingBytes() == 0)
    for (name, bytes) in zip(files, before) {
      #expect(try workspace.bytes("out/\(name)") == bytes, "\(name)")
      #expect(try workspace.bytes("new/\(name)") == bytes, "\(name)")
    }
  }

  @Test(
    "Only work that takes longer than reading is kept, and nobody reads what was written before")
  func objects() async throws {
    let workspace = try Workspace()
    try workspace.write(Sample())
    let core = Program.pipeline("core")
    let cold = try await run(workspace, pipeline: core)
    #expect(cold.named("ran").count == 7)
    func objects() -> [String] {
      workspace.files(under: "cache").filter { $0.contains("objects/") }
    }
    // read-acquisition, normalize-segments, deflection and integrate; not the three between.
    #expect(objects().count == 4)
    // A run a minute later opens objects once, to wait for the disk: it reads nothing either.
    let watches = try objects().map { try FileWatch(workspace["cache/\($0)"], openings: false) }
    #expect(try await run(workspace, pipeline: core).named("hit").count == 7)
    #expect(try await run(workspace, pipeline: core).named("hit").count == 7)
    #expect(watches.allSatisfy { $0.pendingBytes() == 0 })

    // Another folder wants the field, which is formed again, and the potential, which is read.
    let field = try workspace.bytes("out/result.h5")
    #expect(try await run(workspace, pipeline: core, output: "new").named("hit").count == 7)
    #expect(try workspace.bytes("new/result.h5") == field)
    #expect(objects().count == 4)
  }

  @Test("A changed parameter runs its stage and what stands on it, nothing else")
  func changedParameter() async throws {
    let workspace = try Workspace()
    try workspace.write(Sample())
    let cold = try await run(workspace)
    let upstream: Set = ["frames", "clean", "averaged", "tilt", "descan", "rotation", "aligned"]
    let changed = try await run(workspace, "--set", "field.thickness_nm=40")
    #expect(changed.named("hit") == upstream)
    #expect(changed.named("ran") == Set(cold.stages.keys).subtracting(upstream))
    let leaf = try await run(
      workspace, "--set", "field.thickness_nm=40", "--set", "potential.boundary=periodic")
    #expect(leaf.named("ran") == ["potential", "potential-map"])
    let back = try await run(workspace)
    #expect(back.named("hit") == Set(cold.stages.keys))
  }

  @Test("Where a run stands, what its files are called, and the locale are no reason to compute")
  func irrelevantChanges() async throws {
    let workspace = try Workspace()
    try workspace.write(Sample())
    let cold = try await run(workspace)
    let all = Set(cold.stages.keys)
    let result = try workspace.bytes("out/result.h5")

    try workspace.makeFolder("elsewhere/deep")
    let elsewhere = try await run(
      workspace, input: "../../scan.h5", output: "../../out-1", cache: "../../cache",
      in: "elsewhere/deep")
    #expect(elsewhere.named("hit") == all)

    try FileManager.default.copyItem(atPath: workspace["scan.h5"], toPath: workspace["copy.h5"])
    #expect(try await run(workspace, input: "copy.h5", output: "out-2").named("hit") == all)

    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSince1970: 1e9)], ofItemAtPath: workspace["scan.h5"])
    #expect(try await run(workspace, output: "out-3").named("hit") == all)

    let foreign = ["TZ": "Asia/Tokyo", "LC_ALL": "de_DE.UTF-8", "LANG": "de_DE.UTF-8"]
    #expect(try await run(workspace, output: "out-4", environment: foreign).named("hit") == all)

    let text = try String(contentsOfFile: Program.pipeline("top-view"), encoding: .utf8)
    try workspace.write(Self.reordered(text), to: "reordered.yaml")
    let reordered = try await run(workspace, pipeline: "reordered.yaml", output: "out-5")
    #expect(reordered.named("hit") == all)

    for number in 1...5 {
      #expect(try workspace.bytes("out-\(number)/result.h5") == result, "out-\(number)")
    }
  }

  /// The stages last to first, without comments and blank lines.
  private static func reordered(_ manifest: String) -> String {
    let lines = manifest.split(separator: "\n").filter {
      !$0.drop { $0 == " " }.hasPrefix("#")
    }
    let stages = lines.filter { $0.hasPrefix("  ") && $0.contains("uses:") }
    let rest = lines.filter { !stages.contains($0) && $0 != "stages:" }
    return (rest + ["# the same, upside down", "stages:"] + stages.reversed())
      .joined(separator: "\n") + "\n"
  }

  @Test("A changed input computes again; the old one is still there to come back to")
  func changedInput() async throws {
    let workspace = try Workspace()
    try workspace.write(Sample())
    let cold = try await run(workspace)
    let result = try workspace.bytes("out/result.h5")
    let original = try workspace.bytes("scan.h5")
    var sample = Sample()
    sample.changeFrames { _, _, column, value in column == 3 ? value * 1.01 : value }
    try workspace.write(sample)
    #expect(try workspace.bytes("scan.h5").count == original.count)
    #expect(try await run(workspace).named("ran").isSuperset(of: ["frames", "tilt"]))
    try workspace.write(original, to: "scan.h5")
    #expect(try await run(workspace).named("hit") == Set(cold.stages.keys))
    #expect(try workspace.bytes("out/result.h5") == result)
  }

  @Test("A damaged object is named, computed again and never used")
  func damagedObject() async throws {
    let workspace = try Workspace()
    try workspace.write(Sample())
    let cold = try await run(workspace)
    let result = try workspace.bytes("out/result.h5")
    #expect(try await workspace.dpc(["cache", "verify", "--cache", "cache"]).status == 0)

    let victim = try damageLargestObject(workspace)
    let again = try await workspace.dpc(
      workspace.runArguments(Program.pipeline("top-view"), output: "new") + Self.json)
    #expect(again.status == 0, "\(again.errors)")
    #expect(again.errors.contains((victim as NSString).lastPathComponent), "\(again.errors)")
    #expect(try Outcomes(again).named("hit").count < cold.stages.count)
    #expect(try workspace.bytes("new/result.h5") == result)

    let second = try damageLargestObject(workspace)
    let verified = try await workspace.dpc(["cache", "verify", "--cache", "cache"])
    #expect(verified.status == 5)
    #expect(verified.output.contains((second as NSString).lastPathComponent), "\(verified.output)")
    let repaired = try await workspace.dpc(["cache", "verify", "--repair", "--cache", "cache"])
    #expect(repaired.status == 0 && repaired.output.contains("damaged, removed: "))
    #expect(
      try await workspace.dpc(["cache", "verify", "--cache", "cache"]).output.contains("all sound"))
    #expect(try await run(workspace, output: "newer").named("ran").count > 0)
    #expect(try workspace.bytes("newer/result.h5") == result)
  }

  /// Flips a bit in the middle of the largest object, and returns its path.
  private func damageLargestObject(_ workspace: Workspace) throws -> String {
    let objects = workspace.files(under: "cache").filter { $0.contains("objects/") }
    let sizes = try objects.map { (try workspace.bytes("cache/\($0)").count, $0) }
    let victim = try #require(sizes.max { $0 < $1 }?.1)
    var bytes = try workspace.bytes("cache/\(victim)")
    bytes[bytes.count / 2] ^= 1
    // Objects are read-only, and their folder's owner may replace them.
    try FileManager.default.removeItem(atPath: workspace["cache/\(victim)"])
    try workspace.write(bytes, to: "cache/\(victim)")
    return victim
  }

  @Test("The cache tells what it holds, and is emptied on demand")
  func maintenance() async throws {
    let workspace = try Workspace()
    try workspace.write(Sample(rows: 6, columns: 9))
    #expect(try await workspace.run().status == 0)
    let listed = try await workspace.dpc(["cache", "list", "--cache", "cache"])
    #expect(listed.status == 0)
    #expect(listed.output.contains("7 finished stages"), "\(listed.output)")
    let json = try await workspace.dpc(
      ["cache", "list", "--format", "json", "--cache", "cache"])
    #expect(json.output.contains("\"recordCount\" : 7"), "\(json.output)")
    try await collect(workspace)
    let kept = try await workspace.dpc(
      ["cache", "clear", "--older-than-days", "1", "--cache", "cache"])
    #expect(
      kept.status == 0 && kept.output.contains("removed 0 finished stages, 0 objects"),
      "\(kept.output)")
    let cleared = try await workspace.dpc(["cache", "clear", "--cache", "cache"])
    #expect(cleared.status == 0)
    #expect(cleared.output.contains("removed 7 finished stages"), "\(cleared.output)")
    let empty = try await workspace.dpc(["cache", "list", "--cache", "cache"])
    #expect(empty.output.contains("0 finished stages, 0 objects"), "\(empty.output)")
    #expect(try await workspace.run().status == 0)
    // A name that was mistyped is no empty cache, and no sound one.
    for words in [["list"], ["verify"], ["clear"], ["gc"]] {
      for name in ["cahce", "out"] {
        let mistyped = try await workspace.dpc(["cache"] + words + ["--cache", name])
        #expect(mistyped.status == 2, "\(words) \(name)")
        #expect(
          mistyped.complaints.first == "error: \(name): no cache of dpc", "\(mistyped.errors)")
      }
    }
  }

  @Test("What is kept of a batch are the stages of all its runs")
  func collectBeside() async throws {
    let workspace = try Workspace()
    let run = try workspace.writeMany(["a", "b"])
    #expect(try await workspace.dpc(run).status == 0)
    try workspace.write(Sample(rows: 7, columns: 9), to: "scan.h5")
    let gc = ["cache", "gc", "--grace-hours", "0", "--cache", "cache"]
    for root in ["many.yaml", "out"] {
      let other = try await workspace.run(output: "other")
      #expect(other.status == 0 && other.output.contains("7 computed"), "\(other.output)")
      let done = try await workspace.dpc(gc + ["--keep", root])
      #expect(done.output.contains("removed 7 finished stages"), "\(done.output)\(done.errors)")
      let plan = try await workspace.dpc(["plan", "many.yaml", "--cache", "cache"])
      #expect(plan.output.contains("2 runs: 14 stages from the cache, 0 to run"), "\(plan.output)")
    }
  }

  /// Two results, of which one is kept, first by its pipeline and then by its output folder.
  private func collect(_ workspace: Workspace) async throws {
    let twelve = ["--set", "aligned.rotation_deg=12"]
    let gc = ["cache", "gc", "--grace-hours", "0", "--cache", "cache"]
    for root in [["--keep", "quick.yaml", "-i", "acquisition=scan.h5"], ["--keep", "out"]] {
      let other = try workspace.runArguments(output: "other") + twelve
      #expect(try await workspace.dpc(other).status == 0)
      try await Task.sleep(for: .seconds(0.1))
      let told = try await workspace.dpc(gc + root + ["--dry-run"])
      #expect(
        told.output.contains("would remove 4 finished stages"), "\(told.output)\(told.errors)")
      let done = try await workspace.dpc(gc + root)
      #expect(done.output.contains("removed 4 finished stages"), "\(done.output)")
      let again = try await workspace.run()
      #expect(again.output.contains("everything from the cache"), "\(again.output)")
    }
    let refused = try await workspace.dpc(gc + ["--keep", "absent"])
    #expect(refused.status == 2)
    #expect(try await workspace.dpc(gc + ["--max-size", "much"]).status == 2)
  }
}
