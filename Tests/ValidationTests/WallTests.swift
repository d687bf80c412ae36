// Fitted walls against true ones: signs, widths, origins and missing rows.
import STEMCore
import Testing

@testable import dpc_validate

struct WallTests {
  private let walls = [
    ResultWall(position: -4e-9, field: 3e8, width: 2e-9),
    ResultWall(position: 5e-9, field: -3e8, width: 2e-9),
  ]

  private func judged(
    _ fitted: [ResultWall]?, truth: [ResultWall]? = nil
  ) throws -> Judgment {
    var item = SyntheticCase()
    item.view = "cross-section"
    item.walls = truth ?? walls
    item.fitted = fitted
    return try item.judged()
  }

  @Test("Walls as they are pass in any order, from the center or from the first pixel")
  func right() throws {
    #expect(try judged(walls).failures == [])
    #expect(try judged(walls.reversed()).failures == [])
    // 20 pixels of 1 nm: the center is 9.5 nm from the first.
    let fromFirst = walls.map {
      ResultWall(position: $0.position + 9.5e-9, field: $0.field, width: $0.width)
    }
    #expect(try judged(walls, truth: fromFirst).failures == [])
  }

  @Test("A wrong sign of a single wall is an error of -200 %")
  func sign() throws {
    var fitted = walls
    fitted[1].field = 3e8
    let judgment = try judged(fitted)
    #expect(!judgment.isOK)
    #expect(abs(judgment.walls[1].field + 2) < 1e-12 && judgment.walls[0].field == 0)
  }

  @Test("w in place of the full width at half maximum fails")
  func width() throws {
    let fitted = walls.map {
      ResultWall(position: $0.position, field: $0.field, width: $0.width / 1.7627)
    }
    #expect(try !judged(fitted).isOK)
  }

  @Test("A missing table and a missing wall fail")
  func missing() throws {
    #expect(try judged(nil).failures.contains { $0.contains("wall_position") })
    let judgment = try judged([walls[0]])
    #expect(judgment.failures == ["the true wall at 5.00 nm was not found"])
  }

  @Test("One of two walls is compared with its own: the frame tells from where positions count")
  func origin() throws {
    // Walls at 4.5 and 14.5 nm from the first of 20 pixels: 14.5 nm from the center lies outside.
    let truth = [
      ResultWall(position: 4.5e-9, field: 3e8, width: 2e-9),
      ResultWall(position: 14.5e-9, field: -3e8, width: 2e-9),
    ]
    let found = ResultWall(position: 5e-9, field: -3e8, width: 2e-9)
    let judgment = try judged([found], truth: truth)
    #expect(judgment.failures == ["the true wall at -5.00 nm was not found"])
    #expect(judgment.walls.map(\.field) == [0])
  }

  @Test("An error of 2e-4 fails where 1e-4 is the target")
  func target() throws {
    var fitted = walls
    fitted[0].field *= 1 + 2e-4
    #expect(try !judged(fitted).isOK)
    fitted[0].field = walls[0].field * (1 + 0.5e-4)
    #expect(try judged(fitted).isOK)
  }
}
