// Sums of vectors along directions against those formed by hand.
import DPCReconstruction
import STEMCore
import Testing

struct DirectedSumTests {
  private static let shape = GridShape(rows: 3, columns: 3)

  /// Nine vectors, pixels of 1 nm × 2 nm; variances 4 and 9, covariance 1 of every pixel.
  private static func map(_ vector: (_ column: Int, _ row: Int) -> (Double, Double)) -> VectorMap {
    var field = VectorField(shape: shape)
    for index in 0..<shape.count {
      (field.x[index], field.y[index]) = vector(index % 3, index / 3)
    }
    func plane(_ value: Double) -> [Double] { [Double](repeating: value, count: shape.count) }
    return VectorMap(
      field: field,
      covariance: VectorCovariance(shape: shape, xx: plane(4), yy: plane(9), xy: plane(1)),
      mask: PixelMask(shape: shape), pixelSize: PixelSize(x: 1e-9, y: 2e-9))
  }

  @Test("Along one direction the sum is the count times the component, its variance n·C·n of each")
  func fixed() {
    let map = Self.map { _, _ in (5, -2) }
    let sum = directedSum(
      of: map, over: Array(0..<9), along: .fixed(x: 0.6, y: 0.8), noiseFactor: 2)
    // 9 (3 - 1.6), and 2 · 9 (0.36·4 + 0.64·9 + 2·0.48).
    #expect(abs(sum.value - 12.6) < 1e-12)
    #expect(abs((sum.error ?? 0) - (18 * 8.16).squareRoot()) < 1e-12)
    var bare = map
    bare.covariance = nil
    #expect(
      directedSum(of: bare, over: [4], along: .fixed(x: 0, y: 1), noiseFactor: 1).value == -2)
    #expect(
      directedSum(of: bare, over: [4], along: .fixed(x: 0, y: 1), noiseFactor: 1).error == nil)
  }

  @Test(
    "Outward is away from the pixels' middle, in lengths and not in pixels; the middle counts nothing"
  )
  func outward() {
    // Unit vectors away from the middle, of pixels that are twice as high as wide.
    let source = Self.map { column, row in
      let (x, y) = (Double(column - 1), 2 * Double(row - 1))
      let length = (x * x + y * y).squareRoot()
      return length > 0 ? (x / length, y / length) : (7, 7)
    }
    let all = directedSum(of: source, over: Array(0..<9), along: .outward, noiseFactor: 1)
    #expect(abs(all.value - 8) < 1e-12)
    // About (0, 0) to (1, 0) the middle lies between the two.
    let uniform = Self.map { _, _ in (1, 0) }
    let pair = directedSum(of: uniform, over: [0, 1], along: .outward, noiseFactor: 1)
    #expect(pair.value == 0)
    #expect(abs((pair.error ?? 0) - 8.0.squareRoot()) < 1e-12)
  }

  @Test("A rectangle holds the pixels on its rim; masked ones are not usable")
  func rectangle() {
    var map = Self.map { _, _ in (0, 0) }
    #expect(map.usablePixels(in: nil) == Array(0..<9))
    #expect(map.usablePixels(in: [0, 2e-9, 1e-9, 4e-9]) == [3, 4, 6, 7])
    map.mask.bytes[4] = PixelFlags.hot.rawValue
    #expect(map.usablePixels(in: [0, 2e-9, 1e-9, 4e-9]) == [3, 6, 7])
    #expect(map.usablePixels(in: [5e-9, 0, 6e-9, 1e-9]).isEmpty)
  }
}
