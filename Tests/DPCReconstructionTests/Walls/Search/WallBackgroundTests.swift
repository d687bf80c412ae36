// Walls near the rim are measured or said to be there; steps and noise alone hold none.
import DPCReconstruction
import Glibc
import STEMCore
import Testing

struct WallBackgroundTests {
  private static let pixel = PixelSize(x: 2e-9, y: 2e-9)

  /// Walls of one azimuth on a background of the component along y, a function of places in units of the
  /// frame's half sides.
  private static func map(
    _ walls: [TestWall], azimuth: Double = 0, rows: Int = 64, columns: Int = 96, sigma: Double,
    seed: UInt64, background: (_ x: Double, _ y: Double) -> Double = { _, _ in 0 }
  ) throws -> VectorMap {
    var map = try wallMap(
      walls, rows: rows, columns: columns, pixel: pixel, azimuth: azimuth, sigma: sigma, seed: seed)
    for row in 0..<rows {
      for column in 0..<columns {
        map.field.y[row * columns + column] += background(
          2 * Double(column) / Double(columns - 1) - 1, 2 * Double(row) / Double(rows - 1) - 1)
      }
    }
    return map
  }

  private static func edgeOn() throws -> InclinationGeometry {
    try InclinationGeometry(thickness: 50e-9, inclination: 0, direction: .perp)
  }

  private static func w(_ width: Double) -> Double { width / InclinationGeometry.widthFactor }

  private func pull(_ measured: Measurement, _ truth: Double) -> Double {
    guard let error = measured.error, error > 0 else { return .infinity }
    return abs(measured.value - truth) / error
  }

  @Test("Steps of any height, place and azimuth are no walls", arguments: [1e8, 1e9, 1e10])
  func steps(height: Double) throws {
    for (place, width, slant) in [
      (0.05, 0.06, 0.0), (-0.6, 0.03, 0), (0, 0.05, 0.6),
    ] {
      let map = try Self.map([], sigma: 1.3e8, seed: 6) { x, y in
        height / 2 * tanh((x + slant * y - place) / width)
      }
      let findings = try findWalls(in: map, geometry: Self.edgeOn())
      #expect(
        findings.walls.isEmpty, "\(place) \(width) \(slant): \(findings.walls.map(\.fitted.wall))")
    }
  }

  @Test(
    "A plane holds no walls, whichever way it rises",
    arguments: [(0.0, 1.0), (1, 0), (1, 1), (1, -0.5), (-0.3, 1)])
  func planes(x: Double, y: Double) throws {
    for height in [1e8, 5e8, 2e9] {
      let map = try Self.map([], sigma: 1.3e8, seed: 11) { height * (x * $0 + y * $1) }
      let findings = try findWalls(in: map, geometry: Self.edgeOn())
      #expect(findings.walls.isEmpty, "\(height): \(findings.walls.map(\.fitted.wall))")
    }
  }

  @Test(
    "Walls on a plane that rises along them are found as without it", arguments: [1e8, 3e8, 9e8])
  func wallsOnPlane(height: Double) throws {
    let walls = [
      TestWall(field: 1.5e8, w: Self.w(20e-9), position: -45e-9),
      TestWall(field: -1.5e8, w: Self.w(20e-9), position: 40e-9),
    ]
    let map = try Self.map(walls, rows: 96, sigma: 1.3e8, seed: 12) { _, y in height * y }
    let findings = try findWalls(in: map, geometry: Self.edgeOn())
    #expect(findings.walls.count == 2, "\(findings.walls.map(\.fitted.wall))")
    for (found, truth) in zip(
      findings.walls.map(\.fitted.wall).sorted { $0.position.value < $1.position.value }, walls)
    {
      #expect(pull(found.position, truth.position) < 4, "\(found)")
      #expect(pull(found.field, truth.field) < 4, "\(found)")
    }
  }

  @Test("Noise alone shows no walls, neither does noise that neighbors share")
  func noise() throws {
    for seed in 1...4 {
      var map = try Self.map([], sigma: 2e8, seed: UInt64(100 + seed))
      #expect(try findWalls(in: map, geometry: Self.edgeOn()).walls.isEmpty, "seed \(seed)")
      // Means of two by two pixels: independent waves keep their power, single pixels have a quarter.
      let (rows, columns) = (map.shape.rows, map.shape.columns)
      let whole = map
      func mean(_ plane: [Double], _ row: Int, _ column: Int) -> Double {
        let next = ((row + 1) % rows, (column + 1) % columns)
        return
          (plane[row * columns + column] + plane[row * columns + next.1]
          + plane[next.0 * columns + column] + plane[next.0 * columns + next.1]) / 4
      }
      for row in 0..<rows {
        for column in 0..<columns {
          map.field.x[row * columns + column] = mean(whole.field.x, row, column)
          map.field.y[row * columns + column] = mean(whole.field.y, row, column)
        }
      }
      let variance = [Double](repeating: 2e8 * 2e8 / 4, count: map.shape.count)
      map.covariance = VectorCovariance(
        shape: map.shape, xx: variance, yy: variance,
        xy: [Double](repeating: 0, count: map.shape.count))
      let shared = try findWalls(in: map, geometry: Self.edgeOn(), noiseFactor: 4)
      #expect(shared.walls.isEmpty, "seed \(seed)")
    }
  }

  @Test(
    "A wall near the corner or the rim is measured rightly, or said to be there",
    arguments: [(45.0, 20e-9), (45, 30e-9), (45, 40e-9), (0, 10e-9), (0, 30e-9)])
  func nearRim(degrees: Double, distance: Double) throws {
    let azimuth = degrees * degree
    let reach = 96e-9 * cos(azimuth) + 64e-9 * sin(azimuth)
    let position = reach - distance
    let map = try Self.map(
      [TestWall(field: 6e8, w: Self.w(20e-9), position: position)], azimuth: azimuth,
      sigma: 1.3e8, seed: 9)
    let findings = try findWalls(in: map, geometry: Self.edgeOn())
    #expect(
      !findings.walls.isEmpty || !findings.nearRim.isEmpty || !findings.rejections.isEmpty)
    for found in findings.walls {
      #expect(pull(found.fitted.wall.position, position) < 4, "\(found.fitted.wall)")
      #expect(pull(found.fitted.wall.field, 6e8) < 4, "\(found.fitted.wall)")
    }
    for wall in findings.nearRim {
      #expect(abs(wall.position - position) < 15e-9)
      #expect(wall.significance > 6)
    }
  }

  @Test("The search asks often whether to go on, and ends with what it is told")
  func interrupted() throws {
    struct Stop: Error {}
    let walls = [-41e-9, 45e-9].map { TestWall(field: 2e8, w: Self.w(18e-9), position: $0) }
    let map = try Self.map(walls, sigma: 1.3e8, seed: 1)
    var asked = 0
    _ = try findWalls(in: map, geometry: Self.edgeOn()) { asked += 1 }
    #expect(asked > 10)
    for last in [1, asked / 2, asked] {
      var count = 0
      #expect(throws: Stop.self) {
        _ = try findWalls(in: map, geometry: Self.edgeOn()) {
          count += 1
          if count == last { throw Stop() }
        }
      }
      #expect(count == last)
    }
  }
}
