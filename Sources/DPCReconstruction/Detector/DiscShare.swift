// The share of a displaced bright-field disc that falls on a segment, for fits of the disc itself.
internal import Glibc
internal import STEMCore

/// The bright-field disc as a calibration sees it: uniform, near the detector's center.
///
/// In polar coordinates about the detector's center the rim of a disc of radius 1 whose center lies
/// at the distance d < 1 is r(ψ) = d cos ψ + √(1 - d² sin² ψ), ψ counted from the displacement, and
/// the area within a wedge of radius a is ½ ∫ min(a, r)² dψ. With s = d sin ψ the antiderivative of
/// r²/2 is [ψ + d² sin ψ cos ψ + s √(1 - s²) + asin s]/2; the limits cross where
/// cos ψ = (a² + d² - 1)/(2ad). An annular sector is the difference of two wedges.
struct CalibrationDisc {
  /// Center of the disc in the detector frame, rad.
  var x: Double
  var y: Double
  /// Convergence semi-angle α, rad.
  var radius: Double

  /// Share of the beam on a segment, 0...1.
  /// - Precondition: The detector's center lies in the disc.
  func share(on segment: DetectorSegment, orientation: Double) -> Double {
    let distance = hypot(x, y) / radius
    precondition(distance < 1, "the detector's center lies in the disc")
    let start = segment.start + orientation - atan2(y, x)
    let stop = start + segment.stop - segment.start
    let area =
      wedge(segment.outer / radius, distance, start, stop)
      - wedge(segment.inner / radius, distance, start, stop)
    return max(0, area) / Double.pi
  }

  private func wedge(_ a: Double, _ d: Double, _ start: Double, _ stop: Double) -> Double {
    if a + d <= 1 { return a * a * (stop - start) / 2 }
    if a >= 1 + d { return rim(stop, d) - rim(start, d) }
    let crossing = acos(min(1, max(-1, ((a - 1) * (a + 1) + d * d) / (2 * a * d))))
    var area = 0.0
    var from = start
    for to in crossings(crossing, between: start, stop) + [stop] {
      let middle = (from + to) / 2
      // Towards the displacement the rim lies beyond the wedge's radius, away from it within.
      area +=
        d * cos(middle) > d * cos(crossing)
        ? a * a * (to - from) / 2 : rim(to, d) - rim(from, d)
      from = to
    }
    return area
  }

  /// ±angle and its repetitions by whole turns within an interval, ascending.
  private func crossings(_ angle: Double, between start: Double, _ stop: Double) -> [Double] {
    let turn = 2 * Double.pi
    var found: [Double] = []
    for base in [-angle, angle] {
      var value = base + turn * ((start - base) / turn).rounded(.up)
      while value < stop {
        if value > start { found.append(value) }
        value += turn
      }
    }
    return found.sorted()
  }

  private func rim(_ psi: Double, _ d: Double) -> Double {
    let sine = sin(psi)
    let s = d * sine
    return (psi + d * d * sine * cos(psi) + s * (1 - s * s).squareRoot() + asin(s)) / 2
  }
}
