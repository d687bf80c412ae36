// Fitted walls as a table, with what is to be said of each.
internal import DPCReconstruction
internal import Foundation
internal import STEMCore

/// The fit of a profile: its walls, its baseline and its curve.
struct WallTable: Codable, Sendable, Equatable {
  var rows: [WallRow]
  /// Walls that stand out of the noise but whose field has an error larger than itself.
  var unmeasured: [WallRow] = []
  /// What stands out of the noise where the rim cuts it.
  var nearRim: [RimWall] = []
  /// The level under the walls at distance zero, in the unit of the profile.
  var offset: STEMCore.Measurement
  /// Per m, where a slope was fitted under the walls.
  var slope: STEMCore.Measurement?
  var reducedChiSquare: Double?
  var curveDistance: [Double]
  /// Of the normal along which `curveDistance` runs, rad; nil where walls were found one by one.
  var profileAzimuth: Double?
  var curve: [Double]
  /// Root mean square of profile minus curve, in the unit of the profile.
  var residual: Double

  /// - Parameters:
  ///   - fit: Of the profile.
  ///   - normalAzimuth: Of the profile, rad.
  ///   - errorScale: What the errors of the profile had been divided by for the fit.
  ///   - changes: What one standard deviation of shared quantities does, by their names.
  init(
    _ fit: WallFit, normalAzimuth: Double, errorScale: Double, changes: [String: WallChanges] = [:]
  ) {
    let widening = fit.widening(errorScale)
    func scaled(_ measurement: STEMCore.Measurement) -> STEMCore.Measurement {
      STEMCore.Measurement(measurement.value, error: measurement.error.map { $0 * widening })
    }
    let causes = changes.sorted { $0.key < $1.key }
    // What is measured is so by its own noise: an error that all walls share takes none of them away.
    let all = fit.fitted.indices.filter { fit.fitted[$0].isReported }.map { index in
      let row = WallRow(fit.fitted[index], errorScale: widening)
      return (
        isMeasured: row.isMeasured,
        row: causes.reduce(row) { $0.widened(by: $1.value.walls[index], cause: $1.key) }
      )
    }
    rows = all.filter(\.isMeasured).map(\.row)
    unmeasured = all.filter { !$0.isMeasured }.map(\.row)
    nearRim = fit.cutByRim.map {
      RimWall(
        normalAzimuth: normalAzimuth, position: $0.wall.position.value,
        significance: $0.significance / widening)
    }
    offset = causes.reduce(scaled(fit.offset)) { offset, cause in
      STEMCore.Measurement(
        offset.value, error: offset.error.map { hypot($0, cause.value.offset) })
    }
    slope = fit.slope.map(scaled)
    reducedChiSquare = fit.reducedChiSquare.map { $0 / (errorScale * errorScale) }
    curveDistance = fit.distance
    profileAzimuth = normalAzimuth
    curve = fit.curve
    residual = fit.residual
  }

  /// The table with an error of the profile's scale, which all walls share; positions and widths know
  /// nothing of it. (Of a thickness only walls edge-on know no more than that.)
  func withScaleError(_ relative: Double) -> WallTable {
    guard relative > 0 else { return self }
    func widened(_ measurement: STEMCore.Measurement) -> STEMCore.Measurement {
      var copy = measurement
      copy.error = measurement.error.map { hypot($0, relative * measurement.value) }
      return copy
    }
    var copy = self
    for index in rows.indices {
      let field = rows[index].wall.field.value
      copy.rows[index].wall.field = widened(rows[index].wall.field)
      copy.rows[index].product = widened(rows[index].product)
      copy.rows[index].fieldInterval = rows[index].fieldInterval.mapped { bound in
        let side = hypot(bound - field, relative * field)
        return bound < field ? field - side : field + side
      }
      if !rows[index].covariance.isEmpty {
        copy.rows[index].covariance[0] += relative * relative * field * field
      }
    }
    copy.offset = widened(offset)
    copy.slope = slope.map(widened)
    return copy
  }

  /// What stands under the walls at a distance, in the unit of the profile.
  func level(at distance: Double) -> Double { offset.value + (slope?.value ?? 0) * distance }

  /// The same walls with their fields counted in the other direction.
  var opposite: WallTable {
    var copy = self
    for index in rows.indices {
      copy.rows[index].wall.field.value.negate()
      copy.rows[index].product.value.negate()
      let interval = rows[index].fieldInterval
      copy.rows[index].fieldInterval = WallInterval(
        lower: interval.upper.map { -$0 }, upper: interval.lower.map { -$0 })
      copy.rows[index].changes = rows[index].changes?.mapValues { change in
        var change = change
        change.field.negate()
        change.product.negate()
        return change
      }
      guard rows[index].covariance.count == 9 else { continue }
      for element in [1, 2, 3, 6] { copy.rows[index].covariance[element].negate() }
    }
    return copy
  }

  /// A field that can be larger by more than this, in a wall too inclined for its width, deserves a remark.
  private static let looseFraction = 0.1

  /// Whether the misfit exceeds what noise does by more than five standard errors of χ².
  var isPoorFit: Bool {
    guard let reducedChiSquare, !rows.isEmpty else { return false }
    let freedom = Double(max(1, curve.count - 3 * rows.count - (slope == nil ? 1 : 2)))
    return reducedChiSquare > 1 + 5 * (2 / freedom).squareRoot()
  }

  /// The table of a map without straight walls.
  static let empty = WallTable()

  private init() {
    rows = []
    offset = STEMCore.Measurement(0)
    curveDistance = []
    curve = []
    residual = 0
  }

  static func remarks(_ fitted: FittedWall, errorScale: Double) -> [String] {
    var remarks: [String] = []
    if fitted.flags.contains(.atBound) {
      remarks.append("width or position at a bound of the fit")
    }
    // The error itself is smallest where the width came out too large and the field too small.
    let relative = fitted.fieldReach * errorScale / abs(fitted.wall.field.value)
    let product = Format.quantity(
      fitted.product.value, error: fitted.product.error.map { $0 * errorScale }, unit: "V")
    if fitted.widthInterval.lower == nil || fitted.widthInterval.upper == nil {
      let bound =
        fitted.widthInterval.upper.map { "any width below \(Format.quantity($0, unit: "m")) fits" }
        ?? "no width is too large"
      remarks.append(
        "its width is not determined (\(bound)), and its field only with it; their product E0·w is"
          + " \(product)")
    } else if fitted.flags.contains(.widthIllDetermined) && relative > looseFraction {
      remarks.append(
        "too inclined to tell field and width well apart; their product E0·w is \(product)")
    }
    return remarks
  }
}

extension WallFit {
  /// By what the errors of a fit are multiplied where those of its profile had been divided by `errorScale`: the fit
  /// has widened its own by its misfit, which counts only as far as it exceeds the profile's errors.
  func widening(_ errorScale: Double) -> Double {
    max(1, errorScale / max(1, reducedChiSquare ?? 1).squareRoot())
  }
}
