// How the signals of a segment scatter from position to position, and whether that is noise.
internal import STEMCore
internal import WorkSharing

/// How every segment of a sample scatters.
public struct SegmentScatters: Sendable {
  /// nil for one of which too few positions are usable.
  let segments: [SegmentScatter?]

  /// - Parameter parts: Of a frame, corrected.
  public init(_ parts: [SegmentSignals]) {
    segments = concurrentMap(parts.first?.segmentCount ?? 0) {
      SegmentScatter(parts, segment: $0)
    }
  }
}

/// Mean and scatter of a segment over the usable positions of some rows.
///
/// Differences of the second and the third order along the rows, over the sums of their squared coefficients (6 and
/// 20), are the variance of noise that differs from position to position. Of structure with a period of λ positions the
/// third leave 1.2 sin²(π/λ) of what the second do, so that noise shows by being left whole. Sharp edges are left too,
/// but are not everywhere: medians do not see them.
struct SegmentScatter: Sendable {
  /// Fewer positions with three more beside them say nothing.
  private static let fewest = 32
  /// About as many are enough for everything else,
  private static let mostPositions = 16384
  /// and for medians.
  private static let mostOfMedian = 2048
  /// Of what second differences leave of structure with a period of 4.5 positions or more, third ones leave less.
  private static let partOfNoise = 0.5
  /// A variance within this factor of that of counting is noise too, whatever structure adds.
  private static let countingFactor = 4.0

  private(set) var mean = 0.0
  /// The mean with the weights that positions have in second differences: their variance over it is the signal of one
  /// electron, however few positions have most of the signal.
  private(set) var weightedMean = 0.0
  /// By second differences.
  private(set) var variance = 0.0
  /// By third differences: of noise, with less of structure.
  private(set) var noise = 0.0
  /// As these two, by medians.
  private var medianVariance = 0.0
  private var medianNoise = 0.0
  /// The part of neighbors along a row that are equal; those of noise of the deviation σ, in steps of s, are with the
  /// chance s/(2√π σ).
  private(set) var ties = 0.0
  /// All signals, where they are one number.
  private(set) var constant: Double?

  /// - Returns: nil where too few positions are usable.
  init?(_ parts: [SegmentSignals], segment: Int) {
    let positions = parts.reduce(0) { $0 + $1.shape.count }
    var sums = ScatterSums(
      medianStep: max(1, min(positions, Self.mostPositions) / Self.mostOfMedian))
    let rowStep = max(1, positions / Self.mostPositions)
    for part in parts {
      let columns = part.shape.columns
      for row in stride(from: 0, to: part.shape.rows, by: rowStep) {
        let line = row * columns..<(row + 1) * columns
        let first = segment * part.shape.count
        sums.add(
          part.values.span.extracting(first + line.lowerBound..<first + line.upperBound),
          part.mask.bytes.span.extracting(line))
      }
    }
    guard sums.runs >= Self.fewest else { return nil }
    let runs = Double(sums.runs)
    mean = sums.sum / Double(sums.count)
    weightedMean = sums.weighted / 6 / runs
    variance = sums.second / 6 / runs
    noise = sums.third / 20 / runs
    ties = Double(sums.equal) / runs
    // A normal distribution has half of its squares below 0.455 σ².
    medianVariance = (median(sums.seconds) ?? 0) / 0.455 / 6
    medianNoise = (median(sums.thirds) ?? 0) / 0.455 / 20
    if sums.lowest == sums.highest { constant = sums.lowest }
  }

  /// Whether it scatters as noise does.
  ///
  /// - Parameter electronsPerUnit: nil where it is not known.
  func isNoisy(electronsPerUnit: Double?) -> Bool {
    // Squares of numbers beyond 1e150 are infinite, and tell nothing.
    guard constant == nil, mean > 0, medianNoise > 0, noise.isFinite else { return false }
    if medianNoise >= Self.partOfNoise * medianVariance { return true }
    guard let electronsPerUnit else { return false }
    let ofCounting = medianNoise * electronsPerUnit / mean
    return (1 / Self.countingFactor...Self.countingFactor).contains(ofCounting)
  }
}

/// What is added up of the rows of a segment.
private struct ScatterSums {
  /// Usable positions, and their signals.
  private(set) var count = 0
  private(set) var sum = 0.0
  private(set) var lowest = Double.infinity
  private(set) var highest = -Double.infinity
  /// Positions with three usable ones before them in the row, and how many of them equal the one before.
  private(set) var runs = 0
  private(set) var equal = 0
  /// Of these six times the mean of three, and the squares of second and third differences.
  private(set) var weighted = 0.0
  private(set) var second = 0.0
  private(set) var third = 0.0
  /// Some of the squares.
  private(set) var seconds: [Double] = []
  private(set) var thirds: [Double] = []
  /// One square in so many is kept for medians.
  private let medianStep: Int

  init(medianStep: Int) { self.medianStep = medianStep }

  /// Adds the signals of a row.
  mutating func add(_ values: Span<Double>, _ flags: Span<UInt8>) {
    var (length, a, b, c) = (0, 0.0, 0.0, 0.0)
    for column in 0..<values.count {
      if flags[column] & PixelFlags.unusable.rawValue != 0 {
        length = 0
        continue
      }
      length += 1
      let value = values[column]
      (count, sum) = (count + 1, sum + value)
      (lowest, highest) = (min(lowest, value), max(highest, value))
      if length >= 4 { addRun(a, b, c, value) }
      (a, b, c) = (b, c, value)
    }
  }

  /// Adds what four neighbors tell.
  private mutating func addRun(_ a: Double, _ b: Double, _ c: Double, _ value: Double) {
    runs += 1
    equal += value == c ? 1 : 0
    let (bend, rest) = (b - 2 * c + value, value - 3 * c + 3 * b - a)
    weighted += b + 4 * c + value
    second += bend * bend
    third += rest * rest
    if runs % medianStep == 0 {
      seconds.append(bend * bend)
      thirds.append(rest * rest)
    }
  }
}
