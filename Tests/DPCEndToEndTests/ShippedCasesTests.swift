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
      ["--dpc", Program.dpc, "--pipelines", root + "/Pipelines", root + "/ExampleData"]
    ).end()
    #expect(run.status == 0, "\(run.output)\(run.errors)")
    #expect(run.output.contains("12 of 12 cases ok"))
  }
}
