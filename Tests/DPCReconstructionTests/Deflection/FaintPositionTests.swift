// Positions at which the beam was off.

import DPCReconstruction
import STEMCore
import Testing

struct FaintPositionTests {
  @Test("Positions beyond the limit lose their vectors; others, and what was masked before, stay")
  func masked() throws {
    let shape = GridShape(rows: 1, columns: 5)
    let variance = [1.0, 99, 101, 1e9, 500]
    var map = VectorMap(
      field: VectorField(shape: shape),
      covariance: VectorCovariance(
        shape: shape, xx: variance, yy: variance, xy: [Double](repeating: 0.5, count: 5)),
      mask: PixelMask(shape: shape), pixelSize: nil)
    for index in 0..<5 { (map.field.x[index], map.field.y[index]) = (Double(index), 7) }
    map.mask.bytes[4] = PixelFlags.hot.rawValue
    map.maskFaint(beyond: 100)
    let none = PixelFlags.noCounts.rawValue
    #expect(map.mask.bytes == [0, 0, none, none, PixelFlags.hot.rawValue])
    #expect(map.field.x == [0, 1, 0, 0, 4] && map.field.y == [7, 7, 0, 0, 7])
    #expect(map.covariance?.xx == [1, 99, 0, 0, 500] && map.covariance?.xy[3] == 0)
    var exact = map
    exact.covariance = nil
    let before = exact
    exact.maskFaint(beyond: 0)
    #expect(exact == before)
  }
}
