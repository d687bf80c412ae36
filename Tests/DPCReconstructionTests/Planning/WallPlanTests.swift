// Planned errors against errors that fits of noisy profiles really have, and against analytic bounds.
@testable import DPCReconstruction
import DPCSimulation
import Foundation
import STEMCore
import Testing

struct WallPlanTests {
  private func wall(_ degrees: Double, reach: Double = 120e-9) throws -> WallExperiment {
    WallExperiment(
      geometry: try InclinationGeometry(
        thickness: 60e-9, inclination: degrees * .pi / 180,
        direction: degrees == 0 ? .perp : .parallel),
      amplitude: 3e8, width: 20e-9, spacing: 1e-9, reach: -reach...reach, pixelsPerSample: 100)
  }

  @Test("Edge-on, at known shape: the matched filter of sech² over a constant")
  func matchedFilter() throws {
    let plan = try wallPlan(of: wall(0), fieldErrorOfOneElectron: 1e11)
    // Σ sech⁴ = (4/3) w/h less what the constant takes, (2 w/h)²/n, with n = 241, w = 11.346 nm.
    let (w, n) = (11.3459, 241.0)
    let information = 4.0 / 3 * w - 4 * w * w / n
    let expected = 1e11 / (100 * information).squareRoot()
    #expect(abs(plan.fieldErrorAtKnownShape / expected - 1) < 1e-3)
    #expect(plan.fieldError > plan.fieldErrorAtKnownShape)
  }

  @Test("Errors fall with the root of electrons and pixels, and doses with the square of the field")
  func scaling() throws {
    let one = try wallPlan(of: wall(45), fieldErrorOfOneElectron: 1e11)
    let half = try wallPlan(of: wall(45), fieldErrorOfOneElectron: 0.5e11)
    for key in [\WallPlan.fieldError, \.widthError, \.productError] {
      #expect(abs(half[keyPath: key] / one[keyPath: key] - 0.5) < 1e-9)
    }
    let dose = one.electronsPerPixel(amplitude: 3e8, error: one.fieldError, sigmas: 3)
    #expect(abs(one.fieldError / dose.squareRoot() - 1e8) < 1)
  }

  @Test("Fits of noisy profiles scatter as planned", arguments: [0.0, 30.0, 45.0])
  func monteCarlo(degrees: Double) throws {
    let wall = try wall(degrees)
    // 20 sigma: the fit is linear in the noise there.
    let unit = try wallPlan(of: wall, fieldErrorOfOneElectron: 1e11)
    let scale = 1e11 * 3e8 / 20 / unit.fieldError
    let plan = try wallPlan(of: wall, fieldErrorOfOneElectron: scale)
    let distance = (-120...120).map { Double($0) * 1e-9 }
    let w = 20e-9 / InclinationGeometry.widthFactor
    let clean = distance.map {
      wall.geometry.meanField(at: $0, amplitude: 3e8, sechWidth: w, position: 0).value
    }
    let sigma = scale / 10
    var generator = SeededGenerator(seed: 11 + UInt64(degrees))
    var (field, width, count) = (0.0, 0.0, 0.0)
    for _ in 0..<200 {
      let fit = try fitWalls(
        profile: LineProfile(
          distance: distance, value: clean.map { $0 + sigma * generator.normal() },
          error: distance.map { _ in sigma }, sampleCount: distance.map { _ in 100 }),
        geometry: wall.geometry)
      guard
        let found = fit.fitted.min(by: {
          abs($0.wall.position.value) < abs($1.wall.position.value)
        })
      else { continue }
      field += pow((found.wall.field.value - 3e8) / plan.fieldError, 2)
      width += pow((found.wall.width.value - 20e-9) / plan.widthError, 2)
      count += 1
    }
    #expect(count == 200)
    // A variance of 200 numbers is known to 10 %: three standard deviations, and 5 % of curvature.
    #expect(abs(field / count - 1) < 0.35, "\(field / count)")
    #expect(abs(width / count - 1) < 0.35, "\(width / count)")
  }

  @Test("A field that no image shows and a scan of a few pixels are refused")
  func refusals() throws {
    let edgeOn = WallExperiment(
      geometry: try InclinationGeometry(thickness: 60e-9, inclination: 0, direction: .parallel),
      amplitude: 3e8, width: 20e-9, spacing: 1e-9, reach: -1e-7...1e-7, pixelsPerSample: 1)
    #expect(throws: WallError.invisibleField(.parallel, inclination: 0)) {
      try wallPlan(of: edgeOn, fieldErrorOfOneElectron: 1)
    }
    #expect(throws: WallError.tooFewSamples(7, needed: 8)) {
      try wallPlan(of: wall(45, reach: 3.5e-9), fieldErrorOfOneElectron: 1)
    }
  }
}
