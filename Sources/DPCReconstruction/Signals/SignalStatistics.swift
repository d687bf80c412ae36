// Sums per segment, and the electrons at each position: what is known of signals after one pass over them.
internal import STEMCore
internal import WorkSharing

/// What a pass over the signals gathers: sums per segment and the electrons at each pixel.
public struct SignalStatistics: Sendable {
  /// Of each segment over all positions, in the unit of the signals.
  public let segmentSums: [Double]
  /// Positions with a usable signal.
  public let usableCount: Int
  /// Median over the usable pixels of the electrons counted there; nil where the number is unknown.
  public let medianElectrons: Double?

  /// - Parameter signals: Zero at unusable positions.
  /// - Complexity: O(*n*) on average.
  public init(_ signals: SegmentSignals) {
    let count = signals.shape.count
    var electrons = [Double](uninitializedCount: count)
    let usable = electrons.share { electrons in
      mapPieces(count) { electrons[$0].count(signals, $0) }
    }
    // Four segments each: as many sums run side by side.
    let groups = (signals.segmentCount + 3) / 4
    segmentSums = concurrentMap(groups) { signals.sums(ofSegments: $0) }.flatMap { $0 }
    usableCount = usable.reduce(0, +)
    medianElectrons = signals.electronsPerUnit.flatMap { _ in median(electrons) }
  }

  /// The same of a map that was passed over in parts.
  ///
  /// - Parameters:
  ///   - parts: Of the map, in their order.
  ///   - electrons: As the parts left them; nil where their number is unknown.
  ///   - segmentCount: Of the detector.
  public init(joining parts: [Part], electrons: [Double]?, segmentCount: Int) {
    segmentSums = (0..<segmentCount).map { segment in
      parts.reduce(0) { $0 + $1.segmentSums[segment] }
    }
    usableCount = parts.reduce(0) { $0 + $1.usableCount }
    medianElectrons = electrons.flatMap(median)
  }

  /// Of a part of the map.
  public struct Part: Sendable {
    fileprivate let segmentSums: [Double]
    fileprivate let usableCount: Int

    /// - Parameters:
    ///   - signals: Zero at unusable positions.
    ///   - electrons: Gets what was counted at each position, NaN at unusable ones; no number of electrons
    ///     where that is unknown.
    public init(_ signals: SegmentSignals, electrons: UnsafeMutableBufferPointer<Double>) {
      usableCount = electrons.count(signals, 0..<signals.shape.count)
      segmentSums = (0..<(signals.segmentCount + 3) / 4).flatMap { signals.sums(ofSegments: $0) }
    }
  }
}

extension UnsafeMutableBufferPointer<Double> {
  /// Takes what was counted at some positions.
  ///
  /// - Returns: How many of them are usable.
  fileprivate func count(_ signals: SegmentSignals, _ positions: Range<Int>) -> Int {
    update(repeating: 0)
    // Positions that stay in the innermost cache until all segments are added.
    for first in stride(from: 0, to: positions.count, by: 1024) {
      let places = first..<Swift.min(first + 1024, positions.count)
      for segment in 0..<signals.segmentCount {
        let start = segment * signals.shape.count + positions.lowerBound
        let line = signals.values.span.extracting(
          (start + places.lowerBound)..<(start + places.upperBound))
        for place in 0..<line.count { self[first + place] += line[place] }
      }
    }
    let electronsPerUnit = signals.electronsPerUnit ?? 1
    let flags = signals.mask.bytes.span.extracting(positions)
    var usable = 0
    for place in 0..<flags.count {
      let isUsable = flags[place] & PixelFlags.unusable.rawValue == 0
      usable += isUsable ? 1 : 0
      self[place] = isUsable ? self[place] * electronsPerUnit : .nan
    }
    return usable
  }
}

extension SegmentSignals {
  /// The sums of four segments, position after position; of fewer where there are no more.
  fileprivate func sums(ofSegments group: Int) -> [Double] {
    let segments = (4 * group)..<min(4 * group + 4, segmentCount)
    let planes = values.span
    var sums = SIMD4<Double>()
    // A segment that is not there is taken for the last one.
    let first = SIMD4<Int>(0, 1, 2, 3).clamped(
      lowerBound: .zero, upperBound: SIMD4(repeating: segments.count - 1))
    let count = shape.count
    let a = planes.extracting(plane(segments.lowerBound + first[0]))
    let b = planes.extracting(plane(segments.lowerBound + first[1]))
    let c = planes.extracting(plane(segments.lowerBound + first[2]))
    let d = planes.extracting(plane(segments.lowerBound + first[3]))
    for position in 0..<count {
      sums += SIMD4(a[position], b[position], c[position], d[position])
    }
    return segments.indices.map { sums[$0 - segments.lowerBound] }
  }

  private func plane(_ segment: Int) -> Range<Int> {
    (segment * shape.count)..<((segment + 1) * shape.count)
  }
}
