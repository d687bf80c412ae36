// Fitted walls: the options of the fit, its result, and the two entry points.

internal import Glibc
public import STEMCore

/// What accompanies the walls in the model of a profile.
public enum WallBaseline: String, Sendable, Equatable, CaseIterable {
  case constant
  /// A constant and a slope, for a remaining ramp.
  case linear
}

/// How walls are found and which of them are reported.
public struct WallFitOptions: Sendable, Equatable {
  /// Smallest height of a wall relative to the highest one, for profiles with errors.
  public var minimumFraction = 0.05
  /// The same for profiles without errors.
  public var minimumFractionWithoutErrors = 0.1
  /// What stands under the walls; nil for a constant, and a slope too where the profile shows one.
  public var baseline: WallBaseline?
  /// Whether one wall may be replaced by two of equal sign where that explains the profile better.
  public var splitsWalls = true
  /// At most this many walls, the highest first.
  var largestCount = 24

  /// Significance that a wall must reach, in standard deviations of its matched filter; raised
  /// by the number of places at which a wall of its width could have been found.
  static let detectionThreshold = 5.0
  /// The gain in χ² that it stands for.
  static let detectionGain = detectionThreshold * detectionThreshold
  /// Walls nearer to an end of the profile than this part of their width there are not reported.
  static let rimDistance = 0.6

  public init() {}

  /// By how much a wall must lower χ² to be one at any of the samples.
  public static func costOfWall(samples: Int) -> Double {
    detectionGain + log(Double(samples))
  }

  /// For fits of inclined walls without an inclination model: a wall that is not sech² in the image
  /// leaves residuals, which must not be taken for walls.
  public static var imagePlane: WallFitOptions {
    var options = WallFitOptions()
    options.minimumFraction = 0.25
    options.minimumFractionWithoutErrors = 0.25
    options.splitsWalls = false
    return options
  }
}

/// What to know of a fitted wall before believing it.
public struct WallFlags: OptionSet, Sendable, Hashable, Codable {
  public let rawValue: Int
  public init(rawValue: Int) { self.rawValue = rawValue }

  /// Cut by the rim of the frame: part of the model, but not reported.
  public static let cutByRim = WallFlags(rawValue: 1 << 0)
  /// The width or the position ended on a bound of the fit.
  public static let atBound = WallFlags(rawValue: 1 << 1)
  /// The standard deviation of field or width exceeds its value.
  public static let uncertain = WallFlags(rawValue: 1 << 2)
  /// t tan a > 2 FWHM/cos a for some width that fits with 95 % confidence: only the product of field and
  /// width is well determined. (A width that came out too large passes by itself.)
  public static let widthIllDetermined = WallFlags(rawValue: 1 << 3)
  /// Below the detection threshold once all walls were fitted: not reported.
  public static let insignificant = WallFlags(rawValue: 1 << 4)
}

/// One wall of a fit, with all that is known of it.
public struct FittedWall: Sendable, Equatable, Codable {
  public var wall: Wall
  /// w of E0 sech²(u/w), m.
  public var sechWidth: Measurement
  /// E0 w, V: well determined even where E0 and w are not.
  public var product: Measurement
  /// Of E0, V/m, by profile likelihood.
  public var fieldInterval: WallInterval
  /// How much larger than its value the field can be: half the distance to the bound of its 95 % interval away
  /// from zero, V/m, at least its error; without a bound its own size.
  public var fieldReach: Double
  /// Of the intrinsic full width at half maximum, m, by profile likelihood.
  public var widthInterval: WallInterval
  /// Of (E0, w, X0), row-major 3 × 3, in SI units: the linearized one, which the errors of field and width
  /// exceed where their likelihood is skew.
  public var covariance: [Double]
  /// Height of the wall in the image, V/m, signed.
  public var imageHeight: Double
  /// Full width at half maximum in the image along the wall normal, m.
  public var imageWidth: Double
  /// |amplitude| over its standard deviation at fixed shape.
  public var significance: Double
  public var flags: WallFlags

  /// Significant and not cut by the rim.
  public var isReported: Bool { flags.isDisjoint(with: [.cutByRim, .insignificant]) }
}

/// The joint fit of all walls of a profile.
public struct WallFit: Sendable, Equatable, Codable {
  /// Every wall of the model, ascending in position, also those that are not reported.
  public var fitted: [FittedWall]
  /// The constant under the walls at distance zero, V/m.
  public var offset: Measurement
  /// V/m²; nil for a constant baseline.
  public var slope: Measurement?
  /// What was fitted under the walls.
  public var baseline: WallBaseline { slope == nil ? .constant : .linear }
  /// χ² per degree of freedom; nil where the profile has no errors.
  public var reducedChiSquare: Double?
  /// The distances of the samples that were fitted, m.
  public var distance: [Double]
  /// The model there, V/m.
  public var curve: [Double]
  /// Root mean square of profile minus model, V/m.
  public var residual: Double

  /// The walls to report: significant and not cut by the rim.
  public var reported: [FittedWall] {
    fitted.filter(\.isReported)
  }
  /// Significant walls that the rim cuts: that they are there is known, their fields are not.
  public var cutByRim: [FittedWall] {
    fitted.filter { $0.flags.contains(.cutByRim) && !$0.flags.contains(.insignificant) }
  }
}

/// Finds the walls of a profile and fits them together, through the specimen's geometry.
///
/// The model is an offset plus the projected profile of every wall
/// (``InclinationGeometry``); all walls are fitted
/// jointly by weighted least squares, from three widths each. Where it is not said what stands under them, a slope
/// does that shows above the noise and explains the profile better, or as well with fewer walls.
///
/// Standard deviations come from (JᵀWJ)⁻¹. With errors in the profile it is scaled by
/// max(1, χ²/dof): counting statistics are a lower bound, a misfit widens them. Without errors
/// it is scaled by the residual variance, which is floored at rounding level. They contain what field,
/// width, position, neighbors and the free offset have in common.
///
/// A projected wall hardly changes when its width falls below the box, so that the likelihood of w
/// is skew: small widths come with linearized errors that are too small. The interval of the width is
/// therefore found by profile likelihood (all else fitted anew until χ² has risen by one), and the error
/// of the width is its larger side, or half of that of the 95 % interval where that is more; without a lower
/// bound, at least the width itself. A field grows as its width falls, and is skew the other way: too small a
/// field comes with too small a linearized error. Its error is a quarter of the length of its 95 % interval where
/// that is more than the linearized one, the side away from zero counting for the field itself at most.
///
/// - Parameters:
///   - profile: Mean field over the thickness, V/m, over the distance along the normal, m.
///   - geometry: Thickness, inclination and field direction.
///   - options: Which walls are reported, and what stands under them.
///   - isInterrupted: Asked often; once it says so, the fit is given up.
/// - Returns: Possibly no walls; that is an answer, not an error.
/// - Throws: ``WallError`` where the direction factor is zero or samples are too few; ``WallError/interrupted``.
public func fitWalls(
  profile: LineProfile, geometry: InclinationGeometry, options: WallFitOptions = WallFitOptions(),
  isInterrupted: @escaping @Sendable () -> Bool = { false }
) throws(WallError) -> WallFit {
  guard abs(geometry.directionFactor) >= 1e-9 else {
    throw .invisibleField(geometry.direction, inclination: geometry.inclination)
  }
  let samples = ProfileSamples(profile)
  guard samples.count >= 8 else { throw .tooFewSamples(samples.count, needed: 8) }
  func search(_ baseline: WallBaseline) -> WallSearch {
    WallSearch(
      model: WallModel(
        samples: samples, geometry: geometry, baseline: baseline, isInterrupted: isInterrupted),
      options: options)
  }
  let fit =
    options.baseline.map { search($0).run() }
    ?? SlopeChoice(level: search(.constant), sloping: search(.linear)).run()
  if isInterrupted() { throw .interrupted }
  return fit
}

/// Fits walls as they appear in the image: sech² profiles of their own height and width.
///
/// No inclination model (`sech2-image`): fields are heights in the image, widths are widths in
/// the image.
/// - Throws: ``WallError/tooFewSamples(_:needed:)``; ``WallError/interrupted``.
public func fitImageWalls(
  profile: LineProfile, options: WallFitOptions = .imagePlane,
  isInterrupted: @escaping @Sendable () -> Bool = { false }
) throws(WallError) -> WallFit {
  try fitWalls(
    profile: profile, geometry: .imagePlane, options: options, isInterrupted: isInterrupted)
}

/// The full width at half of (peak - baseline) around a wall, by linear interpolation.
///
/// - Parameters:
///   - profile: Any unit.
///   - position: Where the wall is, m; the extremum is sought within three samples of it.
///   - baseline: The level under the wall, in the profile's unit.
/// - Returns: m; nil where the profile does not fall to half its height on both sides. Sampling
///   alone biases it by +0.7 % at ten samples per width, because the highest sample is below the
///   peak.
public func directWidth(
  of profile: LineProfile, at position: Double, baseline: Double
) -> Double? {
  let x = profile.distance
  guard let nearest = x.indices.min(by: { abs(x[$0] - position) < abs(x[$1] - position) })
  else { return nil }
  let height = profile.value.map { $0 - baseline }
  let around = max(0, nearest - 3)...min(x.count - 1, nearest + 3)
  guard let peak = around.max(by: { abs(height[$0]) < abs(height[$1]) }), height[peak] != 0
  else { return nil }
  let level = height.map { $0 / height[peak] - 0.5 }
  func crossing(from start: Int, step: Int) -> Double? {
    var k = start
    while x.indices.contains(k + step) {
      if level[k + step] <= 0 {
        return x[k] + (x[k + step] - x[k]) * level[k] / (level[k] - level[k + step])
      }
      k += step
    }
    return nil
  }
  guard let left = crossing(from: peak, step: -1), let right = crossing(from: peak, step: 1)
  else { return nil }
  return right - left
}
