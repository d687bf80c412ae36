// The shipped cases with known truth, run through the shipped pipelines by the built command.
import Foundation
import Testing

struct ShippedCasesTests {
  @Test("Every case in ExampleData is as near to its truth as its targets ask")
  func validates() async throws {
    let workspace = try Workspace()
    let root = Program.repository
    let run = try await workspace.start(
      Program.validate,
      [
        "--dpc", Program.dpc, "--method", "disc-shift", "--pipelines", root + "/Pipelines",
        root + "/ExampleData",
      ]
    ).end()
    #expect(run.status == 0, "\(run.output)\(run.errors)")
    #expect(run.output.contains("16 of 16 cases ok"))
  }

  @Test("What contradicts the file, or misleads on a figure, is said")
  func warnings() async throws {
    let workspace = try Workspace()
    let data = Program.repository + "/ExampleData"
    let top = try await workspace.dpc([
      "run", Program.pipeline("top-view"), "--output", "top", "--cache", "cache",
      "--set", "walls.normal_azimuth_deg=60",
    ])
    #expect(top.status == 0)
    #expect(top.output.contains("wall normal 60° was given; the file states 25°"))
    #expect(top.output.contains("of the field's power beyond noise has no potential"))
    let cross = try await workspace.dpc([
      "run", Program.pipeline("cross-section"), "--input",
      "acquisition=\(data)/cross-section.h5", "--output", "cross", "--cache", "cache", "--set",
      "walls.inclination_deg=30", "--set", "aligned.rotation_deg=8", "--set",
      "field.thickness_nm=50",
    ])
    #expect(cross.output.contains("wall inclination 30° was given; the file states 45°"))
    #expect(cross.output.contains("scan rotation 8° was given; the file states -8°"))
    #expect(cross.output.contains("thickness 50 nm was given; the file states 60 nm"))
    #expect(cross.output.contains("the model does not fit the profile within its errors"))
  }
}
