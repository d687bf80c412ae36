// What errors of thickness and inclination do to fitted walls, against walls of which the truth is known.
import DPCReconstruction
import Glibc
import STEMCore
import Testing

struct WallResponseTests {
  private let degree = Double.pi / 180
  private let walls = [
    TestWall(field: 3e8, w: 11e-9, position: -60e-9),
    TestWall(field: -3e8, w: 11e-9, position: 65e-9),
  ]

  private func geometry(
    _ angle: Double, _ thickness: Double, _ direction: FieldDirection = .parallel
  ) throws -> InclinationGeometry {
    try InclinationGeometry(
      thickness: thickness, inclination: angle * degree, direction: direction)
  }

  /// The projected field of the walls through `true`, over the stated thickness.
  private func profile(true actual: InclinationGeometry, stated: Double) -> LineProfile {
    let distance = (-160...160).map { Double($0) * 1e-9 }
    let value = distance.map { x in
      walls.reduce(0) { sum, wall in
        sum
          + meanFieldByQuadrature(
            at: x, wall: wall, thickness: actual.thickness, inclination: actual.inclination,
            factor: actual.directionFactor)
      } * actual.thickness / stated
    }
    return LineProfile(
      distance: distance, value: value, error: distance.map { _ in 1e6 },
      sampleCount: distance.map { _ in 100 })
  }

  @Test("Of a thickness walls edge-on know a scale of their field: minus its relative error")
  func edgeOn() throws {
    let geometry = try geometry(0, 60e-9, .perp)
    let profile = profile(true: geometry, stated: 60e-9)
    let fit = try fitWalls(profile: profile, geometry: geometry)
    let changes = wallChanges(
      of: fit, profile: profile, geometry: geometry, thicknessError: 3e-9)
    #expect(changes.walls.count == 2)
    for (change, wall) in zip(changes.walls, fit.fitted) {
      #expect(abs(change.field / wall.wall.field.value + 0.05) < 1e-6)
      #expect(abs(change.product / wall.product.value + 0.05) < 1e-6)
      #expect(abs(change.sechWidth) < 1e-6 * wall.sechWidth.value)
      #expect(abs(change.position) < 1e-15)
    }
  }

  @Test(
    "In a specimen thicker than stated by one deviation the truth lies one change away",
    arguments: [20.0, 35, 45])
  func thickness(angle: Double) throws {
    let stated = try geometry(angle, 60e-9)
    let profile = profile(true: try geometry(angle, 62e-9), stated: 60e-9)
    let fit = try fitWalls(profile: profile, geometry: stated)
    let changes = wallChanges(of: fit, profile: profile, geometry: stated, thicknessError: 2e-9)
    for (change, (found, wall)) in zip(changes.walls, zip(fit.fitted, walls)) {
      // Second order: the larger side may exceed this one by four times what the path has changed by.
      let (field, width) = (wall.field - found.wall.field.value, wall.w - found.sechWidth.value)
      #expect(abs(field - change.field) < 0.15 * abs(field) + 3e-3 * abs(wall.field), "\(field)")
      #expect(abs(width - change.sechWidth) < 0.25 * abs(width), "\(width) \(change.sechWidth)")
      let product = wall.field * wall.w - found.product.value
      #expect(abs(product - change.product) < 0.25 * abs(product))
      let place = wall.position - found.wall.position.value
      #expect(abs(place - change.position) < 0.05e-9)
    }
  }

  @Test("With an inclination larger than stated by one deviation the truth lies one change away")
  func inclination() throws {
    let stated = try geometry(45, 60e-9)
    let profile = profile(true: try geometry(46, 60e-9), stated: 60e-9)
    let fit = try fitWalls(profile: profile, geometry: stated)
    let changes = wallChanges(
      of: fit, profile: profile, geometry: stated, inclinationError: degree)
    for (change, (found, wall)) in zip(changes.walls, zip(fit.fitted, walls)) {
      let (field, width) = (wall.field - found.wall.field.value, wall.w - found.sechWidth.value)
      #expect(abs(field - change.field) < 0.2 * abs(field), "\(field) \(change.field)")
      #expect(abs(width - change.sechWidth) < 0.2 * abs(width), "\(width) \(change.sechWidth)")
    }
  }

  @Test("A fitted angle follows the thickness: the path stays as wide")
  func freeAngle() throws {
    let stated = try geometry(45, 60e-9)
    let profile = profile(true: stated, stated: 60e-9)
    let free = try #require(try fitInclinedWalls(profile: profile, start: stated))
    let changes = wallChanges(
      of: free.fit, profile: profile, geometry: free.geometry, thicknessError: 1e-9,
      isInclinationFree: true)
    // t tan a constant: da = -sin a cos a dt/t; to the resolution of the search, 0.01°.
    #expect(abs(changes.inclination + 0.5 / 60) < 5e-4, "\(changes.inclination)")
    // w/cos a constant.
    let change = try #require(changes.walls.first)
    #expect(abs(change.sechWidth / walls[0].w - 0.5 / 60) < 1e-3, "\(change.sechWidth)")
  }

  @Test("No error, no change; and none where the thickness could as well be nothing")
  func none() throws {
    let geometry = try geometry(45, 60e-9)
    let profile = profile(true: geometry, stated: 60e-9)
    let fit = try fitWalls(profile: profile, geometry: geometry)
    for error in [0, 60e-9] {
      let changes = wallChanges(
        of: fit, profile: profile, geometry: geometry, thicknessError: error)
      #expect(changes.walls.allSatisfy { $0.parameters == [0, 0, 0] })
    }
  }
}
