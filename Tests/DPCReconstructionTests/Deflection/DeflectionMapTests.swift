// Whole maps of deflections against the plain formula at every position, across lines of positions.
import DPCReconstruction
import DPCSimulation
import Foundation
import STEMCore
import Testing

struct DeflectionMapTests {
  private let angle = 0.024
  private let orientation = 0.4

  /// Counts of four sectors, rings summed: shifts from none to almost the whole disc, and none at all.
  private func sectors(_ count: Int) -> [[Double]] {
    var generator = SeededGenerator(seed: 21, path: [count])
    return (0..<count).map { position in
      if position % 97 == 5 { return [0, 0, 0, 0] }
      let tilt = Double(position % 10) / 10
      let shares = [1 + tilt, 1 + 0.5 * tilt, 1 - 0.98 * tilt, 1 - 0.3 * tilt]
      return shares.map { generator.poisson(mean: 250 * $0) }
    }
  }

  /// As published in `DiscShiftEstimator`, for two perpendicular diameters.
  private func plain(_ s: [Double], electronsPerUnit: Double) -> [Double] {
    let total = s.reduce(0, +)
    // Normals at the orientation and 90° further; sector k is centered at 45° + 90° k.
    let (a, b) = ((s[0] - s[1] - s[2] + s[3]) / total, (s[0] + s[1] - s[2] - s[3]) / total)
    let product = (s[0] - s[1] + s[2] - s[3]) / total
    let t = [a, b].map { DiscShiftEstimator.shift(forHalfDifference: $0) }
    let slopes = t.map { angle * Double.pi / 4 / (1 - $0 * $0).squareRoot() }
    // One electron of a centered disc is added: its square counts for each diameter, its product for nothing.
    let electrons = total * electronsPerUnit
    let part = electrons / (electrons + 1)
    let scale = 1 / (electrons * part * part + part * part + part / (electrons + 1))
    let (c, n) = (cos(orientation), sin(orientation))
    let aa = scale * (1 - part * part * a * a) * slopes[0] * slopes[0]
    let bb = scale * (1 - part * part * b * b) * slopes[1] * slopes[1]
    let ab = scale * (part * product - part * part * a * b) * slopes[0] * slopes[1]
    return [
      angle * (c * t[0] - n * t[1]), angle * (n * t[0] + c * t[1]),
      c * c * aa - 2 * c * n * ab + n * n * bb, n * n * aa + 2 * c * n * ab + c * c * bb,
      c * n * (aa - bb) + (c * c - n * n) * ab,
    ]
  }

  @Test(
    "A map holds at every position what the plain formula gives, its masks included",
    arguments: [1, 511, 512, 513, 1300])
  func againstPlainFormula(count: Int) throws {
    let detector = SegmentedDetector.annular(
      rings: [(0, 0.024, 4), (0.024, 0.048, 4)], orientation: orientation)
    let estimator = try DiscShiftEstimator(detector: detector, probeSemiAngle: angle)
    let shape = GridShape(rows: 1, columns: count)
    let counts = sectors(count)
    // A third of each sector falls on the outer ring.
    let values = (0..<8).flatMap { (k: Int) -> [Double] in
      let share = k < 4 ? 2.0 : 1
      return counts.map { $0[k % 4] * share / 3 }
    }
    var mask = PixelMask(shape: shape)
    if count > 30 { mask.bytes[30] = PixelFlags.hot.rawValue }
    let map = estimator.deflection(
      of: SegmentSignals(
        shape: shape, segmentCount: 8, values: values, mask: mask, electronsPerUnit: 2.5),
      calibration: .identity, pixelSize: nil
    ).map
    let covariance = try #require(map.covariance)
    for index in 0..<count {
      let found = [
        map.field.x[index], map.field.y[index], covariance.xx[index], covariance.yy[index],
        covariance.xy[index],
      ]
      if mask.bytes[index] != 0 || counts[index].reduce(0, +) == 0 {
        #expect(!map.mask.isUsable(index) && found.allSatisfy { $0 == 0 })
        continue
      }
      let expected = plain(counts[index], electronsPerUnit: 2.5)
      if hypot(expected[0], expected[1]) > estimator.range {
        #expect(map.mask.bytes[index] == PixelFlags.outsideModel.rawValue)
        continue
      }
      #expect(map.mask.bytes[index] == 0)
      for (component, value) in found.enumerated() {
        // Some ten roundings of numbers of the size of α, or of the largest variance.
        let size = component < 2 ? angle : max(expected[2], expected[3])
        #expect(abs(value - expected[component]) <= 1e-13 * size)
      }
    }
  }
}
