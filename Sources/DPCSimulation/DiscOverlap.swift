// How much of the displaced bright-field disc falls on one segment of the detector, exactly.
public import STEMCore
internal import Glibc

/// The bright-field disc of the probe: uniformly filled, displaced as a rigid whole.
///
/// The area shared with an annular sector is the difference of the areas shared with two wedges
/// (a sector of a full circle). In polar coordinates around the detector's center the area shared
/// with a wedge of radius a is `½ ∫ (min(a, r₊)² - min(a, r₋)²) dψ`, where ψ is the azimuth
/// counted from the displacement d and `r± = d cos ψ ± √(R² - d² sin² ψ)` are the two crossings of
/// the ray with the rim of the disc (r₋ = 0 while the center of the detector lies in the disc).
/// Every piece between two break points has an elementary antiderivative, so nothing is
/// integrated numerically: the error is a few roundings, below 1e-13 of the disc's area.
public struct BrightFieldDisc: Sendable, Equatable {
  /// Radius of the disc: the convergence semi-angle of the probe, rad.
  public let radius: Double

  /// - Parameter radius: Convergence semi-angle, rad; positive.
  public init(radius: Double) {
    precondition(radius > 0 && radius.isFinite, "a disc has a positive radius")
    self.radius = radius
  }

  /// Share of the beam, and so of the disc's area, that falls on a segment when the disc is displaced, 0...1.
  ///
  /// - Parameters:
  ///   - segment: An annular sector of any width up to 2π.
  ///   - orientation: Added to both azimuths of the segment, rad.
  ///   - x: Displacement of the disc's center to the right, in the detector's axes, rad.
  ///   - y: Displacement of the disc's center downwards, in the detector's axes, rad.
  public func fraction(
    on segment: DetectorSegment, orientation: Double, displacedBy x: Double, _ y: Double
  ) -> Double {
    // In units of the radius, so that the rounding errors below are those of numbers near one.
    let distance = hypot(x, y) / radius
    let turn = 2 * Double.pi
    let offset = segment.start + orientation - atan2(y, x)
    let start = offset - turn * ((offset + Double.pi) / turn).rounded(.down)
    let width = segment.stop - segment.start
    let shared =
      wedge(segment.outer / radius, distance, start, width)
      - wedge(segment.inner / radius, distance, start, width)
    return max(0, shared) / Double.pi
  }

  /// Area shared by the unit disc at distance `d` and the wedge r < a, start < ψ < start + width,
  /// with -π <= start < π.
  private func wedge(_ a: Double, _ d: Double, _ start: Double, _ width: Double) -> Double {
    if a <= 0 || a <= d - 1 { return 0 }
    if a + d <= 1 { return a * a * width / 2 }
    let cuts = BreakPoints(radius: a, distance: d, start: start, end: start + width)
    var area = 0.0
    var lower = RimIntegral(azimuth: start, distance: d)
    for index in 0..<cuts.count {
      let upper = RimIntegral(azimuth: cuts.azimuths[index], distance: d)
      area += piece(from: lower, to: upper, wedgeRadius: a, distance: d)
      lower = upper
    }
    return area
  }

  /// Area between two azimuths that have no break point between them.
  private func piece(
    from lower: RimIntegral, to upper: RimIntegral, wedgeRadius a: Double, distance d: Double
  ) -> Double {
    let width = upper.azimuth - lower.azimuth
    if width <= 0 { return 0 }
    // Which limits hold in the middle hold throughout the piece.
    let middle = lower.azimuth + width / 2
    let along = d * cos(middle)
    let across = d * sin(middle)
    let half = (1 - across) * (1 + across)
    if d > 1 && (half <= 0 || along <= 0) { return 0 }
    let chord = max(0, half).squareRoot()
    let far = along + chord
    let near = d > 1 ? along - chord : 0
    if near >= a { return 0 }
    if far >= a {
      let whole = a * a * width / 2
      return near > 0 ? whole - (upper.even - lower.even - (upper.odd - lower.odd)) / 2 : whole
    }
    let odd = upper.odd - lower.odd
    return near > 0 ? odd : (upper.even - lower.even + odd) / 2
  }
}

/// The antiderivative of r±²/2 is (even ± odd)/2 for the unit disc at distance d.
private struct RimIntegral {
  let azimuth: Double
  /// ψ + d² sin ψ cos ψ.
  let even: Double
  /// s √(1 - s²) + asin s with s = d sin ψ.
  let odd: Double

  init(azimuth: Double, distance: Double) {
    self.azimuth = azimuth
    let sine = sin(azimuth)
    even = azimuth + distance * distance * sine * cos(azimuth)
    let s = min(1, max(-1, distance * sine))
    // atan2 with the same root as the first term: near |s| = 1, where the slope of asin is
    // infinite, the rounding errors of the two terms then cancel as their slopes do.
    let root = ((1 - s) * (1 + s)).squareRoot()
    odd = s * root + atan2(s, root)
  }
}

/// Azimuths at which the limits of the radial integral change, ascending, closed by the end.
private struct BreakPoints {
  var azimuths = InlineArray<9, Double>(repeating: 0)
  var count = 0

  init(radius a: Double, distance d: Double, start: Double, end: Double) {
    // The rim crosses the circle of radius a. An error of this angle enters squared only, because
    // the integrand is continuous there.
    let cosine = ((a - 1) * (a + 1) + d * d) / (2 * a * d)
    if cosine > -1 && cosine < 1 { insert(acos(cosine), between: start, end) }
    // Beyond this angle no ray meets a disc that does not hold the detector's center.
    if d >= 1 { insert(asin(1 / d), between: start, end) }
    azimuths[count] = end
    count += 1
  }

  /// Puts ±angle and their repetitions a turn later in place.
  private mutating func insert(_ angle: Double, between start: Double, _ end: Double) {
    for candidate in [-angle, angle, 2 * Double.pi - angle, 2 * Double.pi + angle] {
      if candidate <= start || candidate >= end { continue }
      var position = count
      while position > 0 && azimuths[position - 1] > candidate {
        azimuths[position] = azimuths[position - 1]
        position -= 1
      }
      azimuths[position] = candidate
      count += 1
    }
  }
}
