// Measured normals, and the intrinsic field of a map.

import DPCReconstruction
import Glibc
import STEMCore
import Testing

@Suite("Wall normals and intrinsic fields")
struct WallNormalTests {
  let pixel = PixelSize(x: 2e-9, y: 1.5e-9)

  func difference(_ a: Double, _ b: Double) -> Double {
    let d = a - b
    return abs(d - Double.pi * (d / Double.pi).rounded())
  }

  private static func component(
    of map: VectorMap, normalAzimuth: Double
  ) throws -> (direction: FieldDirection, powerFraction: Double)? {
    dominantWallComponent(
      perp: try wallProfile(of: map, direction: .perp, normalAzimuth: normalAzimuth),
      normal: try wallProfile(of: map, direction: .normal, normalAzimuth: normalAzimuth))
  }

  @Test(
    "the normal of noise-free walls is found, y down and with unequal pixel sides",
    arguments: [0.0, 30, 45, 100, 179])
  func noiseFree(angle: Double) throws {
    let walls = [
      TestWall(field: 2e8, w: 10e-9, position: -25e-9),
      TestWall(field: -2e8, w: 10e-9, position: 20e-9),
    ]
    var map = try wallMap(
      walls, rows: 90, columns: 100, pixel: pixel, azimuth: angle * degree)
    for i in stride(from: 3, to: map.shape.count, by: 97) {
      map.field.x[i] = 0
      map.field.y[i] = 0
      map.mask.bytes[i] = PixelFlags.hot.rawValue
    }
    let normal = try measuredWallNormal(of: map)
    // What remains is the filling of masked pixels.
    #expect(difference(normal.azimuth, angle * degree) < 0.1 * degree)
    #expect(normal.azimuth >= -67.5 * degree && normal.azimuth < 112.5 * degree)
    #expect(normal.coherence > 0.99 && normal.smoothing == 2)
    let component = try #require(
      try Self.component(of: map, normalAzimuth: normal.azimuth))
    #expect(component.direction == .perp && component.powerFraction > 0.999)
  }

  @Test("with noise the normal lies within four of its standard deviations")
  func noisy() throws {
    for seed in 1...6 {
      let map = try wallMap(
        [TestWall(field: 2e8, w: 10e-9, position: 0)], rows: 90, columns: 100, pixel: pixel,
        azimuth: 130 * degree, direction: .normal, sigma: 1e8, seed: UInt64(seed))
      let normal = try measuredWallNormal(of: map)
      let error = try #require(normal.azimuthError)
      #expect(difference(normal.azimuth, 130 * degree) < 4 * error)
      #expect(error < 3 * degree)
      let component = try #require(
        try Self.component(of: map, normalAzimuth: 130 * degree))
      #expect(component.direction == .normal && component.powerFraction > 0.9)
    }
  }

  @Test(
    "What descan leaves outweighs no walls: their component is that of the walls",
    arguments: [1, 2])
  func background(degree order: Int) throws {
    var map = try wallMap(
      [
        TestWall(field: 3e8, w: 11e-9, position: -40e-9),
        TestWall(field: -3e8, w: 11e-9, position: 40e-9),
      ], rows: 90, columns: 100, pixel: pixel, azimuth: 0, sigma: 1e8, seed: 5)
    for index in 0..<map.shape.count {
      let x = (Double(index % 100) - 49.5) / 49.5
      map.field.x[index] += order == 1 ? 4e8 * x : 4e8 * x * x
    }
    let component = try #require(try Self.component(of: map, normalAzimuth: 0))
    #expect(component.direction == .perp && component.powerFraction > 0.95, "\(component)")
  }

  @Test("noise alone has no normal", arguments: 1...8)
  func null(seed: Int) throws {
    let map = try wallMap(
      [], rows: 90, columns: 100, pixel: pixel, azimuth: 0, sigma: 1e8, seed: UInt64(seed))
    #expect(try measuredWallNormal(of: map).coherence == 0)
  }

  @Test("at 30° the normal component doubles for parallel fields, the other stays")
  func intrinsic() throws {
    let shape = GridShape(rows: 2, columns: 2)
    let n = (x: cos(40 * degree), y: sin(40 * degree))
    // 1e8 V/m along the normal, 3e7 V/m along the wall.
    let v = (x: 1e8 * n.x - 3e7 * n.y, y: 1e8 * n.y + 3e7 * n.x)
    let along = 4.0
    let across = 9.0
    let map = VectorMap(
      field: VectorField(shape: shape, repeating: v),
      covariance: VectorCovariance(
        shape: shape,
        xx: [Double](repeating: along * n.x * n.x + across * n.y * n.y, count: 4),
        yy: [Double](repeating: along * n.y * n.y + across * n.x * n.x, count: 4),
        xy: [Double](repeating: (along - across) * n.x * n.y, count: 4)),
      mask: PixelMask(shape: shape, bytes: [0, 4, 0, 32]), pixelSize: nil)
    for (direction, factor) in [
      (FieldDirection.parallel, 0.5), (.normal, 0.75.squareRoot()), (.perp, 1),
    ] {
      let result = try intrinsicField(
        of: map, normalAzimuth: 40 * degree,
        geometry: InclinationGeometry(
          thickness: 1, inclination: 30 * degree, direction: direction))
      let normal = result.field.x[0] * n.x + result.field.y[0] * n.y
      let wall = -result.field.x[0] * n.y + result.field.y[0] * n.x
      #expect(normal.deviation(from: 1e8 / factor) < 1e-13)
      #expect(wall.deviation(from: 3e7) < 1e-13)
      let c = try #require(result.covariance)
      let normalVariance = n.x * n.x * c.xx[0] + n.y * n.y * c.yy[0] + 2 * n.x * n.y * c.xy[0]
      let wallVariance = n.y * n.y * c.xx[0] + n.x * n.x * c.yy[0] - 2 * n.x * n.y * c.xy[0]
      let mixed = n.x * n.y * (c.yy[0] - c.xx[0]) + (n.x * n.x - n.y * n.y) * c.xy[0]
      #expect(normalVariance.deviation(from: along / (factor * factor)) < 1e-13)
      #expect(wallVariance.deviation(from: across) < 1e-13)
      #expect(abs(mixed) < 1e-13)
      #expect(result.mask == map.mask)
    }
  }

  @Test("a direction factor of zero is refused with the direction's name")
  func refused() throws {
    let map = try wallMap([], rows: 2, columns: 2, pixel: pixel, azimuth: 0)
    let error = #expect(throws: WallError.self) {
      try intrinsicField(
        of: map, normalAzimuth: 0,
        geometry: InclinationGeometry(thickness: 1, inclination: 0, direction: .parallel))
    }
    #expect(error?.description.contains("parallel") == true)
    #expect(throws: WallError.self) {
      try intrinsicField(
        of: map, normalAzimuth: 0,
        geometry: InclinationGeometry(
          thickness: 1, inclination: Double.pi / 2, direction: .normal))
    }
  }
}
