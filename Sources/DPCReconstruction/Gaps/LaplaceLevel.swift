// The equations of one grid of the Laplace solver.
internal import STEMCore

/// Cells with links to their neighbors in the row and in the column.
///
/// Values have one entry more than there are cells: it stays zero and stands for "no neighbor",
/// so that no loop has to ask.
struct LaplaceLevel {
  typealias Values = [SIMD2<Double>]

  let count: Int
  /// The sum of the weights of a cell's links, those to known pixels included.
  private var diagonal: [Double]
  /// Neighbors of each cell, `count` where there is none.
  private var left: [Int32]
  private var right: [Int32]
  private var up: [Int32]
  private var down: [Int32]
  /// Weights of the links to `right` and to `down`.
  private var rightWeight: [Double]
  private var downWeight: [Double]
  /// Each cell's cell on the next coarser grid, once there is one.
  private(set) var parents: [Int32] = []
  private let cells: [Int32]
  private let shape: GridShape

  /// Cells without weights, linked to the neighbors that are cells too.
  private init(cells: [Int32], shape: GridShape) {
    self.cells = cells
    self.shape = shape
    count = cells.count
    let none = Int32(cells.count)
    var place = [Int32](repeating: none, count: shape.count)
    for (index, cell) in cells.enumerated() { place[Int(cell)] = Int32(index) }
    let columns = shape.columns
    func neighbors(_ offset: Int, _ exists: (_ row: Int, _ column: Int) -> Bool) -> [Int32] {
      cells.map { cell in
        exists(Int(cell) / columns, Int(cell) % columns) ? place[Int(cell) + offset] : none
      }
    }
    left = neighbors(-1) { _, column in column > 0 }
    right = neighbors(1) { _, column in column + 1 < columns }
    up = neighbors(-columns) { row, _ in row > 0 }
    down = neighbors(columns) { row, _ in row + 1 < shape.rows }
    diagonal = [Double](repeating: 0, count: cells.count)
    rightWeight = [Double](repeating: 0, count: cells.count + 1)
    downWeight = rightWeight
  }

  /// The equations on the pixels themselves; the rim of the frame has no links.
  init(pixels: [Int32], shape: GridShape, weightX: Double, weightY: Double) {
    self.init(cells: pixels, shape: shape)
    for (index, pixel) in pixels.enumerated() {
      let (row, column) = (Int(pixel) / shape.columns, Int(pixel) % shape.columns)
      let linksX = (column > 0 ? 1 : 0) + (column + 1 < shape.columns ? 1 : 0)
      let linksY = (row > 0 ? 1 : 0) + (row + 1 < shape.rows ? 1 : 0)
      diagonal[index] = Double(linksX) * weightX + Double(linksY) * weightY
      if Int(right[index]) < count { rightWeight[index] = weightX }
      if Int(down[index]) < count { downWeight[index] = weightY }
    }
  }

  /// The equations for values that are flat in cells of 2 × 2, all divided by `stiffness`.
  ///
  /// Remembers the cells' parents.
  mutating func coarsened(dividingBy stiffness: Double) -> LaplaceLevel {
    let coarseShape = GridShape(rows: (shape.rows + 1) / 2, columns: (shape.columns + 1) / 2)
    let targets = cells.map { cell in
      Int32(
        Int(cell) / shape.columns / 2 * coarseShape.columns + Int(cell) % shape.columns / 2)
    }
    var place = [Int32](repeating: -1, count: coarseShape.count)
    for target in targets { place[Int(target)] = 0 }
    var coarseCells: [Int32] = []
    for index in place.indices where place[index] == 0 {
      place[index] = Int32(coarseCells.count)
      coarseCells.append(Int32(index))
    }
    parents = targets.map { place[Int($0)] }

    var coarse = LaplaceLevel(cells: coarseCells, shape: coarseShape)
    for index in 0..<count {
      let parent = Int(parents[index])
      coarse.diagonal[parent] += diagonal[index] / stiffness
      let (right, down) = (Int(right[index]), Int(down[index]))
      if right < count {
        let weight = rightWeight[index] / stiffness
        if Int(parents[right]) == parent {
          coarse.diagonal[parent] -= 2 * weight
        } else {
          coarse.rightWeight[parent] += weight
        }
      }
      if down < count {
        let weight = downWeight[index] / stiffness
        if Int(parents[down]) == parent {
          coarse.diagonal[parent] -= 2 * weight
        } else {
          coarse.downWeight[parent] += weight
        }
      }
    }
    return coarse
  }

  /// Σ w u(neighbor) over the links of a cell.
  @inline(__always)
  private func linked(_ values: Span<SIMD2<Double>>, _ index: Int) -> SIMD2<Double> {
    let (left, right) = (Int(left.span[index]), Int(right.span[index]))
    let (up, down) = (Int(up.span[index]), Int(down.span[index]))
    let (row, column) = (rightWeight.span, downWeight.span)
    let sideways: SIMD2<Double> = row[left] * values[left] + row[index] * values[right]
    let upright: SIMD2<Double> = column[up] * values[up] + column[index] * values[down]
    return sideways + upright
  }

  /// The left-hand sides of all equations.
  func apply(to values: Values, into result: inout Values) {
    let span = values.span
    var image = result.mutableSpan
    for index in 0..<count {
      image[index] = diagonal[index] * span[index] - linked(span, index)
    }
  }

  /// One Gauss-Seidel sweep, from the first cell to the last or back.
  func smooth(_ values: inout Values, _ source: Values, isForward: Bool) {
    let right = source.span
    var span = values.mutableSpan
    for step in 0..<count {
      let index = isForward ? step : count - 1 - step
      span[index] = (right[index] + linked(span.span, index)) / diagonal[index]
    }
  }

  /// What is left of `source`, added up over the cells of the coarser grid.
  func restrictResidual(of values: Values, _ source: Values, to coarse: inout Values) {
    let (span, right, parent) = (values.span, source.span, parents.span)
    var sums = coarse.mutableSpan
    for index in sums.indices { sums[index] = .zero }
    for index in 0..<count {
      sums[Int(parent[index])] +=
        right[index] - diagonal[index] * span[index] + linked(span, index)
    }
  }
}
