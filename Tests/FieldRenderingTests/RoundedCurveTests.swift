// The smooth curve through samples of a fit, held against the fit itself.
@testable import FieldRendering
import Foundation
import Testing

struct RoundedCurveTests {
  /// sech² of width parameter 1, whose full width at half maximum is 1.763.
  private static func wall(_ x: Double) -> Double { 1 / (cosh(x) * cosh(x)) }

  @Test(
    "A wall of nine samples a width is met to 1e-3 between them, and at every one of them",
    arguments: [0.0, 0.05, 0.098])
  func wall(offset: Double) {
    let spacing = 1.763 / 9
    let samples = (-20...20).map { k in
      let x = Double(k) * spacing + offset
      return Point(x: x, y: Self.wall(x))
    }
    let curve = rounded(samples, step: spacing / 7.9)
    #expect(curve.count == 40 * 8 + 1)
    for point in curve { #expect(abs(point.y - Self.wall(point.x)) < 1e-3, "\(point)") }
    #expect(samples.allSatisfy(curve.contains))
    for (before, after) in zip(curve, curve.dropFirst()) { #expect(before.x < after.x) }
  }

  @Test("Points that lie close, and too few for a curve, stay what they are")
  func unchanged() {
    let close = (0..<5).map { Point(x: Double($0), y: Double($0 % 2)) }
    #expect(rounded(close, step: 1) == close)
    #expect(rounded([close[0], close[4]], step: 0.1) == [close[0], close[4]])
    #expect(rounded([], step: 1).isEmpty)
  }
}
