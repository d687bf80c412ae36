// In which regime the signals are: how much of them a shift carries across the rim of the disc.
public import STEMCore
internal import WorkSharing

/// The part of the signal that appears in the ring beyond the rim of the disc.
///
/// A structure wider than the probe shifts the disc as a whole: half of the signal is what the inner ring loses
/// on one side, half what the outer ring gains on the other. A weak phase moves intensity within the
/// disc: the outer ring stays dark. In between the share tells how far every estimator is off that takes one
/// for the other.
public struct OuterShare: Sendable, Equatable {
  /// Why no share, or no regime, can be stated.
  public enum Obstacle: Sendable, Equatable {
    /// All segments lie in one ring.
    case oneRing
    /// No ring ends at the rim of the disc: a shift carries nothing from ring to ring.
    case noRingAtRim
    /// The segments give no deflection that is linear and right in every regime.
    case noDeflection
    /// Structure is not told from noise.
    case weakSignal
    /// A plane below the signal, of descan or of slow structure, is stronger than it: a disc that is off the
    /// detector's center by as much lets a weak phase cross the ring's edge as well.
    case discOffCenter
  }

  /// How the specimen acts on the disc, as far as the share tells.
  public enum Regime: String, Sendable, Codable {
    case weakPhase = "weak phase"
    case intermediate = "between weak phase and rigid shift"
    case rigidShift = "rigid shift"
    /// More than half: the disc is wider than the ring, or electrons are scattered far.
    case beyondRigidShift = "neither weak phase nor rigid shift"
    case notDetermined = "not determined"
  }

  /// 0 for a weak phase, 1/2 for a rigid shift; nil where it was not measured.
  public var value: Double?
  /// One standard deviation: noise, and the scatter of the share over the map.
  public var error: Double?
  /// Why the share tells nothing; nil where it does.
  public var obstacle: Obstacle?
  /// RMS of the structure in the deflection without its plane, noise taken off, rad.
  public var signal: Double?
  /// RMS of the plane that was taken off, rad.
  public var offset: Double?

  /// Shares within this of 0 or 1/2 are not told from them: what a bend of the specimen or a scattered background
  /// does to the outer ring.
  public static let resolution = 0.05
  /// Errors beyond leave it open whether the share is 0 or 1/2.
  public static let largestError = 0.08

  /// The regime that the share tells within three of its errors.
  public var regime: Regime {
    guard let value, let error, obstacle == nil else { return .notDetermined }
    let slack = max(3 * error, Self.resolution)
    if abs(value) <= slack { return .weakPhase }
    if abs(value - 0.5) <= slack { return .rigidShift }
    return value > 0.5 ? .beyondRigidShift : .intermediate
  }
}

/// The deflection and its part from the outer ring, at the pixels of some rows.
public struct RegimeSample: Sendable {
  /// Rows of the map, ascending.
  public let rows: [Int]
  /// To first order in the shift, rad, detector frame, calibrated.
  public fileprivate(set) var total: VectorMap
  /// The part of `total` that the segments beyond the rim add.
  public fileprivate(set) var outer: VectorMap

  /// Whether no row between the first and the last is left out.
  var isContiguous: Bool { zip(rows, rows.dropFirst()).allSatisfy { $0 + 1 == $1 } }

  /// Numbers that are yet to be written.
  fileprivate init(rows: [Int], columns: Int) {
    self.rows = rows
    let shape = GridShape(rows: rows.count, columns: columns)
    // Not one a copy of the other: lending the numbers would copy them.
    total = VectorMap(uninitialized: shape, withCovariance: false, pixelSize: nil)
    outer = VectorMap(uninitialized: shape, withCovariance: false, pixelSize: nil)
  }

  mutating func removePlanes(of total: DescanSurface, _ outer: DescanSurface) {
    self.total.remove(total)
    self.outer.remove(outer)
  }

  /// Lends the numbers to several threads.
  public mutating func share<Result, Failure: Error>(
    _ body: (SharedRegimeSample) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try total.share { total throws(Failure) in
      try outer.share { outer throws(Failure) in
        try body(SharedRegimeSample(total: total, outer: outer))
      }
    }
  }
}

/// The numbers of a sample while several threads write to them.
public struct SharedRegimeSample: Sendable {
  fileprivate let total: SharedVectorMap
  fileprivate let outer: SharedVectorMap
}

/// Takes from the signals what the regime is told by.
public struct RegimeSampler: Sendable {
  /// Why the geometry does not tell the regime; nil where it does.
  public let obstacle: OuterShare.Obstacle?
  private let vectors: [(x: Double, y: Double)]
  private let isBeyond: [Bool]
  private let calibration: Matrix2
  private let shape: GridShape
  private let rowStep: Int

  /// Pixels beyond this number are left out, whole rows at a time: the share is as well known without.
  public static let pixelLimit = 1 << 20

  /// - Parameters:
  ///   - detector: The geometry.
  ///   - probeSemiAngle: Of the disc, rad.
  ///   - shape: Of the whole map.
  ///   - calibration: true = calibration · measured.
  public init(
    detector: SegmentedDetector, probeSemiAngle: Double, calibration: Matrix2, shape: GridShape
  ) throws {
    let slack = DiscRim.tolerance * probeSemiAngle
    let rings = try detector.rings()
    let hasEdge = rings.dropLast().contains { abs($0.outer - probeSemiAngle) <= slack }
    let linear = linearDeflectionVectors(detector: detector, probeSemiAngle: probeSemiAngle)
    if linear == nil {
      obstacle = .noDeflection
    } else if rings.count < 2 {
      obstacle = .oneRing
    } else {
      obstacle = hasEdge ? nil : .noRingAtRim
    }
    vectors = linear ?? detector.segments.map { _ in (x: 0, y: 0) }
    isBeyond = detector.segments.map { $0.inner >= probeSemiAngle - slack }
    self.calibration = calibration
    self.shape = shape
    rowStep = max(1, (shape.count + Self.pixelLimit - 1) / Self.pixelLimit)
  }

  /// The sample of a map, whose numbers are yet to be written, those of every band before any is read.
  public func emptySample() -> RegimeSample {
    RegimeSample(
      rows: Array(stride(from: 0, to: shape.rows, by: rowStep)), columns: shape.columns)
  }

  /// The sample of a whole map.
  public func sample(_ signals: SegmentSignals) -> RegimeSample {
    var sample = emptySample()
    sample.share { write(signals, firstRow: 0, to: $0) }
    return sample
  }

  /// Writes what a band of rows tells.
  ///
  /// - Parameters:
  ///   - signals: A band of rows of the map.
  ///   - firstRow: The band's first row in the map.
  ///   - sample: Of the map.
  public func write(_ signals: SegmentSignals, firstRow: Int, to sample: SharedRegimeSample) {
    // In the sample, of which a row stands for `rowStep` rows of the map.
    let end = (firstRow + signals.shape.rows + rowStep - 1) / rowStep
    let rows = (firstRow + rowStep - 1) / rowStep..<end
    let columns = shape.columns
    shareWork((rows.count + Self.bandRows - 1) / Self.bandRows) { band in
      var sums = SampleSums()
      let first = rows.lowerBound + band * Self.bandRows
      for row in first..<min(first + Self.bandRows, rows.upperBound) {
        let (source, target) = ((row * rowStep - firstRow) * columns, row * columns)
        for column in stride(from: 0, to: columns, by: SampleSums.length) {
          let count = min(SampleSums.length, columns - column)
          let positions = (source + column)..<(source + column + count)
          sums.form(vectors, isBeyond, of: signals, at: positions)
          let flags = signals.mask.bytes.span.extracting(positions)
          sums.write(flags, calibration, to: sample.total, sample.outer, at: target + column)
        }
      }
    }
  }

  /// Rows of a piece of work.
  private static let bandRows = 64
}
