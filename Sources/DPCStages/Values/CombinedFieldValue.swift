// The field of walls in three components, from two views of them.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore
internal import STEMData

struct CombinedFieldValue: HeaderOnlyValue {
  /// Along the normal, along the wall as in the top view's image, and along the third direction, V/m.
  var normal: STEMCore.Measurement
  var along1: STEMCore.Measurement
  var along2: STEMCore.Measurement
  /// Row-major 3 × 3, (V/m)².
  var covariance: [Double]
  var chiSquare: Double
  var degreesOfFreedom: Int
  var pValue: Double
  /// What was measured: view, component, value, error, as in the summary.
  var measured: [String]
  /// What was assumed of the walls' correspondence.
  var correspondence: String
  /// Antiparallel walls differ in sign only: of which of them the field is.
  var signDefinition: String
  var context: MapContext

  /// Three standard deviations.
  static let significance = 0.0027
  var isConsistent: Bool { pValue >= Self.significance }

  var verdict: String {
    let numbers =
      "chi-square \(Format.significant(chiSquare, digits: 3)) for \(degreesOfFreedom) degree of freedom,"
      + " p = \(Format.significant(pValue, digits: 2))"
    return isConsistent
      ? "the views agree (\(numbers))"
      : "the views do not show one field (\(numbers)): look at thickness, inclination and calibration of both"
  }

  var facts: [Fact] {
    func fact(_ key: String, _ name: String, _ value: STEMCore.Measurement) -> Fact {
      Fact(
        key, text: "\(name) \(Format.quantity(value.value, error: value.error, unit: "V/m"))",
        value: value.value, error: value.error, unit: "V/m")
    }
    return [
      fact("field_normal", "field along the wall normal", normal),
      fact("field_along_1", "field along the wall, in the top view's image", along1),
      fact("field_along_2", "field along the wall, along the top view's beam", along2),
      Fact("consistency", text: verdict, value: chiSquare),
    ] + measured.map { Fact("measured", text: $0) }
  }

  func group(_ stage: String) -> ResultGroup {
    func scalar(_ name: String, _ value: Double, _ unit: String) -> ResultDataset {
      ResultDataset(name, shape: [], values: .float64([value]), unit: unit)
    }
    func pair(_ name: String, _ value: STEMCore.Measurement) -> [ResultDataset] {
      [scalar(name, value.value, "V/m")]
        + (value.error.map { [scalar("\(name)_errors", $0, "V/m")] } ?? [])
    }
    return ResultGroup(
      name: stage, quantity: "combined_field",
      title: "Field of the walls in three components, from two views", signal: "field_along_1",
      axes: [],
      datasets: pair("field_normal", normal) + pair("field_along_1", along1)
        + pair("field_along_2", along2) + [
          ResultDataset(
            "covariance", shape: [3, 3], values: .float64(covariance), unit: "V^2/m^2"),
          scalar("chi_square", chiSquare, ""),
          scalar("degrees_of_freedom", Double(degreesOfFreedom), ""),
          scalar("p_value", pValue, ""),
        ],
      attributes: context.resultAttributes([
        "axes_definition": .text(
          "normal n; along_1 in the wall and across the top view's beam, a quarter turn clockwise from"
            + " n in its image; along_2 = n x along_1"),
        "sign_definition": .text(signDefinition),
        "verdict": .text(verdict), "correspondence": .text(correspondence),
        "measured": .text(measured.joined(separator: "; ")),
      ]))
  }
}
