// One step of a chain in a sentence, with the values of this result and the sources of its formulas.
internal import STEMData

/// What a step did, as a methods paragraph says it.
struct StageAccount {
  let step: ProcessStep
  /// Of the step's own quantity, then of those downstream.
  let attributes: [[String: String]]

  /// What the step did and what it assumed, without the full stop.
  var sentence: String {
    let assumptions = step.statements.filter { $0.hasPrefix("assumption: ") }
    return ([action] + assumptions).joined(separator: "; ")
  }

  private var action: String {
    switch step.type {
    case "read-acquisition": return "Acquisition: \(statement { _ in true } ?? "not described")"
    case "normalize-segments": return normalization
    case "deflection": return deflection
    case "remove-descan": return descan
    case "rotate-to-scan": return rotation
    case "electric-field": return field
    case "integrate": return potential
    case "charge-density":
      return "The projected charge density (\(step.stage)) is"
        + " \(attribute("method") ?? "the divergence of the projected field")"
    case "helmholtz":
      return "Curl-free and divergence-free parts (\(step.stage)) were separated with boundary:"
        + " \(parameter("boundary"))"
    case "correct-inclination": return inclination
    case "wall-profile":
      return "A profile across the walls (\(step.stage)) was averaged along them"
        + stated(", wall normal at", "wall_normal_azimuth")
        + stated(", fitted with the model", "fit_model")
    case "smooth":
      return "\(source) was smoothed (\(step.stage)) by a Gaussian of standard deviation"
        + " \(parameter("sigma_nm")) nm"
    case "exec": return program
    default: return plain
    }
  }

  var references: [Reference] {
    switch step.type {
    case "deflection": return [.dekkers]
    case "electric-field": return [.reimer]
    case "integrate": return parameter("boundary") == "periodic" ? [.frankot, .lazic] : [.lazic]
    case "helmholtz": return parameter("boundary") == "neumann" ? [.schwarz] : []
    case "smooth": return [.knutsson]
    case "wall-profile", "correct-inclination":
      // Only a normal found from the image is that of the structure tensor.
      return attribute("wall_normal_azimuth")?.contains("measured") ?? false ? [.bigun] : []
    default: return []
    }
  }

  // MARK: Sentences

  private var normalization: String {
    "Signals were corrected for dark level (\(parameter("dark"))) and gain"
      + " (\(attribute("gain_source") ?? parameter("gain"))); spikes above"
      + " \(parameter("spike_sigma")) standard deviations were masked"
  }

  private var deflection: String {
    let dose = statement { $0.contains("electrons per pixel") }
    let formula = attribute("method_formula").map { " (\($0))" } ?? ""
    return
      "The deflection (\(step.stage)) was found by \(parameter("method"))\(formula), calibration:"
      + " \(attribute("calibration") ?? "not stated")"
      + stated(", semi-convergence angle", "probe_semi_angle")
      + stated(", voltage", "voltage") + (dose.map { ", dose \($0)" } ?? ", dose not determined")
      + stated(", regime", "regime")
  }

  private var descan: String {
    "Descan (\(step.stage)): \(attribute("removed_descan") ?? parameter("method"))"
      + stated(", known to", "removed_descan_error")
      + stated(", which leaves out of the field:", "removed_field")
  }

  private var rotation: String {
    guard let angle = attribute("scan_rotation") else { return plain }
    return "Vectors were turned to the axes of the scan by \(SpokenValue.text(angle))"
      + stated(", handedness", "handedness")
  }

  private var field: String {
    let thickness =
      attribute("thickness").map { "taken over the thickness of \(SpokenValue.text($0))" }
      ?? "not formed, for no thickness is known"
    return "The projected field (\(step.stage)) is -(pv/e) times the deflection"
      + stated(", pv/e =", "momentum_velocity_per_charge") + "; the mean field is \(thickness)"
  }

  private var potential: String {
    "The projected potential (\(step.stage)) was integrated with boundary: \(parameter("boundary"))"
      + stated(" (", "method", ")") + ", high pass: "
      + (parameter("high_pass_nm") == "none" ? "none" : "\(parameter("high_pass_nm")) nm")
  }

  private var inclination: String {
    "Inclined walls (\(step.stage)) were corrected by \(attribute("inclination_model") ?? parameter("model"))"
      + stated(", inclination", "inclination") + stated(", wall normal at", "wall_normal_azimuth")
      + stated(", field direction", "field_direction")
  }

  private var program: String {
    let files = step.files.sorted { $0.key < $1.key }.map { "\($0.key) (SHA-256 \($0.value))" }
    return "\(source) was processed by a program outside dpc (\(step.stage)):"
      + " \(files.joined(separator: ", ")), arguments \(parameter("arguments")), which gave a"
      + " \(parameter("output"))"
  }

  /// A step without a sentence of its own, told by its parameters.
  private var plain: String {
    let values = step.parameters.sorted { $0.key < $1.key }
      .filter { !$0.value.isEmpty }.map { "\($0.key) \($0.value)" }
    return "Step \(step.stage): \(step.type), algorithm version \(step.algorithmVersion)"
      + (values.isEmpty ? "" : " (\(values.joined(separator: ", ")))")
  }

  // MARK: Values

  /// The stage that gave the main input; its port goes without saying.
  private var source: String {
    let reference = step.inputs["input"] ?? step.inputs.values.sorted().first
    return reference.map { "The map of \($0.prefix { $0 != "." })" } ?? "The map"
  }

  private func parameter(_ key: String) -> String { step.parameters[key] ?? "not stated" }

  private func attribute(_ name: String) -> String? {
    attributes.compactMap { $0[name] }.first
  }

  /// Lead, value and tail; nothing where the result does not state the value.
  private func stated(_ lead: String, _ name: String, _ tail: String = "") -> String {
    guard let value = attribute(name) else { return "" }
    return lead + (lead.hasSuffix("(") ? "" : " ") + SpokenValue.text(value) + tail
  }

  private func statement(_ isWanted: (String) -> Bool) -> String? {
    step.statements.first(where: isWanted)
  }
}

/// Values of attributes in the units that a reader expects.
enum SpokenValue {
  /// "200000.0 V" as "200 kV", "0.024 rad" as "24 mrad" or, above 0.1 rad, in degrees; "6e-08 m" as
  /// "60 nm". What is no such value stays as it is, and what follows the unit is kept.
  static func text(_ text: String) -> String {
    let parts = text.split(separator: " ", maxSplits: 1)
    guard parts.count == 2, let number = Double(parts[0]), number.isFinite else { return text }
    let unit = parts[1].prefix { $0 != " " && $0 != "," }
    let rest = parts[1].dropFirst(unit.count)
    let (scale, name): (Double, String)
    switch unit {
    case "V" where abs(number) >= 1000: (scale, name) = (1e-3, " kV")
    case "m": (scale, name) = (1e9, " nm")
    case "rad" where abs(number) >= 0.1 || number == 0: (scale, name) = (180 / Double.pi, "°")
    case "rad" where abs(number) < 1e-7: (scale, name) = (1e9, " nrad")
    case "rad" where abs(number) < 1e-4: (scale, name) = (1e6, " µrad")
    case "rad": (scale, name) = (1e3, " mrad")
    default: return text
    }
    return Format.significant(number * scale, digits: 6) + name + rest
  }
}
