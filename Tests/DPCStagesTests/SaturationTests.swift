// Signals that noise takes beyond the largest number of their type: what is left reads too low, and that is told.
import DPCReconstruction
import DPCSimulation
@testable import DPCStages
import Foundation
import Pipeline
import STEMCore
import Testing

struct SaturationTests {
  private static let shape = GridShape(rows: 200, columns: 200)
  /// Of the disc along x, rad.
  private static let shift = 3e-4
  private static let semiAngle = 24e-3

  /// A disc on four quadrants that is shifted along x everywhere, with counting noise, in eight bits.
  ///
  /// - Returns: The part of the signals that is clipped.
  private static func write(mean: Double, frames: Int, to path: String) throws -> Double {
    let t = shift / semiAngle
    // Difference of the halves of a shifted disc over its sum, to first order exact to 1e-5 here: t³/6 is left out.
    let difference = 4 * t / Double.pi
    var generator = SeededGenerator(seed: 12, path: [frames])
    var (numbers, clipped) = ([UInt8](), 0)
    for _ in 0..<frames {
      for segment in 0..<4 {
        let sign = segment == 0 || segment == 3 ? 1.0 : -1.0
        for _ in 0..<shape.count {
          let signal = generator.poisson(mean: mean * (1 + sign * difference))
          clipped += signal >= 255 ? 1 : 0
          numbers.append(UInt8(min(signal, 255)))
        }
      }
    }
    try WrittenAcquisition(
      inner: [0, 0, 0, 0], outer: [48, 48, 48, 48], start: [0, 90, 180, 270],
      stop: [90, 180, 270, 360], frameCount: frames, shape: shape
    ).write(numbers, to: path)
    return Double(clipped) / Double(numbers.count)
  }

  /// The mean deflection over the true one, with its error by counting, and the warnings of saturation.
  private static func ratio(
    mean: Double, frames: Int
  ) async throws -> (ratio: Double, error: Double, clipped: Double, warnings: [String]) {
    let laboratory = try Laboratory()
    let path = laboratory.folder + "/scan.h5"
    let clipped = try write(mean: mean, frames: frames, to: path)
    let outcome = try await laboratory.reconstruction(of: path)
    let map = try outcome.value("tilt", as: DeflectionValue.self).map
    let usable = (0..<shape.count).filter(map.mask.isUsable)
    let sum = usable.reduce(0.0) { $0 + map.field.x[$1] }
    let variance = usable.reduce(0.0) { $0 + (map.covariance?.xx[$1] ?? .nan) }
    let count = Double(usable.count)
    return (
      sum / count / shift, variance.squareRoot() / count / shift, clipped,
      outcome.report.stages.flatMap(\.notes).filter {
        $0.kind == .warning && $0.text.contains("saturated")
      }
      .map(\.text)
    )
  }

  @Test(
    "The loss is that of the truncated normal distribution, and a bound on it is told",
    arguments: [1, 9])
  func loss(frames: Int) async throws {
    let (ratio, error, clipped, warnings) = try await Self.ratio(mean: 230, frames: frames)
    #expect(clipped > 0.04 && clipped < 0.08)
    // The Poisson distribution is the normal one to a skewness of 1/√230: a few per cent of the loss.
    let expected = 1 - saturationLoss(fraction: clipped)
    #expect(abs(ratio - expected) < 4 * error + 0.02, "\(ratio) ± \(error), \(expected)")
    #expect(ratio < 1 - 5 * error)
    let warning = try #require(warnings.first)
    #expect(warnings.count == 1)
    let bound = try #require(
      warning.firstMatch(of: /^([0-9.]+) % of the positions .* too small by up to ([0-9.]+) %;/))
    // Four segments, each clipped as often as the others.
    let positions = 1 - pow(1 - clipped, 4)
    #expect(abs((Double(bound.1) ?? 0) / 100 - positions) < 0.01, "\(warning)")
    #expect((Double(bound.2) ?? 0) / 100 > 1 - ratio, "\(warning)")
  }

  @Test("Nothing is told where hardly a signal is clipped, and the deflection is right")
  func none() async throws {
    let (ratio, error, clipped, warnings) = try await Self.ratio(mean: 190, frames: 1)
    #expect(clipped < 1e-4)
    #expect(abs(ratio - 1) < 4 * error)
    #expect(warnings.isEmpty)
  }

  @Test("The loss against the derivative of the truncated mean, and at its ends")
  func analytic() {
    // At the median φ(0)/Φ(0) = √(2/π): the loss is 2/π.
    #expect(abs(saturationLoss(fraction: 0.5) - 2 / Double.pi) < 1e-12)
    #expect(saturationLoss(fraction: 0) == 0 && saturationLoss(fraction: 1) == 1)
    func below(_ level: Double) -> Double { erfc(-level / 2.squareRoot()) / 2 }
    func mean(_ shift: Double, level: Double) -> Double {
      let distance = level - shift
      return shift - exp(-distance * distance / 2) / (2 * Double.pi).squareRoot() / below(distance)
    }
    for level in [-2.0, -0.5, 0.7, 1.5, 3] {
      let derivative = (mean(1e-4, level: level) - mean(-1e-4, level: level)) / 2e-4
      let loss = saturationLoss(fraction: 1 - below(level))
      // Of the difference quotient: h²/6 times a third derivative of order one.
      #expect(abs(loss - (1 - derivative)) < 1e-8, "\(level)")
    }
  }
}
