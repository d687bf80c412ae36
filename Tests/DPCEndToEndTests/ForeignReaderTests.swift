// Results and schema as other people's programs see them.
import Foundation
import TestText
import Testing

struct ForeignReaderTests {
  @Test("silx and nexusformat open every result without an objection and plot it by default")
  func readers() async throws {
    let workspace = try Workspace()
    try workspace.write(Sample())
    var plain = Sample(rows: 5, columns: 7)
    plain.items[Sample.thickness] = nil
    plain.items[Sample.pixelSizeX] = nil
    plain.items[Sample.pixelSizeY] = nil
    try workspace.write(plain, to: "plain.h5")
    for pipeline in ["top-view", "cross-section"] {
      let finished = try await workspace.run(Program.pipeline(pipeline), output: pipeline)
      #expect(finished.status == 0, "\(finished.errors)")
    }
    // Without thickness and pixel size: volts over pixels, and no potential.
    #expect(try await workspace.run(input: "plain.h5", output: "plain").status == 3)
    let results = ["top-view", "cross-section", "plain"].map { workspace["\($0)/result.h5"] }
    let read = try await workspace.python("readers.py", results)
    #expect(read.status == 0, "\(read.errors)")
    #expect(read.output.isEmpty, "\(read.output)")
  }

  @Test("The schema is one, the shipped manifests keep to it and a mistaken one does not")
  func schema() async throws {
    let workspace = try Workspace()
    let schema = try await workspace.dpc(["schema"])
    #expect(schema.status == 0)
    let path = try workspace.write(schema.output, to: "schema.json")
    let bad = try workspace.write(
      Quick.text.changing("rotation_deg", to: "rotation_rad"), to: "bad.yaml")
    let quick = try workspace.write(Quick.text, to: Quick.manifest)
    let folder = "\(Program.repository)/Pipelines"
    let shipped = try FileManager.default.contentsOfDirectory(atPath: folder)
      .filter { $0.hasSuffix(".yaml") }.map { "\(folder)/\($0)" }
    #expect(shipped.count >= 2)
    let checked = try await workspace.python("schema.py", [path, quick] + shipped + [bad])
    #expect(checked.status == 0, "\(checked.errors)")
    #expect(checked.output.isEmpty, "\(checked.output)")
  }
}
