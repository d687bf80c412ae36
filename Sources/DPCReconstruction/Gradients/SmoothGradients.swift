// Gradients of a smoothed vector map: their power beside noise, and how many directions they have.
internal import Glibc
internal import STEMCore
internal import WorkSharing

/// A Gaussian and its derivative, sampled; the derivative is exact for linear fields.
struct GradientKernel: Sendable {
  let sigma: Double
  let smooth: [Double]
  let derivative: [Double]

  /// - Parameters:
  ///   - sigma: Standard deviation in samples.
  ///   - spacing: Of the samples, m.
  init(sigma: Double, spacing: Double) {
    self.sigma = sigma
    let reach = Self.reach(sigma)
    let offsets = (-reach...reach).map(Double.init)
    let bell = offsets.map { exp(-$0 * $0 / (2 * sigma * sigma)) }
    let sum = bell.reduce(0, +)
    smooth = bell.map { $0 / sum }
    let raw = zip(offsets, bell).map { $0 * $1 }
    let moment = zip(offsets, raw).reduce(0) { $0 + $1.0 * $1.1 }
    derivative = raw.map { $0 / (moment * spacing) }
  }

  /// The Gaussian that means over cells of `side` pixels make as wide as `sigma` pixels.
  init(sigma: Double, onCellsOf side: Int, pixel: Double) {
    self.init(sigma: Self.sigma(sigma, onCellsOf: side), spacing: Double(side) * pixel)
  }

  /// Its standard deviation in cells: with the variance of a cell it has that of `sigma` pixels.
  static func sigma(_ sigma: Double, onCellsOf side: Int) -> Double {
    let side = Double(side)
    return (sigma * sigma - (side * side - 1) / 12).squareRoot() / side
  }

  var reach: Int { smooth.count / 2 }

  static func reach(_ sigma: Double) -> Int { max(1, Int((4 * sigma).rounded(.up))) }
  static func squares(_ kernel: [Double]) -> Double { kernel.reduce(0) { $0 + $1 * $1 } }
}

/// Σ (∂ᵢv·∂ⱼv) wherever the gradient needs nothing beyond the rim nor a masked cell nearby.
struct SmoothGradients: Sendable {
  private let cells: CellMeans
  private let kernelX: GradientKernel
  private let kernelY: GradientKernel
  /// Of the squared gradients, by noise alone.
  private let noiseX: Double
  private let noiseY: Double
  /// Where gradients count.
  private let mask: PixelMask

  /// - Parameters:
  ///   - cells: The map.
  ///   - sigma: Standard deviation along x and y, pixels.
  ///   - pixel: Size of a pixel, m.
  ///   - variance: Mean of xx + yy of one pixel.
  init(_ cells: CellMeans, sigma: (x: Double, y: Double), pixel: PixelSize, variance: Double) {
    self.cells = cells
    let kernelX = GradientKernel(sigma: sigma.x, onCellsOf: cells.sideX, pixel: pixel.x)
    let kernelY = GradientKernel(sigma: sigma.y, onCellsOf: cells.sideY, pixel: pixel.y)
    let ofCell = variance / Double(cells.sideX * cells.sideY)
    noiseX =
      ofCell * GradientKernel.squares(kernelX.derivative) * GradientKernel.squares(kernelY.smooth)
    noiseY =
      ofCell * GradientKernel.squares(kernelX.smooth) * GradientKernel.squares(kernelY.derivative)
    mask = Self.inside(cells, kernelX, kernelY)
    self.kernelX = kernelX
    self.kernelY = kernelY
  }

  /// Usable cells whose gradient is neither cut by the rim nor made of filled-in neighbors.
  private static func inside(
    _ cells: CellMeans, _ kernelX: GradientKernel, _ kernelY: GradientKernel
  ) -> PixelMask {
    let (rows, columns) = (cells.shape.rows, cells.shape.columns)
    var mask = PixelMask(
      shape: cells.shape,
      bytes: [UInt8](repeating: PixelFlags.missing.rawValue, count: cells.shape.count))
    for row in kernelY.reach..<max(kernelY.reach, rows - kernelY.reach) {
      for column in kernelX.reach..<max(kernelX.reach, columns - kernelX.reach) {
        mask.bytes[row * columns + column] = 0
      }
    }
    let (nearX, nearY) = (Int(kernelX.sigma.rounded(.up)), Int(kernelY.sigma.rounded(.up)))
    for index in 0..<cells.shape.count where !cells.isUsable[index] {
      let (row, column) = (index / columns, index % columns)
      for r in max(0, row - nearY)...min(rows - 1, row + nearY) {
        for c in max(0, column - nearX)...min(columns - 1, column + nearX) {
          mask.bytes[r * columns + c] = PixelFlags.missing.rawValue
        }
      }
    }
    return mask
  }

  /// Places that are enough to tell how much of the squared gradients is noise.
  private static let sampleCount = 1 << 18

  /// The noise in the squared gradients over all of them, nil where there is no gradient at all.
  ///
  /// Of large maps every n-th piece is looked at, in diagonals over the frame.
  func noiseShare() -> Double? {
    let noise = noiseX + noiseY
    let bands = forBands(every: max(1, cells.shape.count / Self.sampleCount)) { _, tiles in
      var (power, count) = (0.0, 0)
      tiles { places, x, y in
        for (tile, place) in places.enumerated() where mask.isUsable(place) {
          power += Self.square(x, y, tile)
          count += 1
        }
      }
      return (power, count)
    }
    let power = bands.reduce(0.0) { $0 + $1.0 }
    let count = bands.reduce(0) { $0 + $1.1 }
    return power > 0 ? noise * Double(count) / power : nil
  }

  @inline(__always)
  private static func square(_ x: GradientTile, _ y: GradientTile, _ tile: Int) -> Double {
    x.x[tile] * x.x[tile] + y.x[tile] * y.x[tile] + x.y[tile] * x.y[tile] + y.y[tile] * y.y[tile]
  }

  /// Twice the smaller eigenvalue over the trace of the tensor in windows half as wide again as the
  /// smoothing, weighted by the square of the trace; and the part of the cells whose gradient stands five
  /// standard deviations above its noise.
  func structure() -> (twoDimensionalShare: Double, coveredShare: Double) {
    let (a, b, c, coveredShare) = windowed()
    let traces = a.indices.map { a[$0] + b[$0] }
    // Weak places are left out: there the eigenvalues are those of noise.
    let least = 0.05 * traces.reduce(0, max)
    let total = orderedSum(traces.count) { traces[$0] > least ? traces[$0] * traces[$0] : 0 }
    guard total > 0 else { return (0, coveredShare) }
    let second = orderedSum(traces.count) { i in
      if traces[i] <= least { return 0 }
      let half = (a[i] - b[i]) / 2
      return traces[i] * (traces[i] / 2 - (half * half + c[i] * c[i]).squareRoot())
    }
    // Frames with less noise than they state give a little less than nothing.
    return (min(1, max(0, 2 * second / total)), coveredShare)
  }

  /// The tensor's xx, yy and xy without noise, averaged over windows, and the covered part of the cells.
  ///
  /// Gradients smoothed over 1.4 places and more are averaged over two places first: below 5e-3 of any wave
  /// of their products is then taken for a longer one that the windows let through.
  private func windowed() -> ([Double], [Double], [Double], Double) {
    func side(_ kernel: GradientKernel) -> Int { kernel.sigma >= 1.4 ? 2 : 1 }
    let sides = (x: side(kernelX), y: side(kernelY))
    let noise = noiseX + noiseY
    let bands = forBands { inside, tiles in
      var means = TensorMeans(
        rows: inside.rows, columns: inside.columns, sideX: sides.x, sideY: sides.y)
      var (count, above) = (0, 0)
      tiles { places, x, y in
        for (tile, place) in places.enumerated() where mask.isUsable(place) {
          count += 1
          if Self.square(x, y, tile) > 25 * noise { above += 1 }
        }
        means.add(places, of: mask, x, y)
      }
      means.finish(noiseX: noiseX, noiseY: noiseY)
      return (means: means, count: count, above: above)
    }
    let means = TensorMeans(joining: bands.map(\.means))
    let (count, above) = bands.reduce((0, 0)) { ($0.0 + $1.count, $0.1 + $1.above) }
    let planes = MaskedGaussian(
      mask: means.mask,
      sigma: (
        x: GradientKernel.sigma(1.5 * kernelX.sigma, onCellsOf: sides.x),
        y: GradientKernel.sigma(1.5 * kernelY.sigma, onCellsOf: sides.y)
      )
    ).smoothed(means: [means.xx, means.yy, means.xy])
    return (planes[0], planes[1], planes[2], count > 0 ? Double(above) / Double(count) : 0)
  }

  /// The gradients of x and of y at the places of one piece after the other.
  private typealias Tiles = (
    (_ places: TilePlaces, _ x: GradientTile, _ y: GradientTile) -> Void
  ) -> Void

  /// What `body` makes of every band of rows, in order, formed on all threads.
  ///
  /// - Parameters:
  ///   - step: One piece in so many is formed.
  ///   - body: What to do with the pieces of a band.
  private func forBands<Output: Sendable>(
    every step: Int = 1,
    _ body: @Sendable (_ inside: (rows: Range<Int>, columns: Range<Int>), _ tiles: Tiles) -> Output
  ) -> [Output] {
    let columns = cells.shape.columns
    let inside = (
      rows: kernelY.reach..<max(kernelY.reach, cells.shape.rows - kernelY.reach),
      columns: kernelX.reach..<max(kernelX.reach, columns - kernelX.reach)
    )
    let height = GradientTile.rowCount
    return concurrentMap((inside.rows.count + height - 1) / height) { band in
      let first = inside.rows.lowerBound + band * height
      let rows = first..<min(inside.rows.upperBound, first + height)
      var x = GradientTile(
        smoothX: kernelX.smooth, derivativeX: kernelX.derivative, smoothY: kernelY.smooth,
        derivativeY: kernelY.derivative)
      var y = x
      return body((rows, inside.columns)) { visit in
        // Where some are left out, smaller ones, which lie closer to each other.
        let pieces = TilePlaces.all(
          rows: rows, columns: inside.columns, width: columns,
          length: step > 1 ? GradientTile.rowCount : GradientTile.columnCount)
        for (piece, places) in pieces.enumerated() where (band + piece) % step == 0 {
          x.form(of: cells.x, width: columns, rows: rows, columns: places.columns)
          y.form(of: cells.y, width: columns, rows: rows, columns: places.columns)
          visit(places, x, y)
        }
      }
    }
  }
}
