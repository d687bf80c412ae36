// A contact sheet on its way to a PNG file: drawn row by row, and encoded as far as nothing more is drawn.
internal import STEMCore
internal import WorkSharing

/// The page of a ``ContactSheet``, for maps that come one after the other.
public final class ContactPage {
  public let sheet: ContactSheet
  /// How many rows of maps are drawn.
  private var drawnCount = 0
  /// How many rows of pixels are encoded.
  private var encodedCount = 0
  private let layout: Layout
  private let canvas: Canvas
  private let encoder: PNGEncoder
  private let meter: TextMeter

  /// Points, but for the last.
  private struct Layout {
    /// The room around a map, and the scale bar and lines below it.
    static let gap = 12.0
    static let barHeight = 12.0
    static let labelHeight = 25.0
    static let margin = 18.0
    static let titleHeight = 24.0
    static let cell = (
      width: ContactSheet.side + gap, height: ContactSheet.side + barHeight + labelHeight + gap
    )

    let width: Double
    let height: Double
    /// Where the maps end.
    let right: Double
    let top = margin + titleHeight
    /// Pixels per point: two, fewer where the page would be larger than an image can be.
    let scale: Double

    init(_ sheet: ContactSheet, _ legend: DirectionLegend) {
      right = Self.margin + Double(sheet.columnCount) * Self.cell.width
      width = right + DirectionLegend.width + Self.margin
      height =
        Self.margin * 2 + Self.titleHeight
        + max(Double(sheet.rowCount) * Self.cell.height, legend.height)
      scale = min(2, 15_000 / max(width, height))
    }

    func origin(row: Int, column: Int) -> Point {
      Point(
        x: Self.margin + Double(column) * Self.cell.width,
        y: top + Double(row) * Self.cell.height)
    }
  }

  /// A page with title and legend.
  ///
  /// - Throws: ``RenderingError`` for a sheet without entries or when Cairo or libpng fail.
  public init(_ sheet: ContactSheet) throws(RenderingError) {
    if sheet.entryCount < 1 { throw .nothingToDraw(figure: sheet.title) }
    self.sheet = sheet
    meter = try TextMeter()
    let display = DisplayUnit(unit: sheet.unit, magnitude: sheet.limit)
    let limit = sheet.limit > 0 ? display.text(sheet.limit) : "no signal"
    let legend = DirectionLegend(quantity: sheet.quantityLabel, limit: limit, meter: meter)
    layout = Layout(sheet, legend)
    canvas = try .raster(width: layout.width, height: layout.height, scale: layout.scale)
    encoder = try PNGEncoder(
      width: canvas.pixelWidth, height: canvas.pixelHeight, pointsPerPixel: 1 / layout.scale)
    canvas.text(sheet.title, at: Point(x: Layout.margin, y: Layout.margin + 11), .title)
    try legend.draw(
      on: canvas, at: Point(x: layout.right, y: layout.top), scale: layout.scale)
  }

  /// The entries of the row that is drawn next; nil where all are drawn.
  public var nextEntries: Range<Int>? {
    let start = drawnCount * sheet.columnCount
    if start >= sheet.entryCount { return nil }
    return start..<min(start + sheet.columnCount, sheet.entryCount)
  }

  /// Draws the next row.
  ///
  /// - Parameter entries: Those of ``nextEntries``.
  /// - Throws: ``RenderingError`` when Cairo or libpng fail.
  public func draw(_ entries: [ContactSheet.Entry]) throws(RenderingError) {
    precondition(entries.count == nextEntries?.count, "a row has all of its entries")
    let colors = DirectionColor(limit: sheet.limit)
    let scale = layout.scale
    let images = concurrentMap(entries.count) { Self.image(of: entries[$0], colors, scale) }
    for (column, (entry, image)) in zip(entries, images).enumerated() {
      try draw(entry, image, at: layout.origin(row: drawnCount, column: column))
    }
    drawnCount += 1
    // The next row begins with a line around a map, which is a little wider than the map.
    let end = layout.origin(row: drawnCount, column: 0).y - Layout.gap / 2
    try encode(upTo: nextEntries == nil ? encodedCount : Int(end * scale))
  }

  /// The file, once all rows are drawn.
  ///
  /// - Throws: ``RenderingError`` when libpng fails.
  public func finish() throws(RenderingError) -> [UInt8] {
    precondition(nextEntries == nil, "all rows are drawn")
    try encode(upTo: canvas.pixelHeight)
    return try encoder.finish()
  }

  private func encode(upTo row: Int) throws(RenderingError) {
    try canvas.encode(encodedCount..<row, by: encoder)
    encodedCount = row
  }

  /// The pixels of an entry's map; nil where there is none.
  private static func image(
    of entry: ContactSheet.Entry, _ colors: DirectionColor, _ scale: Double
  ) -> PixelImage? {
    guard var map = entry.map, map.shape.count > 0 else { return nil }
    if entry.scale != 1 {
      for index in 0..<map.shape.count {
        map.field.x[index] *= entry.scale
        map.field.y[index] *= entry.scale
      }
    }
    let side = ContactSheet.side
    let frame = ContactSheet.frame(map, in: Rect(x: 0, y: 0, width: side, height: side))
    func sampling(_ source: Int, _ length: Double) -> AxisSampling {
      AxisSampling(sourceCount: source, pixelCount: max(1, Int((length * scale).rounded())))
    }
    let raster = MapRaster(
      rows: sampling(map.shape.rows, frame.height),
      columns: sampling(map.shape.columns, frame.width), scale: scale)
    return raster.image(of: map, colors: colors)
  }

  private func draw(
    _ entry: ContactSheet.Entry, _ image: PixelImage?, at origin: Point
  ) throws(RenderingError) {
    let side = ContactSheet.side
    let box = Rect(x: origin.x, y: origin.y, width: side, height: side)
    var label = meter.wrapped(entry.label, .footer, width: side)
    if label.count > 2 { label = [label[0], label[1].dropLast(2) + "…"] }
    TextBlock(label, .footer, leading: 10.5)
      .draw(on: canvas, x: origin.x, top: box.maxY + Layout.barHeight + 3)
    guard let map = entry.map, let image else {
      canvas.fill(box, .gray(0.94))
      let lines = meter.wrapped(entry.remark, .footer, width: side - 12)
      let block = TextBlock(Array(lines.prefix(9)), .footer, leading: 10.5)
      return block.draw(on: canvas, x: box.x + 6, top: box.y + 6)
    }
    let frame = ContactSheet.frame(map, in: box)
    try canvas.image(image, in: frame)
    canvas.frame(frame, .gray(0.25), lineWidth: 0.5)
    ContactSheet.scaleBar(map, frame: frame, below: box).draw(on: canvas, .footer)
    if !entry.remark.isEmpty {
      canvas.fill(Rect(x: frame.x, y: frame.y, width: 7, height: 7), .gray(1))
      canvas.text("!", at: Point(x: frame.x + 2, y: frame.y + 6.4), .footer)
    }
  }
}
