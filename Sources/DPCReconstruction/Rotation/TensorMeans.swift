// Means of the gradient tensor over cells of places: what the windows of the structure dimension average.
internal import STEMCore

/// The gradient tensor Σ (∂ᵢv·∂ⱼv), averaged over cells of `sideY` × `sideX` places of a band of rows.
///
/// The first cell begins at the band's first place; the last ones may hold fewer places.
struct TensorMeans: Sendable {
  private(set) var xx: [Double]
  private(set) var yy: [Double]
  private(set) var xy: [Double]
  /// Cells without any usable place are missing.
  private(set) var mask: PixelMask
  private let origin: (row: Int, column: Int)
  private let sideX: Int
  private let sideY: Int
  /// Usable places of each cell.
  private var counts: [UInt8]

  /// - Parameters:
  ///   - rows: Of the band.
  ///   - columns: In which there are places.
  ///   - sideX: Columns of a cell.
  ///   - sideY: Its rows.
  init(rows: Range<Int>, columns: Range<Int>, sideX: Int, sideY: Int) {
    precondition((1...15).contains(sideX) && (1...15).contains(sideY), "cells are small")
    let shape = GridShape(
      rows: (rows.count + sideY - 1) / sideY, columns: (columns.count + sideX - 1) / sideX)
    mask = PixelMask(shape: shape)
    origin = (rows.lowerBound, columns.lowerBound)
    (self.sideX, self.sideY) = (sideX, sideY)
    counts = [UInt8](repeating: 0, count: shape.count)
    xx = [Double](repeating: 0, count: shape.count)
    (yy, xy) = (xx, xx)
  }

  /// Bands that follow each other; all but the last hold whole cells.
  init(joining bands: [TensorMeans]) {
    let columns = bands.first?.mask.shape.columns ?? 0
    mask = PixelMask(
      shape: GridShape(
        rows: bands.reduce(0) { $0 + $1.mask.shape.rows }, columns: columns),
      bytes: bands.flatMap(\.mask.bytes))
    origin = bands.first?.origin ?? (0, 0)
    (sideX, sideY) = (bands.first?.sideX ?? 1, bands.first?.sideY ?? 1)
    counts = bands.flatMap(\.counts)
    (xx, yy, xy) = (bands.flatMap(\.xx), bands.flatMap(\.yy), bands.flatMap(\.xy))
  }

  /// Adds the products of the gradients at the usable places of a piece, in order.
  ///
  /// - Parameters:
  ///   - places: Of the piece.
  ///   - gradients: Where gradients count.
  ///   - x: Gradients of the first component.
  ///   - y: Of the second.
  mutating func add(
    _ places: TilePlaces, of gradients: PixelMask, _ x: GradientTile, _ y: GradientTile
  ) {
    var tile = 0
    for row in places.rows {
      let line = (row - origin.row) / sideY * mask.shape.columns
      for column in places.columns {
        if gradients.isUsable(row * places.width + column) {
          let cell = line + (column - origin.column) / sideX
          xx[cell] += x.x[tile] * x.x[tile] + y.x[tile] * y.x[tile]
          yy[cell] += x.y[tile] * x.y[tile] + y.y[tile] * y.y[tile]
          xy[cell] += x.x[tile] * x.y[tile] + y.x[tile] * y.y[tile]
          counts[cell] += 1
        }
        tile += 1
      }
    }
  }

  /// Turns the sums into means, what noise adds to them taken off.
  mutating func finish(noiseX: Double, noiseY: Double) {
    for cell in xx.indices {
      if counts[cell] == 0 {
        mask.bytes[cell] = PixelFlags.missing.rawValue
      } else {
        let share = 1 / Double(counts[cell])
        xx[cell] = share * xx[cell] - noiseX
        yy[cell] = share * yy[cell] - noiseY
        xy[cell] *= share
      }
    }
  }
}
