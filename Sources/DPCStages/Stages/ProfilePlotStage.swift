// profile-plot: a profile across walls with its errors, its fit and the walls found.
internal import DPCReconstruction
internal import FieldRendering
internal import Pipeline
internal import STEMCore

struct ProfilePlotStage: StageType {
  let name = "profile-plot"
  let summary = "figure of a profile across walls, with error band, fit and fitted walls"
  let algorithmVersion = 8
  let inputs = [
    InputPort("profile", kinds: [.wallProfile, .walls], summary: "a profile or a table of walls")
  ]
  let outputs = [OutputPort("figure", kind: .fixed(.figure), summary: "the figure")]
  let parameters = [FigureParameters.format, FigureParameters.title, FigureParameters.resolution]

  func run(_ context: StageContext) throws -> StageProduct {
    let figure: ProfileFigure
    switch context.input("profile") {
    case let value as WallProfileValue:
      figure = self.figure(
        context, value.profile, value.table, value.orientation, unit: value.unit,
        label: label(value.quantity), map: value.context)
    case let value as WallsValue:
      figure = self.figure(
        context, value.profile, value.tableOfProfile, value.orientation, unit: "V/m",
        label: label("electric_field"), map: value.context,
        inclination: value.inclination)
    default: throw StageFailure(.failed, "stage \(context.stageName): no profile at its input")
    }
    return try Figures.product(context, figure.drawing)
  }

  private func label(_ quantity: String) -> String {
    switch quantity {
    case "electric_field": "Electric field"
    case "intrinsic_field": "Intrinsic electric field"
    case "projected_field": "Projected electric field"
    default: "Deflection"
    }
  }

  private func figure(
    _ context: StageContext, _ profile: LineProfile, _ table: WallTable?,
    _ orientation: WallOrientation, unit: String, label: String, map: MapContext,
    inclination: Double? = nil
  ) -> ProfileFigure {
    // Of a map without walls a normal is only the azimuth that the profile was taken along.
    let hasWalls = !(table?.rows.isEmpty ?? true)
    let component =
      hasWalls
      ? orientation.direction == .perp ? "component along the wall" : "component across the wall"
      : "component at \(Format.degrees(orientation.positiveAzimuth))"
    let noise = profile.error.flatMap(median).map {
      "5σ of the average along the wall \(Format.quantity(5 * $0, unit: unit))"
    }
    return ProfileFigure(
      title: Figures.title(context, "\(label), \(component)", map),
      footer: Figures.footer(map, noise: noise.map { [$0] } ?? [])
        + [axes(orientation, hasWalls: hasWalls)]
        + walls(table, unit: unit, inclination: inclination),
      profile: profile, quantityLabel: label,
      distanceLabel: hasWalls
        ? "Distance along the wall normal"
        : "Distance along \(Format.degrees(orientation.normalAzimuth))",
      unit: unit,
      fit: table.flatMap { $0.rows.isEmpty || $0.curve.isEmpty ? nil : $0 }.map {
        ProfileCurve(distance: $0.curveDistance, value: $0.curve)
      },
      markers: (table?.rows ?? []).enumerated().map {
        ProfileMarker(position: $1.wall.position.value, label: "\($0 + 1)")
      }, resolution: context.number("resolution_dpi"))
  }

  /// Along what the profile runs, and what is positive.
  func axes(_ orientation: WallOrientation, hasWalls: Bool) -> String {
    "distance along \(Format.degrees(orientation.normalAzimuth))"
      + (hasWalls ? ", the walls' normal" : "; no wall was fitted")
      + "; positive towards \(Format.degrees(orientation.positiveAzimuth))"
      + " (from +x to the right towards +y down)"
  }

  /// As many walls have a line under a figure.
  private static let shownWalls = 6

  /// One line of numbers for each of the first walls, and what they are numbers of.
  ///
  /// - Parameters:
  ///   - table: Of the walls on the profile.
  ///   - unit: Of the profile.
  ///   - inclination: Of the walls, rad, where the numbers are their own; nil where they are those of the curve.
  func walls(_ table: WallTable?, unit: String, inclination: Double?) -> [String] {
    var lines: [String] = []
    if let table, table.isPoorFit, let chiSquare = table.reducedChiSquare {
      lines.append(
        "the fit does not describe the profile (reduced chi-square"
          + " \(Format.significant(chiSquare, digits: 3)))")
    }
    if let table, !table.rows.isEmpty {
      lines += table.slopeText(fieldUnit: unit).map { [$0] } ?? []
    }
    let rows = table?.rows ?? []
    if let inclination, !rows.isEmpty {
      lines.append(
        "field and FWHM are the walls' own, at an inclination of"
          + " \(Format.degrees(inclination)); the profile and its fit are as the image shows them")
    }
    lines += rows.prefix(Self.shownWalls).enumerated().map { index, row in
      let field = Format.quantity(row.wall.field.value, error: row.wall.field.error, unit: unit)
      return "wall \(index + 1): \(field), FWHM \(row.widthText)\(row.verdict)"
    }
    let rest = rows.count - Self.shownWalls
    if rest > 0 {
      lines.append("and \(rest) more \(rest == 1 ? "wall" : "walls"), not listed here")
    }
    return lines
  }
}

extension WallOrientation {
  /// Towards where a positive field points, rad.
  fileprivate var positiveAzimuth: Double {
    direction == .perp ? normalAzimuth + Double.pi / 2 : normalAzimuth
  }
}
