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
    direction = context.radiansIfGiven("direction_deg").map { (cos($0), sin($0)) }
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
    let pixels = map.usablePixels(in: region)
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

  /// A number that is positive where the statement holds, with its error.
  private func evidence(
    _ map: VectorMap, _ pixels: [Int], _ correlation: CorrelationLength
  ) -> (value: Double, error: Double?) {
    let probe: ProbeDirection
    switch polarity {
    case .unresolved: return (0, nil)
    case .fieldTowards, .thickerTowards:
      probe = .fixed(x: direction?.x ?? 0, y: direction?.y ?? 0)
    case .positiveCharge, .negativeCharge: probe = .outward
    }
    // The field points against the deflection. The potential of a solid is positive, so that the beam bends
    // towards the thicker side.
    let sign = polarity == .fieldTowards || polarity == .positiveCharge ? -1.0 : 1
    let sum = directedSum(
      of: map, over: pixels, along: probe, noiseFactor: correlation.noiseFactor)
    return (sign * sum.value, sum.error)
  }
}

extension EstimateRotation {
  func problems(
    with parameters: [String: ParameterValue], connected ports: Set<String>
  ) -> [ParameterProblem] {
    ParameterProblem.found(in: parameters) { _ = try PolarityStatement(parameters: $0) }
  }
}
