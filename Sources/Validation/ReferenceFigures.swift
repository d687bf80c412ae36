// What an independent double-precision implementation attains on the known cases, by name and dose.
internal import Foundation

/// Relative errors of the reference with sectors summed over the rings; nil where it has no figure.
struct ReferenceFigures {
  /// Of the deflection and so of the field, per pixel, unsmoothed.
  var field: Double?
  var potential: Double?
  /// Signed, of the fit through the thickness: field, width, field × width.
  var wall: (field: Double, width: Double, product: Double)?
  /// Of a crystal after averaging over the unit cell.
  var slope: Double?
  /// The counting limit that the reference states beside a noisy case.
  var noise: Double?

  init(
    _ field: Double? = nil, potential: Double? = nil,
    wall: (field: Double, width: Double, product: Double)? = nil, slope: Double? = nil,
    noise: Double? = nil
  ) {
    self.field = field
    self.potential = potential
    self.wall = wall
    self.slope = slope
    self.noise = noise
  }

  /// Whether the figures can belong to a case: a weaker field at the same dose is another case.
  func fits(noiseLimit: Double?) -> Bool {
    guard let noise, let noiseLimit else { return true }
    return abs(noiseLimit / noise - 1) < 0.1
  }

  /// The figures for a case; the electrons at a pixel tell doses of one specimen apart.
  static func known(_ name: String, electrons: Double?) -> ReferenceFigures? {
    let base = baseName(name)
    if let key = key(base, electrons), let figures = table[key],
      base != name || table[base] == nil
    {
      return figures
    }
    return name == base ? table[name] : nil
  }

  /// The name without a suffix that states the dose.
  static func baseName(_ name: String) -> String {
    guard let suffix = name.range(of: "-d1e") else { return name }
    return String(name[..<suffix.lowerBound])
  }

  private static func key(_ base: String, _ electrons: Double?) -> String? {
    electrons.flatMap { Int(exactly: $0.rounded()) }.map { "\(base)@\($0)" }
  }

  private static let table: [String: ReferenceFigures] = [
    "rigid-plane": ReferenceFigures(1.2e-14),
    "rigid-large": ReferenceFigures(5.8e-16),
    "rigid-herringbone": ReferenceFigures(2.6e-13, wall: (-4.7e-6, 1e-5, 5.5e-6)),
    "depol-walls": ReferenceFigures(4e-14, potential: 1.4e-15),
    "rotation-noiseless": ReferenceFigures(6.7e-5, potential: 9.6e-6),
    "xsec45-parallel": ReferenceFigures(2.7e-13, wall: (-2.9e-14, -1.4e-15, -3e-14)),
    "descan-vacscan": ReferenceFigures(0.16, potential: 0.017, noise: 0.16),
    "gain-ref": ReferenceFigures(0.087, potential: 0.025, noise: 0.086),
    "stack4": ReferenceFigures(0.51, noise: 0.5),
    "multislice-thin": ReferenceFigures(wall: (-0.033, 0.02, -0.014), slope: 0.972),
    "rigid-herringbone@1000000": ReferenceFigures(0.65, noise: 0.65),
    "rigid-herringbone@100000": ReferenceFigures(2.06, noise: 2.06),
    "rotation@1000000": ReferenceFigures(0.49, potential: 0.031, noise: 0.49),
    "rotation@100000": ReferenceFigures(1.54, potential: 0.10, noise: 1.54),
    "depol-walls@1000000": ReferenceFigures(0.60, potential: 0.019, noise: 0.6),
    "gain-nan@1000000": ReferenceFigures(0.45, potential: 0.049, noise: 0.45),
    "descan-vacscan@1000000": ReferenceFigures(0.86, potential: 0.10, noise: 0.87),
    "wave-xsec45": ReferenceFigures(
      1.8e-7, potential: 5.4e-8, wall: (-0.0011, 0.0025, 0.0014)),
    "wave-xsec45-h": ReferenceFigures(2.5e-5, potential: 2.1e-5),
    "wave-xsec45-weak-h": ReferenceFigures(4.2e-4, potential: 1.4e-4),
    "wave-depol": ReferenceFigures(0.0034, potential: 0.0021),
    "wave-dots": ReferenceFigures(0.0043, potential: 0.0029),
    "wave-dots@1000000": ReferenceFigures(0.062, potential: 0.007, noise: 0.061),
    "wave-dots@100000": ReferenceFigures(0.19, potential: 0.021, noise: 0.19),
    "wave-fine": ReferenceFigures(0.17, potential: 0.11),
    "wave-fine@1000000": ReferenceFigures(0.17, potential: 0.11, noise: 0.02),
    "wave-atomic-weak": ReferenceFigures(0.64, potential: 0.37),
    "wave-atomic": ReferenceFigures(0.64, potential: 0.32),
    "wave-atomic@100000": ReferenceFigures(0.64, potential: 0.32, noise: 0.042),
    "wave-atomic-df3": ReferenceFigures(0.73, potential: 0.44),
  ]

  /// Standard deviations of fitted field, width and their product in a Monte Carlo of noisy cases.
  static func wallDeviations(
    _ name: String, electrons: Double?
  ) -> (field: Double, width: Double, product: Double)? {
    key(baseName(name), electrons).flatMap { deviations[$0] }
  }

  private static let deviations: [String: (field: Double, width: Double, product: Double)] = [
    "xsec45-pair@1000000": (0.025, 0.036, 0.017),
    "xsec45-pair@100000": (0.044, 0.061, 0.027),
    "wave-xsec45@1000000": (0.11, 0.14, 0.038),
    "rigid-herringbone@1000000": (0.011, 0.015, 0.017),
    "rigid-herringbone@100000": (0.030, 0.057, 0.058),
  ]
}
