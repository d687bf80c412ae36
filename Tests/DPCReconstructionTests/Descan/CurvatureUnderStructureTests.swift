// A curved surface under the structure of a map, and structure that is none.

import DPCReconstruction
import Foundation
import STEMCore
import Testing

struct CurvatureUnderStructureTests {
  private static let columns = 160
  private static let rows = 120

  /// Noise of 20 µrad in each component, and what `deflection` gives for s and t, -1...1, in µrad.
  private func map(
    seed: UInt64 = 1, noise: Double = 20,
    _ deflection: (_ s: Double, _ t: Double) -> (Double, Double)
  ) -> VectorMap {
    let shape = GridShape(rows: Self.rows, columns: Self.columns)
    var map = VectorMap(
      field: VectorField(shape: shape), covariance: nil, mask: PixelMask(shape: shape),
      pixelSize: nil)
    var generator = WallTestGenerator(seed: seed)
    for index in 0..<shape.count {
      let s = 2 * Double(index % Self.columns) / Double(Self.columns - 1) - 1
      let t = 2 * Double(index / Self.columns) / Double(Self.rows - 1) - 1
      let (x, y) = deflection(s, t)
      map.field.x[index] = (x + noise * generator.normal()) * 1e-6
      map.field.y[index] = (y + noise * generator.normal()) * 1e-6
    }
    return map
  }

  /// A field of 100 µrad across a wall of half-width `width`, its normal at `azimuth`, in units of half the frame's width.
  private func wall(
    _ s: Double, _ t: Double, at position: Double, width: Double, azimuth: Double
  ) -> (Double, Double) {
    let (c, n) = (cos(azimuth * .pi / 180), sin(azimuth * .pi / 180))
    let u = (s * c + t * n * Double(Self.rows) / Double(Self.columns) - position) / width
    let height = 100 / (cosh(u) * cosh(u))
    return (-n * height, c * height)
  }

  // Of 60 s² - 90 t² and 150 st: √(4/45 · (60² + 90²) + 150²/9) = 59.5; of it the fit loses its error, 20 µrad over
  // √19200 pixels a term, and twice 1/160 and 1/120 of the moments.
  @Test(
    "The curvature is its root mean square beyond a plane, with and without walls",
    arguments: [0, 2, 4])
  func curved(walls: Int) throws {
    for seed in UInt64(1)...3 {
      var map = map(seed: seed) { s, t in
        var (x, y) = (300 + 80 * s + 60 * s * s - 90 * t * t, -200 + 40 * t + 150 * s * t)
        for index in 0..<walls {
          let position = (Double(index) + 0.5) * 2 / Double(walls) - 1
          let more = wall(s, t, at: position, width: 0.06, azimuth: 30 * Double(seed))
          x += more.0
          y += more.1
        }
        return (x, y)
      }
      map.field.x[7] = 1
      map.mask.bytes[7] = PixelFlags.hot.rawValue
      let found = try #require(CurvatureUnderStructure(map), "seed \(seed)")
      #expect(abs(found.curvature - 59.5e-6) < 2e-6, "\(found)")
    }
  }

  @Test("Curved along one direction only it counts where nothing but noise is left")
  func oneDirection() throws {
    let found = try #require(CurvatureUnderStructure(map { s, _ in (0, 150 * s * s) }))
    #expect(abs(found.curvature - 150e-6 * (4.0 / 45).squareRoot()) < 1e-6, "\(found)")
  }

  @Test("Planes and noise are not curved")
  func plane() {
    for seed in UInt64(1)...20 {
      #expect(
        CurvatureUnderStructure(map(seed: seed) { s, t in (500 + 300 * s, 200 * t - 100 * s) })
          == nil)
    }
    #expect(CurvatureUnderStructure(map(noise: 0) { _, _ in (0, 0) }) == nil)
    #expect(CurvatureUnderStructure(map(noise: 0) { s, _ in (s, s) }) == nil)
  }

  @Test(
    "Walls are not, whatever their width and direction", arguments: [0.03, 0.06, 0.12, 0.25])
  func walls(width: Double) {
    for azimuth in [0.0, 20, 45, 130] {
      for noise in [0.1, 5, 40] {
        for positions in [[0.1], [0.7], [-0.5, 0.5], [-0.6, 0, 0.6]] {
          let map = map(noise: noise) { s, t in
            positions.reduce((0, 0)) { sum, position in
              let more = wall(s, t, at: position, width: width, azimuth: azimuth)
              return (sum.0 + more.0, sum.1 + more.1)
            }
          }
          let found = CurvatureUnderStructure(map)
          #expect(
            found == nil,
            "azimuth \(azimuth), noise \(noise), \(positions): \(String(describing: found))")
        }
      }
    }
  }

  @Test("Inclusions and lattices are not")
  func inclusions() {
    for seed in UInt64(1)...6 {
      var generator = WallTestGenerator(seed: 40 + seed)
      let places = (0..<8).map { _ in (0.5 * generator.normal(), 0.5 * generator.normal()) }
      let charges = map(seed: seed, noise: 5) { s, t in
        places.reduce((0, 0)) { sum, place in
          let (x, y) = (s - place.0, t - place.1)
          let height = 1000 * exp(-(x * x + y * y) / 0.02)
          return (sum.0 + x * height, sum.1 + y * height)
        }
      }
      #expect(CurvatureUnderStructure(charges) == nil)
      let period = 0.07 + 0.02 * Double(seed)
      let lattice = map(seed: seed, noise: 5) { s, t in
        (200 * sin(2 * .pi * (s + 0.2 * t) / period), 200 * sin(2 * .pi * t / period))
      }
      #expect(CurvatureUnderStructure(lattice) == nil)
    }
  }
}
