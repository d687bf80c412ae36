// The sentences of the steps about walls, for the methods paragraph.
internal import STEMCore
internal import STEMData

extension StageAccount {
  var profile: String {
    let model = attribute("fit_model") == nil ? "" : " and fitted with sech² walls as in the image"
    return "The map was averaged along the walls to a profile across them\(mark)\(model)\(normal)"
  }

  /// The corrections of `correct-inclination`: walls edge-on are not said to be inclined.
  var walls: String {
    let model = attribute("inclination_model") ?? parameter("model")
    let what: String
    switch model {
    case "finite-wall":
      what =
        "Walls of the form E0 sech²(u/w) were fitted to the profile across them\(mark), each with"
        + " its field, width and position" + (isEdgeOn ? "" : ", through the whole thickness")
    case "vector-projection":
      what =
        "The component of the field across the walls was divided\(mark) by their direction factor"
        + factor
    case "deconvolve":
      what =
        "The path of the beam through the walls was taken back by deconvolution\(mark), as far as"
        + " noise allows"
    case let other: what = "Walls were corrected by the model \(other)\(mark)"
    }
    return what + inclinationText + normal + direction
  }

  var search: String {
    let number = statement { $0.hasSuffix(" walls fitted") || $0 == "1 wall fitted" }
    return "Straight walls of any azimuth, place, length and width were sought by matched"
      + " filtering\(mark), so that noise alone shows \(parameter("false_walls_per_map")) of them in a"
      + " map, and at least \(parameter("shortest_length")) times as long as wide; those found were"
      + " fitted as E0 sech²(u/w)" + (isEdgeOn ? "" : " through the whole thickness")
      + (number.map { " (\($0))" } ?? "") + inclinationText + normal + direction
  }

  private var isEdgeOn: Bool {
    guard let text = attribute("inclination") else { return false }
    return text.prefix { $0 != " " } == "0.0"
  }

  private var inclinationText: String {
    guard let angle = angle("inclination") else { return "" }
    if isEdgeOn { return "; the walls are edge-on (\(origin(of: angle)))" }
    return "; the walls are inclined to the beam by \(angle)"
  }

  private var normal: String {
    angle("wall_normal_azimuth").map { "; their normal is at \($0)" } ?? ""
  }

  private var factor: String {
    guard let number = attribute("direction_factor").flatMap({ Double($0) }) else { return "" }
    return " \(Format.significant(number, digits: 4))"
  }

  /// The component that was looked at, in words.
  private var direction: String {
    guard let text = attribute("field_direction") else { return "" }
    switch FieldDirection(rawValue: String(text.prefix { $0 != " " })) {
    case .perp: return "; the field is taken to run along the walls (\(origin(of: text)))"
    case .parallel:
      return "; the field is taken to lie in the walls' planes, across their trace in the image"
        + " (\(origin(of: text)))"
    case .normal: return "; the field is taken to be normal to the walls (\(origin(of: text)))"
    case nil: return "; field direction \(text)"
    }
  }

  /// "from the file" of "25° (from the file)"; the text itself where there are no parentheses.
  private func origin(of text: String) -> String {
    guard let open = text.firstIndex(of: "("), text.hasSuffix(")") else { return text }
    return String(text[text.index(after: open)...].dropLast())
  }

  var combination: String {
    "The field of the walls in three components\(mark) is the least-squares solution for both views,"
      + " the cross-section being turned by \(parameter("wall_plane_rotation_deg"))° in the plane of"
      + " the walls" + (statement { $0.hasPrefix("the views ") }.map { "; \($0)" } ?? "")
  }

  var estimate: String {
    let values = step.parameters.sorted { $0.key < $1.key }
      .filter { !["", "from-walls", "none"].contains($0.value) }
      .map { SpokenValue.parameter($0.key, $0.value) }
    return "The polarization that a strain gradient makes, its field and the beam's deflection were"
      + " estimated\(mark) for: \(values.joined(separator: ", "))"
  }
}
