// Walls that several lines of a search show at once: each counts once, where it stands.
@testable import DPCReconstruction
import Glibc
import STEMCore
import Testing

@Suite("Walls that several lines show")
struct WallsOfOneProfileTests {
  private static let pixel = PixelSize(x: 1e-9, y: 1e-9)
  /// Along the rows from the center of a strip of 24 × 1000 pixels, m.
  private static let places = [-400.0, -150, 120, 410].map { $0 * 1e-9 }
  /// Of the walls, and by how much noise has turned the line of each, deg.
  private static let azimuth = 0.0
  private static let turns = [0.0, -9, 12, -11]

  /// The lines of a search: each through the middle of its wall, by its own azimuth.
  private static func lines(_ map: VectorMap, w: Double) -> [WallLine] {
    let pixels = WallPixels(frameOf: map)
    return zip(places, turns).enumerated().map { index, wall in
      let azimuth = (azimuth + wall.1) * degree
      var line = WallLine(
        azimuth: azimuth, position: wall.0 * cos(azimuth), start: -.infinity, end: .infinity,
        sechWidth: w)
      line = line.clipped(to: pixels)
      line.amplitude = index.isMultiple(of: 2) ? 2e8 : -2e8
      line.gain = index == 0 ? 500 : 400
      line.azimuthError = 5 * degree
      return line
    }
  }

  @Test("Far from the scan's center places along two normals differ by more than a wall's width")
  func once() throws {
    let w = 14e-9 / InclinationGeometry.widthFactor
    let walls = Self.places.enumerated().map { index, x in
      TestWall(
        field: index.isMultiple(of: 2) ? 2e8 : -2e8, w: w,
        position: x * cos(Self.azimuth * degree))
    }
    let map = try wallMap(
      walls, rows: 24, columns: 1000, pixel: Self.pixel, azimuth: Self.azimuth * degree,
      sigma: 2e8, seed: 71)
    let geometry = try InclinationGeometry(thickness: 50e-9, inclination: 0, direction: .perp)
    var fitting = FoundWallFitting(
      map: map, geometry: geometry, options: WallFindingOptions(), lines: Self.lines(map, w: w))
    var findings = WallFindings(errorScale: 1)
    try fitting.complete(&findings) {}
    try #require(findings.walls.count == Self.places.count)
    for (found, x) in zip(findings.walls, Self.places) {
      // Where each crosses the middle row, within four errors of 0.6 nm, and in the frame of ±12 nm.
      let share = found.start.y / (found.start.y - found.end.y)
      let crossing = found.start.x + share * (found.end.x - found.start.x)
      #expect(abs(crossing - x) < 2.4e-9, "\(crossing) for \(x)")
      #expect(max(abs(found.start.y), abs(found.end.y)) < 13e-9)
    }
  }

  @Test(
    "Between lines that cross at an angle of δ the distance changes by sin δ for each length from the crossing",
    arguments: [0.0, 5, -12])
  func distance(turn: Double) {
    let line = WallLine(azimuth: 0.3, position: 7e-7, start: 2e-7, end: 3e-7, sechWidth: 1e-8)
    let turned = line.moved(turn: turn * degree, shift: 0, widthFactor: 1)
    // Turned about its own middle it passes through that of the line, however far its place has moved.
    #expect(abs(turned.distance(from: line)) < 1e-18)
    var later = line
    (later.start, later.end) = (3e-7, 4e-7)
    #expect(abs(turned.distance(from: later) + 1e-7 * sin(turn * degree)) < 1e-18)
  }
}
