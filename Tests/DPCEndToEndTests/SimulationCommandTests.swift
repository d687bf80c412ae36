// A simulation run as a pipeline, which leaves no acquisition, and simulated, which does.
import Foundation
import Testing

struct SimulationCommandTests {
  private static func manifest(_ sweep: String = "") -> String {
    """
    schema: dpc-pipeline/1
    name: slab
    \(sweep)
    stages:
      slab: { uses: phantom-uniform, with: { field_x_V_per_m: 1e8, thickness_nm: 60 } }
      scan:
        uses: simulate-acquisition
        from: slab
        with: { columns_px: 8, rows_px: 6, pixel_size_nm: 2 }
    results: [scan]

    """
  }

  private static let simulate = [
    "simulate", "slab.yaml", "--cache", "cache", "--output", "data",
  ]

  @Test("A run of a simulation says which command writes the acquisition")
  func run() async throws {
    let workspace = try Workspace()
    try workspace.write(Self.manifest(), to: "slab.yaml")
    let ran = try await workspace.dpc(["run", "slab.yaml", "--cache", "cache", "--output", "out"])
    #expect(ran.status == 0, "\(ran.errors)")
    #expect(
      ran.errors.contains(
        "note: scan: a run leaves no acquisition; dpc simulate slab.yaml writes it and its truth"),
      "\(ran.errors)")
    let simulated = try await workspace.dpc(Self.simulate)
    #expect(simulated.status == 0, "\(simulated.errors)")
    #expect(workspace.exists("data/scan.h5") && workspace.exists("data/truth-scan.h5"))
    #expect(!simulated.errors.contains("note:"))
  }

  @Test("A sweep is refused: its acquisitions would all have one name")
  func sweep() async throws {
    let workspace = try Workspace()
    try workspace.write(Self.manifest("matrix: { scan.seed: [3, 4] }"), to: "slab.yaml")
    for more in [[], ["--plan"]] {
      let refused = try await workspace.dpc(Self.simulate + more)
      #expect(refused.status == 2 && refused.complaints.count == 1, "\(refused.errors)")
      #expect(
        refused.errors.contains("make 2 runs") && refused.errors.contains("--set scan.seed=3"))
      #expect(!workspace.exists("data"))
    }
  }

  @Test(
    "What a simulation and a reproduction take from a cache is brought to the disk, as a run's is")
  func settled() async throws {
    let workspace = try Workspace()
    try workspace.write(Sample(rows: 6, columns: 9))
    try workspace.write(Quick.small, to: "small.yaml")
    #expect(try await workspace.run("small.yaml").status == 0)
    try workspace.write(Self.manifest(), to: "slab.yaml")
    #expect(try await workspace.dpc(Self.simulate).status == 0)
    let reproduce = [
      "reproduce", "out/result.h5", "--input", "acquisition=scan.h5", "--output", "made",
      "--cache", "cache",
    ]
    for (name, arguments) in [("simulation", Self.simulate + ["--force"]), ("made", reproduce)] {
      // Two minutes later the system has written the objects, which their records say once.
      let later = try await workspace.dpc(
        arguments,
        environment: [
          "LD_PRELOAD": FaultTests.shim, "FAULT_LOG": workspace[name + "-calls"],
          "FAULT_CLOCK": "120",
        ])
      #expect(later.status == 0, "\(later.errors)")
      let calls = try workspace.text(name + "-calls")
      #expect(calls.contains(" rename cache/v1/records/"), "\(calls)")
    }
  }
}
