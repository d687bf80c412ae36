// Beam, wall and field as directions in the crystal: the inclination and the projection factors follow.
internal import DPCReconstruction
internal import Foundation
internal import Pipeline
internal import STEMCore

/// Parameters that state a view in the crystal's terms.
enum CrystalParameters {
  static let beam = direction(
    "beam_direction",
    "direction of the beam in the crystal, such as [001]; with wall_plane it"
      + " decides the inclination")
  static let wall = direction(
    "wall_plane", "plane of the walls in the crystal, such as (110)")
  static let field = direction(
    "field_axis",
    "direction of the field in the crystal, such as [1-10]: its projection factors"
      + " take the place of field_direction")
  static let imageX = direction(
    "image_x_direction",
    "direction in the crystal that points right in the image (its part across"
      + " the beam): decides the walls' azimuth")
  static let lengths = ParameterSpecification(
    "lattice_nm", .numbers(unit: "nm", range: .positive), keywords: ["cubic"],
    default: .text("cubic"), summary: "edges a, b, c of the unit cell")
  static let angles = ParameterSpecification(
    "lattice_angles_deg",
    .numbers(unit: "deg", range: NumberRange(0...180, excludesLower: true, excludesUpper: true)),
    keywords: ["right"], default: .text("right"),
    summary: "angles alpha, beta, gamma of the unit cell")

  static let all = [beam, wall, field, imageX, lengths, angles]

  private static func direction(_ key: String, _ summary: String) -> ParameterSpecification {
    ParameterSpecification(key, .text, default: .text(""), summary: summary)
  }
}

/// What a manifest says of the view, worked out.
struct CrystalRequest {
  let view: CrystalView
  /// "beam [001], wall (110)".
  let text: String
  /// Parts of the field across and along the wall in the image, where the manifest names its axis.
  let factors: (acrossWall: Double, alongWall: Double)?
  let fieldText: String?
  /// Of the image normal, rad; where the image's x axis is named.
  let normalAzimuth: Double?
  /// Labels of the image's axes across and along the wall.
  let labels: [String: String]

  /// nil where the manifest names neither beam nor wall.
  ///
  /// - Throws: `ParameterProblem` for what is no direction or no view.
  init?(_ context: StageContext) throws {
    func indices(_ parameter: ParameterSpecification) throws -> MillerIndices? {
      guard let text = context.word(parameter.key), !text.isEmpty else { return nil }
      guard let found = MillerIndices(text) else {
        throw ParameterProblem(
          parameter.key, "\(parameter.key) is '\(text)', which names no direction or plane",
          suggestion:
            "three integers in brackets, of \(MillerIndices.longest) digits at most, a minus before its"
            + " number: [1-10], (110), [1 -1 0]")
      }
      return found
    }
    let beam = try indices(CrystalParameters.beam)
    let wall = try indices(CrystalParameters.wall)
    let field = try indices(CrystalParameters.field)
    let imageX = try indices(CrystalParameters.imageX)
    if beam == nil && wall == nil && field == nil && imageX == nil { return nil }
    guard let beam, let wall else {
      let key = (beam == nil ? CrystalParameters.beam : CrystalParameters.wall).key
      throw ParameterProblem(
        key, "\(key) is missing: directions in the crystal need both the beam's and the wall's",
        suggestion: "add \(key): \"\(key == CrystalParameters.beam.key ? "[001]" : "(110)")\"")
    }
    do {
      let lattice = try Self.lattice(context)
      view = try CrystalView(beam: lattice.direction(beam), wallNormal: lattice.normal(wall))
      factors = field.map { [view] in view.factors(of: lattice.direction($0)) }
      normalAzimuth = try imageX.map { [view] in
        try view.normalAzimuth(imageX: lattice.direction($0))
      }
      labels = [
        "image_normal_crystal_direction": lattice.nearestDirection(to: view.imageNormal),
        "wall_trace_crystal_direction": lattice.nearestDirection(to: view.trace),
      ]
    } catch let error as CrystalError {
      throw ParameterProblem(
        CrystalParameters.beam.key, "\(error)",
        suggestion: "check beam_direction, wall_plane and the lattice")
    }
    text = "beam [\(beam.text)], wall (\(wall.text))"
    fieldText = field.map { "[\($0.text)]" }
  }

  /// - Throws: `ParameterProblem` for edges or angles that are not three, `CrystalError` for no cell.
  static func lattice(_ context: StageContext) throws -> CrystalLattice {
    let lengths = context.numbers(CrystalParameters.lengths.key) ?? [1, 1, 1]
    let angles = context.numbers(CrystalParameters.angles.key) ?? [90, 90, 90]
    for (key, list) in [
      (CrystalParameters.lengths.key, lengths), (CrystalParameters.angles.key, angles),
    ] where list.count != 3 {
      throw ParameterProblem(
        key, "\(key) has \(list.count) numbers", suggestion: "a unit cell has three of them")
    }
    let radians = angles.map(StageContext.radians)
    return try CrystalLattice(
      lengths: (lengths[0], lengths[1], lengths[2]), angles: (radians[0], radians[1], radians[2]))
  }

  var attributes: [String: String] {
    var attributes = labels
    attributes["crystal_view"] = text
    if let fieldText { attributes["field_axis"] = fieldText }
    return attributes
  }
}

extension MillerIndices {
  /// Digits of an index: more than any lattice has, and few enough for its square to be exact.
  fileprivate static let longest = 6

  /// Reads `[001]`, `(1-10)`, `[1 -1 0]`, `1,1,0`; nil for anything else, for longer numbers and for three zeros.
  init?(_ text: String) {
    var rest = text.trimmingCharacters(in: .whitespaces)
    for (open, close) in [("[", "]"), ("(", ")"), ("<", ">"), ("{", "}")]
    where rest.hasPrefix(open) && rest.hasSuffix(close) && rest.count > 1 {
      rest = String(rest.dropFirst().dropLast())
    }
    var numbers: [Double] = []
    var digits = ""
    var isNegative = false
    let isSpaced = rest.contains { $0 == " " || $0 == "," }
    func finish() -> Bool {
      if digits.isEmpty { return !isNegative }
      guard digits.count <= Self.longest, let value = Double(digits) else { return false }
      numbers.append(isNegative ? -value : value)
      digits = ""
      isNegative = false
      return true
    }
    for character in rest {
      switch character {
      case " ", ",":
        // A sign stands right before its number.
        if !finish() { return nil }
      case "-", "\u{2212}":
        if !finish() || isNegative { return nil }
        isNegative = true
      case "0"..."9":
        digits.append(character)
        if !isSpaced && !finish() { return nil }
      default: return nil
      }
    }
    guard finish(), numbers.count == 3, numbers.contains(where: { $0 != 0 }) else { return nil }
    self.init(numbers[0], numbers[1], numbers[2])
  }

  /// "1-10"; with spaces where a number has two digits.
  var text: String {
    let numbers = [h, k, l].map { "\(Int($0))" }
    return numbers.joined(
      separator: numbers.contains { $0.drop { $0 == "-" }.count > 1 } ? " " : "")
  }
}

extension CrystalLattice {
  /// The direction of low indices (up to 3) next to a vector, with the angle between them where it is
  /// more than half a degree.
  func nearestDirection(to vector: Vector3) -> String {
    var best = (text: "", cosine: -1.0, size: 0.0)
    let range = stride(from: -3.0, through: 3, by: 1)
    for h in range {
      for k in range {
        for l in range where h != 0 || k != 0 || l != 0 {
          let indices = MillerIndices(h, k, l)
          let cosine = direction(indices).dot(vector)
          let size = h * h + k * k + l * l
          // Of equal ones, as [110] and [220], that of the smallest numbers.
          if cosine > best.cosine + 1e-12 || (cosine > best.cosine - 1e-12 && size < best.size) {
            best = ("[\(indices.text)]", cosine, size)
          }
        }
      }
    }
    let angle = acos(min(1, best.cosine)) * 180 / Double.pi
    return angle < 0.5 ? best.text : "\(Format.significant(angle, digits: 2))° from \(best.text)"
  }
}
