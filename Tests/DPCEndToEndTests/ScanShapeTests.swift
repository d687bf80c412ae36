// Scans of every shape, down to a single pixel: worked through, or refused by name, never a crash.
import Foundation
import Testing

struct ScanShapeTests {
  @Test(
    "A scan of any shape gives a field; what its shape does not allow is said",
    arguments: [(1, 1), (1, 9), (9, 1), (2, 2), (3, 5), (7, 16), (13, 17)],
    ["top-view", "cross-section"])
  func shape(_ sides: (rows: Int, columns: Int), pipeline: String) async throws {
    let workspace = try Workspace()
    try workspace.write(Sample(rows: sides.rows, columns: sides.columns))
    let finished = try await workspace.run(Program.pipeline(pipeline))
    #expect([0, 3].contains(finished.status), "\(finished.status): \(finished.errors)")
    #expect((finished.status == 3) == !finished.complaints.isEmpty)
    for complaint in finished.complaints {
      #expect(complaint.contains("stage ") || complaint.contains("scan.h5"), "\(complaint)")
    }
    let file = Stored(workspace["out/result.h5"])
    let field = try file.description("/entry/field/projected_field_y")
    #expect(field.shape == [sides.rows, sides.columns])
    let expected = -343_741.13 * deflection(row: 0, column: 0)
    // float32, and the exact inverse of the disc: see the tests of the physics.
    let found = try file.scalar("/entry/field/projected_field_y")
    #expect(abs(found - expected) < 1e-6 * max(abs(expected), 1), "\(found), not \(expected)")
  }

  /// Along y in the scan's axes.
  private func deflection(row: Int, column: Int) -> Double {
    let angle = 25 * Double.pi / 180
    let shift = Sample.walls(row: row, column: column)
    return sin(angle) * shift.x + cos(angle) * shift.y
  }
}
