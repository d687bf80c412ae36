// Maps and profiles with walls of known field, for the tests of walls.

@testable import DPCReconstruction
import Glibc
import STEMCore

/// SplitMix64 (Steele, Lea & Flood 2014): the same sequence for the same seed everywhere.
struct WallTestGenerator: RandomNumberGenerator {
  var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  /// Standard normal, by Box and Muller.
  mutating func normal() -> Double {
    let u = 1 - Double.random(in: 0..<1, using: &self)
    let v = Double.random(in: 0..<1, using: &self)
    return (-2 * log(u)).squareRoot() * cos(2 * Double.pi * v)
  }
}

/// Field of a wall as a test states it: V/m, m, m.
struct TestWall {
  var field: Double
  var w: Double
  var position: Double
}

/// Of a specimen of 60 nm.
///
/// - Parameter angle: Inclination of the walls, degrees.
func wallGeometry(_ angle: Double, _ direction: FieldDirection) throws -> InclinationGeometry {
  try InclinationGeometry(thickness: 6e-8, inclination: angle * degree, direction: direction)
}

extension WallFit {
  var walls: [Wall] { reported.map(\.wall) }
}

/// ∫E ds/t by Simpson's rule along the ray: independent of the closed form under test.
func meanFieldByQuadrature(
  at x: Double, wall: TestWall, thickness: Double, inclination: Double, factor: Double
) -> Double {
  let steps = 2000
  var sum = 0.0
  for k in 0...steps {
    let s = (Double(k) / Double(steps) - 0.5) * thickness
    let u = (x - wall.position) * cos(inclination) + s * sin(inclination)
    let sech = 1 / cosh(u / wall.w)
    sum += (k == 0 || k == steps ? 1 : k % 2 == 1 ? 4 : 2) * sech * sech
  }
  return factor * wall.field * sum / Double(3 * steps)
}

/// A map of walls with the given normal, y down, origin at the scan's center.
///
/// - Parameter shift: Of a wall, by its number, along the normal at the place v along azimuth + 90°, m.
func wallMap(
  _ walls: [TestWall], rows: Int, columns: Int, pixel: PixelSize, azimuth: Double,
  direction: FieldDirection = .perp, thickness: Double = 50e-9, inclination: Double = 0,
  sigma: Double? = nil, seed: UInt64? = nil,
  shift: (_ wall: Int, _ v: Double) -> Double = { _, _ in 0 }
) throws -> VectorMap {
  let shape = GridShape(rows: rows, columns: columns)
  let geometry = try InclinationGeometry(
    thickness: thickness, inclination: inclination, direction: direction)
  let along =
    direction == .perp
    ? (x: -sin(azimuth), y: cos(azimuth)) : (x: cos(azimuth), y: sin(azimuth))
  var field = VectorField(shape: shape)
  var generator = WallTestGenerator(seed: seed ?? 0)
  for row in 0..<rows {
    for column in 0..<columns {
      let x = (Double(column) - Double(columns - 1) / 2) * pixel.x
      let y = (Double(row) - Double(rows - 1) / 2) * pixel.y
      let u = x * cos(azimuth) + y * sin(azimuth)
      let v = y * cos(azimuth) - x * sin(azimuth)
      let value = walls.enumerated().reduce(0) { sum, next in
        let (index, wall) = next
        let position = wall.position + shift(index, v)
        return sum
          + geometry.meanField(
            at: u, amplitude: wall.field, sechWidth: wall.w, position: position
          ).value
      }
      let i = row * columns + column
      field.x[i] = along.x * value
      field.y[i] = along.y * value
      if let sigma, seed != nil {
        field.x[i] += sigma * generator.normal()
        field.y[i] += sigma * generator.normal()
      }
    }
  }
  let covariance = sigma.map { s in
    VectorCovariance(
      shape: shape, xx: [Double](repeating: s * s, count: shape.count),
      yy: [Double](repeating: s * s, count: shape.count),
      xy: [Double](repeating: 0, count: shape.count))
  }
  return VectorMap(
    field: field, covariance: covariance, mask: PixelMask(shape: shape), pixelSize: pixel)
}

/// A profile sampled from the closed form, with optional errors and noise.
func wallProfileSamples(
  _ walls: [TestWall], geometry: InclinationGeometry, count: Int = 320, spacing: Double = 1e-9,
  offset: Double = 0, sigma: Double? = nil, seed: UInt64? = nil
) -> LineProfile {
  var generator = WallTestGenerator(seed: seed ?? 0)
  let distance = (0..<count).map { (Double($0) - Double(count - 1) / 2) * spacing }
  let value = distance.map { x in
    walls.reduce(offset) {
      $0
        + geometry.meanField(
          at: x, amplitude: $1.field, sechWidth: $1.w, position: $1.position
        ).value
    } + (seed == nil ? 0 : (sigma ?? 0) * generator.normal())
  }
  return LineProfile(
    distance: distance, value: value,
    error: sigma.map { [Double](repeating: $0, count: count) },
    sampleCount: [Int](repeating: 1, count: count))
}

let degree = Double.pi / 180

extension Double {
  /// Relative deviation from the truth.
  func deviation(from truth: Double) -> Double { abs(self - truth) / abs(truth) }
}
