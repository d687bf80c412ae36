// Projected fields against the integrals and the gradients they stand for.
import DPCSimulation
import Glibc
import STEMCore
import Testing

private func walls(
  _ direction: FieldDirection, inclination: Double, azimuth: Double = 0, thickness: Double = 60e-9,
  positions: [Double] = [0], signs: [Double] = [1]
) -> WallArray {
  WallArray(
    positions: positions, signs: signs, amplitude: 3e8, fullWidthHalfMaximum: 20e-9,
    normalAzimuth: azimuth, inclination: inclination, thickness: thickness, direction: direction)
}

@Test("20 nm full width at half maximum is w = 11.3459 nm")
func widthParameter() {
  let wall = walls(.perp, inclination: 0)
  #expect(abs(wall.widthParameter - 11.345926571065109e-9) < 1e-21)
  let half = 1 / (cosh(10e-9 / wall.widthParameter) * cosh(10e-9 / wall.widthParameter))
  #expect(abs(half - 0.5) < 1e-14)
}

@Test("an edge-on wall of 1.5e8 V/m and 60 nm projects to 9 V along azimuth + 90°")
func edgeOnWall() {
  var wall = walls(.perp, inclination: 0)
  wall.amplitude = 1.5e8
  let center = PhantomLayer.walls(wall).projectedField(atX: 0, y: 5e-9)
  #expect(abs(center.x) < 1e-14)
  #expect(abs(center.y - 9) < 1e-13)
  let half = PhantomLayer.walls(wall).projectedField(atX: -10e-9, y: 0)
  #expect(abs(half.y - 4.5) < 1e-13)
  wall.normalAzimuth = Double.pi / 2
  let turned = PhantomLayer.walls(wall).projectedField(atX: 7e-9, y: 0)
  #expect(abs(turned.x + 9) < 1e-13)
  wall.direction = .normal
  let normal = PhantomLayer.walls(wall).projectedField(atX: 7e-9, y: 0)
  #expect(abs(normal.x) < 1e-14 && abs(normal.y - 9) < 1e-13)
  wall.direction = .parallel
  let invisible = PhantomLayer.walls(wall).projectedField(atX: 0, y: 0)
  #expect(invisible.x == 0 && invisible.y == 0)
}

@Test(
  "an inclined wall is the sum of the field along the ray",
  arguments: [0, 1e-7, 1e-4, 0.01, 0.5236, Double.pi / 4, 1.3])
func inclinedWallIsARayIntegral(inclination: Double) {
  let wall = walls(.perp, inclination: inclination)
  let steps = 4000
  for x in [-90e-9, -31e-9, -3e-9, 0, 12e-9, 70e-9] {
    // Simpson's rule along the ray.
    var sum = 0.0
    for step in 0...steps {
      let z = (Double(step) / Double(steps) - 0.5) * wall.thickness
      let u = (x * cos(inclination) + z * sin(inclination)) / wall.widthParameter
      let weight = step == 0 || step == steps ? 1.0 : step.isMultiple(of: 2) ? 2 : 4
      sum += weight * wall.amplitude / (cosh(u) * cosh(u))
    }
    let expected = sum * wall.thickness / Double(steps) / 3
    let actual = PhantomLayer.walls(wall).projectedField(atX: x, y: 1e-9)
    // Simpson's error with 4000 steps is below 1e-12 of the 18 V peak.
    #expect(abs(actual.y - expected) < 1e-11, "x \(x)")
    #expect(abs(actual.x) < 1e-14)
  }
}

@Test("a thick steep wall projects to 2 w E0 / sin a, without overflow")
func thickWall() {
  let wall = WallArray(
    positions: [0], signs: [1], amplitude: 3e8, fullWidthHalfMaximum: 1e-9, normalAzimuth: 0,
    inclination: 1.2, thickness: 1e-6, direction: .perp)
  let expected = 2 * wall.widthParameter * 3e8 / sin(1.2)
  #expect(
    abs(PhantomLayer.walls(wall).projectedField(atX: 0, y: 0).y / expected - 1) < 1e-14)
  #expect(PhantomLayer.walls(wall).projectedField(atX: 1e-3, y: 0).y == 0)
}

@Test("the direction factor is sin a along the wall, cos a along its normal, 1 across the beam")
func directionFactors() {
  let a = Double.pi / 6
  let perp = PhantomLayer.walls(walls(.perp, inclination: a)).projectedField(atX: 4e-9, y: 0).y
  let parallel = PhantomLayer.walls(walls(.parallel, inclination: a))
    .projectedField(atX: 4e-9, y: 0)
  let normal = PhantomLayer.walls(walls(.normal, inclination: a)).projectedField(atX: 4e-9, y: 0)
  #expect(abs(parallel.x / perp - 0.5) < 1e-14 && parallel.y == 0)
  #expect(abs(normal.x / perp - 0.75.squareRoot()) < 1e-14 && normal.y == 0)
}

@Test("the projected field across a wall integrates to g t 2 w E0 / cos a")
func areaRule() {
  let wall = walls(.parallel, inclination: Double.pi / 4)
  var sum = 0.0
  let step = 0.25e-9
  for index in -4000...4000 {
    sum += PhantomLayer.walls(wall).projectedField(atX: Double(index) * step, y: 0).x * step
  }
  // The trapezium rule is exact to rounding for such a smooth peak.
  let expected = wall.thickness * 2 * wall.widthParameter * 3e8
  #expect(abs(sum / expected - 1) < 1e-12)
}

@Test("walls stand at their positions with their signs, counted along the normal")
func wallArray() {
  let azimuth = 0.4
  let pair = walls(
    .normal, inclination: 0, azimuth: azimuth, positions: [-80e-9, 50e-9], signs: [-1, 2])
  func along(_ x: Double) -> Double {
    let field = PhantomLayer.walls(pair).projectedField(
      atX: x * cos(azimuth), y: x * sin(azimuth))
    return field.x * cos(azimuth) + field.y * sin(azimuth)
  }
  // The other wall, 130 nm away, adds 4 exp(-2·130/11.35) = 4.5e-10 of its own 18 or 36 V.
  #expect(abs(along(-80e-9) + 18) < 2e-8)
  #expect(abs(along(50e-9) - 36) < 2e-8)
}

private let conservative: [PhantomLayer] = [
  .uniform(x: 3, y: -2), .planePotential(gradientX: 1.5, gradientY: -0.25),
  .gaussianPotential(centerX: 5e-9, centerY: -8e-9, sigma: 12e-9, amplitude: 2e-7),
  .sinusoidalPotential(amplitude: -1e-7, period: 40e-9, azimuth: 0.6, phase: 0.2),
  .walls(walls(.parallel, inclination: 0.7, azimuth: -0.9)),
  .walls(walls(.normal, inclination: 0, azimuth: 2.1)),
  .walls(walls(.normal, inclination: 5e-5, azimuth: 2.1)),
  .walls(walls(.parallel, inclination: 1e-2, azimuth: 2.1)),
]

@Test(
  "the projected field is minus the gradient of the projected potential", arguments: conservative)
func fieldIsMinusGradient(layer: PhantomLayer) throws {
  let step = 1e-11
  func potential(_ x: Double, _ y: Double) throws -> Double {
    try #require(layer.projectedPotential(atX: x, y: y))
  }
  for (x, y) in [(0, 0), (14e-9, -3e-9), (-22e-9, 9e-9)] {
    let field = layer.projectedField(atX: x, y: y)
    // Central differences over 1e-11 m: relative error (1e-11/1e-8)²; rounding 1e-16·1e-6/1e-11.
    let slopeX = try (potential(x + step, y) - potential(x - step, y)) / (2 * step)
    let slopeY = try (potential(x, y + step) - potential(x, y - step)) / (2 * step)
    #expect(abs(field.x + slopeX) < 1e-4, "\(x) \(y)")
    #expect(abs(field.y + slopeY) < 1e-4, "\(x) \(y)")
  }
}

@Test("a repelling Gaussian potential has a field that points outwards, A/(σ √e) at r = σ")
func gaussianPotential() {
  let layer = PhantomLayer.gaussianPotential(
    centerX: 0, centerY: 0, sigma: 20e-9, amplitude: 0.22e-6)
  let field = layer.projectedField(atX: 0, y: 20e-9)
  #expect(field.x == 0)
  #expect(abs(field.y - 11 * exp(-0.5)) < 1e-13)
}

@Test("walls whose field has a curl have no potential, and neither has a phantom with them")
func curlHasNoPotential() {
  let shape = GridShape(rows: 4, columns: 5)
  let pixel = PixelSize(x: 1e-9, y: 2e-9)
  let wall = PhantomLayer.walls(walls(.perp, inclination: 0))
  #expect(wall.projectedPotential(atX: 0, y: 0) == nil)
  let plane = PhantomLayer.planePotential(gradientX: 2, gradientY: 3)
  #expect(Phantom([plane, wall]).projectedPotential(shape: shape, pixelSize: pixel) == nil)
  #expect(Phantom([plane]).projectedPotential(shape: shape, pixelSize: pixel) != nil)
}

@Test("layers add up on a grid whose origin is the center of the scan, y down, mean potential 0")
func gridAndSum() throws {
  let shape = GridShape(rows: 4, columns: 5)
  let pixel = PixelSize(x: 1e-9, y: 2e-9)
  let phantom = Phantom([
    .planePotential(gradientX: 2, gradientY: 3), .uniform(meanX: 1e8, meanY: 0, thickness: 50e-9),
  ])
  let field = phantom.projectedField(shape: shape, pixelSize: pixel)
  #expect(field.x.allSatisfy { abs($0 - 3) < 1e-14 } && field.y.allSatisfy { abs($0 + 3) < 1e-14 })
  let potential = try #require(phantom.projectedPotential(shape: shape, pixelSize: pixel))
  // V = (2 - 5) x + 3 y; the corner at row 0, column 4 lies at x = 2 nm, y = -3 nm.
  #expect(abs(potential[0, 4] - -15e-9) < 1e-22)
  #expect(abs(potential[3, 0] - 15e-9) < 1e-22)
  #expect(abs(potential[2, 2] - 3e-9) < 1e-22)
}
