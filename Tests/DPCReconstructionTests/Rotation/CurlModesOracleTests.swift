// Coefficients of curl and divergence against the sums that define them.
import DPCReconstruction
import DPCSimulation
import Foundation
import STEMCore
import Testing

struct CurlModesOracleTests {
  private static let shape = GridShape(rows: 13, columns: 18)
  private static let pixel = PixelSize(x: 1e-9, y: 0.7e-9)

  private static func map(covariance: (xx: Double, yy: Double, xy: Double)) -> VectorMap {
    var generator = SeededGenerator(seed: 9, path: [33])
    var field = VectorField(shape: shape)
    for index in 0..<shape.count {
      let (x, y) = (Double(index % 18) - 7, Double(index / 18) - 6)
      let bell = 5e-5 * exp(-(x * x + y * y) / 14)
      field.x[index] = bell * x + 1e-5 * generator.normal() + 3e-5
      field.y[index] = bell * y + 1e-5 * generator.normal() + 2e-6 * x
    }
    func plane(_ value: Double) -> [Double] { [Double](repeating: value, count: shape.count) }
    return VectorMap(
      field: field,
      covariance: VectorCovariance(
        shape: shape, xx: plane(covariance.xx), yy: plane(covariance.yy), xy: plane(covariance.xy)),
      mask: PixelMask(shape: shape), pixelSize: pixel)
  }

  private struct Mode {
    var curl: Double
    var divergence: Double
    var uniform: Double
    var anisotropy: Double
    var wave: Double
    var weight = 0.0
  }

  /// C and D of every mode as sums over all pixels, with the weights of Wiener.
  private static func modes(_ map: VectorMap, side: Double, variance: Double) -> [Mode] {
    let (rows, columns) = (shape.rows, shape.columns)
    var modes: [Mode] = []
    for n in 1..<rows {
      for m in 1..<columns {
        let kx = Double.pi * Double(m) / (Double(columns) * pixel.x)
        let ky = Double.pi * Double(n) / (Double(rows) * pixel.y)
        let wave = hypot(kx, ky)
        var mode = Mode(
          curl: 0, divergence: 0, uniform: m % 2 * n % 2 == 1 ? 1 / (wave * kx * ky) : 0,
          anisotropy: (kx * kx - ky * ky) / (wave * wave), wave: wave)
        for index in 0..<shape.count {
          let u = Double.pi * Double(m) * (Double(index % columns) + 0.5) / Double(columns)
          let v = Double.pi * Double(n) * (Double(index / columns) + 0.5) / Double(rows)
          let norm = 2 / Double(rows * columns).squareRoot() / wave
          let (x, y) = (map.field.x[index], side * map.field.y[index])
          mode.divergence += norm * (kx * cos(u) * sin(v) * x + ky * sin(u) * cos(v) * y)
          mode.curl += norm * (kx * cos(u) * sin(v) * y - ky * sin(u) * cos(v) * x)
        }
        modes.append(mode)
      }
    }
    let lowest = modes[0].wave
    let classes = Dictionary(grouping: modes.indices) {
      Int(3 * log2(modes[$0].wave / lowest) + 1e-9)
    }
    for places in classes.values {
      let power = places.reduce(0) {
        $0 + modes[$1].curl * modes[$1].curl + modes[$1].divergence * modes[$1].divergence
      }
      let signal = max(0, power / Double(places.count) - 2 * variance)
      for place in places { modes[place].weight = signal / (signal + variance) }
    }
    return modes
  }

  @Test(
    "Angle, error and shares of both sides of the detector are those of the plain sums",
    arguments: Handedness.allCases)
  func plainSums(handedness: Handedness) throws {
    let covariance = (xx: 1.3e-10, yy: 0.8e-10, xy: 0.2e-10)
    let map = Self.map(covariance: covariance)
    let factor = 1.5
    let side = handedness == .mirrored ? -1.0 : 1
    let variance = factor * (covariance.xx + covariance.yy) / 2
    var modes = Self.modes(map, side: side, variance: variance)
    let norm = modes.reduce(0) { $0 + $1.weight * $1.uniform * $1.uniform }
    let c = modes.reduce(0) { $0 + $1.weight * $1.uniform * $1.curl } / norm
    let d = modes.reduce(0) { $0 + $1.weight * $1.uniform * $1.divergence } / norm
    for index in modes.indices {
      modes[index].curl -= c * modes[index].uniform
      modes[index].divergence -= d * modes[index].uniform
    }
    let (difference, cross) = (
      factor * (covariance.xx - covariance.yy), side * factor * covariance.xy
    )
    var (along, across, total, weight) = (0.0, 0.0, 0.0, 0.0)
    for mode in modes {
      let (c, d) = (mode.curl, mode.divergence)
      along += mode.weight * (d * d - c * c - difference * mode.anisotropy) / 2
      across += mode.weight * (c * d - cross * mode.anisotropy)
      total += mode.weight * (c * c + d * d) / 2
      weight += mode.weight
    }
    let amplitude = hypot(along, across)
    let angle = atan2(-across, along) / 2
    var (spread, residual) = (0.0, 0.0)
    for mode in modes {
      let divergence = cos(angle) * mode.divergence - sin(angle) * mode.curl
      let curl = cos(angle) * mode.curl + sin(angle) * mode.divergence
      spread += mode.weight * mode.weight * divergence * divergence
      residual += mode.weight * curl * curl
    }
    let found = try #require(CurlModes(of: map, noiseFactor: factor).estimate(handedness))
    // The same sums in another order.
    #expect(abs(sin(found.angle - angle)) < 1e-11)
    let misfit = residual / (variance * weight)
    let error = (variance * spread * max(1, misfit)).squareRoot() / (2 * amplitude)
    #expect(abs(found.error / error - 1) < 1e-10)
    #expect(abs(found.curlFreeness * (total - variance * weight) / amplitude - 1) < 1e-10)
  }
}
