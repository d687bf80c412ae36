// The projected profile of inclined walls against quadrature along the ray.

@testable import DPCReconstruction
import Glibc
import STEMCore
import Testing

@Suite("Inclined walls")
struct InclinationGeometryTests {
  let wall = TestWall(field: 3e8, w: 11e-9, position: 4e-9)

  @Test("direction factors at 30°: parallel sin, normal cos, perp one")
  func directionFactors() throws {
    func factor(_ direction: FieldDirection) throws -> Double {
      try InclinationGeometry(thickness: 6e-8, inclination: 30 * degree, direction: direction)
        .directionFactor
    }
    #expect(abs(try factor(.parallel) - 0.5) < 1e-15)
    #expect(abs(try factor(.normal) - 0.75.squareRoot()) < 1e-15)
    #expect(try factor(.perp) == 1)
  }

  @Test(
    "the closed form is the mean of g E0 sech² along the ray",
    arguments: FieldDirection.allCases, [5.0, 30, 45, 70])
  func closedForm(direction: FieldDirection, angle: Double) throws {
    let a = angle * degree
    let geometry = try InclinationGeometry(thickness: 6e-8, inclination: a, direction: direction)
    let factor: Double =
      switch direction {
      case .parallel: sin(a)
      case .normal: cos(a)
      case .perp: 1
      }
    for x in stride(from: -60e-9, through: 60e-9, by: 7e-9) {
      let expected = meanFieldByQuadrature(
        at: x, wall: wall, thickness: 6e-8, inclination: a, factor: factor)
      let value = geometry.meanField(
        at: x, amplitude: wall.field, sechWidth: wall.w, position: wall.position
      ).value
      // Simpson's rule with 2000 steps of 30 pm: below 1e-12 of the peak.
      #expect(abs(value - expected) < 1e-11 * wall.field)
    }
  }

  @Test("edge-on it is E0 sech²(X/w), and nearly edge-on continuous with it")
  func edgeOnLimit() throws {
    for angle in [0.0, 1e-12, 1e-7] {
      let geometry = try InclinationGeometry(
        thickness: 6e-8, inclination: angle, direction: .perp)
      for x in [-30e-9, 0, 4e-9, 21e-9] {
        let sech = 1 / cosh((x - wall.position) / wall.w)
        let value = geometry.meanField(
          at: x, amplitude: wall.field, sechWidth: wall.w, position: wall.position
        ).value
        // Corrections are of order d² = (t sin a/w)² < 3e-13.
        #expect(abs(value - wall.field * sech * sech) < 1e-12 * wall.field)
      }
    }
  }

  @Test("a wall much thinner than its path has the height g E0 2w/(t sin a)")
  func thickSpecimen() throws {
    let geometry = try InclinationGeometry(
      thickness: 1e-5, inclination: 30 * degree, direction: .parallel)
    let peak = geometry.meanField(at: 0, amplitude: 1e8, sechWidth: 2e-9, position: 0)
    // t sin a/w = 2500: tanh is one to the last bit, sinh would overflow.
    #expect(peak.value.deviation(from: 0.5 * 1e8 * 2 * 2e-9 / (1e-5 * 0.5)) < 1e-12)
    let far = geometry.meanField(at: 1, amplitude: 1e8, sechWidth: 2e-9, position: 0)
    #expect(far.value == 0 && far.byWidth == 0 && far.byPosition == 0 && far.byAmplitude == 0)
  }

  @Test("the area over X is g 2 w E0/cos a: the path factor enters once")
  func areaRule() throws {
    let geometry = try InclinationGeometry(
      thickness: 6e-8, inclination: 45 * degree, direction: .parallel)
    var area = 0.0
    for k in -4000...4000 {
      area +=
        geometry.meanField(
          at: Double(k) * 1e-10, amplitude: wall.field, sechWidth: wall.w, position: 0
        ).value * 1e-10
    }
    let expected = sin(45 * degree) * 2 * wall.w * wall.field / cos(45 * degree)
    #expect(area.deviation(from: expected) < 1e-12)
  }

  @Test("analytic derivatives agree with central differences", arguments: [0.0, 0.1, 30, 80])
  func derivatives(angle: Double) throws {
    let geometry = try InclinationGeometry(
      thickness: 6e-8, inclination: angle * degree, direction: .normal)
    func value(_ x: Double, _ e: Double, _ w: Double, _ p: Double) -> Double {
      geometry.meanField(at: x, amplitude: e, sechWidth: w, position: p).value
    }
    for x in [-50e-9, -8e-9, 4e-9, 13e-9, 35e-9] {
      let sample = geometry.meanField(at: x, amplitude: 3e8, sechWidth: 11e-9, position: 4e-9)
      // A step of h = 1e-5 w leaves h²/6 and rounding/h: both below 1e-9 of E0/w.
      let h = 1e-13
      let byWidth = (value(x, 3e8, 11e-9 + h, 4e-9) - value(x, 3e8, 11e-9 - h, 4e-9)) / (2 * h)
      let byPosition = (value(x, 3e8, 11e-9, 4e-9 + h) - value(x, 3e8, 11e-9, 4e-9 - h)) / (2 * h)
      #expect(abs(sample.byWidth - byWidth) < 1e-8 * 3e8 / 11e-9)
      #expect(abs(sample.byPosition - byPosition) < 1e-8 * 3e8 / 11e-9)
      #expect(abs(sample.byAmplitude * 3e8 - sample.value) < 1e-6)
    }
  }

  @Test("half of the height is reached at half of the projected width")
  func projectedWidth() throws {
    for angle in [0.0, 20, 45, 75] {
      let geometry = try InclinationGeometry(
        thickness: 6e-8, inclination: angle * degree, direction: .perp)
      let width = geometry.projectedWidth(sechWidth: 11e-9)
      let half = geometry.meanField(
        at: width / 2, amplitude: 1, sechWidth: 11e-9, position: 0
      ).value
      #expect(half.deviation(from: geometry.projectedHeight(sechWidth: 11e-9) / 2) < 1e-12)
    }
    #expect(abs(InclinationGeometry.widthFactor - 1.762_747_174_039_086) < 1e-15)
  }

  @Test("absurd geometries are refused")
  func refusals() {
    #expect(throws: WallError.badThickness(0)) {
      try InclinationGeometry(thickness: 0, inclination: 0, direction: .perp)
    }
    #expect(throws: WallError.badInclination(-0.1)) {
      try InclinationGeometry(thickness: 1e-8, inclination: -0.1, direction: .perp)
    }
    #expect(throws: WallError.badInclination(Double.pi / 2)) {
      try InclinationGeometry(thickness: 1e-8, inclination: Double.pi / 2, direction: .perp)
    }
  }
}
