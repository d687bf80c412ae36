// The median deviation of a map from its variances, against sorting the deviations.
import DPCSimulation
import STEMCore
import Testing

@testable import DPCStages

struct MedianDeviationTests {
  @Test(
    "The median deviation is that of the roots, of usable positions only",
    arguments: [89_999, 90_000])
  func deviations(count: Int) {
    var generator = SeededGenerator(seed: 9, path: [count])
    let variances = (0..<count).map { _ in generator.uniform() * generator.uniform() }
    var mask = PixelMask(shape: GridShape(rows: 1, columns: count))
    for index in stride(from: 0, to: count, by: 7) { mask.bytes[index] = PixelFlags.hot.rawValue }
    // What was filled in has a number.
    mask.bytes[3] = PixelFlags.filledIn.rawValue
    let usable = variances.indices.filter(mask.isUsable).map { variances[$0].squareRoot() }
    let sorted = usable.sorted()
    let middle = [sorted[(sorted.count - 1) / 2], sorted[sorted.count / 2]]
    #expect(medianDeviation(mask, of: variances) == (middle[0] + middle[1]) / 2)
  }
}
