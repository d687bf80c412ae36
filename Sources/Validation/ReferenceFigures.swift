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
  /// The same two with segment centroids, not calibrated for a rigid shift.
  var centroids: (field: Double?, potential: Double?) = (nil, nil)
  /// The same two with the phase-contrast transfer function, rings summed.
  var transfer: (field: Double?, potential: Double?) = (nil, nil)

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

  private func with(
    centroids: Double? = nil, centroidPotential: Double? = nil, transfer: Double? = nil,
    transferPotential: Double? = nil
  ) -> ReferenceFigures {
    var copy = self
    copy.centroids = (centroids, centroidPotential)
    copy.transfer = (transfer, transferPotential)
    return copy
  }

  /// The figures of field and potential for a method; nil where the reference did not try it.
  func figures(of method: EstimationMethod) -> (field: Double?, potential: Double?) {
    switch method {
    case .discShift: (field, potential)
    case .centerOfMass: centroids
    case .phaseContrastTransfer: transfer
    case .maximumLikelihood: (nil, nil)
    }
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
    "rigid-plane": ReferenceFigures(1.2e-14)
      .with(centroids: 0.099),
    "rigid-large": ReferenceFigures(5.8e-16)
      .with(centroids: 0.093),
    "rigid-herringbone": ReferenceFigures(2.6e-13, wall: (-4.7e-6, 1e-5, 5.5e-6))
      .with(centroids: 0.099),
    "depol-walls": ReferenceFigures(4e-14, potential: 1.4e-15)
      .with(
        centroids: 0.099, centroidPotential: 0.099, transfer: 0.00023, transferPotential: 0.0001),
    "rotation-noiseless": ReferenceFigures(6.7e-5, potential: 9.6e-6)
      .with(centroids: 0.099, centroidPotential: 0.099, transfer: 0.033, transferPotential: 0.06),
    "xsec45-parallel": ReferenceFigures(2.7e-13, wall: (-2.9e-14, -1.4e-15, -3e-14))
      .with(centroids: 0.099),
    "descan-vacscan": ReferenceFigures(0.16, potential: 0.017, noise: 0.16)
      .with(centroids: 0.13, centroidPotential: 0.098),
    "gain-ref": ReferenceFigures(0.087, potential: 0.025, noise: 0.086)
      .with(centroids: 0.11, centroidPotential: 0.096, transfer: 0.062, transferPotential: 0.022),
    "stack4": ReferenceFigures(0.51, noise: 0.5)
      .with(centroids: 0.29),
    "multislice-thin": ReferenceFigures(wall: (-0.033, 0.02, -0.014), slope: 0.972),
    "rigid-herringbone@1000000": ReferenceFigures(0.65, noise: 0.65)
      .with(centroids: 0.36),
    "rigid-herringbone@100000": ReferenceFigures(2.06, noise: 2.06)
      .with(centroids: 1.12),
    "rotation@1000000": ReferenceFigures(0.49, potential: 0.031, noise: 0.49)
      .with(centroids: 0.28, transfer: 0.34, transferPotential: 0.034),
    "rotation@100000": ReferenceFigures(1.54, potential: 0.10, noise: 1.54)
      .with(centroids: 0.84, transfer: 1.09, transferPotential: 0.098),
    "depol-walls@1000000": ReferenceFigures(0.60, potential: 0.019, noise: 0.6)
      .with(centroids: 0.34, transfer: 0.43, transferPotential: 0.018),
    "gain-nan@1000000": ReferenceFigures(0.45, potential: 0.049, noise: 0.45)
      .with(centroids: 0.26, transfer: 0.32, transferPotential: 0.029),
    "descan-vacscan@1000000": ReferenceFigures(0.86, potential: 0.10, noise: 0.87)
      .with(centroids: 0.48),
    "wave-xsec45": ReferenceFigures(1.8e-7, potential: 5.4e-8, wall: (-0.0011, 0.0025, 0.0014))
      .with(
        centroids: 0.27, centroidPotential: 0.26, transfer: 0.00044, transferPotential: 0.00048),
    "wave-xsec45-h": ReferenceFigures(2.5e-5, potential: 2.1e-5)
      .with(centroids: 0.23, transfer: 0.00045, transferPotential: 0.00049),
    "wave-xsec45-weak-h": ReferenceFigures(4.2e-4, potential: 1.4e-4)
      .with(centroids: 0.46, transfer: 0.00017, transferPotential: 0.00021),
    "wave-depol": ReferenceFigures(0.0034, potential: 0.0021)
      .with(centroids: 0.46, transfer: 0.00039, transferPotential: 0.0004),
    "wave-dots": ReferenceFigures(0.0043, potential: 0.0029)
      .with(
        centroids: 0.25, centroidPotential: 0.24, transfer: 0.00022, transferPotential: 0.00015),
    "wave-dots@1000000": ReferenceFigures(0.062, potential: 0.007, noise: 0.061)
      .with(centroids: 0.22, transfer: 0.045, transferPotential: 0.0062),
    "wave-dots@100000": ReferenceFigures(0.19, potential: 0.021, noise: 0.19)
      .with(centroids: 0.24, transfer: 0.14, transferPotential: 0.018),
    "wave-fine": ReferenceFigures(0.17, potential: 0.11)
      .with(centroids: 0.54, transfer: 0.0058, transferPotential: 0.0021),
    "wave-fine@1000000": ReferenceFigures(0.17, potential: 0.11, noise: 0.02)
      .with(centroids: 0.54, transfer: 0.023, transferPotential: 0.015),
    "wave-atomic-weak": ReferenceFigures(0.64, potential: 0.37)
      .with(centroids: 0.78, centroidPotential: 0.62, transfer: 0.02, transferPotential: 0.00045),
    "wave-atomic": ReferenceFigures(0.64, potential: 0.32)
      .with(centroids: 0.77, transfer: 0.13, transferPotential: 0.037),
    "wave-atomic@100000": ReferenceFigures(0.64, potential: 0.32, noise: 0.042)
      .with(centroids: 0.77, transfer: 0.31, transferPotential: 0.068),
    "wave-atomic-df3": ReferenceFigures(0.73, potential: 0.44)
      .with(centroids: 0.84, transfer: 0.038, transferPotential: 0.024),
    // What the probe blurs: diffraction patterns of the three waves on a grid over the detector, two quadrants
    // against two taken for a shifted disc. The steps of the grid leave a percent of these numbers open.
    "wave-lattice": ReferenceFigures(0.114), "wave-lattice-defocus": ReferenceFigures(0.197),
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
