// The sentences of the steps from the acquisition to the potential, for the methods paragraph.
internal import STEMData

extension StageAccount {
  /// "8 segments, 136×168 pixels, 336 nm × 272 nm, 200 kV, 24 mrad" spelled out.
  var acquisition: String {
    guard let text = statement({ $0.contains(" segments, ") }) else {
      return "An acquisition was read\(mark)"
    }
    let parts = text.split(separator: ", ")
    let frames = parts.first { $0.hasSuffix(" frames") }.map { ", \($0)" } ?? ""
    let side = parts.first { $0.contains("m × ") }.map { " (\($0))" } ?? ""
    // Rows come first there, and x of the sides here.
    let shape = parts.count > 1 ? parts[1].replacing(" pixels", with: "").split(separator: "×") : []
    let positions = shape.reversed().joined(separator: " × ")
    return "The acquisition\(mark) has the signals of \(parts[0]) at \(positions) scan"
      + " positions\(side)\(frames)"
  }

  var normalization: String {
    let dark =
      parameter("dark") == "none"
      ? "No dark level was subtracted\(mark)"
      : attribute("dark_source") == "none"
        ? "There was no dark reference to subtract\(mark)"
        : "The dark reference of the file was subtracted\(mark)"
    let gains: String
    switch attribute("gain_source") ?? parameter("gain") {
    case "flat": gains = "the segments' gains were taken from the flat-field reference"
    case "gain": gains = "the segments' gains were those that the file states"
    case "vacuum": gains = "the segments' gains were taken from the vacuum reference"
    case "calibration": gains = "the segments' gains were those of the calibration"
    case "none": gains = "no gains were corrected"
    case let other: gains = "the source of the segments' gains was \(other)"
    }
    let spikes =
      parameter("spike_sigma") == "none"
      ? "no spikes were sought"
      : "signals more than \(parameter("spike_sigma")) standard deviations off the median of 5 × 5"
        + " positions were masked"
    return "\(dark), \(gains), and \(spikes)"
  }

  var averaging: String {
    guard let added = statement({ $0.hasSuffix(" frames added") }) else {
      return "There was one frame, and nothing to average\(mark)"
    }
    let scatter = statement(after: "frames scatter ").map { "; they scatter \($0)" } ?? ""
    let aligned =
      statement(after: StackDrift.alignment).flatMap { _ in statement(after: "the specimen ") }
      .map { ", aligned by whole positions since the specimen \($0)" } ?? ""
    return "The counts of \(added.dropLast(" added".count)) were added\(mark)\(aligned)\(scatter)"
  }

  var deflection: String {
    let formula = attribute("method_formula").map { " (\($0))" } ?? ""
    let noise = statement(after: "deflection noise ").map { " and a noise of \($0)" } ?? ""
    let electrons = statement { $0.contains("electrons per pixel") }
    return "The beam's deflection\(mark) was measured by \(parameter("method"))\(formula)"
      + stated(" at a voltage of", "voltage")
      + stated(" and a semi-convergence angle of", "probe_semi_angle")
      + (electrons.map { ", with \($0)\(noise)" } ?? ", the dose not being determined")
      + ". \(calibration)\(regime)"
  }

  private var calibration: String {
    let text = attribute("calibration") ?? "not stated"
    return text.hasPrefix("geometry only")
      ? "Its scale is that of the detector's geometry, not calibrated"
      : "Its scale is calibrated (\(text))"
  }

  private var regime: String {
    switch attribute("regime") {
    case nil: ""
    case "not determined": "; whether the disc shifts as a whole was not determined"
    case "rigid shift": "; the disc shifts as a whole (rigid shift)"
    case "weak phase": "; intensity moves within the disc (weak phase)"
    case let other?: "; the regime is: \(other)"
    }
  }

  var descan: String {
    let text = attribute("removed_descan") ?? parameter("method")
    if text.hasPrefix("nothing") {
      let reason = text.dropFirst("nothing".count).filter { !"()".contains($0) }
      return "No descan was removed,\(reason.isEmpty ? " as asked" : reason)\(mark)"
    }
    return "The descan of the beam was subtracted\(mark): \(text)"
      + (attribute("removed_descan_error").map { ", known to \(SpokenValue.text($0, digits: 3))" }
        ?? "")
      + stated(
        ". A part of the specimen's field of the same form would be lost with it; as a field,"
          + " what was subtracted is", "removed_field")
  }

  var rotationEstimate: String {
    if let found = statement(after: "scan rotation from the data ") {
      return "The angle at which the field has least curl gives a scan rotation of \(found)\(mark)"
    }
    let lead = "the field cannot check the scan rotation of "
    let reason = statement(after: lead) ?? statement(after: "scan rotation unresolved: ") ?? ""
    let because = reason.firstRange(of: " states: ").map { reason[$0.upperBound...] } ?? reason[...]
    return statement(after: lead) == nil
      ? "The field's curl does not tell the scan rotation\(mark): \(because)"
      : "The stated scan rotation could not be checked by the field's curl\(mark): \(because)"
  }

  var rotation: String {
    guard let angle = angle("scan_rotation") else { return plain }
    let side =
      attribute("handedness") == "mirrored"
      ? ", the detector being seen from behind (mirrored)" : ""
    return "Vectors were turned\(mark) from the detector's axes to those of the scan, by \(angle)"
      + side
  }

  var field: String {
    let projected =
      "The projected field ∫E dz\(mark) is -(pv/e) times the deflection"
      + stated(", pv/e =", "momentum_velocity_per_charge")
    guard let thickness = attribute("thickness") else {
      return projected + "; no thickness is known, and no mean field was formed"
    }
    return projected + "; divided by the thickness of \(SpokenValue.text(thickness)) it is the mean"
      + " field"
  }

  var potential: String {
    let highPass =
      parameter("high_pass_nm") == "none"
      ? "" : ", without waves longer than \(parameter("high_pass_nm")) nm"
    return "The projected potential ∫V dz\(mark) was integrated from the field with a"
      + " \(boundary)" + stated(" (", "method", ")") + highPass
  }

  /// "Neumann boundary": named after a person.
  var boundary: String {
    let name = parameter("boundary")
    return "\(name == "neumann" ? "Neumann" : name) boundary"
  }

  var program: String {
    let files = step.files.sorted { $0.key < $1.key }.map { "\($0.key) (SHA-256 \($0.value))" }
    return "\(source) was processed by a program outside dpc\(mark):"
      + " \(files.joined(separator: ", ")), arguments \(parameter("arguments")), which gave a"
      + " \(parameter("output"))"
  }

  /// A step without a sentence of its own, told by its parameters.
  var plain: String {
    let values = step.parameters.sorted { $0.key < $1.key }
      .filter { !$0.value.isEmpty }.map { SpokenValue.parameter($0.key, $0.value) }
    return "The step \(step.type) was done\(mark)"
      + (values.isEmpty ? "" : " with \(values.joined(separator: ", "))")
  }
}
