// Azimuths by polynomial against the mathematics library's.
import DPCReconstruction
import Foundation
import STEMCore
import Testing

struct AzimuthTests {
  private func azimuths(_ x: [Double], _ y: [Double]) -> [Float] {
    var result = [Float](repeating: .nan, count: x.count)
    result.withUnsafeMutableBufferPointer { writeAzimuths(x: x.span, y: y.span, to: $0) }
    return result
  }

  // Off by 3e-14 rad, so that two results round to the same Float, or to neighbors: half an ulp of 4 each.
  @Test("All around the circle, of any length") func circle() {
    let count = 100_003
    for length in [1e-300, 1e-6, 1, 3e8, 1e300] {
      let angles = (0..<count).map { Double.pi * ((2 * Double($0) + 1) / Double(count) - 1) }
      let found = azimuths(angles.map { length * cos($0) }, angles.map { length * sin($0) })
      let farthest = zip(found, angles).map { abs(Double($0) - $1) }.max() ?? .infinity
      #expect(farthest <= Double(Float(4).ulp) / 2 + 1e-13, "length \(length)")
    }
  }

  @Test("Axes, diagonals and no vector at all") func exact() {
    let (x, y) = ([1.0, 1, 0, -1, -1, -1, 0, 1, 0], [0.0, 1, 1, 1, 0, -1, -1, -1, 0])
    let quarter = Double.pi / 4
    let expected = [0, 1, 2, 3, 4, -3, -2, -1, 0].map { Float($0 * quarter) }
    #expect(azimuths(x, y) == expected)
  }

  @Test("Near an axis the azimuth is the slope, to the last digit of a Float") func slope() {
    let slopes = (1...60).map { pow(10, -Double($0) / 4) }
    let found = azimuths(slopes.map { _ in 2.0 }, slopes.map { 2 * $0 })
    for (azimuth, slope) in zip(found, slopes) {
      #expect(abs(Double(azimuth) - atan(slope)) <= Double(Float(slope).ulp), "slope \(slope)")
    }
  }
}
