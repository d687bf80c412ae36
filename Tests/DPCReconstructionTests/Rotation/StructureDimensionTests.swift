// Walls of every arrangement against charges: where curl says nothing of the rotation, and where it does.
import DPCReconstruction
import DPCSimulation
import Foundation
import STEMCore
import Testing

struct StructureDimensionTests {
  private static let shape = GridShape(rows: 120, columns: 150)
  private static let pixel = PixelSize(x: 1e-9, y: 1e-9)
  /// Deflection at the middle of a wall, rad, and w of its sech²(u/w), pixels.
  private static let (peak, width) = (40e-6, 6.0)

  /// Walls whose field runs along them everywhere.
  enum Specimen: String, CaseIterable {
    case parallelWalls, zigzagWalls, wallsOfTwoAzimuths, ringWall
  }

  private static func sech2(_ u: Double) -> Double { peak / (cosh(u / width) * cosh(u / width)) }

  /// The deflection at a pixel, rad.
  private static func deflection(
    _ specimen: Specimen, _ x: Double, _ y: Double
  ) -> (x: Double, y: Double) {
    let half = 0.5.squareRoot()
    var sum = (x: 0.0, y: 0.0)
    switch specimen {
    case .parallelWalls:
      for wall in 0..<5 {
        let u = cos(0.4) * (x - 40 * Double(wall)) + sin(0.4) * y
        let strength = (wall % 2 == 0 ? 1 : -1) * sech2(u)
        sum = (sum.x - sin(0.4) * strength, sum.y + cos(0.4) * strength)
      }
    case .zigzagWalls:
      // Each wall turns by 90° at every fortieth row, and its field with it.
      let phase = (y / 80 - (y / 80).rounded(.down)) * 80
      let slope = phase < 40 ? -1.0 : 1
      for wall in -2..<4 {
        let u = (x - 25 - 50 * Double(wall) - abs(phase - 40)) * half
        let strength = (wall % 2 == 0 ? 1 : -1) * sech2(u)
        sum = (sum.x + half * slope * strength, sum.y + half * strength)
      }
    case .wallsOfTwoAzimuths:
      let upper = 1 / (1 + exp((y - 60) / 3))
      for wall in -3..<5 {
        let sign = wall % 2 == 0 ? 1.0 : -1
        let falling = sign * upper * sech2((x - y - 56 * Double(wall)) * half)
        let rising = sign * (1 - upper) * sech2((x + y - 56 * Double(wall)) * half)
        sum = (sum.x + half * (falling + rising), sum.y + half * (falling - rising))
      }
    case .ringWall:
      let (dx, dy) = (x - 75, y - 60)
      let radius = max(1e-9, (dx * dx + dy * dy).squareRoot())
      let strength = sech2(radius - 42) / radius
      sum = (-dy * strength, dx * strength)
    }
    return sum
  }

  /// Five hills and pits of potential, round: the gradient of Σ h exp(-r²/2s²).
  private static func charges(_ x: Double, _ y: Double) -> (x: Double, y: Double) {
    var sum = (x: 0.0, y: 0.0)
    for (height, centerX, centerY) in [
      (1.0, 30.0, 30.0), (-1, 70, 75), (1, 110, 40), (-1, 120, 95), (1, 35, 90),
    ] {
      let (dx, dy) = (x - centerX, y - centerY)
      let strength = -height * 1e-5 * exp(-(dx * dx + dy * dy) / 128)
      sum = (sum.x + dx * strength, sum.y + dy * strength)
    }
    return sum
  }

  private static func map(
    deviation: Double, seed: UInt64 = 1, _ value: (Double, Double) -> (x: Double, y: Double)
  ) -> VectorMap {
    var field = VectorField(shape: shape)
    var generator = SeededGenerator(seed: seed, path: [11])
    for index in 0..<shape.count {
      let (x, y) = value(Double(index % shape.columns), Double(index / shape.columns))
      field.x[index] = x + deviation * generator.normal()
      field.y[index] = y + deviation * generator.normal()
    }
    let variance = [Double](repeating: deviation * deviation, count: shape.count)
    return VectorMap(
      field: field,
      covariance: VectorCovariance(
        shape: shape, xx: variance, yy: variance, xy: VectorField(shape: shape).x),
      mask: PixelMask(shape: shape), pixelSize: pixel)
  }

  // 19 and 60 µrad per pixel: 1e6 and 1e5 electrons at 24 mrad.
  @Test("Walls are walls, straight, bent, at corners and in noise", arguments: Specimen.allCases)
  func walls(specimen: Specimen) throws {
    for deviation in [0, 19e-6, 60e-6] {
      let map = Self.map(deviation: deviation) { Self.deflection(specimen, $0, $1) }
      let found = try #require(structureDimension(of: map))
      #expect(!found.isTwoDimensional, "\(specimen) at \(deviation): \(found)")
      // They fool the curl, by a quarter turn. Where two families pass into each other the field has
      // sources of its own, worth some hundredths of a radian.
      let trap = try #require(CurlModes(of: map).estimate(.asRecorded))
      #expect(
        abs(abs(trap.angle) - Double.pi / 2) < 0.05 + 3 * trap.error, "\(specimen): \(trap)")
    }
  }

  @Test(
    "Charges are none, however the vectors are turned or mirrored", arguments: [0, 19e-6, 60e-6])
  func charges(deviation: Double) throws {
    let map = Self.map(deviation: deviation, Self.charges)
    let found = try #require(structureDimension(of: map))
    #expect(found.isTwoDimensional && found.twoDimensionalShare > 0.4, "\(found)")
    for handedness in Handedness.allCases {
      let turned = transformed(map, by: scanFrameMatrix(rotation: 1.1, handedness: handedness))
      let again = try #require(structureDimension(of: turned))
      // The same sums in other order.
      #expect(abs(again.twoDimensionalShare - found.twoDimensionalShare) < 1e-9)
    }
  }

  @Test("Noise of unknown size, and pixels that are missing, make no charges of walls")
  func withoutStatistics() throws {
    for specimen in [Specimen.parallelWalls, .wallsOfTwoAzimuths] {
      var map = Self.map(deviation: 19e-6) { Self.deflection(specimen, $0, $1) }
      map.covariance = nil
      #expect(try #require(structureDimension(of: map)).isTwoDimensional == false)
      map = Self.map(deviation: 10e-6) { Self.deflection(specimen, $0, $1) }
      for index in stride(from: 7, to: Self.shape.count, by: 211) {
        map.mask.bytes[index] = PixelFlags.missing.rawValue
        (map.field.x[index], map.field.y[index]) = (1, 1)
      }
      let whole = try filled(map)
      #expect(try #require(structureDimension(of: whole)).isTwoDimensional == false)
    }
  }

  @Test("Noise alone has no structure", arguments: UInt64(1)...8)
  func noise(seed: UInt64) {
    #expect(
      structureDimension(of: Self.map(deviation: 60e-6, seed: seed) { _, _ in (0, 0) }) == nil)
  }

  /// More than 2²⁰ pixels: a fourth of them decides on the smoothing, all are counted.
  @Test("A large map of repeated charges has the structure of a small one", arguments: [0, 60e-6])
  func largeMap(deviation: Double) throws {
    let tile = Self.shape
    func repeated(_ times: Int) -> VectorMap {
      let shape = GridShape(rows: times * tile.rows, columns: times * tile.columns)
      var map = VectorMap(
        field: VectorField(shape: shape), covariance: nil, mask: PixelMask(shape: shape),
        pixelSize: Self.pixel)
      var generator = SeededGenerator(seed: 4, path: [12])
      let values = (0..<tile.count).map {
        Self.charges(Double($0 % tile.columns), Double($0 / tile.columns))
      }
      for index in 0..<shape.count {
        let (row, column) = (
          index / shape.columns % tile.rows, index % shape.columns % tile.columns
        )
        let value = values[row * tile.columns + column]
        map.field.x[index] = value.x + deviation * generator.normal()
        map.field.y[index] = value.y + deviation * generator.normal()
      }
      let variance = [Double](repeating: deviation * deviation, count: shape.count)
      map.covariance = VectorCovariance(
        shape: shape, xx: variance, yy: variance, xy: variance.map { _ in 0 })
      return map
    }
    let small = try #require(structureDimension(of: repeated(3)))
    let large = try #require(structureDimension(of: repeated(8)))
    #expect(large.smoothing == small.smoothing && large.isTwoDimensional)
    // The rims of 9 and of 64 tiles are left out: 3 % and 1 % of the frame at this smoothing.
    #expect(abs(large.coveredShare - small.coveredShare) < 0.05 * small.coveredShare + 1e-3)
    #expect(abs(large.twoDimensionalShare - small.twoDimensionalShare) < 0.05)
  }
}
