// Heights of a wall at many distances against those at each, at every width of vectors.
import Foundation
import STEMCore
import Testing

@testable import DPCReconstruction

struct ProjectedWallTests {
  @Test(
    "Heights in wide vectors are those of one distance after the other, and the same bits at every width",
    arguments: [0, 0.02, 0.8, 1.5], [1e-10, 5e-9, 2e-7])
  func heights(inclination: Double, sechWidth: Double) throws {
    let geometry = try InclinationGeometry(
      thickness: 60e-9, inclination: inclination, direction: .perp)
    let shape = ProjectedWall(geometry: geometry, sechWidth: sechWidth)
    // Around the edges of the box, and far beyond where the height is below the smallest number.
    let edge = geometry.thickness * tan(inclination) / 2
    var distances: [Double] = (-400...400).map { Double($0) * sechWidth / 37 }
    distances += [edge, -edge, 0, 1e-3, -1e-3]
    distances += (0..<9).map { step -> Double in edge + (Double(step) - 4) * sechWidth }
    let expected = distances.map(shape.unitHeight(at:))
    let first = shape.unitHeights(at: distances, width: .least)
    for (height, exact) in zip(first, expected) {
      // The exponential is good to 2 ulp; what is formed of it loses no more than some of its own.
      #expect(abs(height - exact) <= 16 * 0x1p-52 * abs(exact) + 1e-300)
    }
    for width in KernelWidth.allCases where width <= .widest {
      for count in [0, 1, 7, 8, 9, distances.count] {
        let heights = shape.unitHeights(at: Array(distances.prefix(count)), width: width)
        #expect(heights.map(\.bitPattern) == first.prefix(count).map(\.bitPattern))
      }
    }
  }

  @Test(
    "A trial's sums are those of its heights to 2e-7, and the same bits at every width",
    arguments: [0, 0.02, 0.8, 1.5])
  func match(inclination: Double) throws {
    let geometry = try InclinationGeometry(
      thickness: 60e-9, inclination: inclination, direction: .perp)
    let shape = ProjectedWall(geometry: geometry, sechWidth: 5e-9)
    var (distances, precision, weighted): ([Double], [Double], [Double]) = ([], [], [])
    for i in 0..<203 {
      distances.append((Double(i) - 101) * 1.1e-9 + Double(i % 3) * 1e-10)
      precision.append(1 + Double(i % 5))
      weighted.append(precision[i] * sin(Double(i)))
    }
    for samples in [0..<0, 7..<8, 3..<19, 0..<203] {
      var (t, tt, tr, size) = (0.0, 0.0, 0.0, 0.0)
      for i in samples {
        let height = shape.unitHeight(at: distances[i] - 7e-9)
        t += precision[i] * height
        tt += precision[i] * height * height
        tr += weighted[i] * height
        size += abs(weighted[i] * height)
      }
      func match(_ width: KernelWidth) -> [Double] {
        let sums = shape.match(
          at: 7e-9, distances, precision: precision, weighted: weighted, in: samples, width: width)
        return [sums.t, sums.tt, sums.tr]
      }
      let least = match(.least)
      #expect(abs(least[0] - t) <= 2e-7 * t)
      #expect(abs(least[1] - tt) <= 4e-7 * tt)
      #expect(abs(least[2] - tr) <= 2e-7 * size)
      for width in KernelWidth.allCases where width <= .widest { #expect(match(width) == least) }
    }
  }
}
