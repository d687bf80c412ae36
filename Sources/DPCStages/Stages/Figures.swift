// What the figure stages share: formats, titles, and the small print under a figure.
internal import FieldRendering
internal import Pipeline
internal import STEMCore
internal import WorkSharing

enum FigureParameters {
  static let format = ParameterSpecification(
    "format", .choices(FigureFormat.allCases.map(\.rawValue)),
    default: .list([.text("png"), .text("svg")]), summary: "file formats to draw")
  static let title = ParameterSpecification(
    "title", .text, default: .text(""), summary: "title of the figure; empty names the quantity")

  /// 600 per inch are what journals ask of drawings; a map of that many has some 20 million pixels.
  static let resolution = ParameterSpecification(
    "resolution_dpi", .number(unit: "dpi", range: NumberRange(72...600)), keywords: ["auto"],
    default: .text("auto"),
    summary:
      "pixels per inch of a PNG, and of the maps in an SVG or PDF, at least: each scan position is drawn by"
      + " a whole number of them; auto takes as many as a screen shows well")

  /// The end of a map's color scale.
  ///
  /// - Parameter end: What is there, in words.
  static func limit(_ end: String) -> ParameterSpecification {
    ParameterSpecification(
      "limit", .number(unit: "SI unit of the quantity", range: .positive), keywords: ["auto"],
      default: .text("auto"),
      summary: "\(end), SI; auto takes the 99.5th percentile, rounded up to two digits")
  }
}

enum Figures {
  /// Draws a figure in every format asked for, side by side.
  static func product(
    _ context: StageContext, _ figure: () throws(RenderingError) -> FigureDrawing
  ) throws -> StageProduct {
    let formats = context.words("format").compactMap(FigureFormat.init(rawValue:))
    do {
      let drawing = try figure()
      let files = try concurrentMap(formats.count) { index throws(RenderingError) in
        try drawing.render(formats[index])
      }
      // A format named twice is one file.
      let byFormat = zip(formats, files).map { ($0.rawValue, $1) }
      return StageProduct(
        outputs: [
          "figure": FigureValue(files: Dictionary(byFormat) { first, _ in first })
        ])
    } catch {
      throw StageFailure(.failed, "stage \(context.stageName): \(error)")
    }
  }

  /// A color scale that ends so many times beyond a map shows nothing of it.
  private static let emptyScale = 100.0

  /// A warning where the end of the color scale that the manifest gives leaves a map without color.
  ///
  /// - Parameter largest: Magnitude in the map, in `unit`; asked for where an end is given.
  static func scaleNotes(
    _ context: StageContext, unit: String, largest: () -> Double
  ) -> [Note] {
    guard let limit = context.number("limit") else { return [] }
    let largest = largest()
    guard largest > 0, limit > emptyScale * largest else { return [] }
    return [
      Note(
        .warning,
        "the color scale ends at \(Format.quantity(limit, unit: unit)), and no value exceeds"
          + " \(Format.quantity(largest, unit: unit)): nothing of the map shows; limit is in \(unit)"
      )
    ]
  }

  static func title(_ context: StageContext, _ quantity: String, _ map: MapContext) -> String {
    if let given = context.word("title"), !given.isEmpty { return given }
    return map.metadata.specimen.material.map { "\(quantity), \($0)" } ?? quantity
  }

  /// What a reader must know to read the numbers: dose, noise, assumptions.
  static func footer(
    _ context: MapContext, noise: [String] = []
  ) -> [String] {
    var first: [String] = []
    let kilovolts = Format.significant(context.metadata.beam.voltage / 1000, digits: 4)
    let semiAngle = Format.significant(context.metadata.probeSemiAngle * 1000, digits: 4)
    first.append("\(kilovolts) kV, \(semiAngle) mrad")
    if let thickness = context.metadata.specimen.thickness {
      first.append("thickness \(Format.quantity(thickness, unit: "m"))")
    }
    if let electrons = context.electronsPerPixel {
      first.append("\(Format.count(electrons)) electrons per pixel")
    }
    // Numbers stay with their units.
    func joined(_ items: [String]) -> String {
      items.map { $0.map { $0 == " " ? "\u{A0}" : String($0) }.joined() }.joined(separator: " · ")
    }
    var second: [String] = []
    if let method = context.attributes["method"] { second.append(method) }
    if let smoothing = context.attributes["smoothing"] { second.append(joined([smoothing])) }
    if let descan = context.attributes["removed_descan"] { second.append("descan: \(descan)") }
    if let program = context.attributes[Exec.programAttribute] {
      second.append(outside(program))
    }
    if let model = context.attributes["inclination_model"] {
      second.append("inclination model: \(model)")
    }
    let third = context.attributes["caution"] ?? ""
    let sign = context.attributes["sign"].map { "sign of the field \($0)" } ?? ""
    return [joined(first), joined(noise), second.joined(separator: " · "), third, sign].filter {
      !$0.isEmpty
    }
  }

  /// "changed outside dpc by program 3f2a9c41, script 77ab01cd". The beginnings of the digests tell one from another;
  /// what a file was called does not decide what it did, and is not known where its output comes from the cache.
  private static func outside(_ program: String) -> String {
    let files = program.split(separator: ", ").prefix(2).compactMap { part -> String? in
      let words = part.split(separator: " ")
      guard words.count == 3, words[1] == "SHA-256" else { return nil }
      return "\(words[0])\u{A0}\(words[2].prefix(8))"
    }
    return "changed outside dpc by \(files.joined(separator: ", "))"
  }

  /// "5σ of a pixel: 120 MV/m".
  static func noise(_ deviation: Double?, unit: String) -> String? {
    deviation.map { "5σ of one pixel \(Format.quantity(5 * $0, unit: unit))" }
  }
}
