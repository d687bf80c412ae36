// How far two arrays are apart, in their unit and in ulp.
import STEMData
import Testing

struct NumberDifferenceTests {
  @Test("Equal arrays have no difference; NaN equals NaN and zero minus zero")
  func equal() {
    let values = [1.5, .nan, 0, -2]
    #expect(
      NumberDifference(values, [1.5, .nan, -0.0, -2], shape: [4], precision: .float32) == nil)
  }

  @Test("The largest difference, its place as [row, column], and NaN on one side")
  func places() throws {
    let difference = try #require(
      NumberDifference(
        [1, 2, 3, 4, 5, 6], [1, 2.5, .nan, 4, 5, 4], shape: [2, 3], precision: .float32))
    #expect(difference.count == 6)
    #expect(difference.differing == 3)
    #expect(difference.missingOnOneSide == 1)
    #expect(difference.largest == 2 && difference.largestMagnitude == 6)
    #expect(difference.place == [1, 2])
  }

  @Test("Rounding is what stays within four steps of the stored type everywhere")
  func rounding() throws {
    func isRounding(_ a: [Double], _ b: [Double], _ precision: NumberDifference.Precision) -> Bool?
    {
      NumberDifference(a, b, shape: [a.count], precision: precision)?.isRounding
    }
    let four = Double(Float(1) + 4 * Float(1).ulp)
    #expect(isRounding([1, 3], [four, 3], .float32) == true)
    #expect(isRounding([1, 3], [four + Double(Float(1).ulp), 3], .float32) == false)
    #expect(isRounding([1, 3], [four, 3], .float64) == false)
    #expect(isRounding([1, 3], [four, .nan], .float32) == false)
    #expect(isRounding([1], [2], .integer) == false)
  }

  @Test("Steps of the stored type, over zero and over a power of two")
  func ulp() throws {
    func steps(_ a: Double, _ b: Double, _ precision: NumberDifference.Precision) -> UInt64? {
      NumberDifference([a], [b], shape: [], precision: precision)?.largestUlp
    }
    let next = Double(Float(1).nextUp)
    #expect(steps(1, next, .float32) == 1)
    #expect(steps(next, 1, .float32) == 1)
    #expect(steps(1, next, .float64) == 1 << 29)
    #expect(steps(3e7, 6e7, .float32) == 1 << 23)
    let tiny = Double(Float.leastNonzeroMagnitude)
    #expect(steps(-tiny, tiny, .float32) == 2)
    #expect(steps(-Double.infinity, .infinity, .float64) == 0xFFE0_0000_0000_0000 as UInt64)
    #expect(steps(1, 2, .integer) == nil)
  }
}
