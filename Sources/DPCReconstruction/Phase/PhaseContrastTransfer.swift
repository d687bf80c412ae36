// The phase of a weak phase object from the segments' signals: the transfer function of the declared
// detector and its Wiener inverse.

internal import FFTW
internal import Glibc
public import STEMCore

/// The probe and the detector as the scan sees them.
public struct TransferGeometry: Sendable, Equatable {
  /// λ, m.
  public var wavelength: Double
  /// α, rad.
  public var probeSemiAngle: Double
  /// Positive is underfocus, m.
  public var defocus: Double
  /// Cs, m.
  public var sphericalAberration: Double
  /// Displacement of the disc = response · deflection, axes of the scan.
  public var response: Matrix2
  /// Sectors of equal azimuth summed over the rings: first and last azimuth in the axes of the scan, rad.
  let sectors: [(start: Double, stop: Double)]
  /// Segments of each sector.
  let members: [[Int]]

  public static func == (a: TransferGeometry, b: TransferGeometry) -> Bool {
    a.wavelength == b.wavelength && a.probeSemiAngle == b.probeSemiAngle && a.members == b.members
      && a.defocus == b.defocus && a.sphericalAberration == b.sphericalAberration
      && a.response == b.response && a.sectors.elementsEqual(b.sectors, by: ==)
  }

  /// - Parameters:
  ///   - detector: Azimuths include its orientation; every ring is divided along the lines of the coarsest.
  ///   - probeSemiAngle: α, rad.
  ///   - wavelength: λ, m.
  ///   - rotation: From the detector frame to the scan frame, rad.
  ///   - defocus: Positive is underfocus, m.
  ///   - sphericalAberration: Cs, m.
  ///   - response: Of the disc to a deflection, axes of the scan: the inverse of a calibration.
  /// - Throws: `DetectorGeometryError`; ``EstimatorError/noCommonDiameters(rings:common:)`` where
  ///   the rings cannot be summed by azimuth.
  public init(
    detector: SegmentedDetector, probeSemiAngle: Double, wavelength: Double, rotation: Double,
    defocus: Double = 0, sphericalAberration: Double = 0, response: Matrix2 = .identity
  ) throws {
    let rings = try detector.rings()
    let turn = 2 * Double.pi
    guard let coarsest = rings.min(by: { $0.segmentIndices.count < $1.segmentIndices.count }),
      coarsest.segmentIndices.count > 2
    else {
      throw EstimatorError.noCommonDiameters(rings: rings.map(\.segmentIndices.count), common: 0)
    }
    self.wavelength = wavelength
    self.probeSemiAngle = probeSemiAngle
    self.defocus = defocus
    self.sphericalAberration = sphericalAberration
    self.response = response
    let turned = detector.orientation + rotation
    var sectors: [(start: Double, stop: Double)] = []
    var members: [[Int]] = []
    for index in coarsest.segmentIndices {
      let sector = detector.segments[index]
      sectors.append((sector.start + turned, sector.stop + turned))
      members.append(
        detector.segments.indices.filter { other in
          let segment = detector.segments[other]
          let offset = segment.start - sector.start
          let start = offset - turn * ((offset + 1e-7) / turn).rounded(.down)
          return start + (segment.stop - segment.start) <= sector.stop - sector.start + 1e-6
        })
    }
    let counted = members.flatMap { $0 }
    guard counted.count == detector.segments.count, Set(counted).count == counted.count else {
      throw EstimatorError.noCommonDiameters(
        rings: rings.map(\.segmentIndices.count), common: 0)
    }
    self.sectors = sectors
    self.members = members
  }

  /// Fraction of the empty disc that falls on each sector.
  var fractions: [Double] { sectors.map { ($0.stop - $0.start) / (2 * Double.pi) } }

  /// The frequency beyond which nothing is transferred, 2α/λ where the response is one, cycles/m.
  public var informationLimit: Double { 2 * probeSemiAngle / wavelength }

  /// T of every sector at the frequency q, cycles/m: i_j(q) = T_j(q) φ(q).
  ///
  /// T_j = i ∫_j [A*(k)A(k-q) - A(k)A*(k+q)] dk / ∫|A|², A the aperture with its aberrations. In focus
  /// this is i times the difference of two areas: of the sector's part of the disc that a disc shifted by
  /// +λq covers and by -λq, in closed form. H. Rose, Optik 39 (1974) 416.
  ///
  /// A wave of the phase displaces a disc by the response to λq.
  func transfer(qx: Double, qy: Double) -> [Complex] {
    let scale = wavelength / probeSemiAngle
    let (x, y) = response(scale * qx, scale * qy)
    if x * x + y * y >= 4 { return sectors.map { _ in Complex(0, 0) } }
    if defocus == 0 && sphericalAberration == 0 {
      return sectors.map { sector in
        let towards = overlap(x, y, sector)
        let away = overlap(-x, -y, sector)
        return Complex(0, towards - away)
      }
    }
    let quadrature = SectorQuadrature(geometry: self)
    return sectors.map { quadrature.transfer(x, y, $0) }
  }

  /// Part of the unit disc's area within r < 1 and the sector that a unit disc at (x, y) covers.
  private func overlap(_ x: Double, _ y: Double, _ sector: (start: Double, stop: Double)) -> Double
  {
    let distance = (x * x + y * y).squareRoot()
    if distance < 1 {
      return ShiftedDisc(x: x, y: y).share(
        inner: 0, outer: 1, start: sector.start, stop: sector.stop
      ).part
    }
    let azimuth = atan2(y, x)
    let turn = 2 * Double.pi
    let width = sector.stop - sector.start
    let offset = sector.start - azimuth
    // The sector as it lies about the shift, which it may meet from either side.
    let start = offset - turn * (offset / turn).rounded()
    var area = 0.0
    for shift in [-turn, 0, turn] {
      let (first, last) = (max(start + shift, -Double.pi), min(start + shift + width, Double.pi))
      if last > first { area += lens(last, distance) - lens(first, distance) }
    }
    return area / Double.pi
  }

  /// The area within r < 1 that a unit disc at the distance d >= 1 covers between its azimuth and ψ.
  ///
  /// On a ray the disc reaches from r₁ = d cos ψ - √(1 - s²) to r₂ = d cos ψ + √(1 - s²), s = d sin ψ. Up to
  /// cos ψ₀ = d/2 the unit circle cuts it off, ½∫(1 - r₁²) dψ = ½[-d² sin ψ cos ψ + s√(1 - s²) + asin s];
  /// for d < √2 it lies within from there to its tangent, ½∫(r₂² - r₁²) dψ = [s√(1 - s²) + asin s].
  private func lens(_ psi: Double, _ d: Double) -> Double {
    let u = abs(psi)
    let sign = psi < 0 ? -1.0 : 1
    let rim = acos(min(1, d / 2))
    func chord(_ angle: Double) -> Double {
      let s = min(1, d * sin(angle))
      return s * (1 - s * s).squareRoot() + asin(s)
    }
    let cut = min(u, rim)
    var area = (-d * d * sin(cut) * cos(cut) + chord(cut)) / 2
    if u > rim && d * d < 2 {
      area += chord(min(u, asin(min(1, 1 / d)))) - chord(rim)
    }
    return sign * area
  }

  /// χ at an angle in units of α, rad: A = exp(-iχ), χ = -πλ df k² + ½π Cs λ³ k⁴.
  func aberration(_ x: Double, _ y: Double) -> Double {
    let angle2 = (x * x + y * y) * probeSemiAngle * probeSemiAngle
    return Double.pi / wavelength * (-defocus * angle2 + sphericalAberration * angle2 * angle2 / 2)
  }
}
