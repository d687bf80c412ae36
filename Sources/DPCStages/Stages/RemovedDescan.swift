// What remove-descan took away, in words and numbers: the surface, its error, and the field that went with it.
internal import DPCReconstruction
internal import Foundation
internal import Pipeline
internal import STEMCore

struct RemovedDescan {
  var surface: DescanSurface
  var source: String
  /// Fitted to the map itself: then a field of the same shape went with it.
  var isFromData: Bool
  var fit: DescanFit?
  /// How the degree of the surface was decided.
  var surfaceTest: String?
  /// What a single exposure would leave of the zero in each component, rad, where it is not stated how many there are.
  var unstatedError: Double?

  /// What the stage has to say.
  typealias Remarks = (facts: [Fact], notes: [Note])

  /// Subtracts the surface, and states what went with it.
  func removeDescan(from value: inout DeflectionValue) -> Remarks {
    value.map.remove(surface)
    value.vacuum = .none
    value.removed = surface
    let metadata = value.context.metadata
    value.context = value.context.adding(attributes(metadata))
    // What the gains do to the zero of the deflection they do to the reference, too.
    value.context.commonErrors.offset["gain"] = nil
    value.context.commonErrors.unstatedOffset = unstatedError.map { ["descan": $0] }
    if let error = surface.meanError { value.context.commonErrors.offset["descan"] = error }
    return (facts(metadata), notes(metadata))
  }

  // MARK: Field

  /// Volts of projected field, or V/m where the thickness is stated, for a deflection.
  private func field(_ deflection: Double, _ metadata: AcquisitionMetadata) -> (Double, String) {
    let volts = deflection * metadata.beam.momentumVelocityPerCharge
    if let thickness = metadata.specimen.thickness { return (volts / thickness, "V/m") }
    return (volts, "V")
  }

  private func fieldText(_ deflection: Double, _ metadata: AcquisitionMetadata) -> String {
    let (value, unit) = field(deflection, metadata)
    return Format.quantity(value, unit: unit)
  }

  /// Length of the constant term, rad.
  private var uniform: Double { hypot(surface.x[0], surface.y[0]) }

  /// Largest length over the rim of the terms of one power, rad.
  private func largest(_ terms: Range<Int>) -> Double {
    guard terms.upperBound <= surface.x.count else { return 0 }
    var part = surface
    for index in part.x.indices where !terms.contains(index) {
      part.x[index] = 0
      part.y[index] = 0
    }
    let rim = [(1.0, 1.0), (1, -1), (-1, 1), (-1, -1), (1, 0), (0, 1), (-1, 0), (0, -1)]
    return rim.reduce(0) { largest, place in
      let value = part.value(s: place.0, t: place.1)
      return max(largest, hypot(value.x, value.y))
    }
  }

  private var linear: Double { largest(1..<3) }
  private var quadratic: Double { largest(3..<6) }

  /// The field that cannot be told from what was removed.
  private func lostField(_ metadata: AcquisitionMetadata) -> String {
    var parts = ["uniform \(fieldText(uniform, metadata))"]
    if surface.degree != .constant {
      parts.append("linear up to \(fieldText(linear, metadata)) at the rim")
    }
    if surface.degree == .quadratic {
      parts.append("quadratic up to \(fieldText(quadratic, metadata)) at the rim")
    }
    return parts.joined(separator: ", ")
  }

  // MARK: Attributes, facts and notes

  private func attributes(_ metadata: AcquisitionMetadata) -> [String: String] {
    var attributes = [
      "removed_descan": source,
      "removed_mean": "x \(surface.center.x), y \(surface.center.y) rad (detector axes)",
      "removed_ramp":
        "per column x \(surface.perColumn.x), y \(surface.perColumn.y); per row x \(surface.perRow.x),"
        + " y \(surface.perRow.y) rad (detector axes)",
      "removed_field": lostField(metadata),
    ]
    if surface.degree == .quadratic {
      attributes["removed_curvature"] =
        "of s², st, t² (-1...1 over the scan): x \(surface.x[3]), \(surface.x[4]), \(surface.x[5]);"
        + " y \(surface.y[3]), \(surface.y[4]), \(surface.y[5]) rad (detector axes)"
    }
    if let center = surface.error(s: 0, t: 0) {
      attributes["removed_descan_error"] = "\(center) rad, common to all pixels"
    }
    if let corner = surface.cornerError, surface.degree != .constant {
      attributes["removed_descan_error_in_corners"] = "\(corner) rad"
    }
    if let covariance = surface.covariance {
      attributes["removed_descan_covariance"] =
        "of 1, s, t, s², st, t² (as many as removed), row by row, rad²: "
        + covariance.map { "\($0)" }.joined(separator: " ")
    }
    if let surfaceTest { attributes["removed_descan_test"] = surfaceTest }
    if let fit {
      attributes["removed_descan_pixels"] = "\(fit.pixelCount)"
      if let chiSquare = fit.reducedChiSquare {
        attributes["removed_descan_reduced_chi_square"] = "\(chiSquare)"
      }
      if isFromData { attributes["removed_descan_rejected_share"] = "\(fit.rejectedShare)" }
    }
    return attributes
  }

  private func facts(_ metadata: AcquisitionMetadata) -> [Fact] {
    let center = surface.error(s: 0, t: 0)
    var facts = [
      Fact(
        "descan",
        text:
          "descan removed (\(source)): \(Format.quantity(uniform, error: center, unit: "rad")) at the"
          + " center", value: uniform, error: center, unit: "rad")
    ]
    if let error = surface.meanError {
      let (value, unit) = field(error, metadata)
      let corner = surface.cornerError ?? error
      facts.append(
        Fact(
          "descan_error",
          text:
            "error of the zero of the field by descan: \(Format.quantity(value, unit: unit)) per"
            + " component (mean over the scan), \(fieldText(corner, metadata)) in the worst corner",
          value: value, unit: unit))
    }
    return facts
  }

  /// A corner this many times worse than the mean is an extrapolation.
  private static let extrapolation = 4.0

  private func notes(_ metadata: AcquisitionMetadata) -> [Note] {
    var notes: [Note] = []
    if isFromData {
      let shape = surface.degree == .quadratic ? ", a linear and a quadratic" : " and a linear"
      notes.append(
        Note(
          .warning,
          "a uniform\(shape) field were removed with the descan and cannot be told from it:"
            + " \(lostField(metadata))"))
      if let center = surface.error(s: 0, t: 0), let corner = surface.cornerError, center > 0,
        corner > Self.extrapolation * center
      {
        notes.append(
          Note(
            .warning,
            "the regions leave parts of the scan to extrapolation: the error grows from"
              + " \(fieldText(center, metadata)) in the center to \(fieldText(corner, metadata)) in a"
              + " corner"))
      }
      if let fit, fit.rejectedShare > 0.5 {
        notes.append(
          Note(
            .warning,
            "\(Format.percent(fit.rejectedShare)) of the weight lies off the surface: the regions are"
              + " not free of fields"))
      }
    } else if surface.covariance == nil {
      notes.append(
        Note(
          .assumption,
          "the error of the vacuum reference is neglected: its number of exposures or of electrons is not"
            + " stated (attribute exposures)"))
    } else if let fit, let chiSquare = fit.reducedChiSquare,
      chiSquare > 1 + 6 * (2 / Double(max(fit.degreesOfFreedom, 1))).squareRoot(), chiSquare > 1.2
    {
      notes.append(
        Note(
          .warning,
          "the vacuum scan scatters \(Format.significant(chiSquare.squareRoot(), digits: 3)) times as"
            + " much about the surface as counting makes: it is not descan alone"))
    }
    return notes
  }
}
