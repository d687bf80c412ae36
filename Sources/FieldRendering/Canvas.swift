// A page to draw on: a Cairo surface for each format, and what becomes of its bytes.
internal import CCairo
internal import Glibc

/// A white page in points on which a figure is drawn once, whatever file it becomes.
final class Canvas {
  let surface: OpaquePointer
  let context: OpaquePointer
  /// What Cairo writes, in the order in which it writes it.
  private final class ByteSink { var bytes: [UInt8] = [] }

  /// Draws a page and returns the bytes of its file.
  ///
  /// - Parameters:
  ///   - width: Points; the page is rounded up to whole pixels.
  ///   - scale: Pixels per point of a raster; an SVG or PDF ignores it but for embedded images.
  static func draw(
    _ format: FigureFormat, width: Double, height: Double, scale: Double,
    _ body: (Canvas) throws(RenderingError) -> Void
  ) throws(RenderingError) -> [UInt8] {
    let sink = ByteSink()
    // SAFETY: `sink` outlives the surface, which is finished before this function returns.
    let closure = Unmanaged.passUnretained(sink).toOpaque()
    let canvas = try Canvas(format, width: width, height: height, scale: scale, closure)
    try body(canvas)
    if format == .png { return try canvas.png(scale: scale) }
    try canvas.finish()
    return format == .svg ? SVGIdentifiers.renumbered(sink.bytes) : sink.bytes
  }

  /// A page that stays, of pixels that are encoded when its drawer says so.
  ///
  /// - Parameters:
  ///   - width: Points; the page is rounded up to whole pixels.
  ///   - scale: Pixels per point.
  static func raster(
    width: Double, height: Double, scale: Double
  ) throws(RenderingError) -> Canvas {
    try Canvas(.png, width: width, height: height, scale: scale, nil)
  }

  private init(
    _ format: FigureFormat, width: Double, height: Double, scale: Double,
    _ closure: UnsafeMutableRawPointer?
  ) throws(RenderingError) {
    // 32767 is the largest side of a Cairo image.
    let largest = max(width, height) * max(scale, 1)
    guard width >= 1, height >= 1, largest.isFinite, largest < 32_000 else {
      throw .unusableCanvas(width: width, height: height)
    }
    let write: cairo_write_func_t = { closure, data, count in
      guard let closure, let data else { return CAIRO_STATUS_WRITE_ERROR }
      let sink = Unmanaged<ByteSink>.fromOpaque(closure).takeUnretainedValue()
      sink.bytes.append(contentsOf: UnsafeBufferPointer(start: data, count: Int(count)))
      return CAIRO_STATUS_SUCCESS
    }
    let made: OpaquePointer?
    switch format {
    case .png:
      made = cairo_image_surface_create(
        CAIRO_FORMAT_RGB24, Int32((width * scale).rounded(.up)),
        Int32((height * scale).rounded(.up)))
    case .svg:
      made = cairo_svg_surface_create_for_stream(write, closure, width, height)
    case .pdf:
      made = cairo_pdf_surface_create_for_stream(write, closure, width, height)
      // Cairo would write the time of day; the same figure is the same file on any day.
      cairo_pdf_surface_set_metadata(made, CAIRO_PDF_METADATA_CREATE_DATE, "2000-01-01T00:00:00Z")
    }
    guard let made, let context = cairo_create(made) else {
      throw .cairo(operation: "create a surface", reason: "no memory left")
    }
    self.surface = made
    self.context = context
    if format == .png { cairo_scale(context, scale, scale) }
    cairo_set_line_join(context, CAIRO_LINE_JOIN_ROUND)
    Typeface.configure(context)
    fill(Rect(x: 0, y: 0, width: width + 1, height: height + 1), .white)
    try check("create a page")
  }

  deinit {
    cairo_destroy(context)
    cairo_surface_destroy(surface)
  }

  func check(_ operation: String) throws(RenderingError) {
    for status in [cairo_status(context), cairo_surface_status(surface)]
    where status != CAIRO_STATUS_SUCCESS {
      throw .cairo(operation: operation, reason: String(cString: cairo_status_to_string(status)))
    }
  }

  /// Ends the page.
  private func finish() throws(RenderingError) {
    cairo_show_page(context)
    cairo_surface_flush(surface)
    try check("draw the figure")
    cairo_surface_finish(surface)
    try check("finish the figure")
  }

  // MARK: Rasters

  /// Of a raster, in pixels.
  var pixelWidth: Int { Int(cairo_image_surface_get_width(surface)) }
  /// Of a raster, in pixels.
  var pixelHeight: Int { Int(cairo_image_surface_get_height(surface)) }

  /// A raster as a PNG file.
  private func png(scale: Double) throws(RenderingError) -> [UInt8] {
    let encoder = try PNGEncoder(
      width: pixelWidth, height: pixelHeight, pointsPerPixel: 1 / scale)
    try encode(0..<pixelHeight, by: encoder)
    return try encoder.finish()
  }

  /// Adds rows of a raster, as they are now, to an image.
  func encode(_ rows: Range<Int>, by encoder: PNGEncoder) throws(RenderingError) {
    cairo_surface_flush(surface)
    try check("draw the figure")
    let stride = Int(cairo_image_surface_get_stride(surface))
    guard let data = cairo_image_surface_get_data(surface) else {
      throw .cairo(operation: "read an image", reason: "it has no pixels")
    }
    precondition(rows.lowerBound >= 0 && rows.upperBound <= pixelHeight, "rows of the page")
    for row in rows {
      // SAFETY: Cairo holds `pixelHeight` rows of `stride` bytes, each of them `pixelWidth` numbers of 32 bits.
      let start = UnsafeRawPointer(data + row * stride).assumingMemoryBound(to: UInt32.self)
      try encoder.add(UnsafeBufferPointer(start: start, count: pixelWidth))
    }
  }
}
