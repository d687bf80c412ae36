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
    let distances =
      (-400...400).map { Double($0) * sechWidth / 37 } + [edge, -edge, 0, 1e-3, -1e-3]
      + (0..<9).map { edge + (Double($0) - 4) * sechWidth }
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
}
