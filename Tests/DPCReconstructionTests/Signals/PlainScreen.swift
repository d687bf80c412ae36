// The rules for unusable signals as they are stated, without any shortcut: what the kernels are held against.
import DPCReconstruction
import STEMCore

/// Corrects and judges signals one by one, in double precision.
struct PlainScreen {
  let correction: SegmentCorrection
  let saturationLevel: Double
  let electronsPerUnit: Double?
  let threshold: Double?

  func corrected(_ raw: [Double], _ shape: GridShape) -> SegmentSignals {
    let segments = correction.gain.count
    var flags = [UInt8](repeating: 0, count: shape.count)
    var values = raw
    for position in 0..<shape.count {
      var reasons: PixelFlags = []
      var sum = 0.0
      for segment in 0..<segments {
        let index = segment * shape.count + position
        if !raw[index].isFinite { reasons.insert(.missing) }
        if raw[index].isFinite && raw[index] >= saturationLevel { reasons.insert(.saturated) }
        values[index] = (raw[index] - correction.dark[segment]) * (1 / correction.gain[segment])
        sum += values[index]
      }
      if reasons.isEmpty && !(sum > 0) { reasons = .noCounts }
      flags[position] = reasons.rawValue
    }
    let usable = flags.map { $0 == 0 }
    if let threshold {
      for segment in 0..<segments {
        let plane = Array(values[(segment * shape.count)..<((segment + 1) * shape.count)])
        for position in plainSpikes(plane, usable, shape, threshold: threshold, electronsPerUnit) {
          flags[position] |= PixelFlags.hot.rawValue
        }
      }
    }
    for position in 0..<shape.count where flags[position] != 0 {
      for segment in 0..<segments { values[segment * shape.count + position] = 0 }
    }
    return SegmentSignals(
      shape: shape, segmentCount: segments, values: values,
      mask: PixelMask(shape: shape, bytes: flags), electronsPerUnit: electronsPerUnit)
  }
}

private func medianBySorting(_ values: [Double]) -> Double {
  let sorted = values.sorted()
  let n = sorted.count
  return n % 2 == 1 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2
}

/// Positions that differ from the median of the usable signals in the nearest 5×5 positions by more than
/// `threshold` deviations, unless three of eight neighbors share a quarter of it, or less than a third of the 25 is usable.
func plainSpikes(
  _ plane: [Double], _ usable: [Bool], _ shape: GridShape, threshold: Double,
  _ electronsPerUnit: Double?
) -> Set<Int> {
  var found: Set<Int> = []
  for row in 0..<shape.rows {
    for column in 0..<shape.columns where usable[row * shape.columns + column] {
      let top = max(0, min(row - 2, shape.rows - 5))
      let left = max(0, min(column - 2, shape.columns - 5))
      var (near, all) = ([Double](), 0)
      for r in top..<min(top + 5, shape.rows) {
        for c in left..<min(left + 5, shape.columns) {
          all += 1
          if usable[r * shape.columns + c] { near.append(plane[r * shape.columns + c]) }
        }
      }
      if 3 * near.count < all { continue }
      let middle = medianBySorting(near)
      let counting =
        electronsPerUnit.map { (max(middle * $0, 0) + 9).squareRoot() / $0 } ?? 1e-6 * abs(middle)
      let deviation = max(1.4826 * medianBySorting(near.map { abs($0 - middle) }), counting)
      let value = plane[row * shape.columns + column]
      if abs(value - middle) <= threshold * deviation { continue }
      var (neighbors, alike) = (0, 0)
      for r in max(0, row - 1)...min(shape.rows - 1, row + 1) {
        for c in max(0, column - 1)...min(shape.columns - 1, column + 1)
        where (r, c) != (row, column) && usable[r * shape.columns + c] {
          neighbors += 1
          if (plane[r * shape.columns + c] - middle) / (value - middle) >= 0.25 { alike += 1 }
        }
      }
      let isAtRim = row == 0 || row + 1 == shape.rows || column == 0 || column + 1 == shape.columns
      if alike == 0 || !isAtRim && 8 * alike < 3 * neighbors {
        found.insert(row * shape.columns + column)
      }
    }
  }
  return found
}
