// The model `finite-wall` of correct-inclination.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore

extension CorrectInclination {
  /// - Parameters:
  ///   - geometry: With the inclination that is stated or assumed; of one to be fitted, any.
  ///   - earlier: A profile of the walls, which need not be sought again where they are edge-on.
  func walls(
    _ meanField: VectorMap, geometry: InclinationGeometry, orientation: WallOrientation,
    inclination: Inclination, isOpposite: Bool, context: MapContext, earlier: WallProfileValue?,
    isInterrupted: @escaping @Sendable () -> Bool
  ) throws -> StageProduct {
    var ofMap = MapProfiles(of: meanField, context.correlationLength)
    let profiles = try CrossProfile(of: &ofMap, orientation)
    let edgeOn =
      inclination.isFitted
      ? nil : earlier?.edgeOn(profiles.profile, context.correlationLength, geometry)
    var fitting = WallFitting(
      profiles: profiles, geometry: geometry, orientation: orientation, inclination: inclination,
      edgeOn: edgeOn?.fit, isInterrupted: isInterrupted)
    var table = WallTable.empty
    if orientation.hasStraightWalls {
      try fitting.run(thicknessError: context.commonErrors.scale["thickness"] ?? 0)
      table = fitting.table(context.commonErrors)
      let courses =
        edgeOn?.courses
        ?? table.courses(
          in: meanField, geometry: fitting.geometry, fitting.orientation, context.correlationLength)
      table = table.remarking(courses, geometry: fitting.geometry)
        .withAzimuthError(fitting.orientation, in: meanField)
      if isOpposite { table = table.opposite }
    }
    let (orientation, geometry) = (fitting.orientation, fitting.geometry)
    let value = WallsValue(
      table: table, profile: profiles.profile, orientation: orientation,
      inclination: fitting.inclination.angle, inclinationError: fitting.inclination.error,
      thickness: geometry.thickness,
      context: context.adding(
        attributes(
          orientation, fitting.inclination, geometry: geometry, model: "finite-wall",
          formula:
            "E(X) = g E0 w/(t sin a) [tanh(u+/w) - tanh(u-/w)], u+- = X cos a +- (t/2) sin a,"
            + " plus a constant, and a slope where the profile shows one; g E0 sech^2(X/w) for a = 0"
        )))
    let limit =
      orientation.allowsLimit
      ? table.limitFacts(
        prefix: "wall", profile: profiles.profile, of: meanField,
        normalAzimuth: orientation.normalAzimuth, direction: orientation.limitedTo,
        geometry: geometry) : []
    let ofTable = table.notes + table.stepNotes(profiles.forFit, unit: "V/m")
    return StageProduct(
      outputs: ["corrected": value],
      facts: (orientation.withoutWalls(prefix: "wall") ?? table.facts(prefix: "wall"))
        + fitting.facts + profiles.profile.slopeFacts(prefix: "wall") + limit,
      notes: notes(orientation, fitting.inclination) + fitting.notes + profiles.notes + ofTable)
  }
}
