// Walls whose inclination is fitted with them: one angle for all walls of a profile.

internal import Glibc
public import STEMCore

/// A fit of walls and of the angle between them and the beam.
public struct InclinedWallFit: Sendable, Equatable {
  /// The walls at the best angle; their errors contain that of the angle.
  public var fit: WallFit
  /// The geometry at the best angle.
  public var geometry: InclinationGeometry
  /// rad; the error is half the interval in which χ² rises by one.
  public var inclination: Measurement
  /// The smaller angle at which χ² has risen by one, rad; nil where it does not within 1° to 80°.
  public var lower: Double?
  /// The larger angle at which χ² has risen by one, rad; nil where it does not within 1° to 80°.
  public var upper: Double?
  /// The smaller angle at which χ² has risen by four, rad: angles below are excluded, with 95 % confidence.
  public var excludedBelow: Double?
  /// The larger angle at which χ² has risen by four, rad: angles above are excluded, with 95 % confidence.
  public var excludedAbove: Double?
  /// Fits at other angles that explain the profile as well: their χ² differs by less than twelve, so that noise
  /// can have put either of them first.
  public var alternatives: [InclinedWallFit] = []

  /// An angle known to some degrees on both sides; else the profile does not tell it.
  public var isDetermined: Bool {
    guard lower != nil, upper != nil, let error = inclination.error else { return false }
    return error < Self.largestError
  }

  /// Whether the profile excludes an angle (rad), with 95 % confidence.
  public func excludes(_ angle: Double) -> Bool {
    let isBelow = excludedBelow.map { angle < $0 } ?? false
    let isAbove = excludedAbove.map { angle > $0 } ?? false
    return isBelow || isAbove
  }

  /// 15° in rad.
  static let largestError = 0.262
}

/// Fits walls together with the one inclination that they share.
///
/// The shape of a projected wall has two parameters, cos a/w and t sin a/w: where the box t tan a is
/// as wide as the wall, width and angle can be told apart. The angle is found by its profile
/// likelihood: for every angle all walls are fitted anew, and χ² is followed down to its least and up
/// by one on both sides, so that the interval holds where the likelihood is skew.
/// The errors of the walls are those at the best angle and what the angle's error adds,
/// dE0/da and so on, taken from the fits at both ends of the interval.
///
/// An antiparallel pair at a distance d looks the same when d and the box t tan a change places, at the angle
/// atan(d/t): both are returned where χ² does not tell them apart.
/// - Parameters:
///   - profile: Mean field over the thickness, V/m, with errors.
///   - start: Thickness and field direction; its angle is not used.
///   - stated: An angle that is known from elsewhere, rad: of fits that explain the profile alike, the one
///     nearest to it is taken; without it the one of the least inclined walls.
///   - isInterrupted: Asked often; once it says so, the fit is given up.
/// - Returns: nil where no wall is found or the profile has no errors.
/// - Throws: ``WallError`` as the fit at a fixed angle.
public func fitInclinedWalls(
  profile: LineProfile, start: InclinationGeometry, stated: Double? = nil,
  isInterrupted: @escaping @Sendable () -> Bool = { false }
) throws(WallError) -> InclinedWallFit? {
  guard abs(start.directionFactor) >= 1e-9 else {
    throw .invisibleField(start.direction, inclination: start.inclination)
  }
  guard profile.error != nil else { return nil }
  func search(_ baseline: WallBaseline) throws(WallError) -> InclinedWallFit? {
    // Which walls there are is seen in the image itself: at a wrong angle misfit would pass for walls.
    var image = WallFitOptions.imagePlane
    image.baseline = baseline
    let seen = try fitImageWalls(
      profile: profile, options: image, isInterrupted: isInterrupted
    ).reported
    guard !seen.isEmpty else { return nil }
    let found = InclinationSearch(
      profile: profile, start: start, walls: seen, baseline: baseline, isInterrupted: isInterrupted
    ).run(stated: stated)
    if isInterrupted() { throw .interrupted }
    return found
  }
  guard let level = try search(.constant) else { return try search(.linear) }
  guard let sloping = try search(.linear),
    sloping.fit.showsSlope(threshold: WallFitOptions.detectionThreshold, against: level.fit)
  else { return level }
  return sloping
}

extension WallFit {
  /// Whether a slope stands above its error, and explains the profile better than a fit without.
  fileprivate func showsSlope(threshold: Double, against level: WallFit) -> Bool {
    guard let slope, let error = slope.error, let own = reducedChiSquare,
      let other = level.reducedChiSquare
    else { return false }
    return abs(slope.value) > threshold * error
      && other - own > threshold * threshold / Double(curve.count) * max(1, own)
  }
}
