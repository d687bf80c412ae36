// The lines that a map draws for walls lie where the walls of the specimen are.
import Foundation
import STEMCore
import Testing

@testable import DPCStages
@testable import FieldRendering

struct WallsOnMapTests {
  private static let positions = [-50e-9, 30e-9]
  /// Neither a multiple of 45° nor symmetric: a wrong sign or exchanged axes lie elsewhere.
  private static let azimuth = 25 * Double.pi / 180
  private static let shape = GridShape(rows: 112, columns: 128)

  private static func scan(inclination: Double) -> String {
    """
    schema: dpc-pipeline/1
    name: lines
    stages:
      walls:
        uses: phantom-walls
        with: { positions_nm: [-50, 30], field_V_per_m: 2e8, fwhm_nm: 20, thickness_nm: 60, normal_azimuth_deg: 25, inclination_deg: \(inclination), field_direction: normal }
      scan:
        uses: simulate-acquisition
        from: walls
        with: { columns_px: 128, rows_px: 112, pixel_size_nm: 2, electrons_per_pixel: 1e6, seed: 7 }
    results: [scan]
    """
  }

  private static func chain(_ path: String) -> String {
    Laboratory.fieldChain(path) + """
        profile: { uses: wall-profile, from: field }
        walls:   { uses: correct-inclination, from: field, with: { model: finite-wall } }
        found:   { uses: find-walls, from: field }
      results: [profile, walls, found]
      """
  }

  /// The distance of a point from the scan's center along the walls' normal, which points right and down.
  private static func distance(_ point: (x: Double, y: Double)) -> Double {
    point.x * cos(azimuth) + point.y * sin(azimuth)
  }

  /// Both ends within four standard deviations of the wall, and on different sides of the frame's middle.
  private static func check(
    _ lines: [MapWall], _ table: WallTable, azimuthErrors: [Double] = [0, 0]
  ) throws {
    try #require(lines.count == 2 && table.rows.count == 2)
    for (index, line) in lines.enumerated() {
      #expect(line.label == "\(index + 1)")
      let error = try #require(table.rows[index].wall.position.error)
      for end in [line.start, line.end] {
        let allowed = 4 * (error + hypot(end.x, end.y) * azimuthErrors[index])
        #expect(abs(distance(end) - positions[index]) < allowed)
      }
      let (dx, dy) = (line.end.x - line.start.x, line.end.y - line.start.y)
      // The frame is 224 nm high, and no wall shorter.
      #expect(hypot(dx, dy) > 200e-9)
    }
  }

  @Test("Walls of a profile, of a fit and of a search are drawn where they are")
  func places() async throws {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(Self.scan(inclination: 0))
    let outcome = try await laboratory.run(Self.chain(path))
    let profile = try outcome.value("profile", as: WallProfileValue.self)
    let fit = try outcome.value("walls", as: WallsValue.self)
    let search = try outcome.value("found", as: WallsValue.self)
    try Self.check(
      WallsOnMap.walls(of: profile, shape: Self.shape), try #require(profile.table))
    let lines = WallsOnMap.walls(of: fit, shape: Self.shape)
    try Self.check(lines, fit.table)
    for (line, row) in zip(lines, fit.table.rows) {
      #expect(abs(line.width - 20e-9) < 4 * (try #require(row.wall.width.error)))
    }
    try Self.check(
      WallsOnMap.walls(of: search, shape: Self.shape), search.table,
      azimuthErrors: try #require(search.found).normalAzimuth.map { try #require($0.error) })
  }

  @Test("An inclined wall is as wide on the map as the path through it and its width make it")
  func inclined() async throws {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(Self.scan(inclination: 30))
    let outcome = try await laboratory.run(Self.chain(path))
    // 20 nm / cos 30° and 60 nm · tan 30°, at right angles.
    let expected = (23.094e-9 * 23.094e-9 + 34.641e-9 * 34.641e-9).squareRoot()
    for stage in ["walls", "found"] {
      let value = try outcome.value(stage, as: WallsValue.self)
      let lines = WallsOnMap.walls(of: value, shape: Self.shape)
      #expect(lines.count == 2)
      for (line, row) in zip(lines, value.table.rows) {
        #expect(abs(line.width - expected) < 4 * (try #require(row.wall.width.error)), "\(stage)")
      }
    }
  }
}
