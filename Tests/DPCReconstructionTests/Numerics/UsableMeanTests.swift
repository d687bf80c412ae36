// Means over the pixels that hold a measurement, against sums that are exact.
import STEMCore
import Testing

@testable import DPCReconstruction

struct UsableMeanTests {
  /// Whole numbers below 2^53: every order of adding them up gives the same bits.
  @Test("Masked pixels count for nothing, wherever they stand", arguments: [1, 1024, 1025, 70_001])
  func exact(count: Int) throws {
    let first = (0..<count).map { Double($0 % 997) }
    let second = first.map { 3 - 2 * $0 }
    for masked in [[], [count - 1], Array(stride(from: 0, to: count, by: 7)), [count / 2]]
    where masked.count < count {
      var mask = PixelMask(shape: GridShape(rows: 1, columns: count))
      for index in masked { mask.bytes[index] = PixelFlags.saturated.rawValue }
      var (a, b) = (first, second)
      for index in masked { (a[index], b[index]) = (.nan, .infinity) }
      let usable = (0..<count).filter(mask.isUsable)
      let means = try #require(usableMeans(a, b, mask))
      #expect(means.first == usable.reduce(0) { $0 + first[$1] } / Double(usable.count))
      #expect(means.second == usable.reduce(0) { $0 + second[$1] } / Double(usable.count))
    }
  }

  @Test("A filled pixel that was measured counts; without any measurement there is no mean")
  func flags() {
    var mask = PixelMask(shape: GridShape(rows: 1, columns: 2))
    mask.bytes = [PixelFlags.filledIn.rawValue, PixelFlags.noCounts.rawValue]
    #expect(usableMean([5, 7], mask) == 5)
    mask.bytes[0] |= PixelFlags.missing.rawValue
    #expect(usableMean([5, 7], mask) == nil)
  }
}
