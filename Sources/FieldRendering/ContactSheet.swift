// Many vector maps on one page, all in the colors of one scale: what differs shows.
public import STEMCore

/// A page of small maps with their names.
///
/// All maps share one color scale, so that a weak field looks weak beside a strong one. Directions and
/// aspect are those of ``VectorFigure``. Equal sheets give equal bytes; ``ContactPage`` draws them.
public struct ContactSheet: Sendable, Equatable {
  /// One place on the page.
  public struct Entry: Sendable {
    /// Stands below the map.
    public var label: String
    /// nil where there is none; ``remark`` then says why.
    public var map: VectorMap?
    /// From the map's unit to the sheet's.
    public var scale: Double
    public var remark: String

    public init(label: String, map: VectorMap?, scale: Double = 1, remark: String = "") {
      self.label = label
      self.map = map
      self.scale = scale
      self.remark = remark
    }
  }

  public var title: String
  public var entryCount: Int
  /// What is shown, "Electric field".
  public var quantityLabel: String
  /// The SI unit of the vectors.
  public var unit: String
  /// The magnitude of full color.
  public var limit: Double

  /// Points: the longer side of a map.
  static let side = 116.0

  /// - Parameters:
  ///   - title: Stands above.
  ///   - entryCount: How many places the page has.
  ///   - quantityLabel: What is shown, "Electric field".
  ///   - unit: The SI unit of the vectors.
  ///   - entries: Those whose maps decide about the scale: 99.5 % of their measured pixels stay below its end.
  public init(
    title: String, entryCount: Int, quantityLabel: String, unit: String, scaledBy entries: [Entry]
  ) {
    self.title = title
    self.entryCount = entryCount
    self.quantityLabel = quantityLabel
    self.unit = unit
    limit = RobustLimits.magnitude(
      of: entries.compactMap { entry in entry.map.map { (map: $0, scale: entry.scale) } })
  }

  /// Whether a few more maps may make the one out of the other: a scale near the middle between two round numbers ends
  /// now at one of them, now at the other.
  public func resembles(_ other: ContactSheet) -> Bool {
    var other = other
    if max(limit, other.limit) <= 1.1 * min(limit, other.limit) { other.limit = limit }
    return self == other
  }

  /// How many maps stand side by side: a page somewhat wider than high.
  public var columnCount: Int { Self.columnCount(for: entryCount) }

  /// How many maps of so many stand side by side.
  public static func columnCount(for entryCount: Int) -> Int {
    var count = 1
    while 3 * count * count < 4 * entryCount { count += 1 }
    return count
  }

  var rowCount: Int { (entryCount + columnCount - 1) / columnCount }

  /// A map with no more pixels along a side than a page of many can show, each the mean of those that it
  /// stands for; far smaller to keep. Errors are left out.
  public static func reduced(_ map: VectorMap) -> VectorMap {
    func sampling(_ count: Int) -> AxisSampling {
      AxisSampling(sourceCount: count, pixelCount: min(count, Int(side) * 2))
    }
    return MapRaster(rows: sampling(map.shape.rows), columns: sampling(map.shape.columns), scale: 1)
      .reduced(map)
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
