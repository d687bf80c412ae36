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

  @Test("A line has a charge density under a stated assumption, a single pixel has none")
  func line() async throws {
    let workspace = try Workspace()
    try workspace.write(Sample(rows: 1, columns: 24))
    let line = try await workspace.run(Program.pipeline("top-view"))
    #expect(line.output.contains("charge: the scan is a line"), "\(line.output)")
    try workspace.write(Sample(rows: 1, columns: 1))
    let point = try await workspace.run(Program.pipeline("top-view"), output: "point")
    #expect(point.status == 3)
    #expect(point.told.contains("stage charge: a scan of one pixel"), "\(point.errors)")
    #expect(try !Stored(workspace["point/result.h5"]).contains("/entry/charge"))
  }

  @Test("A frame of nothing but NaN in a stack is left out; the others give the field")
  func missingFrame() async throws {
    let workspace = try Workspace()
    var sample = Sample(rows: 6, columns: 9)
    sample.stack(3) { frame, value in frame == 1 ? .nan : value }
    try workspace.write(sample)
    let finished = try await workspace.run(Program.pipeline("top-view"))
    #expect([0, 3].contains(finished.status), "\(finished.errors)")
    let expected = -343_741.13 * deflection(row: 0, column: 7)
    let found = try Stored(workspace["out/result.h5"]).values("/entry/field/projected_field_y")[7]
    #expect(abs(found - expected) < 1e-6 * abs(expected), "\(found), not \(expected)")
    let single = try await workspace.run()
    #expect(single.status == 4 || single.status == 1 || single.status == 2, "\(single.errors)")
    #expect(single.told.contains("average-frames"), "\(single.errors)")
  }

  /// Along y in the scan's axes.
  private func deflection(row: Int, column: Int) -> Double {
    let angle = 25 * Double.pi / 180
    let shift = Sample.walls(row: row, column: column)
    return sin(angle) * shift.x + cos(angle) * shift.y
  }
}
