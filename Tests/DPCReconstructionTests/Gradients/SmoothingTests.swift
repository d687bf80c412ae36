// Gaussian smoothing against the double sum that defines it, masks and errors included.
import DPCReconstruction
import Foundation
import STEMCore
import Testing

@Suite("Gaussian smoothing")
struct SmoothingTests {
  let shape = GridShape(rows: 11, columns: 14)
  let sigma = (x: 1.3, y: 0.7)

  func noisyMap() -> VectorMap {
    var mask = PixelMask(shape: shape)
    let dice = reproducibleNumbers(shape.count, seed: 30)
    for index in 0..<shape.count where dice[index] > 0.5 {
      mask.bytes[index] = PixelFlags.missing.rawValue
    }
    func values(_ seed: UInt64, _ offset: Double) -> [Double] {
      let numbers = reproducibleNumbers(shape.count, seed: seed)
      return numbers.indices.map { mask.isUsable($0) ? numbers[$0] + offset : 0 }
    }
    return VectorMap(
      field: VectorField(shape: shape, x: values(31, 4), y: values(32, -4)),
      covariance: VectorCovariance(
        shape: shape, xx: values(33, 2), yy: values(34, 3), xy: values(35, 0)), mask: mask,
      pixelSize: nil)
  }

  /// Normalized weights of all pixels for the mean at `index`, zero beyond 4σ and at masked ones.
  func weights(_ mask: PixelMask, at index: Int) -> [Double] {
    let columns = mask.shape.columns
    var weights = (0..<mask.shape.count).map { other -> Double in
      let dx = Double(other % columns - index % columns)
      let dy = Double(other / columns - index / columns)
      guard mask.isUsable(other), abs(dx) <= 4 * sigma.x, abs(dy) <= 4 * sigma.y else {
        return 0
      }
      return exp(-dx * dx / (2 * sigma.x * sigma.x) - dy * dy / (2 * sigma.y * sigma.y))
    }
    let sum = weights.reduce(0, +)
    weights = weights.map { $0 / sum }
    return weights
  }

  @Test("Means and covariances are the weighted sums over usable pixels")
  func oracle() throws {
    let map = noisyMap()
    let result = smoothed(map, sigma: sigma)
    let before = try #require(map.covariance)
    let after = try #require(result.covariance)
    for index in 0..<shape.count {
      guard map.mask.isUsable(index) else {
        #expect(result.field.x[index] == 0 && result.field.y[index] == 0)
        #expect(after.xx[index] == 0 && after.yy[index] == 0 && after.xy[index] == 0)
        continue
      }
      let w = weights(map.mask, at: index)
      func sum(_ values: [Double]) -> Double { zip(w, values).reduce(0) { $0 + $1.0 * $1.1 } }
      func squares(_ values: [Double]) -> Double {
        zip(w, values).reduce(0) { $0 + $1.0 * $1.0 * $1.1 }
      }
      #expect(abs(result.field.x[index] - sum(map.field.x)) < 1e-13)
      #expect(abs(result.field.y[index] - sum(map.field.y)) < 1e-13)
      #expect(abs(after.xx[index] - squares(before.xx)) < 1e-13)
      #expect(abs(after.yy[index] - squares(before.yy)) < 1e-13)
      #expect(abs(after.xy[index] - squares(before.xy)) < 1e-13)
    }
    #expect(result.mask == map.mask)
  }

  @Test("Every sum runs over the kernel in order: the bits of the plain loops")
  func plainLoops() throws {
    let shape = GridShape(rows: 150, columns: 71)
    var mask = PixelMask(shape: shape)
    for index in stride(from: 3, to: shape.count, by: 17) {
      mask.bytes[index] = PixelFlags.hot.rawValue
    }
    let values = reproducibleNumbers(shape.count, seed: 7)
    let map = VectorMap(
      field: VectorField(shape: shape, x: values, y: values.map { 1 - $0 }),
      covariance: VectorCovariance(shape: shape, xx: values, yy: values, xy: values), mask: mask,
      pixelSize: nil)
    let sigma = (x: 2.3, y: 1.6)
    func kernel(_ sigma: Double) -> [Double] {
      (0...Int(4 * sigma)).map { exp(-(Double($0) / sigma) * (Double($0) / sigma) / 2) }
    }
    /// Σ over rows of (Σ over columns).
    func sums(_ value: (Int) -> Double, _ kernelX: [Double], _ kernelY: [Double]) -> [Double] {
      var (rows, result) = (values, values)
      for (row, column) in places(shape) {
        var sum = 0.0
        for offset in -(kernelX.count - 1)...(kernelX.count - 1)
        where (0..<shape.columns).contains(column + offset) {
          let source = row * shape.columns + column + offset
          sum += kernelX[abs(offset)] * (mask.isUsable(source) ? value(source) : 0)
        }
        rows[row * shape.columns + column] = sum
      }
      for (row, column) in places(shape) {
        var sum = 0.0
        for offset in -(kernelY.count - 1)...(kernelY.count - 1)
        where (0..<shape.rows).contains(row + offset) {
          sum += kernelY[abs(offset)] * rows[(row + offset) * shape.columns + column]
        }
        result[row * shape.columns + column] = sum
      }
      return result
    }
    let (kernelX, kernelY) = (kernel(sigma.x), kernel(sigma.y))
    let weights = sums({ _ in 1 }, kernelX, kernelY)
    let means = sums({ values[$0] }, kernelX, kernelY)
    let squares = sums({ values[$0] }, kernelX.map { $0 * $0 }, kernelY.map { $0 * $0 })
    let result = smoothed(map, sigma: sigma)
    let covariance = try #require(result.covariance)
    for index in 0..<shape.count where mask.isUsable(index) {
      #expect(result.field.x[index] == means[index] / weights[index])
      #expect(covariance.xy[index] == squares[index] / (weights[index] * weights[index]))
    }
  }

  private func places(_ shape: GridShape) -> [(row: Int, column: Int)] {
    (0..<shape.count).map { ($0 / shape.columns, $0 % shape.columns) }
  }

  @Test("A constant stays the same at the rim and beside masked pixels")
  func constant() {
    var map = noisyMap()
    for index in 0..<shape.count {
      map.field.x[index] = map.mask.isUsable(index) ? 5 : 0
    }
    let result = smoothed(map, sigma: (x: 2, y: 3))
    for index in 0..<shape.count where map.mask.isUsable(index) {
      #expect(abs(result.field.x[index] - 5) < 1e-13)
    }
  }

  @Test("The widths belong to their axes, and white noise loses what theory says")
  func widths() throws {
    let wide = GridShape(rows: 41, columns: 41)
    var field = VectorField(shape: wide)
    field.x[20 * 41 + 20] = 1
    let ones = [Double](repeating: 1, count: wide.count)
    let map = VectorMap(
      field: field,
      covariance: VectorCovariance(shape: wide, xx: ones, yy: ones, xy: ones.map { $0 * 0.5 }),
      mask: PixelMask(shape: wide), pixelSize: nil)
    let result = smoothed(map, sigma: (x: 3, y: 1.5))
    var (varianceX, varianceY, total) = (0.0, 0.0, 0.0)
    for index in 0..<wide.count {
      let (dx, dy) = (Double(index % 41 - 20), Double(index / 41 - 20))
      total += result.field.x[index]
      varianceX += dx * dx * result.field.x[index]
      varianceY += dy * dy * result.field.x[index]
    }
    // The tails beyond 4σ hold 2 · 4 φ(4) = 1.1e-3 of the variance; the rim changes far less.
    #expect(abs(total - 1) < 1e-3)
    #expect(abs(varianceX / 9 - 1) < 2e-3 && abs(varianceY / 2.25 - 1) < 2e-3)
    // ∫w² / (∫w)² = 1 / (4π σx σy).
    let expected = 1 / (4 * Double.pi * 3 * 1.5)
    let covariance = try #require(result.covariance)
    #expect(abs(covariance.xx[20 * 41 + 20] / expected - 1) < 2e-3)
    #expect(abs(covariance.xy[20 * 41 + 20] / expected - 0.5) < 1e-3)
  }

  @Test("Width zero changes nothing")
  func zeroWidth() {
    let map = noisyMap()
    #expect(smoothed(map, sigma: (x: 0, y: 0)) == map)
  }

  @Test("Filled pixels become the mean of the measured ones in reach, or keep their filling")
  func filledPixels() {
    let line = GridShape(rows: 1, columns: 6)
    var mask = PixelMask(shape: line)
    let flags = PixelFlags.hot.union(.filledIn).rawValue
    mask.bytes = [0, flags, flags, flags, flags, flags]
    let map = VectorMap(
      field: VectorField(shape: line, x: [2, 9, 9, 9, 9, 9], y: [-1, 8, 8, 8, 8, 8]),
      covariance: nil, mask: mask, pixelSize: nil)
    // 4σ = 2 pixels.
    let result = smoothed(map, sigma: (x: 0.5, y: 0.5))
    #expect(result.field.x == [2, 2, 2, 9, 9, 9] && result.field.y == [-1, -1, -1, 8, 8, 8])
    #expect(result.mask == mask && result.covariance == nil)
  }

  @Test(
    "Smoothed twice, the error is that of one Gaussian as wide as both",
    arguments: [(2.0, 2.0), (1.5, 3), (4, 1)])
  func twice(first: Double, second: Double) throws {
    let frame = GridShape(rows: 65, columns: 65)
    let ones = [Double](repeating: 1, count: frame.count)
    let white = VectorMap(
      field: VectorField(shape: frame),
      covariance: VectorCovariance(shape: frame, xx: ones, yy: ones, xy: ones),
      mask: PixelMask(shape: frame), pixelSize: nil)
    let once = smoothed(white, sigma: (x: first, y: first))
    let length = correlationLength(sigma: first, correlation: 1)
    // White noise after a Gaussian has 1/(4π σ²) of its variance; σ ≥ 1 px has that to 1e-4 beyond what 4σ cut off.
    let middle = 32 * 65 + 32
    let variance = try #require(once.covariance).xx[middle]
    #expect(abs(variance * length * length - 1) < 2e-3)
    let both = try #require(
      smoothed(once, sigma: (x: second, y: second), correlation: (length, length)).covariance)
    let expected = 1 / (4 * Double.pi * (first * first + second * second))
    for value in [both.xx[middle], both.yy[middle], both.xy[middle]] {
      #expect(abs(value / expected - 1) < 4e-3, "\(value / expected)")
    }
    let lengths = correlationLength(sigma: second, correlation: length)
    #expect(abs(lengths - 2 * (Double.pi * (first * first + second * second)).squareRoot()) < 1e-12)
  }

  @Test("A Gaussian far below a pixel leaves errors and their correlation as they are")
  func narrow() throws {
    #expect(correlationLength(sigma: 0.2, correlation: 1) == 1)
    #expect(abs(correlationLength(sigma: 0.2, correlation: 7) - 7) < 0.05)
    let ones = [Double](repeating: 1, count: shape.count)
    let map = VectorMap(
      field: VectorField(shape: shape),
      covariance: VectorCovariance(shape: shape, xx: ones, yy: ones, xy: ones),
      mask: PixelMask(shape: shape), pixelSize: nil)
    let result = try #require(
      smoothed(map, sigma: (x: 0.2, y: 0.2), correlation: (7, 7)).covariance)
    for value in result.xx { #expect(abs(value - 1) < 1e-4) }
  }

  @Test(
    "Lines, columns and single pixels are smoothed too", arguments: [[1, 5], [5, 1], [1, 1]])
  func thinMaps(size: [Int]) {
    let thin = GridShape(rows: size[0], columns: size[1])
    let map = VectorMap(
      field: VectorField(shape: thin, repeating: (x: 1, y: -6)), covariance: nil,
      mask: PixelMask(shape: thin), pixelSize: nil)
    let result = smoothed(map, sigma: (x: 2, y: 2))
    for index in 0..<thin.count {
      #expect(abs(result.field.x[index] - 1) < 1e-15 && abs(result.field.y[index] + 6) < 1e-14)
    }
  }
}
