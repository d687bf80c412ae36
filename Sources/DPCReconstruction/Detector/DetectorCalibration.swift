// What an empty beam tells of the detector: gains, the disc's center and size, each with its error.
public import STEMCore

/// What is taken for granted where the data cannot tell gains from an off-center disc.
public enum CalibrationAssumption: String, Sendable, Codable, CaseIterable {
  case none
  /// The disc stands on the detector's center.
  case centeredDisc = "centered-disc"
  /// All segments are equally sensitive.
  case equalGains = "equal-gains"
}

/// Relative gains known beforehand, from a flat or from the file.
public struct KnownGains: Sendable, Equatable {
  /// Per segment.
  public var gain: [Double]
  /// One relative standard deviation per segment; zero is "taken as exact".
  public var relativeErrors: [Double]

  public init(gain: [Double], relativeErrors: [Double]) {
    precondition(gain.count == relativeErrors.count, "one error per gain")
    self.gain = gain
    self.relativeErrors = relativeErrors
  }
}

/// The result of ``calibrateDetector(vacuum:detector:probeSemiAngle:gains:assumption:exposures:)``.
/// nil is "not determined by these data".
public struct DetectorCalibration: Sendable, Equatable, Codable {
  /// Relative gain per segment, their mean over the determined ones 1.
  public var gain: [Measurement?]
  /// x of the disc's center in the detector frame, in the middle of the scan, rad.
  public var discCenterX: Measurement?
  /// y of the disc's center in the detector frame, in the middle of the scan, rad.
  public var discCenterY: Measurement?
  /// Convergence semi-angle α, rad.
  public var probeSemiAngle: Measurement?
  /// Segments on which too little of the disc falls to tell anything.
  public var unlitSegments: [Int]
  /// Squared misfit over the counting noise per degree of freedom; nil with none left.
  public var reducedChiSquare: Double?
  /// What was taken as known where the data tell two things alike.
  public var assumption: CalibrationAssumption
}

/// Why an empty beam calibrates nothing.
public enum CalibrationError: Error, Sendable, CustomStringConvertible {
  case noCounts
  case electronsUnknown
  /// The fit left the range in which the model holds.
  case discOffDetector

  public var description: String {
    switch self {
    case .noCounts: return "the vacuum reference holds no usable counts"
    case .electronsUnknown:
      return
        "the number of electrons in the vacuum reference is unknown, so nothing can be said of errors"
    case .discOffDetector:
      return
        "no disc near the detector's center gives these signals: the geometry, the dark reference"
        + " or the gains are wrong"
    }
  }
}

/// Estimates gains, disc center and semi-angle from signals of the empty beam.
///
/// The expected counts of segment j at a scan position are proportional to g_j times the area that a
/// uniform disc of radius α at c + D(s, t) shares with the segment, D a plane over the scan. The number
/// of electrons at each position is free, so only shares matter. The parameters ln g, c, α and D minimize
/// the squared misfit weighted by Poisson's variance (Fisher scoring). Weak Gaussian expectations keep
/// the fit finite where the data say nothing: 0.3 for ln g, a quarter of α for c and D, a tenth for
/// α. A parameter counts as determined where its error is at most a tenth of that, so that the
/// expectation moves it by less than a tenth of its error; a gain where it is known to 3 %.
///
/// An orientation is never found here: turning the detector and every displacement together gives the
/// same signals.
///
/// - Parameters:
///   - vacuum: Dark-corrected signals, gains not applied; a scan, or a single position.
///   - detector: Geometry as stated.
///   - probeSemiAngle: α as stated, rad.
///   - gains: Known beforehand; nil leaves them free.
///   - assumption: What to take for granted.
///   - exposures: Averaged into the reference: its noise is lower by their root.
/// - Throws: ``CalibrationError``.
public func calibrateDetector(
  vacuum: SegmentSignals, detector: SegmentedDetector, probeSemiAngle: Double, gains: KnownGains?,
  assumption: CalibrationAssumption = .none, exposures: Double = 1
) throws(CalibrationError) -> DetectorCalibration {
  guard let electronsPerUnit = vacuum.electronsPerUnit else { throw .electronsUnknown }
  let blocks = VacuumBlocks(vacuum, scale: electronsPerUnit * exposures)
  if blocks.counts.isEmpty { throw .noCounts }
  var fit = DiscFit(
    blocks: blocks, detector: detector, stated: probeSemiAngle, gains: gains,
    assumption: assumption)
  try fit.run()
  let covariance = fit.covariance()
  let gains = fit.gains(covariance)
  func measured(_ index: Int) -> Measurement? {
    let variance = covariance[index * fit.size + index]
    let isDetermined = variance.squareRoot() <= DiscFit.determined * fit.expectedError[index]
    return isDetermined && !fit.isFixed[index]
      ? Measurement(fit.parameters[index], error: variance.squareRoot()) : nil
  }
  let first = fit.segmentCount
  return DetectorCalibration(
    gain: gains, discCenterX: measured(first), discCenterY: measured(first + 1),
    probeSemiAngle: measured(first + 2), unlitSegments: fit.model.unlitSegments,
    reducedChiSquare: fit.reducedChiSquare, assumption: assumption)
}
