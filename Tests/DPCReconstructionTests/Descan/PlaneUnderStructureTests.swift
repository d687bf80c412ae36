// The plane under the structure of a map.

import DPCReconstruction
import STEMCore
import Testing

struct PlaneUnderStructureTests {
  @Test("Plane and rest are root mean squares over the frame, with masked spikes, large or small")
  func exact() throws {
    for (rows, columns) in [(40, 64), (300, 500)] {
      let shape = GridShape(rows: rows, columns: columns)
      var map = VectorMap(
        field: VectorField(shape: shape), covariance: nil, mask: PixelMask(shape: shape),
        pixelSize: nil)
      var generator = WallTestGenerator(seed: 3)
      for row in 0..<rows {
        for column in 0..<columns {
          let s = 2 * Double(column) / Double(columns - 1) - 1
          map.field.x[row * columns + column] = 3 + 0.6 * s + 0.1 * generator.normal()
          map.field.y[row * columns + column] = -4 + 0.1 * generator.normal()
        }
      }
      #expect(PlaneUnderStructure(masked(map)) == nil)
      map.field.x[7] = 1e6
      map.mask.bytes[7] = PixelFlags.hot.rawValue
      let found = try #require(PlaneUnderStructure(map))
      let (plane, rest) = (found.plane, found.rest)
      // √(3² + 4² + 0.6²/3), and √2 · 0.1, over 2560 positions or more.
      #expect(abs(plane - 5.012) < 0.02, "\(plane)")
      #expect(abs(rest - 0.1414) < 0.006, "\(rest)")
    }
  }

  private func masked(_ map: VectorMap) -> VectorMap {
    var map = map
    for index in 0..<map.shape.count { map.mask.bytes[index] = PixelFlags.missing.rawValue }
    return map
  }
}
