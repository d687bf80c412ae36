// One step of a chain in a sentence, with the values of this result and the sources of its formulas.
internal import STEMData

/// What a step did, as a methods section says it.
struct StageAccount {
  let step: ProcessStep
  /// Of the step's own quantity, then of those downstream.
  let attributes: [[String: String]]

  /// Stands in a sentence for the steps that it tells of.
  static let mark = "{steps}"

  /// "tilt, version 5": the name in the manifest, and the version of the algorithm.
  var reference: String { "\(step.stage), version \(step.algorithmVersion)" }

  /// What the step took for granted.
  var assumptions: [String] {
    let lead = "assumption: "
    return step.statements.filter { $0.hasPrefix(lead) }.map { String($0.dropFirst(lead.count)) }
  }

  /// What the step did, without the full stop; ``mark`` where the step is named.
  var sentence: String {
    switch step.type {
    case "read-acquisition": return acquisition
    case "calibrate-detector":
      return "Gains, disc center and semi-angle were determined from the empty beam\(mark)"
    case "calibrate-deflection":
      return "The deflection was calibrated with frames of known beam tilts\(mark)"
    case "normalize-segments": return normalization
    case "average-frames": return averaging
    case "average-unit-cell":
      return "Counts were averaged over one unit cell, \(parameter("period_x_nm")) nm at"
        + " \(parameter("azimuth_deg"))° from x and \(parameter("period_y_nm")) nm at"
        + " \(parameter("angle_deg"))° from that\(mark)"
    case "crop":
      return "\(parameter("width_px")) × \(parameter("height_px")) positions were kept, from column"
        + " \(parameter("left_px")) and row \(parameter("top_px")) on\(mark)"
    case "deflection": return deflection
    case "remove-descan": return descan
    case "estimate-rotation": return rotationEstimate
    case "rotate-to-scan": return rotation
    case "electric-field": return field
    case "integrate": return potential
    case "charge-density":
      return "The projected charge density\(mark), free and bound charge together, is ε0 times the"
        + " divergence of the projected field, by differences of fourth order"
    case "helmholtz":
      return "The field was split into a curl-free and a divergence-free part\(mark), with a"
        + " \(boundary)"
    case "correct-inclination": return walls
    case "find-walls": return search
    case "wall-profile": return profile
    case "combine-views": return combination
    case "flexoelectric-estimate": return estimate
    case "smooth":
      return "\(source) was smoothed\(mark) by a Gaussian of standard deviation"
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

  // MARK: Values

  /// " (tilt, version 5)", once it is known of which steps the sentence tells.
  var mark: String { " (\(Self.mark))" }

  /// The stage that gave the main input; its port goes without saying.
  var source: String {
    let reference = step.inputs["input"] ?? step.inputs.values.sorted().first
    return reference.map { "The map of \($0.prefix { $0 != "." })" } ?? "The map"
  }

  func parameter(_ key: String) -> String { step.parameters[key] ?? "not stated" }

  func attribute(_ name: String) -> String? {
    attributes.compactMap { $0[name] }.first
  }

  /// Lead, value and tail; nothing where the result does not state the value.
  func stated(_ lead: String, _ name: String, _ tail: String = "") -> String {
    guard let value = attribute(name) else { return "" }
    return lead + (lead.hasSuffix("(") ? "" : " ") + SpokenValue.text(value) + tail
  }

  /// An angle with where it is from, in degrees however small: "25° (from the file)".
  func angle(_ name: String) -> String? { attribute(name).map(SpokenValue.degrees) }

  func statement(_ isWanted: (String) -> Bool) -> String? {
    step.statements.first(where: isWanted)
  }

  /// What follows the lead in the statement that begins with it.
  func statement(after lead: String) -> String? {
    statement { $0.hasPrefix(lead) }.map { String($0.dropFirst(lead.count)) }
  }
}

/// Values of attributes in the units that a reader expects.
enum SpokenValue {
  /// "200000.0 V" as "200 kV", "0.024 rad" as "24 mrad" or, above 0.1 rad, in degrees; "6e-08 m" as
  /// "60 nm". What is no such value stays as it is, and what follows the unit is kept.
  static func text(_ text: String, digits: Int = 6) -> String {
    guard let (number, unit, rest) = parts(text) else { return text }
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
    return Format.significant(number * scale, digits: digits) + name + rest
  }

  /// Of an azimuth or an inclination: "3.1e-05 rad (measured)" as "0.0018° (measured)".
  static func degrees(_ text: String) -> String {
    guard let (number, unit, rest) = parts(text), unit == "rad" else { return text }
    let digits = abs(number) < 0.1 ? 2 : 5
    return Format.significant(number * 180 / Double.pi, digits: digits) + "°" + rest
  }

  private static func parts(
    _ text: String
  ) -> (number: Double, unit: String, rest: Substring)? {
    let parts = text.split(separator: " ", maxSplits: 1)
    guard parts.count == 2, let number = Double(parts[0]), number.isFinite else { return nil }
    let unit = parts[1].prefix { $0 != " " && $0 != "," }
    return (number, String(unit), parts[1].dropFirst(unit.count))
  }

  private static let units = [
    ("_nC_per_m", " nC/m"), ("_uC_per_cm2", " µC/cm²"), ("_per_m", " /m"), ("_V_nm", " V nm"),
    ("_nm", " nm"), ("_deg", "°"), ("_mrad", " mrad"), ("_kV", " kV"), ("_px", " pixels"),
  ]

  /// A parameter with its unit behind the number: `wall_width_nm` 20 as "wall width 20 nm".
  static func parameter(_ key: String, _ value: String) -> String {
    let unit = units.first { key.hasSuffix($0.0) }
    let name = key.dropLast(unit?.0.count ?? 0).map { $0 == "_" ? " " : String($0) }.joined()
    // Lists of one stand for their number.
    let plain =
      value.hasPrefix("[") && value.hasSuffix("]") ? String(value.dropFirst().dropLast()) : value
    let isNumber = plain.split(separator: ",").allSatisfy {
      Double($0.drop { $0 == " " }) != nil
    }
    return "\(name) \(plain)\(isNumber ? unit?.1 ?? "" : "")"
  }
}
