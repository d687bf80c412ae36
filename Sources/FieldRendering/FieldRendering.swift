// Figures of measured fields: values in, the bytes of a PNG, SVG or PDF file out.
//
// A figure is laid out in points (1/72 inch) once and drawn by one routine on three kinds of
// surface. Nothing depends on the clock, the locale or the number of threads: the same values and
// the same fonts give the same bytes.
//
//   VectorFigure, ScalarFigure, ProfileFigure    what to draw
//   ContactSheet, ContactPage                    many maps on one page, drawn as they come
//   FigureDrawing                                laid out, for files of any format
//   MapLayout, MapRaster, Arrows, *Legend        where and how
//   DirectionColor, ScalarColors, OKLab          colors
//   NumberText, RoundNumbers, DisplayUnit        numbers a reader can read
//   Canvas, PNGEncoding, SVGIdentifiers          Cairo and libpng

/// The kind of file a figure becomes; the raw value is the file name extension.
public enum FigureFormat: String, Sendable, CaseIterable {
  case png, svg, pdf
}

/// Why a figure could not be drawn.
public enum RenderingError: Error, Sendable, Equatable {
  /// The map has no pixels, or the profile no points.
  case nothingToDraw(figure: String)
  /// The canvas would have a side of no or of too many pixels.
  case unusableCanvas(width: Double, height: Double)
  /// Cairo refused; `reason` is its own message.
  case cairo(operation: String, reason: String)
  /// libpng could not encode an image of this size.
  case png(width: Int, height: Int)
}

extension RenderingError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .nothingToDraw(let figure): return "the figure \"\(figure)\" has no data to draw"
    case .unusableCanvas(let width, let height):
      return "a canvas of \(width) by \(height) points cannot be drawn on"
    case .cairo(let operation, let reason): return "cairo: \(operation) failed: \(reason)"
    case .png(let width, let height):
      return "libpng could not encode an image of \(width) by \(height) pixels"
    }
  }
}
