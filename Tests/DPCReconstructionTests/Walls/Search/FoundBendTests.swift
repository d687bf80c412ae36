// Found walls that are not straight: how far they bow, and lines that may be pieces of one wall.
import DPCReconstruction
import Glibc
import STEMCore
import Testing

struct FoundBendTests {
  private static let pixel = PixelSize(x: 2e-9, y: 2e-9)
  private static let w = 20e-9 / InclinationGeometry.widthFactor

  /// Walls of one curvature, 1/m, whose middles lie ahead along their normal, or of another shift.
  private static func findings(
    _ positions: [Double] = [0], azimuth: Double, curvature: Double = 0, sigma: Double = 1e8,
    inclination: Double = 0, seed: UInt64, shift: ((_ v: Double) -> Double)? = nil
  ) throws -> WallFindings {
    let walls = positions.enumerated().map {
      TestWall(field: $0.isMultiple(of: 2) ? 2e8 : -2e8, w: w, position: $1)
    }
    let map = try wallMap(
      walls, rows: 120, columns: 120, pixel: pixel, azimuth: azimuth, inclination: inclination,
      sigma: sigma, seed: seed
    ) { shift?($1) ?? -curvature / 2 * $1 * $1 }
    let geometry = try InclinationGeometry(
      thickness: 50e-9, inclination: inclination, direction: .perp)
    return try findWalls(in: map, geometry: geometry)
  }

  // A parabola of curvature k lies k L²/8 ahead in its middle. Beyond its width the error of a bow is too small
  // (``WallBend``), and up to there four of them hold.
  @Test(
    "A wall that bows is one wall, with its own field and width and with its bow",
    arguments: [0.0, 20, 90, 150], [-15e-9, -8e-9, 6e-9, 12e-9])
  func bow(degrees: Double, bow: Double) throws {
    let length = 240e-9 / max(abs(cos(degrees * degree)), abs(sin(degrees * degree)))
    // Normals are found in [-67.5°, 112.5°): 150° as -30°, and with it the opposite bow and field.
    let sense = degrees < 112.5 ? 1.0 : -1
    for seed: UInt64 in 1...4 {
      let found = try Self.findings(
        azimuth: degrees * degree, curvature: 8 * bow / (length * length), seed: seed)
      try #require(found.walls.count == 1 && found.bentGroups.isEmpty, "\(found.walls)")
      let bend = try #require(found.walls[0].bend)
      let error = try #require(bend.bow.error)
      #expect(!bend.isShared && error < 1.5e-9)
      // The ends are found to a pixel or two.
      #expect(abs(bend.length - length) < 8e-9)
      #expect(abs(bend.bow.value - sense * bow) < 4 * error, "\(bend)")
      // Its ends lie behind the middle, the origin, by the bow: to four errors of 1 nm, and to what the slope there, four
      // times the bow over the length, makes of the ends' own error.
      for end in [found.walls[0].start, found.walls[0].end] {
        let behind = end.x * cos(degrees * degree) + end.y * sin(degrees * degree)
        #expect(abs(behind + bow) < 4e-9 + 4 * abs(bow) / length * 8e-9)
      }
      let wall = found.walls[0].fitted.wall
      #expect(abs(wall.field.value - sense * 2e8) < 4 * (try #require(wall.field.error)))
      #expect(abs(wall.width.value - 20e-9) < 4 * (try #require(wall.width.error)))
    }
  }

  @Test(
    "A wall bent like an S, or inclined to the beam, is followed too",
    arguments: [(azimuth: 0.0, inclination: 0.0), (180, 0), (0, 40), (180, 40)])
  func shapes(azimuth: Double, inclination: Double) throws {
    let sense = azimuth < 112.5 ? 1.0 : -1
    for seed: UInt64 in 1...4 {
      let found = try Self.findings(
        azimuth: azimuth * degree, sigma: inclination > 0 ? 5e7 : 1e8,
        inclination: inclination * degree, seed: seed
      ) {
        let t = $0 / 120e-9
        return 20e-9 * (t * t * t - 0.6 * t)
      }
      try #require(found.walls.count == 1, "\(found.walls)")
      // t³ is 2/5 of Legendre's polynomial beside a straight line, whose mean square is 1/7.
      let expected = 20e-9 * 0.4 / 7.0.squareRoot()
      let spread = try #require(found.walls[0].bend).spread
      #expect(abs(spread.value - expected) < 4 * (try #require(spread.error)))
      let wall = found.walls[0].fitted.wall
      #expect(abs(wall.field.value - sense * 2e8) < 4 * (try #require(wall.field.error)))
      #expect(abs(wall.width.value - 20e-9) < 4 * (try #require(wall.width.error)))
    }
  }

  @Test(
    "Of a wall that bows by more than its width all that is found has the wall's field and width",
    arguments: [25e-9, 40e-9])
  func strong(bow: Double) throws {
    for seed: UInt64 in 1...4 {
      let found = try Self.findings(
        azimuth: 0, curvature: 8 * bow / (240e-9 * 240e-9), seed: seed)
      // The steeper one may be two straight pieces, end to end.
      try #require(found.walls.count == 1 || bow > 30e-9 && found.walls.count == 2)
      for wall in found.walls.map(\.fitted.wall) {
        #expect(abs(wall.field.value - 2e8) < 4 * (try #require(wall.field.error)))
        #expect(abs(wall.width.value - 20e-9) < 4 * (try #require(wall.width.error)))
      }
      if found.walls.count == 1 {
        // To a tenth: the error of such a bow is too small.
        #expect(abs((try #require(found.walls[0].bend).bow.value) - bow) < 0.1 * bow)
      }
    }
  }

  @Test("Each of two walls that bow alike has its own field, width and bow", arguments: 1...4)
  func two(seed: Int) throws {
    let found = try Self.findings(
      [-50e-9, 50e-9], azimuth: 0, curvature: 8 * 12e-9 / (240e-9 * 240e-9), seed: UInt64(seed))
    try #require(found.walls.count == 2)
    for (wall, field) in zip(found.walls, [2e8, -2e8]) {
      let bow = try #require(wall.bend).bow
      #expect(abs(bow.value - 12e-9) < 4 * (try #require(bow.error)))
      let fitted = wall.fitted.wall
      #expect(abs(fitted.field.value - field) < 4 * (try #require(fitted.field.error)))
      #expect(abs(fitted.width.value - 20e-9) < 4 * (try #require(fitted.width.error)))
    }
  }

  // One in a thousand would be called bent: of forty none but once in 25 runs, and these are always the same.
  @Test("Straight walls do not bend")
  func straight() throws {
    for seed: UInt64 in 1...20 {
      let found = try Self.findings(
        [-50e-9, 50e-9], azimuth: Double(seed) * 8 * degree, seed: seed)
      try #require(found.walls.count == 2)
      #expect(found.walls.allSatisfy { $0.bend == nil } && found.bentGroups.isEmpty)
    }
  }
}
