// The lettering of all figures, and how wide a line of it is.
internal import CCairo

/// Size, weight and color of a line of text.
struct TextStyle {
  /// Points.
  var size: Double
  var isBold = false
  var color = Color.gray(0.13)

  static let title = TextStyle(size: 12.5, isBold: true)
  static let heading = TextStyle(size: 9.5, isBold: true)
  static let label = TextStyle(size: 9.5)
  static let tick = TextStyle(size: 9)
  static let footer = TextStyle(size: 8, color: .gray(0.36))
}

enum Typeface {
  /// Sans-serif; where it is missing, fontconfig gives the nearest font there is.
  private static let family = "DejaVu Sans"

  /// No rounding to pixels: all formats have one layout.
  static func configure(_ context: OpaquePointer) {
    let options = cairo_font_options_create()
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE)
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF)
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY)
    cairo_set_font_options(context, options)
    cairo_font_options_destroy(options)
  }

  static func select(_ style: TextStyle, in context: OpaquePointer) {
    cairo_select_font_face(
      context, family, CAIRO_FONT_SLANT_NORMAL,
      style.isBold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL)
    cairo_set_font_size(context, style.size)
  }

  static func width(of text: String, in context: OpaquePointer) -> Double {
    var extents = cairo_text_extents_t()
    cairo_text_extents(context, text, &extents)
    return extents.x_advance
  }
}

/// Measures text before there is a page to write it on.
final class TextMeter {
  private let surface: OpaquePointer
  private let context: OpaquePointer

  init() throws(RenderingError) {
    guard let surface = cairo_image_surface_create(CAIRO_FORMAT_A8, 1, 1),
      let context = cairo_create(surface)
    else { throw .cairo(operation: "measure text", reason: "no memory left") }
    self.surface = surface
    self.context = context
    Typeface.configure(context)
  }

  deinit {
    cairo_destroy(context)
    cairo_surface_destroy(surface)
  }

  func width(_ text: String, _ style: TextStyle) -> Double {
    Typeface.select(style, in: context)
    return Typeface.width(of: NumberText.withMinusSigns(text), in: context)
  }

  /// Breaks text at spaces that may break into lines of at most `width` points; a longer word stands alone, cut
  /// where the line ends.
  func wrapped(_ text: String, _ style: TextStyle, width: Double) -> [String] {
    var lines: [String] = []
    var line = ""
    for word in text.split(whereSeparator: { $0 == " " || $0.isNewline || $0 == "\t" }).map(
      String.init)
    {
      for piece in pieces(of: word, style, width: width) {
        let longer = line.isEmpty ? piece : line + " " + piece
        if line.isEmpty || self.width(longer, style) <= width {
          line = longer
        } else {
          // A separator has nothing to separate where the line ends.
          lines.append(line.hasSuffix(" ·") ? String(line.dropLast(2)) : line)
          line = piece
        }
      }
    }
    if !line.isEmpty { lines.append(line) }
    return lines
  }

  /// Parts of a word that is too long, cut behind punctuation where there is some.
  private func pieces(of word: String, _ style: TextStyle, width: Double) -> [String] {
    if self.width(word, style) <= width { return [word] }
    var pieces: [String] = []
    var piece = ""
    for character in word {
      if !piece.isEmpty, self.width(piece + String(character), style) > width {
        let cut = piece.lastIndex { "=,/-_".contains($0) }
        let end = cut.map { piece.index(after: $0) } ?? piece.endIndex
        pieces.append(String(piece[..<end]))
        piece = String(piece[end...])
      }
      piece.append(character)
    }
    if !piece.isEmpty { pieces.append(piece) }
    return pieces
  }
}
