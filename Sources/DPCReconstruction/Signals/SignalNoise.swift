// The signal of one electron, from the noise of signals whose number of electrons nobody states.
internal import STEMCore

extension SegmentSignals {
  /// Side of the tiles whose noise is held against their mean, px.
  private static let noiseTile = 8

  /// Of each tile of 8×8 positions that has a signal and no gap: the variance of its noise over its mean, which is the
  /// signal of one electron. One array a segment.
  ///
  /// The variance comes from second differences along the rows (Σ of squared coefficients 6), in which a slope
  /// leaves nothing. The median over tiles is what spikes and structure change little.
  public func noiseRatios() -> [[Double]] {
    let side = Self.noiseTile
    return (0..<segmentCount).map { segment in
      var ratios: [Double] = []
      for top in stride(from: 0, through: shape.rows - side, by: side) {
        for left in stride(from: 0, through: shape.columns - side, by: side) {
          noiseRatio(segment, top, left).map { ratios.append($0) }
        }
      }
      return ratios
    }
  }

  private func noiseRatio(_ segment: Int, _ top: Int, _ left: Int) -> Double? {
    let side = Self.noiseTile
    var (sum, squares) = (0.0, 0.0)
    for row in top..<(top + side) {
      let first = row * shape.columns + left
      for position in first..<(first + side) {
        guard mask.isUsable(position) else { return nil }
        sum += values[segment * shape.count + position]
      }
      for position in (first + 1)..<(first + side - 1) {
        let place = segment * shape.count + position
        let second = values[place - 1] - 2 * values[place] + values[place + 1]
        squares += second * second
      }
    }
    let mean = sum / Double(side * side)
    return mean > 0 ? squares / Double(6 * side * (side - 2)) / mean : nil
  }
}
