// The few things figures are made of: rectangles, lines, polygons, images, text.
internal import CCairo
internal import Glibc

extension Canvas {
  private func setColor(_ color: Color) {
    cairo_set_source_rgb(context, color.red, color.green, color.blue)
  }

  func fill(_ rect: Rect, _ color: Color) {
    setColor(color)
    cairo_rectangle(context, rect.x, rect.y, rect.width, rect.height)
    cairo_fill(context)
  }

  /// Outlines a rectangle on its outer side.
  func frame(_ rect: Rect, _ color: Color, lineWidth: Double) {
    setColor(color)
    cairo_set_line_width(context, lineWidth)
    cairo_rectangle(
      context, rect.x - lineWidth / 2, rect.y - lineWidth / 2, rect.width + lineWidth,
      rect.height + lineWidth)
    cairo_stroke(context)
  }

  func circle(center: Point, radius: Double, _ color: Color, lineWidth: Double? = nil) {
    setColor(color)
    cairo_new_sub_path(context)
    cairo_arc(context, center.x, center.y, radius, 0, 2 * Double.pi)
    guard let lineWidth else { return cairo_fill(context) }
    cairo_set_line_width(context, lineWidth)
    cairo_stroke(context)
  }

  private func trace(_ points: [Point]) {
    for (index, point) in points.enumerated() {
      if index == 0 {
        cairo_move_to(context, point.x, point.y)
      } else {
        cairo_line_to(context, point.x, point.y)
      }
    }
  }

  func line(_ points: [Point], _ color: Color, lineWidth: Double, dashes: [Double] = []) {
    trace(points)
    setColor(color)
    cairo_set_line_width(context, lineWidth)
    cairo_set_dash(context, dashes, Int32(dashes.count), 0)
    cairo_stroke(context)
    cairo_set_dash(context, nil, 0, 0)
  }

  func polygon(_ points: [Point], _ color: Color) {
    trace(points)
    cairo_close_path(context)
    setColor(color)
    cairo_fill(context)
  }

  /// Fills polygons with a thin outline, all outlines below all fillings.
  func outlinedPolygons(
    _ polygons: [[Point]], fill: Color, outline: Color, outlineWidth: Double
  ) {
    for points in polygons {
      trace(points)
      cairo_close_path(context)
    }
    setColor(outline)
    // The inner half of the stroke is covered by the filling.
    cairo_set_line_width(context, 2 * outlineWidth)
    cairo_stroke_preserve(context)
    setColor(fill)
    cairo_fill(context)
  }

  /// Draws within a rectangle and only there.
  func clipped(to rect: Rect, _ body: () -> Void) {
    cairo_save(context)
    defer { cairo_restore(context) }
    cairo_rectangle(context, rect.x, rect.y, rect.width, rect.height)
    cairo_clip(context)
    body()
  }

  /// Paints what lies within a square but outside the circle in it, and a rim of a point.
  ///
  /// Readers of SVG differ in how they clip images, none in how they fill.
  func fillCorners(of square: Rect, _ color: Color) {
    cairo_rectangle(
      context, square.x - 1, square.y - 1, square.width + 2, square.height + 2)
    cairo_new_sub_path(context)
    // Against the rectangle's sense: a hole by the winding rule.
    cairo_arc_negative(context, square.midX, square.midY, square.width / 2, 2 * Double.pi, 0)
    setColor(color)
    cairo_fill(context)
  }

  /// Draws an image with sharp pixels.
  func image(_ image: PixelImage, in rect: Rect) throws(RenderingError) {
    guard
      let source = cairo_image_surface_create(
        CAIRO_FORMAT_RGB24, Int32(image.width), Int32(image.height))
    else { throw .cairo(operation: "create an image", reason: "no memory left") }
    defer { cairo_surface_destroy(source) }
    guard cairo_surface_status(source) == CAIRO_STATUS_SUCCESS,
      let data = cairo_image_surface_get_data(source)
    else {
      let reason = String(cString: cairo_status_to_string(cairo_surface_status(source)))
      throw .cairo(operation: "create an image", reason: reason)
    }
    let stride = Int(cairo_image_surface_get_stride(source))
    // SAFETY: both hold `height` rows of at least `width` pixels of 4 bytes.
    image.pixels.withUnsafeBufferPointer { pixels in
      for row in 0..<image.height {
        guard let start = pixels.baseAddress else { break }
        memcpy(data + row * stride, start + row * image.width, image.width * 4)
      }
    }
    cairo_surface_mark_dirty(source)
    try attachPNG(image, to: source)
    cairo_save(context)
    defer { cairo_restore(context) }
    cairo_translate(context, rect.x, rect.y)
    cairo_scale(context, rect.width / Double(image.width), rect.height / Double(image.height))
    cairo_set_source_surface(context, source, 0, 0)
    cairo_pattern_set_filter(cairo_get_source(context), CAIRO_FILTER_NEAREST)
    // Painted, not filled: an SVG then refers to the image itself, which every reader can show,
    // and not to a pattern of it.
    cairo_paint(context)
    try check("draw an image")
  }

  /// Hands an SVG the encoded image: Cairo's own encoder takes seconds for a large map.
  private func attachPNG(_ image: PixelImage, to source: OpaquePointer) throws(RenderingError) {
    guard cairo_surface_get_type(surface) == CAIRO_SURFACE_TYPE_SVG else { return }
    let bytes = try image.png()
    guard let copy = malloc(bytes.count) else {
      throw .cairo(operation: "embed an image", reason: "no memory left")
    }
    memcpy(copy, bytes, bytes.count)
    let status = cairo_surface_set_mime_data(
      source, CAIRO_MIME_TYPE_PNG, copy.assumingMemoryBound(to: UInt8.self), UInt(bytes.count),
      { free($0) }, copy)
    guard status == CAIRO_STATUS_SUCCESS else {
      free(copy)
      throw .cairo(
        operation: "embed an image", reason: String(cString: cairo_status_to_string(status)))
    }
  }
}

// MARK: - Text

extension Canvas {
  enum Anchor { case start, middle, end }

  /// Writes one line; `point` is on the baseline.
  /// - Parameter isUpright: Written from the bottom to the top.
  func text(
    _ text: String, at point: Point, _ style: TextStyle, anchor: Anchor = .start,
    isUpright: Bool = false
  ) {
    let text = NumberText.withMinusSigns(text)
    cairo_save(context)
    defer { cairo_restore(context) }
    Typeface.select(style, in: context)
    let width = Typeface.width(of: text, in: context)
    cairo_translate(context, point.x, point.y)
    if isUpright { cairo_rotate(context, -Double.pi / 2) }
    switch anchor {
    case .start: cairo_move_to(context, 0, 0)
    case .middle: cairo_move_to(context, -width / 2, 0)
    case .end: cairo_move_to(context, -width, 0)
    }
    setColor(style.color)
    cairo_show_text(context, text)
    // The end of the text would be the beginning of the next path.
    cairo_new_path(context)
  }
}
