// What the first frame holds, for a first look.
internal import STEMCore

/// A segment's numbers in one frame.
public struct SegmentStatistics: Sendable, Equatable {
  /// Of the numbers that are not missing, in the unit of the frames; nil where all are.
  public var minimum: Double?
  /// Likewise.
  public var maximum: Double?
  /// Likewise.
  public var mean: Double?
  /// NaN where a number is missing.
  public var missingCount: Int
  /// How many reached the largest number of an integer type.
  public var saturatedCount: Int
}

/// The numbers of one frame, in the unit of the frames.
public struct FrameStatistics: Sendable, Equatable {
  /// In the order of the detector's segments.
  public var segments: [SegmentStatistics]
  /// Over the pixels without a missing segment, of the sum of all segments; nil where none is.
  public var medianSum: Double?

  /// Reads one frame, band by band.
  init(of frame: Int, from reader: borrowing AcquisitionReader) throws(AcquisitionError) {
    let metadata = reader.metadata
    var tallies = [Tally](repeating: Tally(), count: metadata.segmentCount)
    var sums: [Double] = []
    var band: [Double] = []
    var first = 0
    while first < metadata.shape.rows {
      let rows = first..<min(metadata.shape.rows, first + reader.file.preferredRowCount)
      try reader.readRows(rows, ofFrame: frame, into: &band)
      let count = rows.count * metadata.shape.columns
      var sum = [Double](repeating: 0, count: count)
      for segment in tallies.indices {
        for pixel in 0..<count {
          let value = band[segment * count + pixel]
          tallies[segment].add(value, saturation: metadata.saturationLevel)
          sum[pixel] += value
        }
      }
      sums += sum.lazy.filter { !$0.isNaN }
      first = rows.upperBound
    }
    segments = tallies.map(\.statistics)
    sums.sort()
    medianSum =
      sums.isEmpty ? nil : (sums[(sums.count - 1) / 2] + sums[sums.count / 2]) / 2
  }
}

/// The running numbers of a segment.
private struct Tally {
  private var minimum = Double.infinity
  private var maximum = -Double.infinity
  private var sum = 0.0
  private var count = 0
  private var missing = 0
  private var saturated = 0

  mutating func add(_ value: Double, saturation: Double?) {
    if value.isNaN {
      missing += 1
      return
    }
    minimum = min(minimum, value)
    maximum = max(maximum, value)
    sum += value
    count += 1
    if let saturation, value >= saturation { saturated += 1 }
  }

  var statistics: SegmentStatistics {
    SegmentStatistics(
      minimum: count == 0 ? nil : minimum, maximum: count == 0 ? nil : maximum,
      mean: count == 0 ? nil : sum / Double(count), missingCount: missing,
      saturatedCount: saturated)
  }
}
