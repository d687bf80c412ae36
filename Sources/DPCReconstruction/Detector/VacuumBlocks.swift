// Counts of the empty beam over blocks of the scan: few enough for a fit, small enough for its model.
internal import STEMCore

/// Counts of the empty beam, summed over blocks of the scan.
struct VacuumBlocks {
  /// Positions that stand for a block, -1...1.
  struct Point {
    var s: Double
    var t: Double
  }

  /// Electrons per block and segment.
  var counts: [[Double]] = []
  /// Each pixel of a small block; of a larger one the four points that have its mean and variance.
  var points: [[Point]] = []

  /// Blocks along each side at most: descan is smooth, and sums over many pixels are nearly normal.
  private static let side = 24

  init(_ signals: SegmentSignals, scale: Double) {
    let shape = signals.shape
    let rows = min(Self.side, shape.rows)
    let columns = min(Self.side, shape.columns)
    for blockRow in 0..<rows {
      let rowRange = (blockRow * shape.rows / rows)..<((blockRow + 1) * shape.rows / rows)
      for blockColumn in 0..<columns {
        let columnRange =
          (blockColumn * shape.columns / columns)..<((blockColumn + 1) * shape.columns / columns)
        add(signals, rowRange, columnRange, scale: scale)
      }
    }
  }

  private mutating func add(
    _ signals: SegmentSignals, _ rows: Range<Int>, _ columns: Range<Int>, scale: Double
  ) {
    let shape = signals.shape
    var sums = [Double](repeating: 0, count: signals.segmentCount)
    var used: [Point] = []
    for row in rows {
      for column in columns where signals.mask.isUsable(row * shape.columns + column) {
        for segment in sums.indices {
          sums[segment] +=
            signals.values[segment * shape.count + row * shape.columns + column] * scale
        }
        used.append(
          Point(
            s: DescanSurface.coordinate(column, of: shape.columns),
            t: DescanSurface.coordinate(row, of: shape.rows)))
      }
    }
    if used.isEmpty || sums.reduce(0, +) <= 0 { return }
    counts.append(sums)
    points.append(used.count <= 4 ? used : Self.representatives(used))
  }

  /// Mean ± one standard deviation along each axis.
  private static func representatives(_ points: [Point]) -> [Point] {
    let count = Double(points.count)
    let s = points.reduce(0) { $0 + $1.s } / count
    let t = points.reduce(0) { $0 + $1.t } / count
    let ds = (points.reduce(0) { $0 + ($1.s - s) * ($1.s - s) } / count).squareRoot()
    let dt = (points.reduce(0) { $0 + ($1.t - t) * ($1.t - t) } / count).squareRoot()
    return [(1.0, 1.0), (1, -1), (-1, 1), (-1, -1)].map {
      Point(s: s + $0.0 * ds, t: t + $0.1 * dt)
    }
  }
}
