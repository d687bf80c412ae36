// combine-views: a top view and a cross-section of the same walls to one field of three components.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore

struct CombineViews: StageType {
  let name = "combine-views"
  let summary =
    "one three-component field from two views of the same walls, and a test that they agree"
  let algorithmVersion = 11
  let inputs = [
    InputPort("top", kinds: [.projectedField], summary: "field of the top view"),
    InputPort("top_walls", kinds: [.walls], summary: "its walls, from correct-inclination"),
    InputPort("cross", kinds: [.projectedField], summary: "field of the cross-section"),
    InputPort("cross_walls", kinds: [.walls], summary: "its walls, from correct-inclination"),
  ]
  let outputs = [
    OutputPort(
      "combined", kind: .fixed(.combinedField), summary: "V/m along the normal and along the wall")
  ]
  let parameters = [
    ParameterSpecification(
      "wall_plane_rotation_deg", .number(unit: "deg", range: NumberRange(-180...180)),
      default: .number(90),
      summary: "in the wall plane, from the top view's direction along the wall to the"
        + " cross-section's; 90 where the cross-section shows the top view's beam direction"),
    ParameterSpecification(
      "beam_side", .choice(["along-normal", "against-normal"]), default: .text("along-normal"),
      summary: "whether the cross-section's beam runs with the wall normal that points along its"
        + " normal azimuth, or against it"),
    ParameterSpecification(
      "polarity", .choice(["best", "same", "opposite"]), default: .text("best"),
      summary: "whether walls of one sign in the top view have the same sign in the cross-section;"
        + " best takes what fits better, and says so"),
  ]

  func run(_ context: StageContext) throws -> StageProduct {
    let degree = Double.pi / 180
    let side = try context.value("beam_side") == "against-normal" ? -1.0 : 1
    let rotation = try context.value("wall_plane_rotation_deg") * degree
    let top = try view("top", context, rotation: 0, beamSide: 1)
    let cross = try view("cross", context, rotation: rotation, beamSide: side)
    let polarity: String = try context.value("polarity")
    let sign: Double? = polarity == "same" ? 1 : polarity == "opposite" ? -1 : nil
    guard let field = namedField(top, cross, sign: sign) else {
      throw StageFailure(
        .failed,
        "stage \(context.stageName): the two views leave a component of the field open: they look at"
          + " the walls along one direction",
        remedy: "check wall_plane_rotation_deg and the inclinations of both tables of walls")
    }
    if top.map == cross.map {
      throw StageFailure(
        .failed, "stage \(context.stageName): ports top and cross hold the same field",
        remedy: "feed the top view to top and the cross-section of the same walls to cross")
    }
    let value = combined(field, top, cross, isSignGiven: sign != nil)
    var notes = assumptions(top.table, cross.table, value)
    notes += viewNotes(top.context, .top, port: "top")
    notes += viewNotes(cross.context, .crossSection, port: "cross")
    if sign == nil,
      let other = namedField(top, cross, sign: field.isSecondReversed ? 1 : -1)
    {
      notes += Self.ambiguityNotes(field, other)
    }
    if !value.isConsistent { notes.append(Note(.warning, value.verdict)) }
    return StageProduct(outputs: ["combined": value], facts: value.facts, notes: notes)
  }

  private func combined(
    _ field: CombinedField, _ top: MeasuredView, _ cross: MeasuredView, isSignGiven: Bool
  ) -> CombinedFieldValue {
    let correspondence =
      (isSignGiven ? "given: " : "chosen by the fit: ")
      + "walls of one sign in the top view have the "
      + (field.isSecondReversed ? "opposite" : "same") + " sign in the cross-section"
    return CombinedFieldValue(
      normal: field.normal, along1: field.along1, along2: field.along2,
      covariance: field.covariance, chiSquare: field.chiSquare,
      degreesOfFreedom: field.degreesOfFreedom, pValue: field.pValue,
      measured: top.texts + cross.texts, correspondence: correspondence,
      signDefinition: top.table.signDefinition, context: top.context)
  }

  /// What is taken for granted of the walls, and where they speak against it.
  private func assumptions(
    _ top: WallTable, _ cross: WallTable, _ value: CombinedFieldValue
  ) -> [Note] {
    [
      Note(
        .assumption,
        "both views show walls of one kind (top view: \(top.signsInWords); cross-section:"
          + " \(cross.signsInWords)), and \(value.correspondence)"),
      Note(.assumption, "the field is \(value.signDefinition)"),
    ] + top.likenessNotes(in: "top view") + cross.likenessNotes(in: "cross-section")
      + WallTable.widthNotes(top: top, cross: cross)
  }

  /// The field of walls that the top view shows.
  private func namedField(
    _ top: MeasuredView, _ cross: MeasuredView, sign: Double?
  ) -> CombinedField? {
    let field = combinedField(of: top.view, and: cross.view, sign: sign)
    return top.table.isAllNegative ? field?.ofAntiparallelWalls : field
  }

  /// Three standard deviations between two assignments of the walls' signs.
  private static let clearGain = 9.0

  /// A warning where the other assignment of signs fits nearly as well.
  private static func ambiguityNotes(_ field: CombinedField, _ other: CombinedField) -> [Note] {
    if other.chiSquare - field.chiSquare >= clearGain { return [] }
    func text(_ value: STEMCore.Measurement) -> String {
      Format.quantity(value.value, error: value.error, unit: "V/m")
    }
    let word = other.isSecondReversed ? "opposite" : "same"
    return [
      Note(
        .warning,
        "which walls of the views correspond is not clear: with the \(word) sign in the cross-section chi-square is"
          + " \(Format.significant(other.chiSquare, digits: 3)), not \(Format.significant(field.chiSquare, digits: 3)),"
          + " and the field is \(text(other.normal)) along the wall normal, \(text(other.along1)) along the wall in the"
          + " top view's image, and \(text(other.along2)) along the top view's beam; give polarity=\(word) if it is so"
      )
    ]
  }

  /// A warning where the file states another view than the port is for.
  private func viewNotes(_ context: MapContext, _ view: SpecimenView, port: String) -> [Note] {
    guard let stated = context.metadata.specimen.view, stated != view else { return [] }
    return [
      Note(
        .warning,
        "port \(port) is for a view \(view.rawValue), and its file states view = \(stated.rawValue)"
      )
    ]
  }

  /// What one view measured.
  private func view(
    _ port: String, _ context: StageContext, rotation: Double, beamSide: Double
  ) throws -> MeasuredView {
    let (field, meanField, walls) = try inputs(port, context)
    let shapes = walls.table.rows.map(\.shape)
    let correlation = field.context.correlationLength
    func components(
      inclination: Double, _ shapes: [WallShape]
    ) throws(WallError) -> WallComponents {
      try wallComponents(
        of: meanField, normalAzimuth: walls.orientation.normalAzimuth,
        geometry: try InclinationGeometry(
          thickness: walls.thickness, inclination: inclination, direction: .perp),
        walls: shapes, errorScale: (correlation.x * correlation.y).squareRoot())
    }
    do throws(WallError) {
      let components = try components(inclination: walls.inclination, shapes)
      let view = WallView(
        components: components, inclination: walls.inclination, rotation: rotation,
        beamSide: beamSide,
        scaleError: walls.table.scaleError(
          field.meanFieldErrors ?? CommonErrors(), leavingOut: WallTable.inclinationCause),
        azimuthError: walls.orientation.azimuthError,
        tilt: try tilt(walls, shapes, components, measured: components(inclination:_:)))
      return MeasuredView(
        view: view, texts: texts(port, components, walls.table), table: walls.table,
        context: field.context, map: field.map)
    } catch {
      throw wallFailure(error, stage: context.stageName)
    }
  }

  /// A view's field, its mean over the thickness, and its walls, which are there.
  private func inputs(
    _ port: String, _ context: StageContext
  ) throws -> (field: ProjectedFieldValue, meanField: VectorMap, walls: WallsValue) {
    let field = try context.input(port, as: ProjectedFieldValue.self)
    let walls = try context.input("\(port)_walls", as: WallsValue.self)
    let stage = "stage \(context.stageName)"
    guard let meanField = field.meanField, meanField.covariance != nil else {
      throw StageFailure(
        .missingPrerequisite,
        "\(stage): the field at port \(port) has no \(field.thickness == nil ? "thickness" : "errors")",
        remedy: "state the thickness and the electrons per pixel of that acquisition")
    }
    guard !walls.table.rows.isEmpty else {
      throw StageFailure(
        .missingPrerequisite, "\(stage): the table at port \(port)_walls holds no wall",
        remedy: "look at its profile: without walls there is nothing to combine")
    }
    return (field, meanField, walls)
  }

  /// Of walls, rad.
  private static let steepest = 1.5

  /// What one standard deviation of a stated inclination does to the components of a view: the walls are as wide as the fit
  /// answers to it.
  private func tilt(
    _ walls: WallsValue, _ shapes: [WallShape], _ components: WallComponents,
    measured: (_ inclination: Double, _ shapes: [WallShape]) throws(WallError) -> WallComponents
  ) throws(WallError) -> ViewTilt? {
    let changes = walls.table.rows.compactMap { $0.changes?[WallTable.inclinationCause] }
    guard let error = walls.inclinationError, changes.count == shapes.count else { return nil }
    // No wall lies across the beam: near there the smaller inclination tells as much.
    let side = walls.inclination + error < Self.steepest ? 1.0 : -1
    let changed = zip(shapes, changes).map { shape, change in
      var shape = shape
      // A width that the change would make negative is not resolved: it stays above a tenth of itself.
      shape.sechWidth.value = max(
        shape.sechWidth.value + side * change.sechWidth, shape.sechWidth.value / 10)
      return shape
    }
    let other = try measured(walls.inclination + side * error, changed)
    return ViewTilt(
      error: error, across: side * (other.across - components.across),
      along: side * (other.along - components.along))
  }

  /// Of the walls whose wall_field is positive, or of those that there are.
  private func texts(
    _ port: String, _ components: WallComponents, _ table: WallTable
  ) -> [String] {
    let name = port == "top" ? "top view" : "cross-section"
    let sign: Double = table.isAllNegative ? -1 : 1
    func text(_ what: String, _ value: Double, _ variance: Double) -> String {
      "\(name), mean of \(table.rows.count) walls by sign, \(what):"
        + " \(Format.quantity(sign * value, error: variance.squareRoot(), unit: "V/m"))"
    }
    return [
      text("across the wall in the image", components.across, components.covariance[0]),
      text("along the wall", components.along, components.covariance[3]),
    ]
  }
}

/// What one view measured, and what it was measured from.
private struct MeasuredView {
  let view: WallView
  let texts: [String]
  let table: WallTable
  let context: MapContext
  let map: VectorMap
}

extension WallRow {
  /// What a view is fitted with.
  ///
  /// Amplitudes follow the width linearly, so that its linearized error is the one to carry over; what all walls
  /// share goes into the scale of the view.
  fileprivate var shape: WallShape {
    WallShape(
      sechWidth: Measurement(
        wall.width.value / InclinationGeometry.widthFactor,
        error: wall.width.error == nil ? nil : ownWidthVariance.squareRoot()),
      position: wall.position.value, sign: wall.field.value < 0 ? -1 : 1)
  }
}
