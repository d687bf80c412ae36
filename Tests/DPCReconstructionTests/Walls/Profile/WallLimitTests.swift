// The upper limit of a wall's field against the fit in amplitude beside a free constant, at every place.
@testable import DPCReconstruction
import Foundation
import STEMCore
import Testing

struct WallLimitTests {
  @Test(
    "The limit is the largest over all places of the plain least-squares fits",
    arguments: [0.0, 40])
  func plainFits(angle: Double) throws {
    let geometry = try InclinationGeometry(
      thickness: 40e-9, inclination: angle * degree, direction: .perp)
    var generator = WallTestGenerator(seed: 5)
    let distance = (0..<300).map { 1.1e-9 * Double($0 - 150) }
    let error = distance.map { 2e6 * (1.5 + sin($0 / 40e-9)) }
    let profile = LineProfile(
      distance: distance, value: error.map { 1e7 + $0 * generator.normal() }, error: error,
      sampleCount: distance.map { _ in 10 })
    let width = 18e-9
    let weights = error.map { 1 / ($0 * $0) }
    var limit = 0.0
    for center in distance {
      let heights = distance.map {
        geometry.meanField(
          at: $0, amplitude: 1, sechWidth: width / InclinationGeometry.widthFactor,
          position: center
        ).value
      }
      // Normal equations of the amplitude and the constant.
      var (tt, t, n, ty, y) = (0.0, 0.0, 0.0, 0.0, 0.0)
      for (index, weight) in weights.enumerated() {
        tt += weight * heights[index] * heights[index]
        t += weight * heights[index]
        n += weight
        ty += weight * heights[index] * profile.value[index]
        y += weight * profile.value[index]
      }
      let determinant = tt * n - t * t
      let amplitude = (ty * n - t * y) / determinant
      limit = max(limit, abs(amplitude) + 1.645 * (n / determinant).squareRoot())
    }
    let found = try #require(wallUpperLimit(profile: profile, geometry: geometry, width: width))
    // The wall is cut where it is below 1e-9 of its height.
    #expect(abs(found / limit - 1) < 1e-7)
  }
}
