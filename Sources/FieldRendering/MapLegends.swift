// Legends of maps: the direction wheel, the color bar, and what gray pixels mean.
internal import STEMCore

/// The key to masked and filled-in pixels; empty where there are none.
struct MaskKey {
  private(set) var masked: String?
  private(set) var filledIn: String?

  @inline(__always)
  init(count: Int, isDrawn: (Int) -> Bool, isFilledIn: (Int) -> Bool) {
    var (hidden, filled) = (0, 0)
    for index in 0..<count {
      if !isDrawn(index) {
        hidden += 1
      } else if isFilledIn(index) {
        filled += 1
      }
    }
    func share(_ part: Int) -> String {
      let percent = 100 * Double(part) / Double(count)
      if percent < 0.1 { return "\(part) px" }
      return NumberText.significant(percent, percent < 99 ? 2 : 3) + " %"
    }
    if hidden > 0 { masked = "masked (" + share(hidden) + ")" }
    if filled > 0 { filledIn = "filled in (" + share(filled) + ")" }
  }

  var height: Double { 15 * Double((masked == nil ? 0 : 1) + (filledIn == nil ? 0 : 1)) }

  func draw(on canvas: Canvas, at origin: Point, scale: Double) throws(RenderingError) {
    var y = origin.y
    let entries = [
      (masked, CellPaint.masked), (filledIn, CellPaint(ground: 0xF4F4F4, isFilledIn: true)),
    ]
    for case (let text?, let paint) in entries {
      let box = Rect(x: origin.x, y: y, width: 14, height: 10)
      let (rows, columns) = (Int((10 * scale).rounded()), Int((14 * scale).rounded()))
      let pixels = (0..<rows * columns).map {
        paint.pixel(row: $0 / columns, column: $0 % columns, scale: scale)
      }
      try canvas.image(PixelImage(width: columns, height: rows, pixels: pixels), in: box)
      canvas.frame(box, .gray(0.4), lineWidth: 0.5)
      canvas.text(text, at: Point(x: origin.x + 20, y: y + 8.4), .footer)
      y += 15
    }
  }
}

/// The wheel that says which color is which vector.
struct DirectionLegend {
  let heading: TextBlock
  let limit: String
  private let limitWidth: Double
  static let radius = 44.0
  static let width = 128.0
  /// From the wheel's left edge to the legend's.
  private static let inset = 4.0

  init(quantity: String, limit: String, meter: TextMeter) {
    heading = TextBlock(
      meter.wrapped(quantity, .heading, width: Self.width), .heading, leading: 12.5)
    self.limit = limit
    limitWidth = meter.width(limit, .tick)
  }

  var height: Double { heading.height + 8 + 2 * Self.radius + 24 }

  /// The middle of the wheel in a legend that begins at a point.
  func center(at origin: Point) -> Point {
    Point(
      x: origin.x + Self.inset + Self.radius, y: origin.y + heading.height + 8 + Self.radius)
  }

  func draw(on canvas: Canvas, at origin: Point, scale: Double) throws(RenderingError) {
    heading.draw(on: canvas, x: origin.x, top: origin.y)
    let center = center(at: origin)
    let radius = Self.radius
    let box = Rect(
      x: center.x - radius, y: center.y - radius, width: 2 * radius, height: 2 * radius)
    let wheel = DirectionColor.wheel(diameter: Int((2 * radius * scale).rounded()))
    try canvas.image(wheel, in: box)
    canvas.fillCorners(of: box, .white)
    canvas.circle(center: center, radius: radius + 0.3, .gray(0.25), lineWidth: 0.6)
    // A ruler from the center to the rim: black is zero, full color the limit.
    let ruler = box.maxY + 7
    canvas.line(
      [Point(x: center.x, y: ruler), Point(x: box.maxX, y: ruler)], .gray(0.25), lineWidth: 0.7)
    for x in [center.x, box.maxX] {
      canvas.line(
        [Point(x: x, y: ruler - 2.5), Point(x: x, y: ruler + 2.5)], .gray(0.25),
        lineWidth: 0.7)
    }
    // Below the rim; a long label ends with the legend, and leaves no room for the zero.
    let end = min(box.maxX + limitWidth / 2, origin.x + Self.width)
    canvas.text(limit, at: Point(x: end, y: ruler + 13), .tick, anchor: .end)
    guard end - limitWidth > center.x + 8 else { return }
    canvas.text("0", at: Point(x: center.x, y: ruler + 13), .tick, anchor: .middle)
  }
}

/// A color bar with round ticks, zero in its middle.
struct ColorBar {
  let heading: TextBlock
  let lyingHeading: TextBlock
  let unit: DisplayUnit
  /// The value at the upper end.
  let limit: Double
  private let colors = ScalarColors.diverging
  static let thickness = 13.0
  static let width = 128.0
  static let horizontalWidth = 230.0

  init(quantity: String, unit: String, limit: Double, meter: TextMeter) {
    self.unit = DisplayUnit(unit: unit, magnitude: limit)
    let text = self.unit.label(quantity)
    heading = TextBlock(
      meter.wrapped(text, .heading, width: Self.width), .heading, leading: 12.5)
    lyingHeading = TextBlock(
      meter.wrapped(text, .heading, width: Self.horizontalWidth), .heading, leading: 12.5)
    self.limit = limit
  }

  /// The height of a horizontal bar with heading and labels.
  var horizontalHeight: Double { lyingHeading.height + 6 + Self.thickness + 18 }

  private func ticks(length: Double, spacing: Double) -> [(fraction: Double, label: String)] {
    let (low, high) = (unit.number(-limit), unit.number(limit))
    return RoundNumbers.ticks(from: low, to: high, atMost: max(2, Int(length / spacing)))
      .map { (($0.value - low) / (high - low), $0.label) }
  }

  /// Draws the bar upright, the highest value above.
  func drawUpright(
    on canvas: Canvas, at origin: Point, height: Double, scale: Double
  ) throws(RenderingError) {
    heading.draw(on: canvas, x: origin.x, top: origin.y)
    let top = origin.y + heading.height + 8
    let bar = Rect(
      x: origin.x, y: top, width: Self.thickness, height: max(60, origin.y + height - top))
    let (rows, columns) = (Int(bar.height * scale), Int(bar.width * scale))
    let pixels = (0..<rows).flatMap { row in
      [UInt32](
        repeating: colors.pixel(at: 1 - (Double(row) + 0.5) / Double(rows)), count: columns)
    }
    try canvas.image(PixelImage(width: columns, height: rows, pixels: pixels), in: bar)
    canvas.frame(bar, .gray(0.25), lineWidth: 0.6)
    for tick in ticks(length: bar.height, spacing: 44) {
      let y = bar.maxY - tick.fraction * bar.height
      canvas.line(
        [Point(x: bar.maxX, y: y), Point(x: bar.maxX + 3.5, y: y)], .gray(0.25),
        lineWidth: 0.7)
      canvas.text(tick.label, at: Point(x: bar.maxX + 7, y: y + 3.2), .tick)
    }
  }

  /// Draws the bar lying, the highest value to the right.
  func drawLying(on canvas: Canvas, at origin: Point, scale: Double) throws(RenderingError) {
    lyingHeading.draw(on: canvas, x: origin.x, top: origin.y)
    let bar = Rect(
      x: origin.x, y: origin.y + lyingHeading.height + 6, width: Self.horizontalWidth,
      height: Self.thickness)
    let (rows, columns) = (Int(bar.height * scale), Int(bar.width * scale))
    let row = (0..<columns).map { colors.pixel(at: (Double($0) + 0.5) / Double(columns)) }
    let pixels = (0..<rows).flatMap { _ in row }
    try canvas.image(PixelImage(width: columns, height: rows, pixels: pixels), in: bar)
    canvas.frame(bar, .gray(0.25), lineWidth: 0.6)
    for tick in ticks(length: bar.width, spacing: 46) {
      let x = bar.x + tick.fraction * bar.width
      canvas.line(
        [Point(x: x, y: bar.maxY), Point(x: x, y: bar.maxY + 3.5)], .gray(0.25),
        lineWidth: 0.7)
      canvas.text(tick.label, at: Point(x: x, y: bar.maxY + 13), .tick, anchor: .middle)
    }
  }
}
