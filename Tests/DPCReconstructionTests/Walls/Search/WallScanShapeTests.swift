// Walls in scans far from a square: long and narrow ones, long pixels, and single rows.
@testable import DPCReconstruction
import Glibc
import STEMCore
import Testing

@Suite("Walls in scans of any shape")
struct WallScanShapeTests {
  /// A scan, what is in it, and what counting leaves of it.
  struct Scan: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let rows: Int
    let columns: Int
    var pixel = PixelSize(x: 1e-9, y: 1e-9)
    /// deg.
    let azimuth: Double
    /// Along the normal, m.
    let positions: [Double]
    /// Full width at half maximum, m.
    let width: Double
    var sigma = 1e8
    let seed: UInt64
  }

  private static let row = [-620, -560, -500, -200, 100, 130, 500, 650].map { $0 * 1e-9 }

  static let scans = [
    Scan(
      testDescription: "across 12 rows", rows: 12, columns: 1536, azimuth: 0, positions: row,
      width: 10e-9, seed: 41),
    Scan(
      testDescription: "across 12 columns", rows: 1536, columns: 12, azimuth: 90, positions: row,
      width: 10e-9, seed: 42),
    Scan(
      testDescription: "oblique in 12 rows", rows: 12, columns: 1536, azimuth: 30,
      positions: [-500e-9, -460e-9, 0, 400e-9], width: 10e-9, seed: 43),
    Scan(
      testDescription: "along 40 rows", rows: 40, columns: 1536, azimuth: 89.8,
      positions: [-9e-9, 9e-9], width: 4e-9, seed: 44),
    Scan(
      testDescription: "across pixels 40 times as high", rows: 32, columns: 256,
      pixel: PixelSize(x: 1e-9, y: 40e-9), azimuth: 0, positions: [-80e-9, -50e-9, 60e-9],
      width: 8e-9, seed: 45),
    Scan(
      testDescription: "oblique to pixels 40 times as high", rows: 32, columns: 256,
      pixel: PixelSize(x: 1e-9, y: 40e-9), azimuth: 30, positions: [-80e-9, -50e-9, 60e-9],
      width: 8e-9, seed: 46),
    Scan(
      testDescription: "across pixels 40 times as wide", rows: 256, columns: 32,
      pixel: PixelSize(x: 40e-9, y: 1e-9), azimuth: 90, positions: [-80e-9, -50e-9, 60e-9],
      width: 8e-9, seed: 47),
  ]

  @Test(
    "Every wall is found, with its field, width and azimuth within four errors", arguments: scans)
  func found(scan: Scan) throws {
    let truth = scan.positions.enumerated().map { index, position in
      TestWall(
        field: index.isMultiple(of: 2) ? 2e8 : -2e8,
        w: scan.width / InclinationGeometry.widthFactor, position: position)
    }
    let map = try wallMap(
      truth, rows: scan.rows, columns: scan.columns, pixel: scan.pixel,
      azimuth: scan.azimuth * degree, sigma: scan.sigma, seed: scan.seed)
    let findings = try findWalls(
      in: map,
      geometry: InclinationGeometry(thickness: 50e-9, inclination: 0, direction: .perp))
    try #require(
      findings.walls.count == truth.count,
      "\(findings.walls.map(\.fitted.wall)) \(findings.rejections)")
    #expect(findings.errorScale == 1)
    for (found, truth) in zip(findings.walls, truth) {
      let wall = found.fitted.wall
      #expect(pull(wall.position, truth.position) < 4)
      #expect(pull(wall.field, truth.field) < 4)
      #expect(pull(wall.width, scan.width) < 4)
      #expect(
        pull(found.normalAzimuth, scan.azimuth * degree) < 4,
        "\(findings.walls.map(\.normalAzimuth)) \(findings.rejections)")
    }
  }

  private func pull(_ measured: Measurement, _ truth: Double) -> Double {
    guard let error = measured.error, error > 0 else { return .infinity }
    return abs(measured.value - truth) / error
  }

  @Test(
    "Noise alone shows no wall, and its errors are believed",
    arguments: [(12, 1024, 1.0), (1024, 12, 1), (3, 512, 1), (32, 256, 40)])
  func noise(rows: Int, columns: Int, height: Double) throws {
    let map = try wallMap(
      [], rows: rows, columns: columns, pixel: PixelSize(x: 1e-9, y: height * 1e-9), azimuth: 0,
      sigma: 1e8, seed: 48)
    let findings = try findWalls(
      in: map,
      geometry: InclinationGeometry(thickness: 50e-9, inclination: 0, direction: .perp))
    #expect(findings.walls.isEmpty && findings.errorScale == 1)
  }

  @Test(
    "Fewer than three rows or columns fit walls of any azimuth, and are refused",
    arguments: [(1, 200), (2, 200), (200, 1), (200, 2), (1, 1)])
  func refused(rows: Int, columns: Int) throws {
    let wall = TestWall(field: 2e8, w: 8e-9, position: 0)
    let map = try wallMap(
      [wall], rows: rows, columns: columns, pixel: PixelSize(x: 1e-9, y: 1e-9), azimuth: 0,
      sigma: 1e7, seed: 49)
    let geometry = try InclinationGeometry(thickness: 50e-9, inclination: 0, direction: .perp)
    #expect(
      throws: WallError.azimuthNotShown(GridShape(rows: rows, columns: columns), needed: 3)
    ) {
      try findWalls(in: map, geometry: geometry)
    }
  }

  @Test(
    "The narrowest line that is tried is two blocks wide, a block following four short sides at most",
    arguments: [(12, 1536, 1.0), (1536, 12, 1), (100, 400, 2), (400, 100, 2)])
  func blocks(rows: Int, columns: Int, block: Double) throws {
    let map = try wallMap(
      [], rows: rows, columns: columns, pixel: PixelSize(x: 1e-9, y: 1e-9), azimuth: 0, sigma: 1e8)
    let geometry = try InclinationGeometry(thickness: 50e-9, inclination: 0, direction: .perp)
    let hunt = WallHunt(map: map, geometry: geometry, options: WallFindingOptions())
    let narrowest = try #require(hunt.levels.first).imageWidth
    // Widths are tried in steps of a tenth.
    #expect(narrowest >= 2e-9 * block && narrowest < 2.3e-9 * block)
  }

  @Test(
    "A step is the coarser side of a pixel, but at most four pixels along the normal",
    arguments: [(1.0, 1.0), (1, 3.9), (3.9, 1), (0.7, 0.9)])
  func step(width: Double, height: Double) throws {
    let ordinary = WallPixels(
      frameOf: try wallMap(
        [], rows: 4, columns: 4, pixel: PixelSize(x: width, y: height), azimuth: 0))
    for azimuth in stride(from: 0.0, to: 180, by: 7.5) {
      #expect(ordinary.step(along: unitVector(azimuth: azimuth * degree)) == max(width, height))
    }
    #expect(ordinary.finestStep == max(width, height))
    let long = WallPixels(
      frameOf: try wallMap(
        [], rows: 4, columns: 4, pixel: PixelSize(x: width, y: 40 * width), azimuth: 0))
    #expect(abs(long.step(along: (x: 1, y: 0)) - 4 * width) < 1e-12)
    #expect(long.step(along: (x: 0, y: 1)) == 40 * width)
    #expect(long.finestStep == 4 * width)
  }

  @Test(
    "A wall wider in the image than the strip is shows no azimuth, and its error says so",
    arguments: [(20, false), (64, true)])
  func azimuthOfStrips(rows: Int, shows: Bool) throws {
    let w = 20e-9 / InclinationGeometry.widthFactor
    let geometry = try InclinationGeometry(
      thickness: 60e-9, inclination: 45 * degree, direction: .parallel)
    // 77 nm wide, in strips of 40 and of 128 nm.
    let map = try wallMap(
      [TestWall(field: 3e8, w: w, position: 10e-9)], rows: rows, columns: 200,
      pixel: PixelSize(x: 2e-9, y: 2e-9), azimuth: 15 * degree, direction: .parallel,
      thickness: 60e-9, inclination: 45 * degree, sigma: 1e8, seed: 31)
    let wall = try #require(try findWalls(in: map, geometry: geometry).walls.first)
    let error = try #require(wall.normalAzimuth.error)
    #expect(wall.showsAzimuth == shows)
    // Any direction between 0 and 180 degrees: 180/√12.
    #expect(shows ? error < 5 * degree : abs(error - 51.96 * degree) < 0.01 * degree)
    #expect(abs(wall.normalAzimuth.value - 15 * degree) < 4 * error)
  }
}
