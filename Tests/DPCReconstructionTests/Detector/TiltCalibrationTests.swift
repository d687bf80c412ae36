// The calibration of the deflection against series of known tilts with a known response.
import DPCReconstruction
import DPCSimulation
import Foundation
import STEMCore
import Testing

struct TiltCalibrationTests {
  private let tilts: [Vector2] = [
    .init(x: 0, y: 0), .init(x: 1e-3, y: 0), .init(x: -1e-3, y: 0), .init(x: 0, y: 1.5e-3),
    .init(x: 0, y: -1.5e-3), .init(x: 1e-3, y: 1e-3),
  ]

  private func measured(
    _ response: Matrix2, offset: (x: Double, y: Double) = (2e-4, -3e-4), noise: Double = 0,
    seed: UInt64 = 0
  ) -> [Vector2] {
    var generator = SeededGenerator(seed: seed, path: [1])
    return tilts.map { tilt in
      let moved = response(tilt.x, tilt.y)
      return .init(
        x: moved.x + offset.x + noise * generator.normal(),
        y: moved.y + offset.y + noise * generator.normal())
    }
  }

  /// A response of 0.9 turned by 3° clockwise: C is 1/0.9 turned back.
  @Test func invertsTheResponseWithSignAndScale() throws {
    let angle = 3 * Double.pi / 180
    let response = Matrix2(
      xx: 0.9 * cos(angle), xy: -0.9 * sin(angle), yx: 0.9 * sin(angle), yy: 0.9 * cos(angle))
    let result = try calibrateDeflection(
      tilts: tilts, measured: measured(response), variance: [1e-16])
    #expect(abs(result.scale.value - 1 / 0.9) < 1e-12)
    #expect(abs(result.rotation.value + angle) < 1e-12)
    #expect(abs(result.matrix.xy - sin(angle) / 0.9) < 1e-12)
    #expect(abs(result.matrix.yx + sin(angle) / 0.9) < 1e-12)
    #expect(result.anisotropy < 1e-9 && !result.isMirrored)
    let back = result.matrix(
      response.xx * 2e-6 + response.xy * 1e-6, response.yx * 2e-6 + response.yy * 1e-6)
    #expect(abs(back.x - 2e-6) < 1e-17 && abs(back.y - 1e-6) < 1e-17)
  }

  @Test func findsShearAndReversedAxes() throws {
    let sheared = try calibrateDeflection(
      tilts: tilts, measured: measured(Matrix2(xx: 0.5, xy: 0, yx: 0, yy: 1)), variance: nil)
    #expect(abs(sheared.anisotropy - 1) < 1e-9)
    let mirrored = try calibrateDeflection(
      tilts: tilts, measured: measured(Matrix2(xx: 1, xy: 0, yx: 0, yy: -1)), variance: nil)
    #expect(mirrored.isMirrored && abs(mirrored.rotation.value) < 1e-12)
  }

  /// 68.3 % of 300 × 6 residuals (four elements, scale, rotation), two of them functions of the others:
  /// three standard errors of 300 × 4.
  @Test func errorsCoverTheTruth() throws {
    let response = Matrix2(xx: 0.92, xy: 0.11, yx: -0.07, yy: 1.05)
    let truth = try calibrateDeflection(
      tilts: tilts, measured: measured(response), variance: nil)
    var pulls: [Double] = []
    for trial in 0..<300 {
      let noise = 4e-6
      let result = try calibrateDeflection(
        tilts: tilts, measured: measured(response, noise: noise, seed: UInt64(trial)),
        variance: tilts.map { _ in noise * noise })
      let errors = (0..<4).map { result.covariance[5 * $0].squareRoot() }
      let (a, b) = (result.matrix, truth.matrix)
      pulls.append((a.xx - b.xx) / errors[0])
      pulls.append((a.xy - b.xy) / errors[1])
      pulls.append((a.yx - b.yx) / errors[2])
      pulls.append((a.yy - b.yy) / errors[3])
      pulls.append((result.scale.value - truth.scale.value) / (result.scale.error ?? 1))
      pulls.append((result.rotation.value - truth.rotation.value) / (result.rotation.error ?? 1))
    }
    let covered = Double(pulls.count { abs($0) < 1 }) / Double(pulls.count)
    // Where the scatter exceeds counting it is taken, so the errors are on the large side.
    #expect(covered > 0.683 - 0.04 && covered < 0.683 + 0.09, "\(covered)")
  }

  @Test func refusesSeriesWithoutTwoDirections() {
    let line = tilts.map { Vector2(x: $0.x, y: 2 * $0.x) }
    #expect(throws: TiltCalibrationError.self) {
      try calibrateDeflection(tilts: line, measured: line, variance: nil)
    }
    #expect(throws: TiltCalibrationError.self) {
      try calibrateDeflection(
        tilts: Array(tilts.prefix(2)), measured: Array(tilts.prefix(2)), variance: nil)
    }
    #expect(throws: TiltCalibrationError.self) {
      try calibrateDeflection(
        tilts: tilts, measured: tilts.map { _ in .init(x: 1, y: 1) }, variance: nil)
    }
  }

  @Test("Three tilts have no scatter: without electrons nothing tells their error")
  func threeTilts() throws {
    let three = [Vector2(x: 0, y: 0), Vector2(x: 1e-3, y: 0), Vector2(x: 0, y: 1e-3)]
    #expect {
      try calibrateDeflection(tilts: three, measured: three, variance: nil)
    } throws: { error in
      guard case .noError? = error as? TiltCalibrationError else { return false }
      return true
    }
    let counted = try calibrateDeflection(
      tilts: three, measured: three, variance: [Double](repeating: 1e-12, count: 3))
    // Two differences of 1 µrad over 1 mrad each: √2 · 1e-3 along either axis, of which the scale is the mean.
    #expect(abs(try #require(counted.scale.error) - 1e-3) < 1e-12)
  }

  /// A disc that stays where it is, or follows the tilts one way only, beside noise.
  @Test func refusesSeriesThatDoNotMove() {
    for seed in 0..<50 {
      var generator = SeededGenerator(seed: UInt64(seed), path: [8])
      let noise = tilts.map { _ in
        Vector2(x: 1e-6 * generator.normal(), y: 1e-6 * generator.normal())
      }
      let oneWay = zip(tilts, noise).map { Vector2(x: $0.x + $1.x, y: $1.y) }
      for measured in [noise, oneWay] {
        #expect(throws: TiltCalibrationError.self) {
          try calibrateDeflection(tilts: tilts, measured: measured, variance: nil)
        }
        #expect(throws: TiltCalibrationError.self) {
          try calibrateDeflection(
            tilts: tilts, measured: measured, variance: tilts.map { _ in 1e-12 })
        }
      }
    }
  }
}
