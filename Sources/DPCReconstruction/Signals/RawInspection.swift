// Raw signals that are no measurement: missing, saturated, without counts.
internal import STEMCore

/// Finds what of raw signals is no measurement, whatever the neighbors.
struct RawInspection {
  private let correction: SegmentCorrection
  private let saturationLevel: Double
  /// Reciprocal gains, and what single precision may make of a term of the sum, as part of it.
  private let scale: [Float]
  private let slack: Float

  /// A bound that is larger is positive.
  fileprivate static let smallest: Float = 1e-30

  init(_ correction: SegmentCorrection, saturationLevel: Double) {
    self.correction = correction
    self.saturationLevel = saturationLevel
    scale = correction.gain.map { Float(1 / $0) }
    slack = 1e-6 + 1.2e-7 * Float(correction.gain.count)
  }

  /// Flags positions, and takes them out of the tiles' extremes.
  func inspect<Raw: RawNumber>(
    _ raw: Span<Raw>, _ tiles: inout SignalTiles, _ flags: inout [UInt8]
  ) {
    // A gain that is not positive, or so small or large that single precision loses it, tells nothing quickly.
    let isQuick = scale.allSatisfy { $0 > 1e-30 && $0 < 1e30 }
    // Below what single precision makes of the level.
    let level = saturationLevel.isFinite ? Float(saturationLevel) * (1 - 1e-6) : .infinity
    var least = [Float](repeating: 0, count: tiles.columns)
    var peak = least
    for row in 0..<tiles.rows {
      sums(tiles, row, &least, &peak)
      if isQuick && isClear(least.span, peak.span, below: level) { continue }
      for column in 0..<tiles.columns {
        // Where a signal is NaN the largest of the others may be lost.
        let isSafe = isQuick && peak[column] < level && !least[column].isNaN
        if isSafe && least[column] > Self.smallest { continue }
        if flag(raw, tiles, row, column, isSafe: isSafe, &flags) {
          tiles.regather(raw, row: row, column: column, flags: flags.span)
        }
      }
    }
  }

  /// Per tile of a row a bound below the sums of its corrected signals, and its largest raw signal.
  private func sums(
    _ tiles: SignalTiles, _ row: Int, _ least: inout [Float], _ peak: inout [Float]
  ) {
    for tile in least.indices { (least[tile], peak[tile]) = (0, -.infinity) }
    for segment in correction.gain.indices {
      let line = tiles.line(segment, row: row)
      addBounds(
        tiles.low.span.extracting(line), tiles.high.span.extracting(line), scale[segment],
        slack: slack, offset: offset(segment), &least, &peak)
    }
  }

  /// What the dark signal takes from the sum at most.
  private func offset(_ segment: Int) -> Float {
    let dark = Float(correction.dark[segment])
    return scale[segment] * dark + slack * abs(scale[segment] * dark)
  }

  /// Flags the positions of a tile one by one.
  ///
  /// - Parameter isSafe: No signal is saturated; what has a positive sum is then a measurement.
  /// - Returns: Whether there was anything to flag.
  private func flag<Raw: RawNumber>(
    _ raw: Span<Raw>, _ tiles: SignalTiles, _ row: Int, _ column: Int, isSafe: Bool,
    _ flags: inout [UInt8]
  ) -> Bool {
    let positions = tiles.positions(row: row, column: column)
    let (shape, segments) = (tiles.shape, correction.gain.count)
    var hasFlagged = false
    for r in positions.rows {
      for c in positions.columns {
        let position = r * shape.columns + c
        if isSafe {
          var least: Float = 0
          for segment in 0..<segments {
            let signal = scale[segment] * raw[segment * shape.count + position].single
            least += signal - slack * abs(signal) - offset(segment)
          }
          if least > Self.smallest { continue }
        }
        let reason = reason(raw, shape, position)
        if reason != 0 {
          flags[position] = reason
          hasFlagged = true
        }
      }
    }
    return hasFlagged
  }

  private func reason<Raw: RawNumber>(
    _ raw: Span<Raw>, _ shape: GridShape, _ position: Int
  ) -> UInt8 {
    var reasons: PixelFlags = []
    var sum = 0.0
    for segment in correction.gain.indices {
      let signal = raw[segment * shape.count + position].double
      if !signal.isFinite {
        reasons.insert(.missing)
      } else if signal >= saturationLevel {
        reasons.insert(.saturated)
      }
      sum += (signal - correction.dark[segment]) * (1 / correction.gain[segment])
    }
    if reasons.isEmpty && !(sum > 0) { reasons = .noCounts }
    return reasons.rawValue
  }
}

/// Whether all tiles of a row hold positive sums and no signal at the level; not where one may be NaN.
private func isClear(_ least: Span<Float>, _ peak: Span<Float>, below level: Float) -> Bool {
  precondition(least.count == peak.count, "a line of tiles")
  var suspects: UInt32 = 0
  for tile in 0..<least.count {
    suspects |= least[tile] > RawInspection.smallest ? 0 : 1
    suspects |= peak[tile] < level ? 0 : 1
  }
  return suspects == 0
}

private func addBounds(
  _ low: Span<Float>, _ high: Span<Float>, _ scale: Float, slack: Float, offset: Float,
  _ least: inout [Float], _ peak: inout [Float]
) {
  let count = low.count
  precondition(
    high.count == count && least.count == count && peak.count == count, "a line of tiles")
  var sums = least.mutableSpan
  var peaks = peak.mutableSpan
  for tile in 0..<count {
    let signal = scale * low[tile]
    sums[tile] += signal - slack * abs(signal) - offset
    // Tiles are compared with the level one by one; NaN is caught by the sum.
    peaks[tile] = max(peaks[tile], high[tile])
  }
}
