// The closed-form overlap against direct integration, against identities and in its corners.
import DPCSimulation
import Glibc
import STEMCore
import Testing

private let mrad = 1e-3
private let alpha = 24e-3
private let disc = BrightFieldDisc(radius: alpha)

/// Two rings of four quadrants, 0-24-48 mrad.
private let quadrants = SegmentedDetector.annular(rings: [(0, alpha, 4), (alpha, 2 * alpha, 4)])

extension BrightFieldDisc {
  /// rad².
  fileprivate var area: Double { Double.pi * radius * radius }
}

/// Area that the displaced disc shares with a segment, rad².
private func area(
  _ segment: DetectorSegment, _ distance: Double, _ azimuth: Double, orientation: Double = 0
) -> Double {
  disc.area
    * disc.fraction(
      on: segment, orientation: orientation, displacedBy: distance * cos(azimuth),
      distance * sin(azimuth))
}

/// Area by integrating the disc's chord inside the segment over the azimuth, with Simpson's rule
/// halved until it settles.
///
/// Written from the geometry alone: a ray at angle ψ from the displacement meets the disc between
/// two radii, which the segment's radii cut off.
private func integratedArea(
  _ segment: DetectorSegment, _ distance: Double, _ azimuth: Double
) -> Double {
  func integrand(_ psi: Double) -> Double {
    let under = alpha * alpha - distance * distance * sin(psi) * sin(psi)
    if under <= 0 { return 0 }
    let far = distance * cos(psi) + under.squareRoot()
    let near = distance * cos(psi) - under.squareRoot()
    let top = min(max(far, segment.inner), segment.outer)
    let bottom = min(max(near, segment.inner), segment.outer)
    return (top * top - bottom * bottom) / 2
  }
  func simpson(_ a: Double, _ b: Double, _ fa: Double, _ fm: Double, _ fb: Double) -> Double {
    (b - a) / 6 * (fa + 4 * fm + fb)
  }
  func adapt(
    _ a: Double, _ b: Double, _ fa: Double, _ fm: Double, _ fb: Double, _ depth: Int
  ) -> Double {
    let m = (a + b) / 2
    let (left, right) = (integrand((a + m) / 2), integrand((m + b) / 2))
    let whole = simpson(a, b, fa, fm, fb)
    let halves = simpson(a, m, fa, left, fm) + simpson(m, b, fm, right, fb)
    if depth == 0 || abs(halves - whole) < 1e-15 * alpha * alpha { return halves }
    return adapt(a, m, fa, left, fm, depth - 1) + adapt(m, b, fm, right, fb, depth - 1)
  }
  // Many pieces to begin with, so that no feature falls between the first samples.
  let pieces = 64
  let step = (segment.stop - segment.start) / Double(pieces)
  return (0..<pieces).reduce(0) { sum, piece in
    let a = segment.start - azimuth + Double(piece) * step
    let b = a + step
    return sum
      + adapt(a, b, integrand(a), integrand((a + b) / 2), integrand(b), 34)
  }
}

@Test(
  "the overlap agrees with adaptive integration to 1e-10 of the disc's area",
  arguments: [0, 1e-9, 0.03e-3, 3e-3, 11e-3, 23.999e-3, 24e-3, 24.001e-3, 31e-3, 47e-3, 60e-3])
func agreesWithQuadrature(distance: Double) {
  let segments = [
    DetectorSegment(inner: 0, outer: alpha, start: 0, stop: Double.pi / 2),
    DetectorSegment(inner: alpha, outer: 2 * alpha, start: 0.3, stop: 0.3 + Double.pi / 2),
    DetectorSegment(inner: 5e-3, outer: 17e-3, start: -1.1, stop: 2.9),
    DetectorSegment(inner: 20e-3, outer: 30e-3, start: 0.7, stop: 0.7 + 2 * Double.pi),
    DetectorSegment(inner: 0, outer: 40e-3, start: 5.9, stop: 6.1),
  ]
  for segment in segments {
    for azimuth in [0, 0.77, Double.pi / 2, 2.5, -2.9] {
      let expected = integratedArea(segment, distance, azimuth)
      let actual = area(segment, distance, azimuth)
      // The integration settles to 1e-15 R² in each of thousands of intervals.
      #expect(
        abs(actual - expected) < 1e-10 * disc.area, "\(segment), \(distance) at \(azimuth)")
    }
  }
}

@Test("the overlap with a whole circle is the lens of two circles, whole or in sectors")
func wholeCircleIsALens() {
  for a in [10e-3, 24e-3, 30e-3] {
    let circle = DetectorSegment(inner: 0, outer: a, start: 0.4, stop: 0.4 + 2 * Double.pi)
    for d in [1e-3, 6e-3, 14e-3, 24e-3, 33e-3, 53.9e-3, 54.1e-3] {
      let lens: Double
      if d >= a + alpha {
        lens = 0
      } else if d <= abs(a - alpha) {
        lens = Double.pi * min(a, alpha) * min(a, alpha)
      } else {
        // Two circular segments cut off by the common chord.
        let first = 2 * acos((d * d + a * a - alpha * alpha) / (2 * d * a))
        let second = 2 * acos((d * d + alpha * alpha - a * a) / (2 * d * alpha))
        lens = (a * a * (first - sin(first)) + alpha * alpha * (second - sin(second))) / 2
      }
      #expect(abs(area(circle, d, 1.3) - lens) < 1e-12 * disc.area, "a \(a), d \(d)")
      let sectors = SegmentedDetector.annular(rings: [(0, a, 5)], start: -0.2).segments
      let sum = sectors.reduce(0) { $0 + area($1, d, 1.3) }
      #expect(abs(sum - lens) < 1e-12 * disc.area, "five sectors, a \(a), d \(d)")
    }
  }
}

@Test("the segments of a detector that holds the disc share out exactly its area")
func sharesAddUpToOne() {
  for detector in [
    quadrants, SegmentedDetector.annular(rings: [(0, 48e-3, 16)], start: 0.1),
    SegmentedDetector.annular(rings: [(0, 8e-3, 3), (8e-3, 19e-3, 5), (19e-3, 48e-3, 1)]),
  ] {
    for distance in [0, 1e-6, 5e-3, 23.9999e-3] {
      for azimuth in [-3.1, -0.7, 0, 1.9] {
        let total = detector.segments.reduce(0.0) { sum, segment in
          sum
            + disc.fraction(
              on: segment, orientation: 0.52, displacedBy: distance * cos(azimuth),
              distance * sin(azimuth))
        }
        #expect(abs(total - 1) < 1e-13)
      }
    }
  }
}

@Test("without displacement a segment gets the part of the disc that its geometry says")
func centeredDisc() {
  let third = DetectorSegment(inner: 6e-3, outer: 12e-3, start: 1, stop: 1 + 2 * Double.pi / 3)
  // (12² - 6²)/24²/3 = 108/1728 = 0.0625.
  #expect(
    abs(disc.fraction(on: third, orientation: 0, displacedBy: 0, 0) - 0.0625) < 1e-15)
  for (index, segment) in quadrants.segments.enumerated() {
    let expected = index < 4 ? 0.25 : 0
    #expect(
      abs(disc.fraction(on: segment, orientation: 0.2, displacedBy: 0, 0) - expected) < 1e-15)
  }
}

@Test("the overlap is continuous where circles touch and where the disc leaves the center")
func continuousAtDegenerateDistances() {
  let sector = DetectorSegment(inner: 7e-3, outer: 24e-3, start: -0.6, stop: 1.4)
  // 17 and 31 mrad: rim touches r = 7 mrad; 24: rim meets the center; 48: disc leaves r = 24 mrad.
  for distance in [7e-3, 17e-3, 24e-3, 31e-3, 48e-3] {
    for azimuth in [0, 0.9, Double.pi, -2.0] {
      let middle = area(sector, distance, azimuth)
      for neighbor in [distance.nextDown, distance.nextUp, distance - 1e-16, distance + 1e-16] {
        // The area changes by at most the rim's length, 2πR, times the step.
        #expect(abs(area(sector, neighbor, azimuth) - middle) < 1e-13 * disc.area)
      }
    }
  }
}

@Test("nothing is left on a detector from which the disc has gone")
func discOffTheDetector() {
  for segment in quadrants.segments {
    for azimuth in [0, 1, 2, 3, 4, 5.0] { #expect(area(segment, 72.001e-3, azimuth) == 0) }
  }
}

@Test("turning the displacement with the detector changes nothing, mirroring mirrors")
func symmetries() {
  let segment = DetectorSegment(inner: 11e-3, outer: 29e-3, start: 0.2, stop: 1.5)
  let mirrored = DetectorSegment(inner: 11e-3, outer: 29e-3, start: -1.5, stop: -0.2)
  for azimuth in [0, 0.4, 2.2, -1.7] {
    let reference = area(segment, 9e-3, azimuth)
    #expect(abs(area(mirrored, 9e-3, -azimuth) - reference) < 1e-13 * disc.area)
    for turn in [0.3, -2, 5, 20.0] {
      let turned = area(segment, 9e-3, azimuth + turn, orientation: turn)
      #expect(abs(turned - reference) < 1e-13 * disc.area, "turned by \(turn)")
    }
  }
}

@Test("a small shift to the right moves 2 sin(45°)/(π α) of the beam per radian into that quadrant")
func slopeForSmallShifts() {
  // The rim shifted by δ sweeps α δ cos φ dφ; over ±45° that is √2 α δ, of π α² in all.
  let right = DetectorSegment(
    inner: 0, outer: 2 * alpha, start: -Double.pi / 4, stop: Double.pi / 4)
  let down = DetectorSegment(
    inner: 0, outer: 2 * alpha, start: Double.pi / 4, stop: 3 * Double.pi / 4)
  let slope = 2.0.squareRoot() / (Double.pi * alpha)
  let shift = 1e-6
  let onRight = disc.fraction(on: right, orientation: 0, displacedBy: shift, 0)
  // Second order: relative (shift/α)/..., below 1e-4.
  #expect(abs((onRight - 0.25) / shift / slope - 1) < 1e-4)
  let downForRight = disc.fraction(on: down, orientation: 0, displacedBy: shift, 0)
  #expect(abs((downForRight - 0.25) / shift) < 1e-4 * slope)
  let onDown = disc.fraction(on: down, orientation: 0, displacedBy: 0, shift)
  #expect(abs((onDown - 0.25) / shift / slope - 1) < 1e-4)
  let away = disc.fraction(on: right, orientation: 0, displacedBy: -shift, 0)
  #expect(abs((away - 0.25) / shift / slope + 1) < 1e-4)
}

@Test("where the rim lies on the ring boundary, inner and outer segments respond on one side only")
func oneSidedResponse() {
  let shift = 1e-6
  let inner = DetectorSegment(inner: 0, outer: alpha, start: -Double.pi / 4, stop: Double.pi / 4)
  let outer = DetectorSegment(
    inner: alpha, outer: 2 * alpha, start: -Double.pi / 4, stop: Double.pi / 4)
  let gained = 2.0.squareRoot() * shift / (Double.pi * alpha)
  #expect(abs(area(inner, shift, 0) / disc.area - 0.25) < 1e-4 * gained)
  #expect(abs(area(outer, shift, 0) / disc.area / gained - 1) < 1e-4)
  #expect(abs((area(inner, shift, Double.pi) / disc.area - 0.25) / gained + 1) < 1e-4)
  #expect(area(outer, shift, Double.pi) < 1e-4 * gained * disc.area)
}

@Test("a detector of equal sectors covers the circle ring by ring")
func annularDetector() throws {
  let detector = SegmentedDetector.annular(
    rings: [(0, 24e-3, 4), (24e-3, 48e-3, 12)], start: 0.3, orientation: 0.5)
  #expect(detector.segments.count == 16)
  #expect(detector.orientation == 0.5)
  let rings = try detector.rings()
  #expect(rings.map(\.segmentIndices) == [Array(0..<4), Array(4..<16)])
  #expect(abs(detector.segments[1].start - (0.3 + Double.pi / 2)) < 1e-15)
  let total = detector.segments.map(\.area).reduce(0, +)
  #expect(abs(total / (Double.pi * 48e-3 * 48e-3) - 1) < 1e-14)
}
