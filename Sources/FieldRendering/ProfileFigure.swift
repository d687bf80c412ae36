// The figure of a profile across walls: values with their errors, a fit, the walls.
public import STEMCore

/// A curve over a profile, such as a fit.
public struct ProfileCurve: Sendable, Equatable {
  /// m, ascending.
  public var distance: [Double]
  /// In the profile's unit.
  public var value: [Double]

  public init(distance: [Double], value: [Double]) {
    precondition(distance.count == value.count, "one value per distance")
    self.distance = distance
    self.value = value
  }
}

/// A named position on a profile, such as a wall.
public struct ProfileMarker: Sendable, Equatable {
  /// m, on the profile's axis.
  public var position: Double
  public var label: String

  public init(position: Double, label: String) {
    self.position = position
    self.label = label
  }
}

/// A profile as a figure: the values with a band of one standard error.
public struct ProfileFigure: Sendable {
  public var title: String
  /// Lines below the plot in small type.
  public var footer: [String]
  public var profile: LineProfile
  /// What is shown, "Electric field".
  public var quantityLabel: String
  /// Along what, "Distance along the wall normal".
  public var distanceLabel: String
  /// The SI unit of the values, "V/m"; the figure chooses the prefix.
  public var unit: String
  public var fit: ProfileCurve?
  public var markers: [ProfileMarker]
  /// Pixels per inch of a raster; nil: 180.
  public var resolution: Double?

  public init(
    title: String, footer: [String] = [], profile: LineProfile, quantityLabel: String,
    distanceLabel: String, unit: String, fit: ProfileCurve? = nil, markers: [ProfileMarker] = [],
    resolution: Double? = nil
  ) {
    self.title = title
    self.footer = footer
    self.profile = profile
    self.quantityLabel = quantityLabel
    self.distanceLabel = distanceLabel
    self.unit = unit
    self.fit = fit
    self.markers = markers
    self.resolution = resolution
  }

  /// The figure laid out, for files of any format.
  ///
  /// - Throws: ``RenderingError`` for a profile without points or when Cairo fails.
  public func drawing() throws(RenderingError) -> FigureDrawing {
    guard !profile.distance.isEmpty else { throw .nothingToDraw(figure: title) }
    let plot = ProfilePlot(figure: self, meter: try TextMeter())
    let scale = resolution.map { $0 / 72 } ?? ProfilePlot.scale
    return FigureDrawing(width: ProfilePlot.width, height: plot.height, scale: scale) {
      plot.draw(on: $0)
    }
  }
}
