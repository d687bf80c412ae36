// Results and acquisitions against the definitions of NeXus, as two validators know them.
import Foundation
import Testing

struct NexusTests {
  private func objections(_ files: [String], _ workspace: Workspace) async throws -> [String] {
    let checked = try await workspace.python("nexus.py", files)
    #expect(checked.status == 0, "\(checked.errors)")
    return checked.output.split(separator: "\n").map(String.init)
      .filter { $0.hasPrefix("objection:") }
  }

  @Test("punx and nexusformat find no error in results; in acquisitions only those on a list")
  func valid() async throws {
    let workspace = try Workspace()
    try workspace.write(Sample())
    for pipeline in ["top-view", "cross-section", "find-walls"] {
      let run = try await workspace.run(Program.pipeline(pipeline), output: pipeline)
      #expect(run.status == 0 || run.status == 3, "\(run.errors)")
    }
    let results = ["top-view", "cross-section", "find-walls"].map { workspace["\($0)/result.h5"] }
    let examples = ["top-view.h5", "case-stack.h5"].map {
      "\(Program.repository)/ExampleData/\($0)"
    }
    #expect(try await objections(results + examples, workspace) == [])
  }

  @Test("A class that is none and a signal that is not there are objected to")
  func objection() async throws {
    let workspace = try Workspace()
    try workspace.write(Sample())
    #expect(try await workspace.run().status == 0)
    let spoil = """
      import h5py, sys
      with h5py.File(sys.argv[1], "r+") as file:
          if sys.argv[2] == "class":
              file["entry/field"].attrs["NX_class"] = "NXfield_of_mine"
          else:
              file["entry/field"].attrs["signal"] = "nothing"
      """
    try workspace.write(spoil, to: "spoil.py")
    for part in ["class", "signal"] {
      let path = workspace["result-\(part).h5"]
      try FileManager.default.copyItem(atPath: workspace["out/result.h5"], toPath: path)
      let spoilt = try await workspace.start(
        Program.python, [workspace["spoil.py"], path, part]
      ).end()
      #expect(spoilt.status == 0, "\(spoilt.errors)")
      let found = try await objections([path], workspace)
      #expect(found.contains { $0.contains("punx") }, "\(part): \(found)")
      // nexusformat does not follow the names of signals.
      let isSeen = found.contains { $0.contains("nexusformat") }
      #expect(isSeen == (part == "class"), "\(part): \(found)")
    }
  }
}
