// What is thought of a phase's power, and the errors that follow where noise hides a part of it.
import Foundation
import STEMCore
import Testing

@testable import DPCReconstruction

struct PhasePowersTests {
  /// Waves of unit frequency along these azimuths, of weight 2 each, with the noise 3.
  private static func waves(_ azimuths: [Double], q: Double = 1, _ power: (Double) -> Double)
    -> [PhasePowers.Wave]
  {
    azimuths.map {
      PhasePowers.Wave(
        x: q * cos($0), y: q * sin($0), weight: 2, power: 4 * power($0) + 3 * 2)
    }
  }

  private static let cross = [0, 1, 2, 3].map { Double($0) * Double.pi / 2 }

  @Test("A visible class has its mean power, and that by direction")
  func visible() throws {
    // 100 along x, 20 along y: S cos² has the mean 50, S sin² 10.
    let powers = PhasePowers(
      waves: Self.waves(Self.cross) { abs(cos($0)) > 0.5 ? 100 : 20 }, noise: 3)
    #expect(abs(try #require(powers[1].visible) - 60) < 1e-12)
    let directed = powers[1].directed
    #expect(abs(directed.xx - 50) < 1e-12 && abs(directed.yy - 10) < 1e-12)
    #expect(abs(directed.xy) < 1e-12)
    // Along a diagonal only: as much of each, and all of it together.
    let diagonal = PhasePowers(
      waves: Self.waves([Double.pi / 4, 5 * Double.pi / 4]) { _ in 40 }, noise: 3)[1].directed
    #expect(abs(diagonal.xx - 20) < 1e-12 && abs(diagonal.xy - 20) < 1e-12)
  }

  @Test(
    "Noise hides on the mean what half a normal distribution holds, less of each class that follows"
  )
  func hidden() {
    // Two classes of four waves, the second an octave above the first: its spectrum has fallen by 16.
    let powers = PhasePowers(
      waves: Self.waves(Self.cross) { _ in 0 } + Self.waves(Self.cross, q: 2) { _ in 0 }, noise: 3)
    let f = 1.0 / 16
    // Σ f² W² over 8 waves of weight 2, and the half of it along x.
    let (squares, spread) = (16 * (1 + f * f), 8 * (1 + f * f))
    let half = 3 * spread.squareRoot() / squares * (2 / Double.pi).squareRoot()
    #expect(powers[1].visible == nil && powers[2].visible == nil)
    #expect(abs(powers[1].directed.xx / half - 1) < 1e-12)
    #expect(abs(powers[1].directed.yy / half - 1) < 1e-12 && powers[1].directed.xy == 0)
    #expect(abs(powers[2].directed.xx / (f * half) - 1) < 1e-12)
  }

  @Test(
    "What lies far below zero leaves little, but never nothing", arguments: [2.0, 7.9, 8.1, 40])
  func belowZero(errors: Double) {
    // Half of four waves: signal xx = 2 · 4 S, σ = 3 √8/16 of S cos².
    let error = 3 * 8.0.squareRoot() / 16
    let waves = Self.waves(Self.cross) { _ in -2 * errors * error }
    let found = PhasePowers(waves: waves, noise: 3)[1].directed.xx
    // The mean beyond t of a normal distribution lies between 1/(t + 2/t) and 1/t.
    #expect(found < error / errors && found > error / (errors + 2 / errors))
  }

  // An empty specimen, and walls whose phase varies along x alone; the wave helper's noise, 600 electrons a position.
  @Test(
    "Where noise hides the signal errors are not zero, and not below what is wrong",
    arguments: [false, true])
  func errors(hasWalls: Bool) throws {
    let shape = GridShape(rows: 24, columns: 96)
    let pixel = PixelSize(x: 1e-9, y: 1e-9)
    let geometry = try PhaseContrastTransferTests.geometry()
    let waves =
      !hasWalls
      ? []
      : (1...9).map { m in
        (m: m, n: 0, amplitude: 0.6 / Double(m * m))
      }
    var wrong = (x: 0.0, y: 0.0)
    var stated = (x: 0.0, y: 0.0)
    for seed in 1...8 {
      let signals = PhaseContrastTransferTests.signals(
        phase: waves, shape: shape, pixel: pixel, geometry: geometry, segmentCount: 8,
        electrons: 600, seed: UInt64(seed))
      let map = try PhaseContrastTransferTests.reconstruct(signals, geometry, .measured).deflection
      let covariance = try #require(map.covariance)
      #expect(covariance.xx[0] > 0 && covariance.yy[0] > 0)
      stated.x += covariance.xx[0]
      stated.y += covariance.yy[0]
      for position in 0..<shape.count {
        let angle = 2 * Double.pi * Double(position % shape.columns) / Double(shape.columns)
        let truth =
          waves.reduce(0) { sum, wave in
            let k = 2 * Double.pi * Double(wave.m) / (Double(shape.columns) * pixel.x)
            return sum - k * wave.amplitude * sin(Double(wave.m) * angle)
          } * PhaseContrastTransferTests.wavelength / (2 * Double.pi)
        let (x, y) = (map.field.x[position] - truth, map.field.y[position])
        wrong.x += x * x / Double(shape.count)
        wrong.y += y * y / Double(shape.count)
      }
    }
    // Eight draws whose error a dozen slow waves make: 10 % of the mean square.
    #expect(stated.x > 0.8 * wrong.x, "\(stated), \(wrong)")
    #expect(stated.y > 0.8 * wrong.y, "\(stated), \(wrong)")
    // Nor are they of no use: a signal that stands out is not drowned by them.
    if hasWalls { #expect(stated.x < 9 * wrong.x, "\(stated), \(wrong)") }
  }
}
