// The transfer function of a probe with aberrations, by integration over a sector of the disc.

internal import FFTW
internal import Glibc

/// Integrates A*(k)A(k-q) - A(k)A*(k+q) over sectors: along rays by Gauss's rule between the exact ends of the
/// overlap, over the rays by the midpoint rule.
///
/// The lens of two discs begins along a ray like a square root, which leaves 64 rays an error of some 1e-4 of the
/// sector. Where the aberration turns fast, panels and rays are added with its turns.
struct SectorQuadrature {
  private let geometry: TransferGeometry
  private let panels: Int
  private let rays: Int

  /// Abscissae and weights of Gauss's rule of four points on -1...1.
  private static let rule = [
    (-0.861_136_311_594_052_6, 0.347_854_845_137_453_9),
    (-0.339_981_043_584_856_3, 0.652_145_154_862_546_1),
    (0.339_981_043_584_856_3, 0.652_145_154_862_546_1),
    (0.861_136_311_594_052_6, 0.347_854_845_137_453_9),
  ]

  init(geometry: TransferGeometry) {
    self.geometry = geometry
    let alpha2 = geometry.probeSemiAngle * geometry.probeSemiAngle
    // Bounds the change of χ(k) - χ(k-q) across the disc, rad.
    let change =
      4 * Double.pi / geometry.wavelength
      * (abs(geometry.defocus) * alpha2 + 4 * abs(geometry.sphericalAberration) * alpha2 * alpha2)
    panels = 2 + Int(min(change / 4, 1000))
    rays = 64 + Int(min(change, 4000))
  }

  /// T of a sector for the shift (x, y) in units of α.
  func transfer(_ x: Double, _ y: Double, _ sector: (start: Double, stop: Double)) -> Complex {
    var (real, imaginary) = (0.0, 0.0)
    let width = (sector.stop - sector.start) / Double(rays)
    for ray in 0..<rays {
      let psi = sector.start + (Double(ray) + 0.5) * width
      let direction = (x: cos(psi), y: sin(psi))
      let towards = alongRay(direction, x, y)
      let away = alongRay(direction, -x, -y)
      // exp(i[χ(k) - χ(k-q)]) - exp(-i[χ(k) - χ(k+q)])
      real += towards.real - away.real
      imaginary += towards.imaginary + away.imaginary
    }
    let scale = width / Double.pi
    return Complex(-scale * imaginary, scale * real)
  }

  /// ∫ exp(i[χ(k) - χ(k-s)]) r dr along a ray, where the disc and the disc shifted by s overlap.
  private func alongRay(
    _ direction: (x: Double, y: Double), _ x: Double, _ y: Double
  ) -> Complex {
    let along = x * direction.x + y * direction.y
    let chord = along * along - x * x - y * y + 1
    guard chord > 0 else { return Complex(0, 0) }
    let first = max(0, along - chord.squareRoot())
    let last = min(1, along + chord.squareRoot())
    guard last > first else { return Complex(0, 0) }
    var (real, imaginary) = (0.0, 0.0)
    let half = (last - first) / Double(2 * panels)
    for panel in 0..<panels {
      let middle = first + Double(2 * panel + 1) * half
      for (abscissa, weight) in Self.rule {
        let r = middle + half * abscissa
        let (kx, ky) = (r * direction.x, r * direction.y)
        let phase = geometry.aberration(kx, ky) - geometry.aberration(kx - x, ky - y)
        real += weight * r * cos(phase)
        imaginary += weight * r * sin(phase)
      }
    }
    return Complex(real * half, imaginary * half)
  }
}
