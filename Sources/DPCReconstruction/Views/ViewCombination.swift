// One field of three components from two views of the same walls, and whether the views agree.

internal import Glibc
public import STEMCore

/// A view of the walls: what it measured, and how it looks at them.
public struct WallView: Sendable, Equatable {
  /// The field that the view shows across and along its walls, V/m.
  public var components: WallComponents
  /// Angle a between beam and wall plane, rad.
  public var inclination: Double
  /// Angle χ in the wall plane from the first view's along-wall direction to this one's, rad; 0 for the
  /// first view itself.
  public var rotation: Double
  /// +1 where the beam has a component along the wall normal, -1 where it has one against it.
  public var beamSide: Double
  /// Relative standard deviation of the scale of this view.
  public var scaleError: Double
  /// Standard deviation of the azimuth of the walls' normal in the image, rad: what turns one component into the
  /// other.
  public var azimuthError: Double
  /// What an inclination that is off would do; nil where its error is unknown.
  public var tilt: ViewTilt?

  public init(
    components: WallComponents, inclination: Double, rotation: Double, beamSide: Double,
    scaleError: Double, azimuthError: Double = 0, tilt: ViewTilt? = nil
  ) {
    self.components = components
    self.inclination = inclination
    self.rotation = rotation
    self.beamSide = beamSide
    self.scaleError = scaleError
    self.azimuthError = azimuthError
    self.tilt = tilt
  }

  /// Of across and along, (V/m)²: of counting, of the scale, of the normal's azimuth, and of the inclination. Turned by a
  /// small δ, across becomes across + δ along, and along becomes along - δ across. An inclination that is off by δa changes
  /// what is read from the image and what the field E shows: by dy - δa dA/da E in all.
  ///
  /// - Parameters:
  ///   - field: E as far as it is known; nil leaves the inclination out.
  ///   - sign: Of the components as they are compared with A E.
  func covariance(
    of field: [Double]?, sign: Double
  ) -> (xx: Double, xy: Double, yy: Double) {
    let (x, y) = (components.across, components.along)
    let (scale, turn) = (scaleError * scaleError, azimuthError * azimuthError)
    let c = components.covariance
    var (across, along) = (0.0, 0.0)
    if let tilt, let field {
      let shown = zip(slope, field).reduce(0) { $0 + $1.0 * $1.1 }
      (across, along) = (sign * tilt.across - tilt.error * shown, sign * tilt.along)
    }
    return (
      xx: c[0] + scale * x * x + turn * y * y + across * across,
      xy: c[1] + (scale - turn) * x * y + across * along,
      yy: c[3] + scale * y * y + turn * x * x + along * along
    )
  }

  /// Of the first row of the design with the inclination; the second does not know it.
  private var slope: [Double] {
    let (ca, sa) = (cos(inclination), sin(inclination))
    return [-sa, beamSide * ca * sin(rotation), -beamSide * ca * cos(rotation)]
  }

  /// The rows of the design: (across, along) from (E normal, E along 1, E along 2).
  ///
  /// With p the along-wall direction of the view and n the normal, p = cos χ t1 + sin χ t2, t2 = n × t1.
  /// The beam's part in the wall is n × p, and the image normal is cos a n - s sin a (n × p) with s
  /// the sign of n·b: of the wall's own direction q = s (sin χ t1 - cos χ t2) it shows sin a.
  var design: [[Double]] {
    let (ca, sa) = (cos(inclination), sin(inclination))
    let (cx, sx) = (cos(rotation), sin(rotation))
    return [[ca, beamSide * sa * sx, -beamSide * sa * cx], [0, cx, sx]]
  }
}

/// An inclination's error, and what is read from a view's image where the inclination is larger by it.
public struct ViewTilt: Sendable, Equatable {
  /// One standard deviation, rad.
  public var error: Double
  /// Changes of the components across and along the walls, V/m.
  public var across: Double
  public var along: Double

  public init(error: Double, across: Double, along: Double) {
    self.error = error
    self.across = across
    self.along = along
  }
}

/// The intrinsic field of a wall from two views.
public struct CombinedField: Sendable, Equatable {
  /// Along the walls' normal, V/m.
  public var normal: Measurement
  /// Along the wall as the first view's image shows it, V/m.
  public var along1: Measurement
  /// Along the third direction, normal × along 1, V/m.
  public var along2: Measurement
  /// Of the three, row-major 3 × 3, (V/m)².
  public var covariance: [Double]
  /// Squared misfit of both views over their variances.
  public var chiSquare: Double
  /// Data minus unknowns.
  public var degreesOfFreedom: Int
  /// The chance of a χ² as large if both views show one field.
  public var pValue: Double
  /// Whether the second view's walls were counted with the opposite sign.
  public var isSecondReversed: Bool

  /// That of the walls antiparallel to these: known as well, and it fits as well.
  public var ofAntiparallelWalls: CombinedField {
    var field = self
    field.normal.value.negate()
    field.along1.value.negate()
    field.along2.value.negate()
    return field
  }
}

/// Combines two views by weighted least squares: four measured components, three unknown. What errors of the inclinations do
/// depends on the field, which is therefore solved for again with that of the time before.
///
/// Which of the antiparallel walls of one view belong to which of the other is not known from the images; where
/// `sign` is nil the assignment with the smaller χ² is taken, which makes the test a little generous.
/// - Parameters:
///   - first: The view whose along-wall direction is the first of the field's axes in the wall.
///   - second: The other view.
///   - sign: +1 or -1: of the second view's classes relative to the first's; nil: as fits better.
/// - Returns: nil where the views leave a component open, as two edge-on views of one direction do.
public func combinedField(
  of first: WallView, and second: WallView, sign: Double? = nil
) -> CombinedField? {
  let signs: [Double] = if let sign { [sign] } else { [1, -1] }
  let fits = signs.compactMap { solved(first, second, sign: $0) }
  return fits.min { $0.chiSquare < $1.chiSquare }
}

private func solved(_ first: WallView, _ second: WallView, sign: Double) -> CombinedField? {
  var found = solved(first, second, sign: sign, near: nil)
  guard first.tilt != nil || second.tilt != nil else { return found }
  // The second time changes the field by little, the third by little of that.
  for _ in 0..<3 {
    guard let field = found else { return nil }
    found = solved(
      first, second, sign: sign,
      near: [field.normal.value, field.along1.value, field.along2.value])
  }
  return found
}

/// - Parameter known: The field as far as it is known.
private func solved(
  _ first: WallView, _ second: WallView, sign: Double, near known: [Double]?
) -> CombinedField? {
  let design = first.design + second.design
  let values = [
    first.components.across, first.components.along, sign * second.components.across,
    sign * second.components.along,
  ]
  // (AᵀC⁻¹A), AᵀC⁻¹y, view by view: the views are independent of each other.
  var normal = [Double](repeating: 0, count: 9)
  var right = [Double](repeating: 0, count: 3)
  var weights: [[Double]] = []
  for (index, view) in [first, second].enumerated() {
    let y = Array(values[(2 * index)..<(2 * index + 2)])
    let (xx, xy, yy) = view.covariance(of: known, sign: index == 0 ? 1 : sign)
    let determinant = xx * yy - xy * xy
    guard determinant > 0 else { return nil }
    let w: [Double] = [yy / determinant, -xy / determinant, -xy / determinant, xx / determinant]
    weights.append(w)
    let rows = Array(design[(2 * index)..<(2 * index + 2)])
    for i in 0..<3 {
      for a in 0..<2 {
        for b in 0..<2 {
          let weighted: Double = rows[a][i] * w[2 * a + b]
          right[i] += weighted * y[b]
          for j in 0..<3 { normal[3 * i + j] += weighted * rows[b][j] }
        }
      }
    }
  }
  guard let covariance = inverse3(normal) else { return nil }
  let field = (0..<3).map { i in (0..<3).reduce(0) { $0 + covariance[3 * i + $1] * right[$1] } }
  let rest = design.indices.map { row in
    values[row] - (0..<3).reduce(0) { $0 + design[row][$1] * field[$1] }
  }
  let chiSquare = weights.enumerated().reduce(0.0) { sum, item in
    let (r, w) = ((rest[2 * item.offset], rest[2 * item.offset + 1]), item.element)
    return sum + w[0] * r.0 * r.0 + 2 * w[1] * r.0 * r.1 + w[3] * r.1 * r.1
  }
  func component(_ index: Int) -> Measurement {
    Measurement(field[index], error: covariance[4 * index].squareRoot())
  }
  return CombinedField(
    normal: component(0), along1: component(1), along2: component(2), covariance: covariance,
    chiSquare: chiSquare, degreesOfFreedom: 1, pValue: erfc((chiSquare / 2).squareRoot()),
    isSecondReversed: sign < 0)
}

/// The inverse of a symmetric 3 × 3 matrix; nil where a direction has less than 1e-9 of its share.
private func inverse3(_ m: [Double]) -> [Double]? {
  let cofactors = [
    m[4] * m[8] - m[5] * m[7], m[2] * m[7] - m[1] * m[8], m[1] * m[5] - m[2] * m[4],
    m[5] * m[6] - m[3] * m[8], m[0] * m[8] - m[2] * m[6], m[2] * m[3] - m[0] * m[5],
    m[3] * m[7] - m[4] * m[6], m[1] * m[6] - m[0] * m[7], m[0] * m[4] - m[1] * m[3],
  ]
  let determinant = m[0] * cofactors[0] + m[1] * cofactors[3] + m[2] * cofactors[6]
  guard determinant > 1e-9 * m[0] * m[4] * m[8] else { return nil }
  return cofactors.map { $0 / determinant }
}
