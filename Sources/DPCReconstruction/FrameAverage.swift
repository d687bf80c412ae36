// Repeated frames to one, frame by frame, and what the scatter between them says.
public import STEMCore

/// Adds corrected frames (or the same band of each) and watches how they scatter.
///
/// Counts are added and divided afterwards, never the other way round: the beam's flicker then
/// cancels in each position's own sum, and a position that is unusable in one frame is averaged
/// over the others.
public struct FrameAccumulator: Sendable {
  private let shape: GridShape
  private let segmentCount: Int
  private var sums: [Double]
  /// Σ over frames of signal²/(frame's sum), for the chi-square between frames.
  private var squares: [Double]
  private var totals: [Double]
  private var frames: [Int]
  private var flags: [UInt8]
  private var electronsPerUnit: Double?
  /// Of the frame being added, kept for the next one: 1 where the position is usable, and the frame's sum
  /// there; else 0, and 1.
  private var weight: [Double]
  private var total: [Double]

  public init(shape: GridShape, segmentCount: Int) {
    self.shape = shape
    self.segmentCount = segmentCount
    sums = [Double](repeating: 0, count: segmentCount * shape.count)
    squares = sums
    totals = [Double](repeating: 0, count: shape.count)
    frames = [Int](repeating: 0, count: shape.count)
    flags = [UInt8](repeating: 0, count: shape.count)
    weight = totals
    total = totals
  }

  /// Adds one frame of the segments and columns given at the start.
  ///
  /// - Parameters:
  ///   - frame: The frame, or a band of it that holds the rows wanted.
  ///   - firstRow: Which of its rows is the first of those given at the start.
  public mutating func add(_ frame: SegmentSignals, firstRow: Int = 0) {
    precondition(
      frame.shape.columns == shape.columns && frame.segmentCount == segmentCount && firstRow >= 0
        && firstRow + shape.rows <= frame.shape.rows, "frames are alike")
    electronsPerUnit = frame.electronsPerUnit
    let first = firstRow * shape.columns
    Self.form(&total, of: frame, from: first)
    for position in 0..<shape.count {
      let isUsable = frame.mask.isUsable(first + position)
      if isUsable, total[position] > 0 {
        frames[position] += 1
        totals[position] += total[position]
        weight[position] = 1
      } else {
        flags[position] |=
          isUsable ? PixelFlags.noCounts.rawValue : frame.mask.bytes[first + position]
        (weight[position], total[position]) = (0, 1)
      }
    }
    // Held apart from self, of which other parts are written to; nothing is copied.
    let (weight, total) = (self.weight, self.total)
    for segment in 0..<segmentCount {
      let values = frame.values.span.extracting(
        (segment * frame.shape.count + first)..<(segment * frame.shape.count + first + shape.count))
      Self.add(
        values, weight: weight.span, total: total.span, to: &sums, squares: &squares,
        at: segment * shape.count)
    }
  }

  /// The sum of the segments at each position, in the segments' order.
  private static func form(_ totals: inout [Double], of frame: SegmentSignals, from first: Int) {
    var sums = totals.mutableSpan
    for position in 0..<sums.count { sums[position] = 0 }
    for segment in 0..<frame.segmentCount {
      let start = segment * frame.shape.count + first
      let values = frame.values.span.extracting(start..<(start + sums.count))
      for position in 0..<sums.count { sums[position] += values[position] }
    }
  }

  private static func add(
    _ values: Span<Double>, weight: Span<Double>, total: Span<Double>, to sums: inout [Double],
    squares: inout [Double], at first: Int
  ) {
    let count = weight.count
    precondition(total.count == count && values.count == count, "one of each")
    var sums = sums.mutableSpan
    var squares = squares.mutableSpan
    precondition(first + count <= sums.count && first + count <= squares.count, "their place")
    for position in 0..<count {
      let value = weight[position] * values[position]
      sums[first + position] += value
      squares[first + position] += value * value / total[position]
    }
  }

  /// The summed signals and the scatter between frames.
  ///
  /// A position keeps its mask bits only where no frame was usable.
  public func finished() -> (signals: SegmentSignals, scatter: FrameScatter) {
    var mask = PixelMask(shape: shape)
    var scatter = FrameScatter()
    for position in 0..<shape.count {
      if frames[position] == 0 {
        mask.bytes[position] = flags[position] == 0 ? PixelFlags.missing.rawValue : flags[position]
      } else if frames[position] > 1 {
        addScatter(at: position, to: &scatter)
      }
    }
    let signals = SegmentSignals(
      shape: shape, segmentCount: segmentCount, values: sums, mask: mask,
      electronsPerUnit: electronsPerUnit)
    return (signals, scatter)
  }

  /// χ² = Σ_f Σ_k (I_kf - N_f q_k)²/(N_f q_k) over the segments with enough counts to be normal.
  private func addScatter(at position: Int, to scatter: inout FrameScatter) {
    let total = totals[position]
    var chiSquare = 0.0
    var segments = 0
    for segment in 0..<segmentCount {
      let index = segment * shape.count + position
      let fraction = sums[index] / total
      let meanCount = sums[index] / Double(frames[position]) * (electronsPerUnit ?? .infinity)
      if fraction < FrameScatter.smallestFraction || meanCount < FrameScatter.smallestCount {
        continue
      }
      chiSquare += squares[index] / fraction - 2 * sums[index] + fraction * total
      segments += 1
    }
    if segments < 2 { return }
    scatter.chiSquare += chiSquare
    scatter.degreesOfFreedom += (frames[position] - 1) * (segments - 1)
  }
}

/// How repeated frames scatter about their mean, pooled over positions.
public struct FrameScatter: Sendable, Equatable, Codable {
  /// In units of the signal: 1 per degree of freedom is what counting electrons gives.
  public var chiSquare = 0.0
  public var degreesOfFreedom = 0

  /// Segments with a smaller share of the signal are left out.
  static let smallestFraction = 1e-3
  /// Below this many electrons per frame a Poisson count is not normal enough.
  static let smallestCount = 5.0

  public init() {}

  public static func += (sum: inout FrameScatter, other: FrameScatter) {
    sum.chiSquare += other.chiSquare
    sum.degreesOfFreedom += other.degreesOfFreedom
  }

  /// Variance over signal, in units of the signal; nil without repeated frames.
  public var variancePerUnit: Double? {
    degreesOfFreedom > 0 && chiSquare > 0 ? chiSquare / Double(degreesOfFreedom) : nil
  }
}

extension SegmentSignals {
  /// Takes the scatter between frames into the errors.
  ///
  /// Where the number of electrons is unknown the scatter measures it: one unit of signal scatters
  /// like 1/(variance per unit) electrons. Where it is known, scatter that exceeds counting noise by
  /// more than three standard errors enlarges the variance.
  ///
  /// - Returns: Observed variance over that of counting; nil where there is nothing to compare.
  public mutating func applyScatter(_ scatter: FrameScatter) -> Double? {
    guard let variancePerUnit = scatter.variancePerUnit else { return nil }
    guard let electronsPerUnit else {
      self.electronsPerUnit = 1 / variancePerUnit
      return nil
    }
    let ratio = variancePerUnit * electronsPerUnit
    let standardError = (2 / Double(scatter.degreesOfFreedom)).squareRoot()
    if ratio > 1 + 3 * standardError { varianceFactor *= ratio }
    return ratio
  }
}
