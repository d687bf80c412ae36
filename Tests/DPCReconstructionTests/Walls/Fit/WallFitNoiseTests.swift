// Do the stated standard deviations of fitted walls match the scatter of repeated measurements?

import DPCReconstruction
import Glibc
import STEMCore
import Testing

@Suite("Wall fits with noise")
struct WallFitNoiseTests {
  /// Deviations from the truth over the stated σ, and the deviations themselves.
  struct Pulls {
    var values: [Double] = []
    var mean: Double { values.reduce(0, +) / Double(values.count) }
    var spread: Double {
      (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1)).squareRoot()
    }
  }

  @Test(
    "fields, widths, products and positions of an inclined pair are unbiased, errors are right",
    arguments: [30.0, 45])
  func monteCarlo(angle: Double) throws {
    let geometry = try InclinationGeometry(
      thickness: 60e-9, inclination: angle * degree, direction: .parallel)
    let truth = [
      TestWall(field: 3e8, w: 14e-9, position: -80e-9),
      TestWall(field: -3e8, w: 14e-9, position: 80e-9),
    ]
    var pulls = [Pulls](repeating: Pulls(), count: 8)
    let runs = 60
    for run in 0..<runs {
      // σ of 1.3e8 V/m per pixel (N = 1e6, 50 nm), 400 rows.
      let profile = wallProfileSamples(
        truth, geometry: geometry, sigma: 6.5e6, seed: UInt64(1000 + run))
      let fit = try fitWalls(profile: profile, geometry: geometry)
      try #require(fit.reported.count == 2)
      for (k, wall) in fit.reported.enumerated() {
        let measured = [wall.wall.field, wall.sechWidth, wall.product, wall.wall.position]
        let expected = [
          truth[k].field, truth[k].w, truth[k].field * truth[k].w, truth[k].position,
        ]
        for q in 0..<4 {
          let error = try #require(measured[q].error)
          pulls[4 * k + q].values.append((measured[q].value - expected[q]) / error)
        }
      }
    }
    for pull in pulls {
      // The mean of 60 pulls scatters by 0.13, their spread by 9 %: bounds at four of these,
      // well inside a factor of 1.5.
      #expect(abs(pull.mean) < 0.52)
      #expect(pull.spread > 0.67 && pull.spread < 1.4)
    }
  }

  @Test("oblique maps with noise: errors from the pixels' covariance match the scatter")
  func obliqueMap() throws {
    let geometry = try InclinationGeometry(thickness: 6e-8, inclination: 0, direction: .perp)
    var field = Pulls()
    var width = Pulls()
    for run in 0..<40 {
      let map = try wallMap(
        [TestWall(field: -1.5e8, w: 11e-9, position: 6e-9)], rows: 60, columns: 80,
        pixel: PixelSize(x: 2e-9, y: 2.5e-9), azimuth: 30 * degree, sigma: 1e8,
        seed: UInt64(run))
      let profile = try wallProfile(of: map, direction: .perp, normalAzimuth: 30 * degree)
      let fit = try fitWalls(profile: profile, geometry: geometry)
      let wall = try #require(fit.walls.first)
      #expect(fit.walls.count == 1)
      field.values.append((wall.field.value + 1.5e8) / (try #require(wall.field.error)))
      width.values.append(
        (wall.width.value - 11e-9 * InclinationGeometry.widthFactor)
          / (try #require(wall.width.error)))
    }
    // 40 runs: means scatter by 0.16, spreads by 11 %.
    for pull in [field, width] {
      #expect(abs(pull.mean) < 0.64)
      #expect(pull.spread > 0.6 && pull.spread < 1.45)
    }
  }

  @Test("a misfit widens the errors by √(χ²/dof)")
  func misfit() throws {
    let geometry = InclinationGeometry.imagePlane
    let truth = [TestWall(field: 3e8, w: 11e-9, position: 0)]
    var profile = wallProfileSamples(truth, geometry: geometry, sigma: 1e7, seed: 8)
    let right = try fitWalls(profile: profile, geometry: geometry)
    // The same scatter, claimed to be three times smaller.
    profile.error = profile.error?.map { $0 / 3 }
    let wrong = try fitWalls(profile: profile, geometry: geometry)
    let chi = try #require(right.reducedChiSquare)
    #expect(abs(chi - 1) < 0.4)
    #expect(try #require(wrong.reducedChiSquare).deviation(from: 9 * chi) < 1e-6)
    let ratio =
      try #require(wrong.walls.first?.field.error) / (try #require(right.walls.first?.field.error))
    #expect(ratio.deviation(from: min(1, chi.squareRoot())) < 1e-6 || chi < 1)
    #expect(ratio > 0.9 && ratio < 1.1)
  }
}
