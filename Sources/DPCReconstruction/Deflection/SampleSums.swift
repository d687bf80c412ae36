// What tells the regime, summed over the segments along a piece of a row.
internal import STEMCore

/// Signals, and signals times the vectors of their segments, summed over the segments at some positions of a row.
struct SampleSums {
  /// Positions at most.
  static let length = 512

  private var signal = [Double](repeating: 0, count: length)
  private var allX = [Double](repeating: 0, count: length)
  private var allY = [Double](repeating: 0, count: length)
  private var beyondX = [Double](repeating: 0, count: length)
  private var beyondY = [Double](repeating: 0, count: length)

  /// - Parameters:
  ///   - vectors: One for each segment.
  ///   - isBeyond: Whether a segment lies beyond the rim.
  ///   - signals: A band of the map.
  ///   - positions: Of the band, no more than ``length``.
  mutating func form(
    _ vectors: [(x: Double, y: Double)], _ isBeyond: [Bool], of signals: SegmentSignals,
    at positions: Range<Int>
  ) {
    for place in 0..<Self.length {
      signal[place] = 0
      (allX[place], allY[place]) = (0, 0)
      (beyondX[place], beyondY[place]) = (0, 0)
    }
    for segment in vectors.indices {
      let first = segment * signals.shape.count + positions.lowerBound
      let line = signals.values.span.extracting(first..<(first + positions.count))
      add(line, to: &signal)
      addProducts(line, vectors[segment].x, to: &allX)
      addProducts(line, vectors[segment].y, to: &allY)
      if isBeyond[segment] {
        addProducts(line, vectors[segment].x, to: &beyondX)
        addProducts(line, vectors[segment].y, to: &beyondY)
      }
    }
  }

  /// Divides by the sums, calibrates, and writes the results and their flags; zero at what is unusable.
  ///
  /// - Parameters:
  ///   - flags: One a position.
  ///   - calibration: true = calibration · measured.
  ///   - total: Gets what all segments give.
  ///   - outer: Gets what those beyond the rim give.
  ///   - first: Where in both maps the first position is.
  func write(
    _ flags: Span<UInt8>, _ calibration: Matrix2, to total: SharedVectorMap,
    _ outer: SharedVectorMap, at first: Int
  ) {
    write(allX.span, allY.span, flags, calibration, to: total, at: first)
    write(beyondX.span, beyondY.span, flags, calibration, to: outer, at: first)
  }

  private func write(
    _ x: Span<Double>, _ y: Span<Double>, _ flags: Span<UInt8>, _ calibration: Matrix2,
    to map: SharedVectorMap, at first: Int
  ) {
    let sums = signal.span
    let places = first..<(first + flags.count)
    let (targetX, targetY, mask) = (map.x[places], map.y[places], map.mask[places])
    for place in 0..<flags.count {
      let isPositive = sums[place] > 0
      let vector = calibration(
        isPositive ? x[place] / sums[place] : 0, isPositive ? y[place] / sums[place] : 0)
      let isUsable = flags[place] & PixelFlags.unusable.rawValue == 0
      targetX[place] = isUsable ? vector.x : 0
      targetY[place] = isUsable ? vector.y : 0
      mask[place] = flags[place]
    }
  }
}

private func add(_ line: Span<Double>, to sums: inout [Double]) {
  precondition(line.count <= sums.count, "a sum for each")
  var sums = sums.mutableSpan
  for place in 0..<line.count { sums[place] += line[place] }
}

private func addProducts(_ line: Span<Double>, _ factor: Double, to sums: inout [Double]) {
  precondition(line.count <= sums.count, "a sum for each")
  var sums = sums.mutableSpan
  for place in 0..<line.count { sums[place] += line[place] * factor }
}
