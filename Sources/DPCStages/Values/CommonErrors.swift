// Errors that all pixels of a map share: no average lowers them, and no difference of pixels shows them.
internal import DPCReconstruction
internal import STEMCore

/// What is uncertain about a map as a whole, by its cause. The covariance of a map holds only what is
/// independent from pixel to pixel; a number formed of many pixels has both.
struct CommonErrors: Codable, Sendable, Equatable {
  /// One relative standard deviation of the scale, by cause: `thickness`, `deflection_calibration`.
  var scale: [String: Double] = [:]
  /// One standard deviation of a constant in each component, in the map's unit, by cause: `descan`, `gain`.
  var offset: [String: Double] = [:]
  /// One standard deviation of the angle by which the vectors were turned, rad.
  var rotation: Double?

  /// All causes of the scale together; they are independent.
  var relativeScale: Double { Self.inQuadrature(scale) }
  /// All causes of the constant together.
  var constant: Double { Self.inQuadrature(offset) }

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
    return copy
  }

  var isEmpty: Bool { scale.isEmpty && offset.isEmpty && rotation == nil }

  /// Attributes that name every cause, so that a reader can average what can be averaged.
  func attributes(unit: String, hasCounting: Bool) -> [String: String] {
    var attributes = [
      "errors": hasCounting
        ? "one standard deviation: counting" + (isEmpty ? "" : ", and what all pixels share")
        : "none: the number of electrons is unknown"
    ]
    if isEmpty { return attributes }
    var causes = scale.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value) of the value" }
    causes += offset.sorted { $0.key < $1.key }.map {
      "\($0.key): \($0.value) \(unit) in each component"
    }
    if let rotation { causes.append("scan rotation: \(rotation) rad") }
    attributes["errors_common"] = causes.joined(separator: "; ")
    return attributes
  }
}

extension VectorMap {
  /// The map with errors that hold for each pixel by itself: counting noise and common errors together.
  ///
  /// A scale error moves a vector along itself, one of the rotation across. nil covariance stays so:
  /// part of an error is no error.
  func withCommonErrors(_ errors: CommonErrors) -> VectorMap {
    guard var covariance, !errors.isEmpty else { return self }
    let (scale, constant, rotation) = (
      errors.relativeScale, errors.constant, errors.rotation ?? 0
    )
    for i in 0..<shape.count where mask.isUsable(i) {
      let (x, y) = (field.x[i], field.y[i])
      let (s2, r2, c2) = (scale * scale, rotation * rotation, constant * constant)
      covariance.xx[i] += s2 * x * x + r2 * y * y + c2
      covariance.yy[i] += s2 * y * y + r2 * x * x + c2
      covariance.xy[i] += (s2 - r2) * x * y
    }
    var map = self
    map.covariance = covariance
    return map
  }
}

extension MapContext {
  /// The pixel noise of a map with this context; nil where the counts are unknown.
  func noise(of map: VectorMap) -> PixelNoise? {
    PixelNoise(of: map, correlationX: correlationLength.x, correlationY: correlationLength.y)
  }
}

extension VectorCovariance {
  /// The same at every pixel, without covariance of x and y.
  static func uniform(_ variance: (x: Double, y: Double), shape: GridShape) -> VectorCovariance {
    func plane(_ value: Double) -> [Double] { [Double](repeating: value, count: shape.count) }
    return VectorCovariance(
      shape: shape, xx: plane(variance.x), yy: plane(variance.y), xy: plane(0))
  }
}

extension CommonErrors {
  /// Of what a constant and a small rotation leave alone: derivatives, and parts without a mean.
  var scaleOnly: CommonErrors {
    var copy = self
    copy.offset = [:]
    copy.rotation = nil
    return copy
  }
}

extension ScalarMap {
  /// A potential or a density with errors that hold for each pixel by itself.
  ///
  /// A constant error of the field is a ramp of the potential about the scan's center. A small
  /// rotation turns a gradient into a whirl, which has no potential: it counts in second order only.
  func withCommonErrors(_ errors: CommonErrors) -> ScalarMap {
    guard var variance, !errors.isEmpty, let size = pixelSize else { return self }
    let (scale, constant) = (errors.relativeScale, errors.constant)
    for row in 0..<shape.rows {
      let y = (Double(row) - Double(shape.rows - 1) / 2) * size.y
      for column in 0..<shape.columns {
        let x = (Double(column) - Double(shape.columns - 1) / 2) * size.x
        let i = row * shape.columns + column
        let scaled = scale * field.values[i]
        variance[i] += scaled * scaled + constant * constant * (x * x + y * y)
      }
    }
    var map = self
    map.variance = variance
    return map
  }
}
