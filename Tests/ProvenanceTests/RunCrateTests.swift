// The graph of a run of many acquisitions: what each refers to.
import Digest
@testable import Pipeline
@testable import Provenance
import Testing

struct RunCrateTests {
  /// A run of `count` acquisitions: two inputs each, of which the first is the same file for every pair of runs, and
  /// a result; the files are listed last run first.
  private func crate(runs count: Int) -> RunCrate {
    let stages = (0..<count).map { run in
      StageReport(
        instance: "run-\(run)", of: "many", outcome: .ran, parameters: [:],
        files: ["dark": "dark-\(run)", "scan": "scan-\(run)"], started: nil, duration: nil)
    }
    let inputs = (0..<count).flatMap { run in
      [
        InputReport(
          name: "dark-\(run)", path: "dark.h5",
          digest: SHA256Digest(of: Array("dark \(run / 2)".utf8)), size: 1),
        InputReport(
          name: "scan-\(run)", path: "scan.h5",
          digest: SHA256Digest(of: Array("scan \(run)".utf8)), size: 2),
      ]
    }
    let report = RunReport(
      runID: "id", pipeline: "many", toolVersion: "1", started: "2026-01-01T00:00:00Z",
      ended: "2026-01-01T00:00:01Z", duration: 1, stages: stages, inputs: inputs, results: [])
    let paths = (0..<count).map { "run-\($0)/result.h5" }
    return RunCrate(
      archive: RunArchive(
        report: report, log: EventLog(), manifest: "", resolvedManifest: "", commandLine: [],
        versions: [:],
        outputs: paths.reversed().map { PublishedFile(path: $0, digest: "00", byteCount: 3) },
        outputsByStage: Dictionary(
          uniqueKeysWithValues: paths.enumerated().map { ("run-\($0)", [$1]) })),
      outputPrefix: "../", user: "somebody")
  }

  @Test("Each run takes the contents of its own inputs and leaves its own result")
  func references() throws {
    let crate = crate(runs: 5)
    let graph = Dictionary(
      crate.document.graph.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    func content(_ text: String) -> String {
      RunCrate.contentURI(SHA256Digest(of: Array(text.utf8)).hex)
    }
    for run in 0..<5 {
      let action = try #require(graph["#action-run-\(run)"]).properties
      #expect(
        action["object"] == .references([content("dark \(run / 2)"), content("scan \(run)")]))
      #expect(action["result"] == .reference("../run-\(run)/result.h5"))
      #expect(action["instrument"] == .reference("#tool-many"))
    }
    // One file in two roles, each in its order; the fifth run's is its own.
    let shared = try #require(graph[content("dark 1")]).properties["exampleOfWork"]
    #expect(shared == .references(["#input-dark-2", "#input-dark-3"]))
    let own = try #require(graph[content("dark 2")]).properties["exampleOfWork"]
    #expect(own == .reference("#input-dark-4"))
    #expect(crate.document.graph.count { $0.id == content("dark 0") } == 1)
  }
}
