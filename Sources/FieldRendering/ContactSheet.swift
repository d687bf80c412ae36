// Many vector maps on one page, all in the colors of one scale: what differs shows.
public import STEMCore
internal import WorkSharing

/// A page of small maps with their names.
///
/// All maps share one color scale, so that a weak field looks weak beside a strong one. Directions and
/// aspect are those of ``VectorFigure``.
public struct ContactSheet: Sendable {
  /// One place on the page.
  public struct Entry: Sendable {
    /// Stands below the map.
    public var label: String
    /// nil where there is none; ``remark`` then says why.
    public var map: VectorMap?
    public var remark: String

    public init(label: String, map: VectorMap?, remark: String = "") {
      self.label = label
      self.map = map
      self.remark = remark
    }
  }

  public var title: String
  public var entries: [Entry]
  /// What is shown, "Electric field".
  public var quantityLabel: String
  /// The SI unit of the vectors.
  public var unit: String

  /// Points: the longer side of a map, the room around it, and the scale bar and lines below it.
  private static let side = 116.0
  private static let gap = 12.0
  private static let barHeight = 12.0
  private static let labelHeight = 25.0
  private static let margin = 18.0
  private static let titleHeight = 24.0

  public init(title: String, entries: [Entry], quantityLabel: String, unit: String) {
    self.title = title
    self.entries = entries
    self.quantityLabel = quantityLabel
    self.unit = unit
  }

  /// A map with no more pixels along a side than a page of many can show, each the mean of those that it
  /// stands for; far smaller to keep. Errors are left out.
  public static func reduced(_ map: VectorMap) -> VectorMap {
    func sampling(_ count: Int) -> AxisSampling {
      AxisSampling(sourceCount: count, pixelCount: min(count, Int(side) * 2))
    }
    return MapRaster(rows: sampling(map.shape.rows), columns: sampling(map.shape.columns), scale: 1)
      .reduced(map)
  }

  /// The magnitude of full color: what 99.5 % of all measured pixels of all maps stay below.
  var limit: Double { RobustLimits.magnitude(of: entries.compactMap(\.map)) }

  /// How many maps stand side by side: a page somewhat wider than high.
  var columnCount: Int {
    var count = 1
    while 3 * count * count < 4 * entries.count { count += 1 }
    return count
  }

  private var rowCount: Int { (entries.count + columnCount - 1) / columnCount }

  /// The sheet as the bytes of a file; equal sheets give equal bytes.
  ///
  /// - Throws: ``RenderingError`` for a sheet without entries or when Cairo or libpng fail.
  public func render(_ format: FigureFormat) throws(RenderingError) -> [UInt8] {
    if entries.isEmpty { throw .nothingToDraw(figure: title) }
    let meter = try TextMeter()
    let limit = limit
    let display = DisplayUnit(unit: unit, magnitude: limit)
    let legend = DirectionLegend(
      quantity: quantityLabel, limit: limit > 0 ? display.text(limit) : "no signal", meter: meter)
    let cell = (
      width: Self.side + Self.gap, height: Self.side + Self.barHeight + Self.labelHeight + Self.gap
    )
    let grid = (
      width: Double(columnCount) * cell.width, height: Double(rowCount) * cell.height
    )
    let width = Self.margin * 2 + grid.width + DirectionLegend.width
    let height = Self.margin * 2 + Self.titleHeight + max(grid.height, legend.height)
    // Two pixels a point, fewer where the page would be larger than an image can be.
    let scale = min(2, 15_000 / max(width, height))
    return try Canvas.draw(format, width: width, height: height, scale: scale) {
      canvas throws(RenderingError) in
      canvas.text(title, at: Point(x: Self.margin, y: Self.margin + 11), .title)
      let top = Self.margin + Self.titleHeight
      let colors = DirectionColor(limit: limit)
      for row in 0..<rowCount {
        let line = entries[row * columnCount..<min(entries.count, (row + 1) * columnCount)]
        // Row by row, so that the images of a long sheet are never all held.
        let images = concurrentMap(line.count) { place in
          Self.image(of: line[line.startIndex + place], colors, scale: scale)
        }
        for (column, (entry, image)) in zip(line, images).enumerated() {
          let origin = Point(
            x: Self.margin + Double(column) * cell.width, y: top + Double(row) * cell.height)
          try draw(entry, image, on: canvas, at: origin, meter: meter)
        }
      }
      let right = Self.margin + grid.width
      try legend.draw(on: canvas, at: Point(x: right, y: top), scale: scale)
    }
  }

  /// The pixels of an entry's map; nil where there is none.
  private static func image(
    of entry: Entry, _ colors: DirectionColor, scale: Double
  ) -> PixelImage? {
    guard let map = entry.map, map.shape.count > 0 else { return nil }
    let frame = frame(map, in: Rect(x: 0, y: 0, width: side, height: side))
    func sampling(_ source: Int, _ length: Double) -> AxisSampling {
      AxisSampling(sourceCount: source, pixelCount: max(1, Int((length * scale).rounded())))
    }
    let raster = MapRaster(
      rows: sampling(map.shape.rows, frame.height),
      columns: sampling(map.shape.columns, frame.width), scale: scale)
    return raster.image(of: map, colors: colors)
  }

  private func draw(
    _ entry: Entry, _ image: PixelImage?, on canvas: Canvas, at origin: Point, meter: TextMeter
  ) throws(RenderingError) {
    let box = Rect(x: origin.x, y: origin.y, width: Self.side, height: Self.side)
    var label = meter.wrapped(entry.label, .footer, width: Self.side)
    if label.count > 2 { label = [label[0], label[1].dropLast(2) + "…"] }
    TextBlock(label, .footer, leading: 10.5)
      .draw(on: canvas, x: origin.x, top: box.maxY + Self.barHeight + 3)
    guard let map = entry.map, let image else {
      canvas.fill(box, .gray(0.94))
      let lines = meter.wrapped(entry.remark, .footer, width: Self.side - 12)
      let block = TextBlock(Array(lines.prefix(9)), .footer, leading: 10.5)
      return block.draw(on: canvas, x: box.x + 6, top: box.y + 6)
    }
    let frame = Self.frame(map, in: box)
    try canvas.image(image, in: frame)
    canvas.frame(frame, .gray(0.25), lineWidth: 0.5)
    Self.scaleBar(map, frame: frame, below: box).draw(on: canvas, .footer)
    if !entry.remark.isEmpty {
      canvas.fill(Rect(x: frame.x, y: frame.y, width: 7, height: 7), .gray(1))
      canvas.text("!", at: Point(x: frame.x + 2, y: frame.y + 6.4), .footer)
    }
  }

  /// Below the box, so that the bars of a row stand on one line.
  static func scaleBar(_ map: VectorMap, frame: Rect, below box: Rect) -> ScaleBar {
    // A line scan down the page is drawn wider than it is: its height alone has the scale.
    let stretch: MapLayout.Stretch = frame.width < frame.height ? .width(1) : .none
    var bar = ScaleBar(map: frame, shape: map.shape, pixelSize: map.pixelSize, stretch: stretch)
    bar.start = Point(x: box.x, y: box.maxY + 7)
    return bar
  }

  /// The map's place: in the middle of its box, its sides as the scan's.
  static func frame(_ map: VectorMap, in box: Rect) -> Rect {
    let pixel = map.pixelSize ?? PixelSize(x: 1, y: 1)
    let (wide, high) = (
      Double(map.shape.columns) * pixel.x, Double(map.shape.rows) * pixel.y
    )
    // A line scan is a line, but one that can be seen.
    let width = max(4, box.width * min(1, wide / high))
    let height = max(4, box.height * min(1, high / wide))
    return Rect(
      x: box.midX - width / 2, y: box.midY - height / 2, width: width, height: height)
  }
}
