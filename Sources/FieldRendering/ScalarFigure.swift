// The figure of a scalar map: a perceptual color scale about zero, color bar, scale bar.
public import STEMCore

/// A map of signed values as a figure: blue below zero, white at zero and red above.
///
/// The scale is symmetric about zero.
public struct ScalarFigure: Sendable {
  public var title: String
  /// Lines below the map in small type: dose, detection limit, assumptions.
  public var footer: [String]
  public var map: ScalarMap
  /// What is shown, "Projected potential".
  public var quantityLabel: String
  /// The SI unit of the values, "V m" or "V"; the figure chooses the prefix.
  public var unit: String
  /// The value at the upper end of the scale, in `unit`; nil: what 99.5 % of the measured pixels stay below in
  /// magnitude, rounded up to two digits.
  public var valueLimit: Double?
  /// A scale that is not given does not end below this, one standard deviation of a pixel, so that rounding is not
  /// drawn in full color.
  public var smallestLimit: Double?
  /// Pixels per inch of a raster, at least; nil: as many as show the scan well.
  public var resolution: Double?

  public init(
    title: String, footer: [String] = [], map: ScalarMap, quantityLabel: String, unit: String,
    valueLimit: Double? = nil, smallestLimit: Double? = nil,
    resolution: Double? = nil
  ) {
    self.title = title
    self.footer = footer
    self.map = map
    self.quantityLabel = quantityLabel
    self.unit = unit
    self.valueLimit = valueLimit
    self.smallestLimit = smallestLimit
    self.resolution = resolution
  }

  /// The figure laid out, its map turned into an image, for files of any format.
  ///
  /// - Throws: ``RenderingError`` for a map without pixels or when Cairo fails.
  public func drawing() throws(RenderingError) -> FigureDrawing {
    guard map.shape.count > 0 else { throw .nothingToDraw(figure: title) }
    let meter = try TextMeter()
    let limit = limit
    let bar = ColorBar(quantity: quantityLabel, unit: unit, limit: limit, meter: meter)
    let maskKey = MaskKey(
      count: map.shape.count, isDrawn: map.isDrawn, isFilledIn: map.mask.isFilledIn)
    let beyond = OutOfScale(count: map.shape.count, scale: (-limit, limit)) { index in
      map.mask.isUsable(index) && map.isDrawn(index) ? map.field.values[index] : .nan
    }
    let layout = layout(bar, maskKey, beyond, meter)
    let raster = MapRaster(rows: layout.rows, columns: layout.columns, scale: layout.scale)
    let image = raster.image(of: map, limit: limit)
    let isEmpty = !map.shape.indices.contains(where: map.isDrawn)
    return FigureDrawing(width: layout.width, height: layout.height, scale: layout.scale) {
      canvas throws(RenderingError) in
      try canvas.image(image, in: layout.map)
      layout.drawFrame(on: canvas)
      try Self.drawLegend(bar, maskKey, layout, on: canvas)
      if isEmpty { try layout.drawNothingUsable(on: canvas) }
    }
  }

  /// The value at the upper end of the scale, in `unit`; its opposite is at the lower one.
  var limit: Double {
    if let valueLimit, valueLimit.isFinite, valueLimit > 0 { return valueLimit }
    let limit = RobustLimits.magnitude(of: map)
    guard let smallestLimit, smallestLimit > limit else { return limit }
    return RoundNumbers.rounded(smallestLimit, significant: 2, .up)
  }

  private func layout(
    _ bar: ColorBar, _ maskKey: MaskKey, _ beyond: OutOfScale, _ meter: TextMeter
  ) -> MapLayout {
    MapLayout(
      shape: map.shape, pixelSize: map.pixelSize, title: title,
      footer: footer + beyond.footer(unit: unit, scale: bar.unit),
      legend: LegendSize(
        beside: (ColorBar.width, bar.heading.height + 68 + 14 + maskKey.height),
        below: (ColorBar.horizontalWidth + 10, bar.horizontalHeight), maskKey: maskKey.height),
      meter: meter, resolution: resolution)
  }

  private static func drawLegend(
    _ bar: ColorBar, _ maskKey: MaskKey, _ layout: MapLayout, on canvas: Canvas
  ) throws(RenderingError) {
    if layout.isWide {
      try bar.drawLying(on: canvas, at: layout.legend, scale: layout.scale)
      try maskKey.draw(
        on: canvas, at: Point(x: layout.map.x, y: layout.map.maxY + 32), scale: layout.scale)
      return
    }
    let reserved = maskKey.height > 0 ? maskKey.height + 12 : 0
    let height = layout.map.height - reserved
    try bar.drawUpright(on: canvas, at: layout.legend, height: height, scale: layout.scale)
    try maskKey.draw(
      on: canvas, at: Point(x: layout.legend.x, y: layout.map.maxY - maskKey.height + 4),
      scale: layout.scale)
  }
}
