// The median deviation of a map from its variances, against sorting the deviations.
import DPCReconstruction
import DPCSimulation
import STEMCore
import Testing

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

  @Test("A vector map's is the root of the mean variance of its two components")
  func components() {
    let shape = GridShape(rows: 1, columns: 3)
    let map = VectorMap(
      field: VectorField(shape: shape),
      covariance: VectorCovariance(
        shape: shape, xx: [1, 9, 100], yy: [7, 9, 100], xy: [0, 0, 0]),
      mask: PixelMask(shape: shape), pixelSize: nil)
    // The roots are 2, 3 and 10.
    #expect(medianDeviation(map) == 3)
    #expect(
      medianDeviation(VectorMap(field: map.field, covariance: nil, mask: map.mask, pixelSize: nil))
        == nil)
  }

  @Test("The root mean square error of a scalar map is over its usable pixels")
  func rootMeanSquare() {
    let shape = GridShape(rows: 1, columns: 3)
    var map = ScalarMap(
      field: ScalarField(shape: shape), variance: [1, 7, 1000], mask: PixelMask(shape: shape),
      pixelSize: nil)
    map.mask.bytes[2] = PixelFlags.hot.rawValue
    #expect(map.rootMeanSquareError == 2)
    map.variance = nil
    #expect(map.rootMeanSquareError == nil)
  }
}
