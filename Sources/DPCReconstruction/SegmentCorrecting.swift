// Raw signals of a band of rows to corrected ones, with the pixels that cannot be used.
public import STEMCore

extension SegmentCorrection {
  /// Corrects one frame or a band of it: (raw - dark) / gain, and the mask of what is unusable.
  ///
  /// A position where any segment is NaN or infinite is `missing`, where any has reached the
  /// largest number of its type `saturated`; such positions hold zero in every segment.
  ///
  /// - Parameters:
  ///   - raw: `raw[segment * shape.count + position]`, as read.
  ///   - shape: Rows and columns of the band.
  ///   - saturationLevel: nil where the type of the frames has no largest number.
  ///   - electronsPerUnit: Electrons for one unit of the corrected signal; nil where unknown.
  public func corrected(
    _ raw: [Double], shape: GridShape, saturationLevel: Double?, electronsPerUnit: Double?
  ) -> SegmentSignals {
    let count = shape.count
    let segments = gain.count
    precondition(raw.count == segments * count, "one signal per segment and position")
    var values = raw
    var mask = PixelMask(shape: shape)
    let level = saturationLevel ?? .infinity
    for segment in 0..<segments {
      let offset = dark[segment]
      let scale = gain[segment]
      for position in 0..<count {
        let signal = raw[segment * count + position]
        if !signal.isFinite {
          mask.bytes[position] |= PixelFlags.missing.rawValue
        } else if signal >= level {
          mask.bytes[position] |= PixelFlags.saturated.rawValue
        }
        values[segment * count + position] = (signal - offset) / scale
      }
    }
    for position in 0..<count where mask.bytes[position] != 0 {
      for segment in 0..<segments { values[segment * count + position] = 0 }
    }
    return SegmentSignals(
      shape: shape, segmentCount: segments, values: values, mask: mask,
      electronsPerUnit: electronsPerUnit)
  }
}

extension SegmentSignals {
  /// Masks every position where a segment stands out of its 5×5 neighborhood.
  ///
  /// A signal is hot, or a drop-out, where it differs from the median of the usable signals within
  /// two pixels by more than `threshold` standard deviations. The deviation is the larger of
  /// counting noise, √(median + 9) electrons, and 1.4826 times the median absolute deviation of
  /// the neighborhood, so that real structure (an atom, a wall) is not taken for a defect. Without
  /// known electrons only the latter is used, at least 1e-6 of the median.
  ///
  /// - Parameter threshold: In standard deviations; positive.
  public mutating func maskSpikes(threshold: Double) {
    let count = shape.count
    for segment in 0..<segmentCount {
      let plane = Array(values[(segment * count)..<((segment + 1) * count)])
      let detector = SpikeDetector(
        plane: plane, usable: mask, threshold: threshold, electronsPerUnit: electronsPerUnit)
      for position in detector.spikes() { mask.bytes[position] |= PixelFlags.hot.rawValue }
    }
    let hot = PixelFlags.hot.rawValue
    for position in 0..<count where mask.bytes[position] & hot != 0 {
      for segment in 0..<segmentCount { values[segment * count + position] = 0 }
    }
  }
}

/// Finds the outliers of one plane.
struct SpikeDetector {
  let plane: [Double]
  let usable: PixelMask
  let threshold: Double
  let electronsPerUnit: Double?
  private static let reach = 2

  func spikes() -> [Int] {
    let rows = usable.shape.rows
    let columns = usable.shape.columns
    let lowest = extreme(.infinity, min)
    let highest = extreme(-.infinity, max)
    var found: [Int] = []
    for row in 0..<rows {
      for column in 0..<columns {
        let position = row * columns + column
        // A pixel unusable for another reason, the earlier segments' spikes excepted, is no news.
        if usable.bytes[position] & ~PixelFlags.hot.rawValue != 0 { continue }
        let value = plane[position]
        if value <= upper(lowest[position]) && value >= lower(highest[position]) { continue }
        if isSpike(value, row: row, column: column) { found.append(position) }
      }
    }
    return found
  }

  /// Counting noise of a signal of this size, in units of the signal.
  private func countingDeviation(_ median: Double) -> Double {
    guard let scale = electronsPerUnit else { return 1e-6 * abs(median) }
    return (max(median * scale, 0) + 9).squareRoot() / scale
  }

  // With deviation d(m) ≥ √(m + 9) the bound m + T d(m) rises with m, and the bound m - T d(m) is
  // convex for m ≥ -9 electrons, so over all m up to the largest neighbor it is at most its value
  // there or -9. A signal within the bounds of the smallest and the largest neighbor is therefore
  // within those of the median, and the median need not be formed.
  private func upper(_ smallest: Double) -> Double {
    smallest + threshold * countingDeviation(smallest)
  }
  private func lower(_ largest: Double) -> Double {
    let bound = largest - threshold * countingDeviation(largest)
    return electronsPerUnit.map { max(bound, -9 / $0) } ?? bound
  }

  private func isSpike(_ value: Double, row: Int, column: Int) -> Bool {
    var neighbors: [Double] = []
    neighbors.reserveCapacity(25)
    let columns = usable.shape.columns
    for r in max(row - Self.reach, 0)...min(row + Self.reach, usable.shape.rows - 1) {
      for c in max(column - Self.reach, 0)...min(column + Self.reach, columns - 1) {
        let position = r * columns + c
        if usable.bytes[position] & ~PixelFlags.hot.rawValue == 0 {
          neighbors.append(plane[position])
        }
      }
    }
    let median = Self.median(&neighbors)
    var deviations = neighbors.map { abs($0 - median) }
    let deviation = max(1.4826 * Self.median(&deviations), countingDeviation(median))
    return abs(value - median) > threshold * deviation
  }

  static func median(_ values: inout [Double]) -> Double {
    values.sort()
    let middle = values.count / 2
    return values.count % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2
  }

  /// The smallest or largest usable signal of each 5×5 neighborhood, by rows and then columns.
  private func extreme(_ start: Double, _ pick: (Double, Double) -> Double) -> [Double] {
    let rows = usable.shape.rows
    let columns = usable.shape.columns
    var along = [Double](repeating: start, count: rows * columns)
    for row in 0..<rows {
      for column in 0..<columns {
        var best = start
        for c in max(column - Self.reach, 0)...min(column + Self.reach, columns - 1) {
          let position = row * columns + c
          if usable.bytes[position] & ~PixelFlags.hot.rawValue == 0 {
            best = pick(best, plane[position])
          }
        }
        along[row * columns + column] = best
      }
    }
    var result = along
    for row in 0..<rows {
      for column in 0..<columns {
        var best = start
        for r in max(row - Self.reach, 0)...min(row + Self.reach, rows - 1) {
          best = pick(best, along[r * columns + column])
        }
        result[row * columns + column] = best
      }
    }
    return result
  }
}
