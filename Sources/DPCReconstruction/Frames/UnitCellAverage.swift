// Counts averaged over whole unit cells, before any ratio is formed.
internal import STEMCore

/// Averages the counts of every segment over one lattice period around each position.
///
/// In a crystal the deflection of single atoms is a hundred times that of a wall; only its mean over
/// whole cells is the mean field, and counts have to be averaged before they are divided. The window
/// is a box of exactly one period centered on the pixel, its rim pixels weighted by the part that
/// lies inside, so harmonics of an integer period vanish and nothing is shifted.
///
/// - Parameters:
///   - signals: Corrected signals.
///   - period: Lattice period along x and y in pixels, at least 1.
/// - Returns: Summed counts over the window, same shape. Positions whose window is cut by the rim or
///   holds an unusable pixel have no whole cell: they are masked (`missing`, or the reason found
///   there). Neighbors within a period share counts, so their errors are correlated.
public func unitCellAverage(
  of signals: SegmentSignals, period: (x: Double, y: Double)
) -> SegmentSignals {
  let horizontal = boxWeights(period.x)
  let vertical = boxWeights(period.y)
  let shape = signals.shape
  var result = signals
  for segment in 0..<signals.segmentCount {
    let range = (segment * shape.count)..<((segment + 1) * shape.count)
    let plane = convolved(
      Array(signals.values[range]), shape: shape, horizontal: horizontal, vertical: vertical)
    result.values.replaceSubrange(range, with: plane)
  }
  result.mask = spreadMask(
    signals.mask, reachX: horizontal.count / 2, reachY: vertical.count / 2)
  for position in 0..<shape.count where !result.mask.isUsable(position) {
    for segment in 0..<signals.segmentCount { result.values[segment * shape.count + position] = 0 }
  }
  result.varianceFactor *= varianceRatio(horizontal) * varianceRatio(vertical)
  result.exposures *= horizontal.reduce(0, +) * vertical.reduce(0, +)
  return result
}

/// Σw²/Σw: counts added with weights vary by this factor less than their sum says.
private func varianceRatio(_ weights: [Double]) -> Double {
  weights.reduce(0) { $0 + $1 * $1 } / weights.reduce(0, +)
}

/// Weights of a centered box of the given length; 1 inside, the covered part at both ends.
func boxWeights(_ length: Double) -> [Double] {
  precondition(length >= 1, "a period is at least one pixel")
  let reach = Int(((length - 1) / 2).rounded(.up))
  return (-reach...reach).map { offset in
    min(1, max(0, length / 2 - Double(abs(offset)) + 0.5))
  }
}

private func convolved(
  _ plane: [Double], shape: GridShape, horizontal: [Double], vertical: [Double]
) -> [Double] {
  let columns = shape.columns
  var rows = [Double](repeating: 0, count: plane.count)
  let reachX = horizontal.count / 2
  for row in 0..<shape.rows {
    for column in 0..<columns {
      var sum = 0.0
      for offset in max(
        -reachX, -column)...max(max(-reachX, -column), min(reachX, columns - 1 - column))
      {
        sum += horizontal[offset + reachX] * plane[row * columns + column + offset]
      }
      rows[row * columns + column] = sum
    }
  }
  var result = [Double](repeating: 0, count: plane.count)
  let reachY = vertical.count / 2
  for row in 0..<shape.rows {
    for offset in max(-reachY, -row)...max(max(-reachY, -row), min(reachY, shape.rows - 1 - row)) {
      let weight = vertical[offset + reachY]
      for column in 0..<columns {
        result[row * columns + column] += weight * rows[(row + offset) * columns + column]
      }
    }
  }
  return result
}

/// Every window's flags joined; a window cut by the rim is `missing`.
private func spreadMask(_ mask: PixelMask, reachX: Int, reachY: Int) -> PixelMask {
  let shape = mask.shape
  var result = PixelMask(shape: shape)
  for row in 0..<shape.rows {
    for column in 0..<shape.columns {
      let position = row * shape.columns + column
      if row < reachY || row >= shape.rows - reachY || column < reachX
        || column >= shape.columns - reachX
      {
        result.bytes[position] = PixelFlags.missing.rawValue
        continue
      }
      for r in (row - reachY)...(row + reachY) {
        for c in (column - reachX)...(column + reachX) {
          result.bytes[position] |= mask.bytes[r * shape.columns + c]
        }
      }
    }
  }
  return result
}
