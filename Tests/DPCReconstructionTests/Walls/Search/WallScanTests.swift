// The scan that goes on with every line taken off, against one begun anew; how far lines are apart.
import Foundation
import STEMCore
import Testing

@testable import DPCReconstruction

struct WallScanTests {
  private let geometry: InclinationGeometry

  init() throws {
    geometry = try InclinationGeometry(thickness: 60e-9, inclination: 0, direction: .perp)
  }

  private let azimuth = 0.5
  private let sechWidth = 10e-9 / InclinationGeometry.widthFactor
  private let walls: [(field: Double, position: Double)] = [
    (2e8, -60e-9), (-3e8, 0), (4e8, 60e-9),
  ]

  /// The walls in noise of 1e8 V/m.
  private func testPixels() throws -> WallPixels {
    WallPixels(
      try wallMap(
        walls.map { TestWall(field: $0.field, w: sechWidth, position: $0.position) }, rows: 80,
        columns: 96, pixel: PixelSize(x: 2e-9, y: 2e-9), azimuth: azimuth, sigma: 1e8, seed: 3))
  }

  private func newScan(_ pixels: WallPixels) -> WallScan {
    WallScan(
      WallScanLevel.levels(for: pixels, geometry: geometry), over: pixels, geometry: geometry,
      leastGain: 30)
  }

  @Test("Wall after wall is found as a new scan of what is left finds it, and then none")
  func goesOn() throws {
    var pixels = try testPixels()
    var scan = newScan(pixels)
    let levels = Set(scan.levels.indices)
    for wall in walls.sorted(by: { abs($0.field) > abs($1.field) }) {
      let (level, line) = try #require(scan.clearest(in: pixels, of: levels) {})
      var fresh = newScan(pixels)
      let anew = fresh.clearest(in: pixels, of: levels) {}
      #expect(line == anew?.line && level == anew?.level)
      // A scan's steps are a fifth of a width and, along the frame, less than a width.
      #expect(abs(line.position - wall.position) < 5e-9 && line.amplitude * wall.field > 0)
      pixels.subtract(
        WallLine(
          azimuth: azimuth, position: wall.position, start: -1, end: 1, sechWidth: sechWidth,
          amplitude: wall.field), geometry)
      scan.outdate()
    }
    #expect(scan.clearest(in: pixels, of: levels) {} == nil)
  }

  @Test("A wall that another one has hidden is found though its trial is out of date")
  func hidden() throws {
    let pixels = try testPixels()
    var dark = pixels
    for index in dark.valueX.indices { (dark.valueX[index], dark.valueY[index]) = (0, 0) }
    var scan = newScan(pixels)
    let levels = Set(scan.levels.indices)
    #expect(scan.clearest(in: dark, of: levels) {} == nil)
    scan.outdate()
    let line = try #require(scan.clearest(in: pixels, of: levels) {})
    #expect(abs(lineAngle(line.line.azimuth, azimuth)) < 0.05)
  }

  @Test("Only the widths asked for are tried, and a scan that is broken off throws")
  func levelsAndCheckpoint() throws {
    let pixels = try testPixels()
    var scan = newScan(pixels)
    let line = try #require(scan.clearest(in: pixels, of: [1]) {})
    #expect(line.level == 1 && line.line.sechWidth == scan.levels[1].sechWidth)
    scan.outdate()
    #expect(throws: CancellationError.self) {
      try scan.clearest(in: pixels, of: [1]) { throw CancellationError() }
    }
  }

  @Test(
    "The distance of two lines is that of their nearest points",
    arguments: [
      // Azimuth, position, start and end of the second; what is expected beside the y axis from -10 to 10.
      (0.0, 7.0, -3.0, 3.0, 7.0), (0.0, 3.0, 14.0, 20.0, 5.0), (Double.pi / 2, 2.0, -5.0, 5.0, 0.0),
      (Double.pi / 2, 2.0, 4.0, 9.0, 4.0), (Double.pi / 2, 13.0, -20.0, 20.0, 3.0),
      (Double.pi, -7.0, -3.0, 3.0, 7.0),
    ])
  func distance(azimuth: Double, position: Double, start: Double, end: Double, expected: Double) {
    let axis = WallLine(azimuth: 0, position: 0, start: -10, end: 10, sechWidth: 1)
    let other = WallLine(
      azimuth: azimuth, position: position, start: start, end: end, sechWidth: 1)
    #expect(abs(axis.distance(to: other) - expected) < 1e-12)
    #expect(abs(other.distance(to: axis) - expected) < 1e-12)
  }
}
