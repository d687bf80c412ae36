// One row of a table of walls.
internal import DPCReconstruction
internal import Foundation
internal import STEMCore

/// One fitted wall with the numbers that go into the table.
struct WallRow: Codable, Sendable, Equatable {
  var wall: Wall
  /// E0·w, V: well determined even where E0 and w are not.
  var product: STEMCore.Measurement
  /// Of E0, V/m, and of the full width at half maximum, m: 68 %.
  var fieldInterval: WallInterval
  var widthInterval: WallInterval
  /// Covariance of E0, w (of sech²) and position, row-major 3×3, SI.
  var covariance: [Double]
  /// Peak in the image, in the unit of the profile.
  var imageHeight: Double
  /// Full width at half maximum in the image, along the normal, m.
  var imageWidth: Double
  var significance: Double
  var remarks: [String]
  /// nil for a wall that is straight as far as noise tells.
  var bent: BentWall?
  /// What one standard deviation of a shared quantity does, by its name; contained in the errors.
  var changes: [String: WallChange]?
}

extension WallInterval {
  func mapped(_ change: (Double) -> Double) -> WallInterval {
    WallInterval(lower: lower.map(change), upper: upper.map(change))
  }
}

extension WallRow {
  /// A field whose error exceeds it is not measured, however clear it is that something is there.
  var isMeasured: Bool { (wall.field.error ?? 0) <= abs(wall.field.value) }

  /// - Parameter errorScale: What the errors of the profile had been divided by for the fit.
  init(_ fitted: FittedWall, errorScale: Double) {
    func scaled(_ measurement: STEMCore.Measurement) -> STEMCore.Measurement {
      STEMCore.Measurement(measurement.value, error: measurement.error.map { $0 * errorScale })
    }
    func stretched(_ interval: WallInterval, _ value: Double) -> WallInterval {
      interval.mapped { value + ($0 - value) * errorScale }
    }
    self.init(
      wall: Wall(
        position: scaled(fitted.wall.position), field: scaled(fitted.wall.field),
        width: scaled(fitted.wall.width)), product: scaled(fitted.product),
      fieldInterval: stretched(fitted.fieldInterval, fitted.wall.field.value),
      widthInterval: stretched(fitted.widthInterval, fitted.wall.width.value),
      covariance: fitted.covariance.map { $0 * errorScale * errorScale },
      imageHeight: fitted.imageHeight, imageWidth: fitted.imageWidth,
      significance: fitted.significance / errorScale,
      remarks: WallTable.remarks(fitted, errorScale: errorScale))
  }
}

extension WallRow {
  /// The row with an error that all walls share, its correlations included.
  func widened(by change: WallChange, cause: String) -> WallRow {
    func widened(_ measurement: STEMCore.Measurement, _ change: Double) -> STEMCore.Measurement {
      STEMCore.Measurement(
        measurement.value, error: measurement.error.map { hypot($0, change) })
    }
    func stretched(_ interval: WallInterval, _ value: Double, _ change: Double) -> WallInterval {
      interval.mapped { bound in
        let side = hypot(bound - value, change)
        return bound < value ? value - side : value + side
      }
    }
    let width = InclinationGeometry.widthFactor * change.sechWidth
    var row = self
    row.wall.field = widened(wall.field, change.field)
    row.wall.width = widened(wall.width, width)
    row.wall.position = widened(wall.position, change.position)
    row.product = widened(product, change.product)
    row.fieldInterval = stretched(fieldInterval, wall.field.value, change.field)
    row.widthInterval = stretched(widthInterval, wall.width.value, width)
    if covariance.count == 9 {
      let parts = change.parameters
      for i in 0..<3 { for j in 0..<3 { row.covariance[3 * i + j] += parts[i] * parts[j] } }
    }
    row.changes = (changes ?? [:]).merging([cause: change]) { _, new in new }
    return row
  }
}

extension WallRow {
  /// Of w, m²: without what all walls share.
  var ownWidthVariance: Double { ownVariance(at: 1, \.sechWidth) }

  /// Of E0, (V/m)²: without what all walls share.
  var ownFieldVariance: Double { ownVariance(at: 0, \.field) }

  /// - Parameters:
  ///   - index: Of the parameter in the covariance.
  ///   - part: What a shared quantity does to it.
  private func ownVariance(at index: Int, _ part: KeyPath<WallChange, Double>) -> Double {
    (changes ?? [:]).sorted { $0.key < $1.key }.reduce(covariance[4 * index]) { variance, change in
      max(0, variance - change.value[keyPath: part] * change.value[keyPath: part])
    }
  }
}

extension WallTable {
  /// The name of what an error of the inclination does.
  static let inclinationCause = "inclination"

  /// One relative standard deviation of all fields together: the scale of the profile, and what walls fitted
  /// anew answered to a shared quantity, as a mean over them.
  ///
  /// - Parameter left: A cause that is counted elsewhere.
  func scaleError(_ errors: CommonErrors, leavingOut left: String? = nil) -> Double {
    var errors = errors
    for cause in Set(rows.flatMap { ($0.changes ?? [:]).keys }) where cause != left {
      let relative = rows.map { ($0.changes?[cause]?.field ?? 0) / $0.wall.field.value }
      errors.scale[cause] = abs(relative.reduce(0, +) / Double(relative.count))
    }
    return errors.relativeScale
  }
}
