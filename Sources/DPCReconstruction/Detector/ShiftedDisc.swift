// How a shifted disc falls on wedges and annular sectors around the detector's center, with derivatives.
internal import Glibc

/// A uniform disc whose center lies within its radius of the detector's center; lengths in units of the
/// radius.
///
/// In polar coordinates around the detector's center, ψ counted from the shift d, the rim lies at
/// r(ψ) = d cos ψ + √(1 - d² sin² ψ). The disc shares with the wedge r < a the area ½∫min(a, r)² dψ: a² ψ/2 where
/// the disc reaches beyond a, that is for |ψ| < ψ₀ with cos ψ₀ = (a² + d² - 1)/(2ad), and elsewhere the difference of
///
///     F(ψ) = ½ (ψ + d² sin ψ cos ψ + s √(1 - s²) + asin s),   s = d sin ψ
///
/// A shift moves the rim along its normal. By Gauss's theorem the area's gradient is ∮ n dl over
/// the rim within the wedge, which depends on its ends alone: (Δy, -Δx).
struct ShiftedDisc {
  /// The shift over the radius; less than 1.
  let distance: Double
  /// Azimuth of the shift, rad, and its direction.
  private let azimuth: Double
  private let cosine: Double
  private let sine: Double

  /// A part of the disc's area, and its gradient with respect to the shift over the radius.
  struct Share {
    var part = 0.0
    var x = 0.0
    var y = 0.0

    static func + (a: Share, b: Share) -> Share {
      Share(part: a.part + b.part, x: a.x + b.x, y: a.y + b.y)
    }
    static func - (a: Share, b: Share) -> Share {
      Share(part: a.part - b.part, x: a.x - b.x, y: a.y - b.y)
    }
  }

  /// - Parameters: The shift over the radius, detector frame.
  init(x: Double, y: Double) {
    distance = (x * x + y * y).squareRoot()
    azimuth = atan2(y, x)
    cosine = distance > 0 ? x / distance : 1
    sine = distance > 0 ? y / distance : 0
  }

  /// What falls on inner <= r < outer between two azimuths, rad, 0 < stop - start <= 2π.
  func share(inner: Double, outer: Double, start: Double, stop: Double) -> Share {
    let turn = 2 * Double.pi
    let offset = start - azimuth
    let first = offset - turn * ((offset + Double.pi) / turn).rounded(.down)
    let last = first + (stop - start)
    let sum = wedge(outer, first, last) - wedge(inner, first, last)
    // From the axes of the shift to those of the detector.
    return Share(
      part: sum.part, x: cosine * sum.x - sine * sum.y, y: sine * sum.x + cosine * sum.y)
  }

  /// The wedge r < a, first < ψ < last, -π <= first < π, in axes along and across the shift.
  private func wedge(_ a: Double, _ first: Double, _ last: Double) -> Share {
    if a <= 0 { return Share() }
    if a <= 1 - distance { return Share(part: a * a * (last - first) / (2 * Double.pi)) }
    let edge = RingEdge(radius: a, distance: distance)
    var end = cumulative(last > Double.pi ? last - 2 * Double.pi : last, edge)
    if last > Double.pi {
      // Once around: the area of both halves; the rim's ends differ across the shift only.
      end = end + cumulative(Double.pi, edge) - cumulative(-Double.pi, edge)
    }
    return end - cumulative(first, edge)
  }

  /// From ψ = 0 to an azimuth in -π...π.
  private func cumulative(_ psi: Double, _ edge: RingEdge) -> Share {
    let u = abs(psi)
    let sign: Double = psi < 0 ? -1 : 1
    if u <= edge.azimuth {
      return Share(part: sign * edge.radius * edge.radius * u / (2 * Double.pi))
    }
    let (c, s) = (cos(u), sin(u))
    let across = distance * s
    let chord = ((1 - across) * (1 + across)).squareRoot()
    let radius = distance * c + chord
    let area =
      edge.start
      + (u + distance * distance * s * c + across * chord + atan2(across, chord)) / 2
    return Share(
      part: sign * area / Double.pi, x: sign * (radius * s - edge.y) / Double.pi,
      y: -(radius * c - edge.x) / Double.pi)
  }
}

/// Where the rim of the disc leaves the circle of radius a.
private struct RingEdge {
  let radius: Double
  /// ψ₀, 0...π: within it the disc reaches beyond the circle.
  let azimuth: Double
  /// The crossing.
  let x: Double
  let y: Double
  /// a² ψ₀/2 - F(ψ₀).
  let start: Double

  init(radius a: Double, distance d: Double) {
    radius = a
    if a >= 1 + d {
      (azimuth, x, y, start) = (0, 1 + d, 0, 0)
      return
    }
    let c = min(1, max(-1, ((a - 1) * (a + 1) + d * d) / (2 * a * d)))
    azimuth = acos(c)
    let s = sin(azimuth)
    (x, y) = (a * c, a * s)
    let across = d * s
    let chord = ((1 - across) * (1 + across)).squareRoot()
    start =
      a * a * azimuth / 2
      - (azimuth + d * d * s * c + across * chord + atan2(across, chord)) / 2
  }
}
