// What is known of the sign of a field, which no curl can tell: the explicit answer to the 180° question.
internal import DPCReconstruction
internal import Foundation
internal import Pipeline
internal import STEMCore

/// What the user knows.
enum FieldPolarity: String, CaseIterable {
  case unresolved
  case positiveCharge = "positive-charge"
  case negativeCharge = "negative-charge"
  case fieldTowards = "field-towards"
  case thickerTowards = "thicker-towards"
}

/// A statement about the field in a region, and its verdict on a turned map.
struct PolarityStatement {
  let polarity: FieldPolarity
  /// left, top, right, bottom, m from the first pixel; nil for the whole scan.
  let region: [Double]?
  /// Unit vector in the axes of the scan.
  let direction: (x: Double, y: Double)?

  /// A sign is believed from three standard deviations on.
  private static let significance = 3.0

  init(_ context: StageContext) throws {
    self = try context.reading { try PolarityStatement(parameters: context) }
  }

  /// - Throws: `ParameterProblem` for a region that is none, and where a direction is missing.
  fileprivate init(parameters context: StageContext) throws {
    polarity = try context.choice("polarity")
    let corners = context.numbers("region_nm")
    region = corners.map { $0.map(StageContext.meters) }
    direction = context.number("direction_deg").map {
      (cos($0 * Double.pi / 180), sin($0 * Double.pi / 180))
    }
    if let corners, corners.count != 4 || corners[0] >= corners[2] || corners[1] >= corners[3] {
      throw ParameterProblem(
        "region_nm", "region_nm is \(corners), not a rectangle",
        suggestion: "give [left, top, right, bottom] in nm, left < right and top < bottom")
    }
    let wantsDirection = polarity == .fieldTowards || polarity == .thickerTowards
    if wantsDirection && direction == nil {
      throw ParameterProblem(
        "polarity", "polarity \(polarity.rawValue) needs direction_deg",
        suggestion: "add direction_deg: ANGLE (from +x towards +y, in the scan)")
    }
  }

  /// +1 where the map has the stated sign, -1 where it has the opposite one, 0 where that is open.
  ///
  /// - Parameter map: Deflection in the axes of the scan, rad; the field points against it.
  func sign(of map: VectorMap, correlation: CorrelationLength) -> (value: Int, statement: String) {
    if polarity == .unresolved { return (0, ScanRotationValue.openSign) }
    let pixels = pixels(of: map)
    if pixels.isEmpty {
      return (0, "unresolved: region_nm holds no usable pixel")
    }
    let found = evidence(map, pixels, correlation)
    let statement = "\(polarity.rawValue)\(region == nil ? "" : " in the region")"
    if let error = found.error, abs(found.value) < Self.significance * error {
      return (
        0, "unresolved: \(statement) is below three standard deviations of the noise there"
      )
    }
    if found.value == 0 { return (0, "unresolved: \(statement) finds nothing there") }
    return (found.value > 0 ? 1 : -1, "known: \(statement)")
  }

  private func pixels(of map: VectorMap) -> [Int] {
    let size = map.pixelSize ?? PixelSize(x: 1, y: 1)
    return (0..<map.shape.count).filter { index in
      guard map.mask.isUsable(index) else { return false }
      guard let region else { return true }
      let x = Double(index % map.shape.columns) * size.x
      let y = Double(index / map.shape.columns) * size.y
      return x >= region[0] && x <= region[2] && y >= region[1] && y <= region[3]
    }
  }

  /// A number that is positive where the statement holds, with its error.
  private func evidence(
    _ map: VectorMap, _ pixels: [Int], _ correlation: CorrelationLength
  ) -> (value: Double, error: Double?) {
    switch polarity {
    case .unresolved: return (0, nil)
    case .fieldTowards, .thickerTowards:
      // The potential of a solid is positive, so the beam bends towards the thicker side.
      let sign = polarity == .fieldTowards ? -1.0 : 1
      let (ux, uy) = (sign * (direction?.x ?? 0), sign * (direction?.y ?? 0))
      return weighted(map, pixels, correlation) { _, _ in (ux, uy) }
    case .positiveCharge, .negativeCharge:
      // Flux out of a cone around the region's middle: Σ E·r/|r| > 0 about a positive charge.
      let sign = polarity == .positiveCharge ? -1.0 : 1
      let columns = map.shape.columns
      let size = map.pixelSize ?? PixelSize(x: 1, y: 1)
      let count = Double(pixels.count)
      let middle = (
        x: pixels.reduce(0) { $0 + Double($1 % columns) } / count,
        y: pixels.reduce(0) { $0 + Double($1 / columns) } / count
      )
      return weighted(map, pixels, correlation) { column, row in
        let (x, y) = ((column - middle.x) * size.x, (row - middle.y) * size.y)
        let length = (x * x + y * y).squareRoot()
        return length > 0 ? (sign * x / length, sign * y / length) : (0, 0)
      }
    }
  }

  private func weighted(
    _ map: VectorMap, _ pixels: [Int], _ correlation: CorrelationLength,
    _ weight: (_ column: Double, _ row: Double) -> (x: Double, y: Double)
  ) -> (value: Double, error: Double?) {
    var (sum, variance) = (0.0, 0.0)
    for index in pixels {
      let w = weight(Double(index % map.shape.columns), Double(index / map.shape.columns))
      sum += w.x * map.field.x[index] + w.y * map.field.y[index]
      if let covariance = map.covariance {
        variance +=
          w.x * w.x * covariance.xx[index] + w.y * w.y * covariance.yy[index]
          + 2 * w.x * w.y * covariance.xy[index]
      }
    }
    guard map.covariance != nil else { return (sum, nil) }
    return (sum, (variance * correlation.x * correlation.y).squareRoot())
  }
}

extension EstimateRotation {
  func problems(
    with parameters: [String: ParameterValue], connected ports: Set<String>
  ) -> [ParameterProblem] {
    ParameterProblem.found(in: parameters) { _ = try PolarityStatement(parameters: $0) }
  }
}
