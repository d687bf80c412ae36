// Results of an earlier run where a later one left nothing: they stay, and are told from its own.
import Foundation
import TestText
import Testing

struct EarlierResultTests {
  private func madeWorkspace() async throws -> Workspace {
    let workspace = try Workspace()
    try workspace.write(Sample(rows: 6, columns: 9))
    #expect(try await workspace.run().status == 0)
    return workspace
  }

  /// The run that a record is of.
  private func run(_ path: String, _ workspace: Workspace) throws -> [String: Any] {
    let record = try JSONSerialization.jsonObject(with: workspace.bytes(path)) as? [String: Any]
    return try #require(record?["run"] as? [String: Any])
  }

  @Test("A run that leaves nothing says what is still there, of which run, and where its record is")
  func failed() async throws {
    let workspace = try await madeWorkspace()
    let result = try workspace.bytes("out/result.h5")
    let earlier = try run("out/provenance/run.json", workspace)
    let (started, name) = (earlier["started"] as? String, earlier["runID"] as? String)
    let words =
      "out still holds result.h5 and 2 figures of an earlier run: quick, begun at"
      + " \(started ?? "?"), \(name ?? "?")"
    try workspace.write("no file of that kind", to: "text.h5")
    let failed = try await workspace.run(input: "text.h5")
    #expect(failed.status == 4)
    #expect(
      failed.output.contains(
        words + "; the record of this run is in out/provenance/failed-run\n"), "\(failed.output)")
    #expect(try run("out/provenance/failed-run/run.json", workspace)["runID"] as? String != name)
    // Nothing was run, and there is no record of it.
    let refused = try await workspace.run(input: "absent.h5")
    #expect(refused.status == 4)
    #expect(refused.told.contains("\n  " + words + "\n"), "\(refused.errors)")
    #expect(try workspace.bytes("out/result.h5") == result)

    for output in ["other", "out"] {
      let made = try await workspace.run(output: output)
      #expect(made.status == 0)
      #expect(!made.output.contains("still holds"), "\(made.output)")
    }
    let alone = try await workspace.run(input: "text.h5", output: "alone")
    #expect(alone.status == 4 && !alone.output.contains("still holds"), "\(alone.output)")
  }

  @Test("Results of another acquisition or pipeline that a run replaces are named, its own are not")
  func replaced() async throws {
    let workspace = try await madeWorkspace()
    func line(_ finished: Finished) throws -> String? {
      #expect(finished.status == 0, "\(finished.errors)")
      return finished.output.split(separator: "\n").first { $0.hasPrefix("Replaced:") }
        .map(String.init)
    }
    let ending =
      " in out; to have both, run that again with another --output (what the cache holds of it is not computed anew)"
    try workspace.write(Sample(rows: 7, columns: 9), to: "second.h5")
    #expect(try line(await workspace.run()) == nil)
    // Another place of the same bytes is the same acquisition.
    try workspace.write(workspace.bytes("scan.h5"), to: "copy.h5")
    #expect(try line(await workspace.run(input: "copy.h5")) == nil)
    #expect(
      try line(await workspace.run(input: "second.h5"))
        == "Replaced: the results of copy.h5\(ending)")
    let again = try await workspace.run()
    #expect(try line(again) == "Replaced: the results of second.h5\(ending)")
    #expect(again.output.contains("everything from the cache"))
    try workspace.write(
      Quick.text.changing("name: quick", to: "name: other"), to: "other.yaml")
    #expect(
      try line(await workspace.run("other.yaml"))
        == "Replaced: the results of the pipeline quick\(ending)")
  }

  @Test("Of many runs those are named that left nothing where earlier ones had")
  func many() async throws {
    let workspace = try Workspace()
    let words = try workspace.writeMany(["a", "b", "c"])
    let first = try await workspace.dpc(words)
    #expect(first.status == 0 && !first.output.contains("earlier"), "\(first.output)")
    try workspace.write("no file of that kind", to: "scans/b.h5")
    let second = try await workspace.dpc(words)
    #expect(second.status == 3, "\(second.errors)")
    #expect(
      second.output.contains("Still of earlier runs, since these left nothing, in out: b ("),
      "\(second.output)")
    #expect(workspace.exists("out/b/provenance/failed-run/run.json"))
  }
}
