// Where the parts of a map's figure stand: title, map, scale bar, legend, footer.
internal import STEMCore

/// What a legend needs on either side of the map.
struct LegendSize {
  var beside: (width: Double, height: Double)
  var below: (width: Double, height: Double)
  /// The key to masked pixels, which stands below the scale bar of a wide map.
  var maskKey: Double
}

/// The geometry of a figure of one map, in points.
///
/// ```
///   title                          A wide map has its legend below:
///   +-----------+                    title
///   |    map    |  legend            +------------------------+
///   +-----------+                    +------------------------+
///   ---- 20 nm                       ---- 20 nm
///   footer                           footer            legend
///                                    (below the legend where it is longer)
/// ```
struct MapLayout {
  var map: Rect
  /// The top left corner of the legend.
  var legend: Point
  /// The legend stands below the map.
  var isWide: Bool
  var width: Double
  var height: Double
  /// Pixels per point of a raster, so that a scan position is a whole number of pixels.
  var scale: Double
  var rows: AxisSampling
  var columns: AxisSampling
  var scaleBar: ScaleBar
  var title: TextBlock
  var footer: TextBlock
  private(set) var footerTop: Double

  static let margin = 18.0
  /// The longer side of a map, and of one of a few pixels.
  static let longSide = 480.0
  static let tinySide = 300.0
  /// A thinner map (a single line) is drawn this thick, and the figure says so.
  static let leastThickness = 24.0
  /// The longer side of a map has from this many to less than twice as many pixels, unless more are asked for.
  static let leastPixels = 800
  static let leastWidth = 360.0

  /// - Parameter resolution: Pixels per inch of a raster, at least; nil: as many as show the scan well.
  init(
    shape: GridShape, pixelSize: PixelSize?, title: String, footer: [String], legend: LegendSize,
    meter: TextMeter, resolution: Double? = nil
  ) {
    let axes = Self.axes(shape: shape, pixelSize: pixelSize, resolution: resolution)
    let margin = Self.margin
    scale = axes.scale
    columns = AxisSampling(sourceCount: shape.columns, pixelCount: axes.columnPixels)
    rows = AxisSampling(sourceCount: shape.rows, pixelCount: axes.rowPixels)
    let mapWidth = Double(axes.columnPixels) / scale
    let mapHeight = Double(axes.rowPixels) / scale
    isWide = mapWidth > 1.9 * mapHeight
    let content =
      isWide
      ? max(mapWidth, legend.below.width + ScaleBar.reserved)
      : mapWidth + 22 + legend.beside.width
    width = (max(Self.leastWidth, content + 2 * margin)).rounded(.up)
    self.title = TextBlock(
      meter.wrapped(title, .title, width: width - 2 * margin), .title, leading: 16)

    // The map begins on a whole pixel, so that its pixels are not resampled.
    let top = margin + self.title.height + (self.title.lines.isEmpty ? 0 : 10)
    map = Rect(
      x: (margin * scale).rounded() / scale, y: (top * scale).rounded() / scale, width: mapWidth,
      height: mapHeight)
    scaleBar = ScaleBar(map: map, shape: shape, pixelSize: pixelSize, stretch: axes.stretch)

    let paragraphs = footer + [scaleBar.note].compactMap(\.self)
    let lower = Self.lowerParts(of: legend, around: map, isWide: isWide, width: width) { width in
      TextBlock(
        paragraphs.flatMap { meter.wrapped($0, .footer, width: width) }, .footer, leading: 11.5)
    }
    self.legend = lower.legend
    self.footer = lower.footer
    footerTop = lower.footerTop
    height = (lower.bottom + margin).rounded(.up)
  }

  /// What stands beside and below the map.
  private struct LowerParts {
    var legend: Point
    var footer: TextBlock
    var footerTop: Double
    /// Where the lowest part ends.
    var bottom: Double {
      footer.lines.isEmpty ? legendBottom : max(legendBottom, footerTop + footer.height)
    }
    /// Where legend and scale bar end.
    var legendBottom: Double
  }

  /// - Parameter footer: Its lines, none longer than a width.
  private static func lowerParts(
    of legend: LegendSize, around map: Rect, isWide: Bool, width: Double,
    footer: (_ width: Double) -> TextBlock
  ) -> LowerParts {
    let textWidth = width - 2 * margin
    if !isWide {
      let bottom = max(map.maxY + ScaleBar.height, map.y + legend.beside.height)
      return LowerParts(
        legend: Point(x: map.maxX + 22, y: map.y), footer: footer(textWidth),
        footerTop: bottom + 10, legendBottom: bottom)
    }
    let corner = Point(x: max(map.maxX, width - margin) - legend.below.width, y: map.maxY + 18)
    let top = map.maxY + ScaleBar.height + 8 + legend.maskKey + (legend.maskKey > 0 ? 6 : 0)
    let bottom = max(corner.y + legend.below.height, top)
    // Short lines beside the legend are read as long as they end with it.
    let beside = footer(textWidth - legend.below.width - 24)
    let isBeside = top + beside.height <= bottom
    return LowerParts(
      legend: corner, footer: isBeside ? beside : footer(textWidth),
      footerTop: isBeside ? top : bottom + 10, legendBottom: bottom)
  }

  /// Draws title, footer, the map's outline and the scale bar around what the figure adds.
  func drawFrame(on canvas: Canvas) {
    title.draw(on: canvas, x: Self.margin, top: Self.margin)
    footer.draw(on: canvas, x: Self.margin, top: footerTop)
    canvas.frame(map, .gray(0.25), lineWidth: 0.6)
    scaleBar.draw(on: canvas)
  }

  /// Says on the map that it shows nothing.
  func drawNothingUsable(on canvas: Canvas) throws(RenderingError) {
    let text = "no usable pixels"
    let width = try TextMeter().width(text, .heading) + 16
    canvas.fill(Rect(x: map.midX - width / 2, y: map.midY - 11, width: width, height: 22), .white)
    canvas.text(text, at: Point(x: map.midX, y: map.midY + 3.5), .heading, anchor: .middle)
  }

  /// Along which direction a thin map had to be widened, and how much.
  enum Stretch: Equatable {
    case none
    case height(Double)
    case width(Double)
  }

  private static func axes(
    shape: GridShape, pixelSize: PixelSize?, resolution: Double?
  ) -> (rowPixels: Int, columnPixels: Int, scale: Double, stretch: Stretch) {
    let ratio = pixelSize.map { $0.y / $0.x } ?? 1
    let isTall = Double(shape.rows) * ratio > Double(shape.columns)
    let long = isTall ? shape.rows : shape.columns
    let aspect =
      isTall
      ? Double(shape.columns) / (Double(shape.rows) * ratio)
      : Double(shape.rows) * ratio / Double(shape.columns)
    let side = max(shape.rows, shape.columns) < 12 ? tinySide : longSide
    let leastPixels = resolution.map { Int((side * $0 / 72).rounded(.up)) } ?? leastPixels
    let pixels: Int
    if long < leastPixels {
      pixels = long * ((leastPixels + long - 1) / long)
    } else {
      pixels = long / (long / leastPixels)
    }
    let scale = Double(pixels) / side
    let thickness = side * aspect
    let short = Int((max(thickness, leastThickness) * scale).rounded())
    if thickness >= leastThickness {
      return isTall ? (pixels, short, scale, .none) : (short, pixels, scale, .none)
    }
    let factor = leastThickness / thickness
    return isTall
      ? (pixels, short, scale, .width(factor)) : (short, pixels, scale, .height(factor))
  }
}

/// Lines of one style under each other.
struct TextBlock {
  let lines: [String]
  let style: TextStyle
  /// From one baseline to the next.
  let leading: Double

  init(_ lines: [String], _ style: TextStyle, leading: Double) {
    self.lines = lines
    self.style = style
    self.leading = leading
  }

  var height: Double { Double(lines.count) * leading }

  func draw(on canvas: Canvas, x: Double, top: Double) {
    for (index, line) in lines.enumerated() {
      let baseline = top + Double(index) * leading + 0.8 * leading
      canvas.text(line, at: Point(x: x, y: baseline), style)
    }
  }
}
