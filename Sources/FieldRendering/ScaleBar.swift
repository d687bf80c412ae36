// A bar of a round length below the map.
internal import STEMCore

struct ScaleBar {
  /// From its left end rightwards, points.
  var start: Point
  var length: Double
  var label: String
  /// What a reader of a stretched map must know.
  var note: String?

  /// Below the map, with the space above and below the bar.
  static let height = 24.0
  /// Room for bar and label beside a legend.
  static let reserved = 150.0

  /// A bar of at most a quarter of the map's width, or 60 points where the map has them.
  ///
  /// Without a pixel size it counts pixels.
  init(map: Rect, shape: GridShape, pixelSize: PixelSize?, stretch: MapLayout.Stretch) {
    // Points per pixel of the scan along the unstretched direction.
    var pitch = map.width / Double(shape.columns)
    var size = pixelSize?.x
    var available = map.width
    switch stretch {
    case .none: break
    case .height(let factor):
      note = "The height is stretched \(NumberText.significant(factor, 2)) times to be visible."
    case .width(let factor):
      pitch = map.height / Double(shape.rows)
      size = pixelSize?.y
      available = map.height
      note =
        "The width is stretched \(NumberText.significant(factor, 2)) times to be visible; "
        + "the scale bar holds for the height."
    }
    let target = max(available / 4, min(available, 60))
    start = Point(x: map.x, y: map.maxY + 14)
    guard let size else {
      let step = RoundNumbers.step(notAbove: max(1, target / pitch))
      let count = max(1, step.value)
      length = count * pitch
      label = "\(Int(count)) px"
      return
    }
    let step = RoundNumbers.step(notAbove: target / pitch * size)
    length = step.value / size * pitch
    let unit = DisplayUnit.length(step.value)
    label = NumberText.significant(unit.number(step.value), 1) + DisplayUnit.space + unit.symbol
  }

  func draw(on canvas: Canvas, _ style: TextStyle = .label) {
    canvas.fill(Rect(x: start.x, y: start.y - 1.75, width: length, height: 3.5), .gray(0.1))
    canvas.text(label, at: Point(x: start.x + length + 7, y: start.y + 3.4), style)
  }
}
