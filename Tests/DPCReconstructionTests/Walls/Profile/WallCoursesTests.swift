// Fields that vary along walls, and steps, against what they are by construction.
import DPCReconstruction
import Glibc
import STEMCore
import Testing

@Suite("Walls that a profile alone does not tell")
struct WallCoursesTests {
  private static let pixel = PixelSize(x: 2e-9, y: 2e-9)
  private static let wall = TestWall(
    field: 3e8, w: 16e-9 / InclinationGeometry.widthFactor, position: 10e-9)

  /// A wall that fills the given part of its line, the mean of which a profile shows.
  private static func variation(part: Double, seed: UInt64 = 3, noise: Double = 1e7) throws
    -> Double
  {
    let (rows, columns) = (128, 96)
    var map = try wallMap(
      [wall], rows: rows, columns: columns, pixel: pixel, azimuth: 0, sigma: noise, seed: seed)
    let bare = try wallMap(
      [], rows: rows, columns: columns, pixel: pixel, azimuth: 0, sigma: noise, seed: seed)
    for i in Int(part * Double(rows)) * columns..<rows * columns {
      (map.field.x[i], map.field.y[i]) = (bare.field.x[i], bare.field.y[i])
    }
    let mean = Wall(
      position: Measurement(wall.position), field: Measurement(part * wall.field),
      width: Measurement(16e-9))
    let geometry = try InclinationGeometry(thickness: 50e-9, inclination: 0, direction: .perp)
    return wallCourses(of: [mean], in: map, geometry: geometry, normalAzimuth: 0)[0].variation
  }

  // A row shows the field to 1e7/√6 V/m: noise makes the mean of 128 rows, a quarter of 3e8 V/m, uncertain by 0.5 %.
  @Test(
    "A wall in the part p of its line varies by √(1/p - 1) of its mean",
    arguments: [0.25, 0.5, 0.75])
  func ends(part: Double) throws {
    let expected = (1 / part - 1).squareRoot()
    #expect(abs(try Self.variation(part: part) / expected - 1) < 0.03)
  }

  // Along azimuths at which rows, columns and neither run with the wall, and beside a wall of even field that is twice as
  // strong and stands in the window of the first: taken off on the wrong side it would be a part of the first's mean.
  @Test(
    "A wall that ends beside an even one is the one that varies, whatever the azimuth",
    arguments: [0, 30, 90, 150])
  func beside(degrees: Double) throws {
    let azimuth = degrees * degree
    let (rows, columns) = (120, 120)
    let walls = [
      Self.wall,
      TestWall(field: -6e8, w: Self.wall.w, position: Self.wall.position + 24e-9),
    ]
    func simulated(_ walls: [TestWall]) throws -> VectorMap {
      try wallMap(
        walls, rows: rows, columns: columns, pixel: Self.pixel, azimuth: azimuth, sigma: 1e7,
        seed: 4)
    }
    var map = try simulated(walls)
    let even = try simulated([walls[1]])
    // The second half of the line, seen along azimuth + 90°.
    for i in 0..<map.shape.count {
      let x = Double(i % columns) - Double(columns - 1) / 2
      let y = Double(i / columns) - Double(rows - 1) / 2
      if y * cos(azimuth) - x * sin(azimuth) > 0 {
        (map.field.x[i], map.field.y[i]) = (even.field.x[i], even.field.y[i])
      }
    }
    let fitted = zip(walls, [0.5, 1]).map { wall, part in
      Wall(
        position: Measurement(wall.position), field: Measurement(part * wall.field),
        width: Measurement(16e-9))
    }
    let geometry = try InclinationGeometry(thickness: 50e-9, inclination: 0, direction: .perp)
    let found = wallCourses(
      of: fitted, in: map, geometry: geometry, normalAzimuth: azimuth
    ).map(\.variation)
    // √(1/p - 1) of one half; the corners of the frame cut its halves unequally where the wall is off the center.
    #expect(abs(found[0] - 1) < 0.1, "\(found)")
    // Half of the first wall's field, a quarter of the second's, is left over in either half of the frame. At 24 nm two
    // shapes overlap by 3 (d coth d - 1)/sinh² d, d = 24 nm/w, a tenth: some hundredths, and no remark.
    #expect(found[1] < 0.2, "\(found)")
  }

  @Test("A step off the center is told with its place and its sign", arguments: [240, 3000])
  func place(count: Int) throws {
    let distance = (0..<count).map { (Double($0) - 119.5) * 1e-9 }
    let profile = LineProfile(
      distance: distance, value: distance.map { -7e7 * erf(($0 - 20.5e-9) / 3e-9) / 2 },
      error: distance.map { _ in 2e6 }, sampleCount: distance.map { _ in 1 })
    let found = try #require(bestStep(in: profile, on: .constant))
    // Places are those of samples; of widths, which are doubled from trial to trial, none is exact.
    #expect(abs(found.position - 20.5e-9) < 1e-12)
    #expect(abs(found.height.value / -7e7 - 1) < 0.01)
  }

  @Test("Noise alone varies no wall")
  func even() throws {
    for seed: UInt64 in 1...20 {
      #expect(try Self.variation(part: 1, seed: seed, noise: 5e7) == 0)
    }
  }

  @Test(
    "A step comes back with its place, its height and the error 2σ/√n of two halves",
    arguments: [WallBaseline.constant, .linear], [201, 3001])
  func step(baseline: WallBaseline, count: Int) throws {
    let (sigma, height) = (2e6, 7e7)
    let distance = (0..<count).map { Double($0 - count / 2) * 1e-9 }
    let slope = baseline == .linear ? 4e14 : 0
    let profile = LineProfile(
      distance: distance, value: distance.map { 5e6 + slope * $0 + height * erf($0 / 1e-12) / 2 },
      error: distance.map { _ in sigma }, sampleCount: distance.map { _ in 1 })
    let found = try #require(bestStep(in: profile, on: baseline))
    #expect(found.position == 0 && found.chiSquare < 1e-12)
    #expect(abs(found.height.value / height - 1) < 1e-9)
    // Beside a slope, which a step in the middle shares 3/4 of its power with, twice as much.
    let factor = baseline == .linear ? 4.0 : 2
    let error = factor * sigma / Double(count).squareRoot()
    #expect(abs((found.height.error ?? 0) / error - 1) < 0.02)
  }
}
