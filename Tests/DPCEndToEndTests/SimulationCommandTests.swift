// A simulation run as a pipeline, which leaves no acquisition, and simulated, which does.
import Foundation
import Testing

struct SimulationCommandTests {
  @Test("A run of a simulation says which command writes the acquisition")
  func run() async throws {
    let workspace = try Workspace()
    try workspace.write(
      """
      schema: dpc-pipeline/1
      name: slab
      stages:
        slab: { uses: phantom-uniform, with: { field_x_V_per_m: 1e8, thickness_nm: 60 } }
        scan:
          uses: simulate-acquisition
          from: slab
          with: { columns_px: 8, rows_px: 6, pixel_size_nm: 2 }
      results: [scan]
      """, to: "slab.yaml")
    let options = ["--cache", "cache", "--output", "out"]
    let ran = try await workspace.dpc(["run", "slab.yaml"] + options)
    #expect(ran.status == 0, "\(ran.errors)")
    #expect(
      ran.errors.contains(
        "note: scan: a run leaves no acquisition; dpc simulate slab.yaml writes it and its truth"),
      "\(ran.errors)")
    let simulated = try await workspace.dpc(
      ["simulate", "slab.yaml", "--cache", "cache", "--output", "data"])
    #expect(simulated.status == 0, "\(simulated.errors)")
    #expect(workspace.exists("data/scan.h5") && workspace.exists("data/truth-scan.h5"))
    #expect(!simulated.errors.contains("note:"))
  }
}
