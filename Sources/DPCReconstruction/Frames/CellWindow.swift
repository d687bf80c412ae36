// The window that takes the mean over a unit cell.
internal import Glibc

/// The weights with which pixels around a position enter the mean over the cell centered there.
///
/// A pixel counts with the part of it that lies in the cell, changed as little as is needed for the sampled waves
/// of the lattice to leave no trace in the mean: by area alone, a period of nine and a half pixels leaves 0.5 % of
/// them, some µrad of what atoms deflect.
struct CellWindow: Sendable {
  let taps: [(row: Int, column: Int, weight: Double)]
  /// How far it reaches from its center along x and y.
  let reach: (x: Int, y: Int)

  /// Σw, the cell's area.
  var sum: Double { taps.reduce(0) { $0 + $1.weight } }
  /// Σw².
  var squares: Double { taps.reduce(0) { $0 + $1.weight * $1.weight } }

  init(_ cell: UnitCell) {
    let corners = [(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)].map { u, v in
      u * cell.a + v * cell.b
    }
    // A pixel reaches half a pixel beyond its center.
    func reach(_ corner: (LatticeVector) -> Double) -> Int {
      max(0, Int((corners.map(corner).reduce(0, max) - 0.5).rounded(.up)))
    }
    let (reachX, reachY) = (reach { $0.x }, reach { $0.y })
    let parts = (-reachY...reachY).flatMap { row in
      (-reachX...reachX).map { column in
        (
          row: row, column: column,
          weight: pixelPart(in: corners, column: Double(column), row: Double(row))
        )
      }
    }
    taps = Self.blind(parts.filter { $0.weight > 1e-12 }, to: cell.sampledWaves)
    self.reach = (reachX, reachY)
  }

  /// The weights w(1 + Σ λ cos) that are blind to the waves: of all that are, those nearest to w, pixels weighed by w.
  private static func blind(
    _ taps: [(row: Int, column: Int, weight: Double)], to waves: [LatticeVector]
  ) -> [(row: Int, column: Int, weight: Double)] {
    // The first keeps the sum.
    let shapes =
      [taps.map { _ in 1.0 }]
      + waves.map { wave in taps.map { wave.cosine(row: $0.row, column: $0.column) } }
    func product(_ one: [Double], _ two: [Double]) -> Double {
      taps.indices.reduce(0) { $0 + taps[$1].weight * one[$1] * two[$1] }
    }
    let matrix = shapes.flatMap { one in shapes.map { product(one, $0) } }
    let left = shapes.indices.map { $0 == 0 ? 0 : -product(shapes[0], shapes[$0]) }
    let factors = LeastSquares.solve(matrix, left)
    let changes = taps.indices.map { index in
      zip(factors, shapes).reduce(0) { $0 + $1.0 * $1.1[index] }
    }
    // A cell of few pixels cannot be blind to all.
    if !changes.allSatisfy({ abs($0) < 0.5 }) { return taps }
    return zip(taps, changes).map { ($0.row, $0.column, $0.weight * (1 + $1)) }
  }

  /// What the mean over the window leaves of a wave's amplitude, by its periods a pixel.
  func response(at wave: LatticeVector) -> Double {
    // The window is its own mirror image: sines cancel.
    abs(taps.reduce(0) { $0 + $1.weight * wave.cosine(row: $1.row, column: $1.column) }) / sum
  }

  /// Over how many pixels along x and y the means go together: their product is the number whose noise does, and
  /// their ratio that of the sums of the window's overlaps with itself along the axes.
  var correlation: (x: Double, y: Double) {
    let (rows, columns) = (2 * reach.y + 1, 2 * reach.x + 1)
    var weights = [Double](repeating: 0, count: rows * columns)
    for tap in taps { weights[(tap.row + reach.y) * columns + tap.column + reach.x] = tap.weight }
    // Σ over all pairs of pixels in a line, which is the sum of the squares of its sums.
    let alongX = (0..<rows).map { row in
      (0..<columns).reduce(0) { $0 + weights[row * columns + $1] }
    }
    let alongY = (0..<columns).map { column in
      (0..<rows).reduce(0) { $0 + weights[$1 * columns + column] }
    }
    let (x, y) = (
      alongX.reduce(0) { $0 + $1 * $1 } / squares, alongY.reduce(0) { $0 + $1 * $1 } / squares
    )
    let scale = (sum * sum / squares / (x * y)).squareRoot()
    return (max(1, x * scale), max(1, y * scale))
  }
}

extension UnitCell {
  /// Waves of the lattice up to the fourth order, as sampling shows them: in half a plane, none twice, and none that
  /// sampling makes a slow one.
  fileprivate var sampledWaves: [LatticeVector] {
    let (first, second) = reciprocal
    let slow = 0.5 * min(first.length, second.length)
    // Waves that differ by a whole period a pixel are the same there.
    func sampled(_ wave: LatticeVector) -> LatticeVector {
      LatticeVector(wave.x - wave.x.rounded(), wave.y - wave.y.rounded())
    }
    var waves: [LatticeVector] = []
    for h in 0...4 {
      for k in -4...4 where h > 0 || k > 0 {
        let wave = sampled(Double(h) * first + Double(k) * second)
        let isKnown = waves.contains { known in
          sampled(wave - known).length < slow || sampled(wave + known).length < slow
        }
        if wave.length >= slow && !isKnown { waves.append(wave) }
      }
    }
    return waves
  }
}

/// The part of a pixel that lies in a convex polygon, which is cut by the pixel's sides one after the other.
private func pixelPart(in corners: [LatticeVector], column: Double, row: Double) -> Double {
  var polygon = corners.map { $0 - LatticeVector(column, row) }
  for (normalX, normalY) in [(1.0, 0.0), (-1, 0), (0, 1), (0, -1)] {
    let depths = polygon.map { 0.5 - (normalX * $0.x + normalY * $0.y) }
    var cut: [LatticeVector] = []
    for index in polygon.indices {
      let next = (index + 1) % polygon.count
      if depths[index] >= 0 { cut.append(polygon[index]) }
      if (depths[index] >= 0) != (depths[next] >= 0) {
        let share = depths[index] / (depths[index] - depths[next])
        cut.append(polygon[index] + share * (polygon[next] - polygon[index]))
      }
    }
    if cut.count < 3 { return 0 }
    polygon = cut
  }
  var doubled = 0.0
  for index in polygon.indices {
    let next = (index + 1) % polygon.count
    doubled += polygon[index].cross(polygon[next])
  }
  return min(1, abs(doubled) / 2)
}
