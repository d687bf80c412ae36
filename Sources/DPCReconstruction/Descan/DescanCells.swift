// A deflection map in cells of pixels, in which a surface is told from the structure on it.
internal import Glibc
internal import STEMCore

/// Means over cells of pixels: the noise in them is small beside what a wall's tails leave of it, which single pixels
/// hide.
struct DescanCells {
  /// A side of the scan has so many cells or more, as long as it has the pixels.
  private static let leastCount = 32

  let degree: DescanSurface.Degree
  private let shape: GridShape
  /// Pixels in each cell that has any.
  let counts: [Double]
  /// Their place: which of the cells along a row, and along a column, of `side`.
  let places: [(row: Int, column: Int)]
  let side: (rows: Int, columns: Int)
  /// Means over a cell of the surface's terms, one cell after the other.
  let terms: [Double]
  let x: [Double]
  let y: [Double]

  var termCount: Int { degree.termCount }

  init(map: VectorMap, positions: [Int], degree: DescanSurface.Degree) {
    let shape = map.shape
    let size = (
      rows: max(1, shape.rows / Self.leastCount), columns: max(1, shape.columns / Self.leastCount)
    )
    let side = (
      rows: (shape.rows + size.rows - 1) / size.rows,
      columns: (shape.columns + size.columns - 1) / size.columns
    )
    // Sums of 1, of the terms, and of both components.
    let width = degree.termCount + 3
    var sums = [Double](repeating: 0, count: side.rows * side.columns * width)
    let horizontal = (0..<shape.columns).map { DescanSurface.coordinate($0, of: shape.columns) }
    for position in positions {
      let (row, column) = (position / shape.columns, position % shape.columns)
      let (s, t) = (horizontal[column], DescanSurface.coordinate(row, of: shape.rows))
      let terms: InlineArray<6, Double> = [1, s, t, s * s, s * t, t * t]
      let start = (row / size.rows * side.columns + column / size.columns) * width
      sums[start] += 1
      for index in 0..<degree.termCount { sums[start + 1 + index] += terms[index] }
      sums[start + width - 2] += map.field.x[position]
      sums[start + width - 1] += map.field.y[position]
    }
    let filled = (0..<(side.rows * side.columns)).filter { sums[$0 * width] > 0 }
    self.degree = degree
    self.shape = shape
    self.side = side
    counts = filled.map { sums[$0 * width] }
    places = filled.map { ($0 / side.columns, $0 % side.columns) }
    terms = filled.flatMap { cell in
      (1...degree.termCount).map { sums[cell * width + $0] / sums[cell * width] }
    }
    x = filled.map { sums[$0 * width + width - 2] / sums[$0 * width] }
    y = filled.map { sums[$0 * width + width - 1] / sums[$0 * width] }
  }

  /// The same cells, for a surface of fewer terms.
  func restricted(to degree: DescanSurface.Degree) -> DescanCells {
    DescanCells(self, degree: degree)
  }

  private init(_ cells: DescanCells, degree: DescanSurface.Degree) {
    self.degree = degree
    (shape, side) = (cells.shape, cells.side)
    (counts, places, x, y) = (cells.counts, cells.places, cells.x, cells.y)
    terms = counts.indices.flatMap { cell in
      cells.terms[cell * cells.termCount..<cell * cells.termCount + degree.termCount]
    }
  }

  /// A surface, and what of it scatter and structure make uncertain.
  struct Fit {
    var x: [Double]
    var y: [Double]
    var covariance: [Double]
    /// Share of the pixels' weight that was taken away.
    var rejectedShare: Double
  }

  // MARK: What scatter and structure make uncertain

  /// Parts of the scan that are taken for independent of each other: strips either way, and squares.
  private static let stripCount = 12
  private static let squareCount = 4
  /// So many times the variance that independent cells foretell is no chance: of F with 9 degrees of freedom and many
  /// it is 1.7 in one of ten fits.
  private static let structureRatio = 2.5

  /// The covariance of one component's coefficients: of independent cells, or of parts of the scan that structure,
  /// which goes on from cell to cell, makes differ by more.
  ///
  /// A wall that lost its weight leaves its tails: their sum over a strip along it is what pulls the surface, and
  /// counts as its error (the sandwich of clustered sums, Liang & Zeger, Biometrika 73, 13 (1986)).
  func covariance(
    _ bread: [Double], _ weights: [Double], _ x: [Double], _ y: [Double]
  ) -> [Double] {
    let cells = sandwich(bread, weights, x, y) { $0 }
    let independent = zip(cells.x.matrix, cells.y.matrix).map { ($0 + $1) / 2 }
    let (rows, columns) = side
    let partitions: [(Int) -> Int] = [
      { places[$0].row * Self.stripCount / rows },
      { places[$0].column * Self.stripCount / columns },
      {
        places[$0].row * Self.squareCount / rows * Self.squareCount
          + places[$0].column * Self.squareCount / columns
      },
    ]
    var best = (covariance: independent, variance: Self.structureRatio * meanVariance(independent))
    for part in partitions {
      let clustered = sandwich(bread, weights, x, y, part)
      for (matrix, count) in [clustered.x, clustered.y] where count > termCount + 1 {
        let scale = Double(count) / Double(count - termCount)
        let variance = scale * meanVariance(matrix)
        if variance > best.variance { best = (matrix.map { scale * $0 }, variance) }
      }
    }
    return best.covariance
  }

  /// The same of a surface fitted to all pixels alike.
  func covariance(of x: [Double], _ y: [Double], inverse: [Double]) -> [Double] {
    covariance(inverse, counts.map { _ in 1 }, x, y)
  }

  private func meanVariance(_ covariance: [Double]) -> Double {
    let zeros = [Double](repeating: 0, count: termCount)
    let surface = DescanSurface(
      degree: degree, shape: shape, x: zeros, y: zeros, covariance: covariance)
    return surface.meanError.map { $0 * $0 } ?? 0
  }

  private typealias Clustered = (matrix: [Double], count: Int)

  /// bread · Σ u uᵀ · bread for each component, u the sums of weighted residuals over each part.
  private func sandwich(
    _ bread: [Double], _ weights: [Double], _ x: [Double], _ y: [Double], _ part: (Int) -> Int
  ) -> (x: Clustered, y: Clustered) {
    var sums: [Int: (x: [Double], y: [Double])] = [:]
    let zeros = [Double](repeating: 0, count: termCount)
    for cell in counts.indices {
      let rest = rest(cell, x, y)
      let weight = weights[cell] * counts[cell]
      for i in 0..<termCount {
        let factor = weight * terms[cell * termCount + i]
        sums[part(cell), default: (zeros, zeros)].x[i] += factor * rest.x
        sums[part(cell), default: (zeros, zeros)].y[i] += factor * rest.y
      }
    }
    // In order, so that sums do not depend on a dictionary's.
    let ordered = sums.sorted { $0.key < $1.key }.map(\.value)
    return (
      (around(bread, ordered.map(\.x)), ordered.count),
      (around(bread, ordered.map(\.y)), ordered.count)
    )
  }

  private func around(_ bread: [Double], _ sums: [[Double]]) -> [Double] {
    var matrix = [Double](repeating: 0, count: termCount * termCount)
    for sum in sums {
      let change = (0..<termCount).map { i in
        (0..<termCount).reduce(0) { $0 + bread[i * termCount + $1] * sum[$1] }
      }
      for i in 0..<termCount {
        for j in 0..<termCount { matrix[i * termCount + j] += change[i] * change[j] }
      }
    }
    return matrix
  }
}
