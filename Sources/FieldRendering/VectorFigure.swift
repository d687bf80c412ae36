// The figure of a vector map: color for direction and magnitude, arrows, scale bar, wheel.
public import STEMCore

/// A vector map as a figure: hue is the direction, lightness the magnitude.
///
/// Vectors are shown as the scan is: x to the right, y downwards; an arrow to the lower right is a
/// vector with positive x and y. The wheel of the legend shows each direction where it points. The
/// map's own pixel size gives aspect and scale bar; without one the bar counts pixels.
public struct VectorFigure: Sendable {
  public var title: String
  /// Lines below the map in small type: dose, detection limit, assumptions.
  public var footer: [String]
  public var map: VectorMap
  /// What is shown, "Electric field".
  public var quantityLabel: String
  /// The SI unit of the vectors, "V/m"; the figure chooses the prefix.
  public var unit: String
  /// The magnitude of full color, in `unit`; nil: what 99.5 % of the measured pixels stay below,
  /// rounded up to two digits.
  public var magnitudeLimit: Double?
  public var showsArrows: Bool
  /// Walls whose numbers stand beside them, in a map with a pixel size.
  public var walls: [MapWall]
  /// Pixels per inch of a raster, at least; nil: as many as show the scan well.
  public var resolution: Double?

  public init(
    title: String, footer: [String] = [], map: VectorMap, quantityLabel: String, unit: String,
    magnitudeLimit: Double? = nil, showsArrows: Bool = true, walls: [MapWall] = [],
    resolution: Double? = nil
  ) {
    self.title = title
    self.footer = footer
    self.map = map
    self.quantityLabel = quantityLabel
    self.unit = unit
    self.magnitudeLimit = magnitudeLimit
    self.showsArrows = showsArrows
    self.walls = walls
    self.resolution = resolution
  }

  /// The figure laid out, its map turned into an image, for files of any format.
  ///
  /// - Throws: ``RenderingError`` for a map without pixels or when Cairo fails.
  public func drawing() throws(RenderingError) -> FigureDrawing {
    guard map.shape.count > 0 else { throw .nothingToDraw(figure: title) }
    let meter = try TextMeter()
    let limit = limit
    let unit = DisplayUnit(unit: unit, magnitude: limit)
    let legend = DirectionLegend(
      quantity: quantityLabel, limit: limit > 0 ? unit.text(limit) : "no signal", meter: meter)
    let maskKey = MaskKey(
      count: map.shape.count, isDrawn: map.isDrawn, isFilledIn: map.mask.isFilledIn)
    let layout = layout(legend, maskKey, meter)
    let raster = MapRaster(rows: layout.rows, columns: layout.columns, scale: layout.scale)
    let image = raster.image(of: map, colors: DirectionColor(limit: limit))
    let arrows =
      showsArrows ? ArrowGrid.arrows(of: map, limit: limit, in: layout.map).map(\.outline) : []
    let numbers = map.pixelSize.map { size in
      WallNumbers(walls, shape: map.shape, pixelSize: size, in: layout.map) {
        meter.width($0, .heading)
      }
    }
    let isEmpty = !map.shape.indices.contains(where: map.isDrawn)
    return FigureDrawing(width: layout.width, height: layout.height, scale: layout.scale) {
      canvas throws(RenderingError) in
      try canvas.image(image, in: layout.map)
      canvas.outlinedPolygons(arrows, fill: .white, outline: .gray(0.08), outlineWidth: 0.45)
      numbers?.draw(on: canvas)
      layout.drawFrame(on: canvas)
      try legend.draw(on: canvas, at: layout.legend, scale: layout.scale)
      try maskKey.draw(
        on: canvas,
        at: layout.isWide
          ? Point(x: layout.map.x, y: layout.map.maxY + 32)
          : Point(x: layout.legend.x, y: layout.legend.y + legend.height + 14),
        scale: layout.scale)
      if isEmpty { try layout.drawNothingUsable(on: canvas) }
    }
  }

  /// The magnitude of full color; 0 where there is nothing but zero.
  var limit: Double {
    guard let magnitudeLimit, magnitudeLimit.isFinite, magnitudeLimit > 0 else {
      return RobustLimits.magnitude(of: map)
    }
    return magnitudeLimit
  }

  /// The pixels that are longer than the limit.
  var outOfScale: OutOfScale {
    let square = limit * limit
    return OutOfScale(count: map.shape.count, scale: (0, square)) { index in
      guard map.mask.isUsable(index), map.isDrawn(index) else { return .nan }
      let (x, y) = (map.field.x[index], map.field.y[index])
      return x * x + y * y
    }.roots
  }

  func layout(_ legend: DirectionLegend, _ maskKey: MaskKey, _ meter: TextMeter) -> MapLayout {
    MapLayout(
      shape: map.shape, pixelSize: map.pixelSize, title: title,
      footer: footer
        + outOfScale.footer(unit: unit, scale: DisplayUnit(unit: unit, magnitude: limit)),
      legend: LegendSize(
        beside: (DirectionLegend.width, legend.height + 14 + maskKey.height),
        below: (DirectionLegend.width, legend.height), maskKey: maskKey.height),
      meter: meter, resolution: resolution)
  }
}

extension GridShape {
  /// The row-major indices of all scan positions.
  var indices: Range<Int> { 0..<count }
}
