// The archive of a run as other people's programs see it: a Provenance Run Crate, however the run ended.
import Foundation
import TestText
import Testing

struct ArchiveTests {
  /// The validator's objections to the archives of runs, required and recommended.
  private func objections(_ folders: [String], _ workspace: Workspace) async throws -> [String] {
    let checked = try await workspace.python(
      "crate.py", folders.map { workspace["\($0)/provenance"] })
    #expect(checked.status == 0, "\(checked.errors)")
    return checked.output.split(separator: "\n").map(String.init)
      .filter { $0.hasPrefix("objection:") }
  }

  @Test("Runs that succeeded, were all hits, partial, refused or short of an input leave crates")
  func crates() async throws {
    let workspace = try Workspace()
    try workspace.write(Sample())
    var plain = Sample()
    plain.items[Sample.thickness] = nil
    try workspace.write(plain, to: "plain.h5")
    try workspace.write("no file of that kind", to: "text.h5")
    #expect(try await workspace.run(Program.pipeline("top-view"), output: "done").status == 0)
    #expect(try await workspace.run(Program.pipeline("top-view"), output: "hits").status == 0)
    for (input, output, status) in [
      ("plain.h5", "partial", 3), ("text.h5", "refused", 4),
    ] {
      let run = try await workspace.run(
        Program.pipeline("top-view"), input: input, output: output)
      #expect(run.status == Int32(status), "\(run.errors)")
    }
    let short = try await workspace.dpc([
      "run", Program.pipeline("two-views"), "--input", "cross=absent.h5", "--output", "absent",
      "--cache", "cache",
    ])
    #expect(short.status == 3, "\(short.errors)")
    let folders = ["done", "hits", "partial", "refused", "absent"]
    #expect(try await objections(folders, workspace) == [])
  }

  @Test("A crate that lacks a tool's action is objected to")
  func objection() async throws {
    let workspace = try Workspace()
    try workspace.write(Sample())
    #expect(try await workspace.run().status == 0)
    let path = workspace["out/provenance/ro-crate-metadata.json"]
    let text = try String(contentsOfFile: path, encoding: .utf8)
    let spoilt = try text.changing("\"instrument\"", to: "\"apparatus\"")
    #expect(spoilt != text)
    try spoilt.write(toFile: path, atomically: true, encoding: .utf8)
    #expect(try await !objections(["out"], workspace).isEmpty)
  }
}
