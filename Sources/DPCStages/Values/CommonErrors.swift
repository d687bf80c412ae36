// Errors that all pixels of a map share: no average lowers them, and no difference of pixels shows them.
internal import DPCReconstruction
internal import Glibc
internal import STEMCore

/// What is uncertain about a map as a whole, by its cause. The covariance of a map holds only what is
/// independent from pixel to pixel; a number formed of many pixels has both.
struct CommonErrors: Codable, Sendable, Equatable {
  /// One relative standard deviation of the scale, by cause: `thickness`, `deflection_calibration`.
  var scale: [String: Double] = [:]
  /// One standard deviation of a constant in each component, by cause (`descan`, `gain`), in the map's unit; with a
  /// potential of the field that it is of, V.
  var offset: [String: Double] = [:]
  /// The same where nobody states how many exposures a reference averages: what it is at most, of a single one; nil
  /// where everything is stated. No error counts it.
  var unstatedOffset: [String: Double]?
  /// One standard deviation of the angle by which the vectors were turned, rad.
  var rotation: Double?

  /// All causes of the scale together; they are independent.
  var relativeScale: Double { Self.inQuadrature(scale) }
  /// All causes of the constant together.
  var constant: Double { Self.inQuadrature(offset) }

  /// All causes of the constant together, and what those add at most of which nobody states how large they are.
  var largestConstant: Double { hypot(constant, Self.inQuadrature(unstatedOffset ?? [:])) }

  /// Summed in the order of the causes' names: the same bytes on every run.
  private static func inQuadrature(_ errors: [String: Double]) -> Double {
    errors.sorted { $0.key < $1.key }.reduce(0) { $0 + $1.value * $1.value }.squareRoot()
  }
}

extension CommonErrors {
  /// Of the same map in another unit.
  func scaled(by factor: Double) -> CommonErrors {
    var copy = self
    copy.offset = offset.mapValues { $0 * abs(factor) }
    copy.unstatedOffset = unstatedOffset?.mapValues { $0 * abs(factor) }
    return copy
  }

  /// What the errors add to the covariance of a vector.
  struct Terms: Sendable {
    /// Squares: of the relative scale, of the rotation (rad²), of the constant (in the map's unit).
    var scale: Double
    var rotation: Double
    var constant: Double

    /// Of one component, the other one being `across`: a scale error moves a vector along itself, one of
    /// the rotation across.
    func variance(along value: Double, across other: Double) -> Double {
      scale * value * value + rotation * other * other + constant
    }
  }

  var terms: Terms {
    let (scale, constant, angle) = (relativeScale, self.constant, rotation ?? 0)
    return Terms(scale: scale * scale, rotation: angle * angle, constant: constant * constant)
  }

  var isEmpty: Bool { scale.isEmpty && offset.isEmpty && rotation == nil }

  /// Attributes that name every cause, so that a reader can average what can be averaged.
  ///
  /// - Parameters:
  ///   - unit: Of the constants.
  ///   - source: Whose constants they are, where that is not the map itself.
  ///   - hasCounting: Whether each pixel has an error of its own.
  func attributes(
    unit: String, of source: String? = nil, hasCounting: Bool
  ) -> [String: String] {
    var attributes = [
      "errors": hasCounting
        ? "one standard deviation: counting" + (isEmpty ? "" : ", and what all pixels share")
        : "none: the number of electrons is unknown"
    ]
    if isEmpty { return attributes }
    var causes = scale.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value) of the value" }
    causes += offset.sorted { $0.key < $1.key }.map {
      "\($0.key): \($0.value) \(unit) in each component" + (source.map { " of \($0)" } ?? "")
    }
    if let rotation { causes.append("scan rotation: \(rotation) rad") }
    attributes["errors_common"] = causes.joined(separator: "; ")
    return attributes
  }
}

extension MapContext {
  /// The pixel noise of a map with this context; nil where the counts are unknown.
  func noise(of map: VectorMap) -> PixelNoise? {
    PixelNoise(of: map, correlationX: correlationLength.x, correlationY: correlationLength.y)
  }
}

extension CommonErrors {
  /// Of what a constant leaves alone: derivatives, and parts without a mean.
  var withoutOffset: CommonErrors {
    var copy = self
    copy.offset = [:]
    return copy
  }

  /// Of what a small rotation leaves alone too, in first order: walls, whose field has one component.
  var scaleOnly: CommonErrors {
    var copy = withoutOffset
    copy.rotation = nil
    return copy
  }
}

/// What the errors that all pixels share add to the variance of a potential or a density at a position.
///
/// A constant error of the field is a ramp of the potential about the scan's center. A small
/// rotation turns whirls into gradients: what the turned field alone would give counts, a whirl's potential and
/// charge. Of a field that has a potential it adds nothing in first order.
struct CommonScalarErrors: Sendable {
  private let values: [Double]
  private let columns: Int
  /// Of the scan, pixels.
  private let center: (x: Double, y: Double)
  /// Relative.
  private let scale: Double
  /// Of the potential from pixel to pixel; zero where no position is known.
  private let ramp: (x: Double, y: Double)
  /// What a rotation adds, for each radian; nil where none does.
  private let turned: [Double]?
  /// rad².
  private let rotation: Double

  /// - Parameters:
  ///   - center: About which a constant of the field turns the map, pixels; nil for what no constant changes.
  ///   - turned: What a field turned by a radian would add in first order.
  init(
    _ errors: CommonErrors, of map: ScalarMap, about center: Vector2?, turned: ScalarField? = nil
  ) {
    self.turned = errors.rotation == nil ? nil : turned?.values
    rotation = errors.terms.rotation
    values = map.field.values
    columns = map.shape.columns
    self.center = (center?.x ?? 0, center?.y ?? 0)
    scale = errors.relativeScale
    let size = map.pixelSize ?? PixelSize(x: 0, y: 0)
    ramp = center == nil ? (0, 0) : (errors.constant * size.x, errors.constant * size.y)
  }

  @inline(__always)
  func variance(at position: Int) -> Double {
    let scaled = scale * values[position]
    let turn = turned.map { rotation * $0[position] * $0[position] } ?? 0
    if ramp.x == 0 { return scaled * scaled + turn }
    let (row, column) = position.quotientAndRemainder(dividingBy: columns)
    let (x, y) = ((Double(column) - center.x) * ramp.x, (Double(row) - center.y) * ramp.y)
    return scaled * scaled + turn + (x * x + y * y)
  }
}

extension GridShape {
  /// (n - 1)/2 along x and y, pixels.
  var center: Vector2 { Vector2(x: Double(columns - 1) / 2, y: Double(rows - 1) / 2) }
}
