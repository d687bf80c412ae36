// The walls of a profile through the thickness, with what is and what is not known of the specimen.
internal import DPCReconstruction
internal import Foundation
internal import Pipeline
internal import STEMCore

/// The fit of the walls of a profile, at a known inclination or with it.
struct WallFitting {
  let profiles: CrossProfile
  private(set) var geometry: InclinationGeometry
  private(set) var orientation: WallOrientation
  private(set) var inclination: Inclination
  private(set) var facts: [Fact] = []
  private(set) var notes: [Note] = []
  private var fit: WallFit?
  /// What was known of the angle before it was fitted.
  private var known: Inclination?
  /// Whether the walls below are those of a fitted angle.
  private var isFree = false
  private let isInterrupted: @Sendable () -> Bool
  private let edgeOn: WallFit?

  /// - Parameter edgeOn: Of the same profile through the same geometry, where that has been fitted.
  init(
    profiles: CrossProfile, geometry: InclinationGeometry, orientation: WallOrientation,
    inclination: Inclination, edgeOn: WallFit?, isInterrupted: @escaping @Sendable () -> Bool
  ) {
    self.edgeOn = edgeOn
    self.isInterrupted = isInterrupted
    self.profiles = profiles
    self.geometry = geometry
    self.orientation = orientation
    self.inclination = inclination
  }

  /// - Parameter thicknessError: Relative; 0 where it is not known.
  mutating func run(thicknessError: Double) throws {
    guard inclination.isFitted else {
      fit = try edgeOn ?? fit(geometry)
      try preferFewerWalls(thicknessError: thicknessError)
      return
    }
    let free = try fitInclinedWalls(
      profile: profiles.forFit, start: geometry, stated: inclination.stated,
      isInterrupted: isInterrupted)
    let isUsable =
      !(geometry.direction == .parallel && isDirectionStated && inclination.angle < 1e-9)
    if let free, free.isDetermined || free.excludes(inclination.angle) || !isUsable {
      take(free)
    } else {
      try fallBack(free)
    }
  }

  /// Leaves out walls that only the stated thickness or inclination asks for.
  private mutating func preferFewerWalls(thicknessError: Double) throws(WallError) {
    guard let fit,
      let fewer = try fewerWalls(
        than: fit, profile: profiles.forFit, geometry: geometry,
        thicknessError: thicknessError * geometry.thickness,
        inclinationError: inclination.error ?? 0, isInterrupted: isInterrupted)
    else { return }
    let (other, stated) =
      fewer.geometry.thickness == geometry.thickness
      ? (Format.degrees(fewer.geometry.inclination), Format.degrees(geometry.inclination))
      : (
        Format.quantity(fewer.geometry.thickness, unit: "m"),
        Format.quantity(geometry.thickness, unit: "m")
      )
    let count = fewer.fit.fitted.count
    let part = Format.significant(abs(fewer.deviation), digits: 2)
    notes.append(
      Note(
        .warning,
        "through \(other), off the stated \(stated) by \(part) times its error, \(count) wall\(count == 1 ? "" : "s")"
          + " explain\(count == 1 ? "s" : "") the profile better than the \(fit.fitted.count) that the stated value"
          + " asks for: the others are left out; check thickness and inclination"))
    self.fit = fewer.fit
  }

  // MARK: The angle

  private mutating func take(_ free: InclinedWallFit) {
    known = inclination
    if !free.isDetermined {
      notes.append(undetermined(free, takes: "the best, \(rounded(free.inclination.value)),"))
    }
    inclination.angle = free.inclination.value
    inclination.error = free.inclination.error.map { $0 * free.fit.widening(profiles.errorScale) }
    inclination.origin = "fitted"
    inclination.isAssumed = false
    geometry = free.geometry
    fit = free.fit
    isFree = true
    notes += alternatives(free, isStated: known?.stated != nil)
  }

  private mutating func fallBack(_ free: InclinedWallFit?) throws {
    notes.append(
      undetermined(free, takes: "\(Format.degrees(inclination.angle)) (\(inclination.origin))"))
    // Edge-on, what lies across the walls' trace is along their normal.
    if inclination.angle < 1e-9, orientation.direction == .parallel, !isDirectionStated {
      orientation.direction = .normal
    }
    geometry = try InclinationGeometry(
      thickness: geometry.thickness, inclination: inclination.angle,
      direction: orientation.direction,
      factor: geometry.ownFactor)
    fit = try fit(geometry)
  }

  private func fit(_ geometry: InclinationGeometry) throws(WallError) -> WallFit {
    try fitWalls(profile: profiles.forFit, geometry: geometry, isInterrupted: isInterrupted)
  }

  private var isDirectionStated: Bool { orientation.directionOrigin.isStated }

  private func undetermined(_ free: InclinedWallFit?, takes taken: String) -> Note {
    let bounds = (free?.excludedBelow, free?.excludedAbove)
    let reason: String
    switch bounds {
    case _ where free == nil: reason = "no wall with errors to fit it to"
    case (nil, let above?):
      reason = "every angle below \(rounded(above)) fits, with 95 % confidence"
    case (let below?, nil):
      reason = "every angle above \(rounded(below)) fits, with 95 % confidence"
    case (let below?, let above?):
      reason = "every angle from \(rounded(below)) to \(rounded(above)) fits, with 95 % confidence"
    case (nil, nil):
      reason = "every angle fits: the walls are too wide for the thickness, or too noisy"
    }
    return Note(
      .warning,
      "the inclination cannot be told from these walls (\(reason)); \(taken) taken instead")
  }

  private func rounded(_ angle: Double) -> String {
    "\(Format.significant(angle * 180 / Double.pi, digits: 2))°"
  }

  /// Angles that explain the profile as well as the one that was taken.
  private func alternatives(_ free: InclinedWallFit, isStated: Bool) -> [Note] {
    free.alternatives.map { other in
      let angle = inclination.text(
        other.inclination.value,
        other.inclination.error.map { $0 * other.fit.widening(profiles.errorScale) })
      let walls = other.fit.reported.map { Format.quantity($0.wall.position.value, unit: "m") }
      let field = other.fit.reported.map { abs($0.wall.field.value) }.max() ?? 0
      let words =
        "\(angle) explains the profile as well as \(inclination.text(inclination.angle, inclination.error))"
        + " (walls then at \(walls.joined(separator: " and ")), of up to"
        + " \(Format.quantity(field, unit: "V/m"))): distance and path of an antiparallel pair can change"
        + " places"
      return isStated
        ? Note(.information, words + "; the one nearer to the stated angle is taken")
        : Note(
          .warning,
          words + "; nothing says which of both is right: state the inclination, or look at how far"
            + " apart the walls are in another view")
    }
  }

  private func contradiction(_ known: Inclination) -> [Note] {
    guard let stated = known.stated, let error = inclination.error else { return [] }
    let sigmas = abs(inclination.angle - stated) / hypot(error, known.error ?? 0)
    guard sigmas > 3 else { return [] }
    return [
      Note(
        .warning,
        "the fitted inclination \(inclination.text(inclination.angle, error)) contradicts"
          + " \(inclination.text(stated, known.error)) (\(known.origin)) by"
          + " \(Format.sigmas(sigmas)): check thickness and inclination")
    ]
  }

  // MARK: The table

  /// The walls with the errors that all of them share.
  mutating func table(_ errors: CommonErrors) -> WallTable {
    guard let fit else { return .empty }
    let profile = profiles.forFit
    var changes: [String: WallChanges] = [:]
    var scale = errors
    if let relative = scale.scale.removeValue(forKey: "thickness"), relative > 0 {
      let change = wallChanges(
        of: fit, profile: profile, geometry: geometry,
        thicknessError: relative * geometry.thickness, isInclinationFree: isFree)
      changes["thickness"] = change
      if isFree { inclination.error = inclination.error.map { hypot($0, change.inclination) } }
    }
    if !isFree, let error = inclination.error, error > 0 {
      changes[WallTable.inclinationCause] = wallChanges(
        of: fit, profile: profile, geometry: geometry, inclinationError: error)
    }
    if isFree {
      facts = [inclination.fact]
      notes += known.map(contradiction) ?? []
    } else if inclination.error == nil {
      notes += unstatedError(fit)
    }
    return WallTable(
      fit, normalAzimuth: orientation.normalAzimuth, errorScale: profiles.errorScale,
      changes: changes
    ).withScaleError(scale.relativeScale)
  }

  /// What an inclination without an error leaves open, by the clearest wall.
  private func unstatedError(_ fit: WallFit) -> [Note] {
    let clearest = fit.fitted.indices.filter { fit.fitted[$0].isReported }.max {
      fit.fitted[$0].significance < fit.fitted[$1].significance
    }
    guard geometry.inclination > 1e-9, profiles.profile.error != nil, let clearest else {
      return []
    }
    let change = wallChanges(
      of: fit, profile: profiles.forFit, geometry: geometry, inclinationError: Double.pi / 180
    ).walls[clearest]
    let wall = fit.fitted[clearest]
    func percent(_ share: Double) -> String {
      (share > 0 ? "+" : "") + "\(Format.significant(100 * share, digits: 2)) %"
    }
    return [
      Note(
        .assumption,
        "inclination \(Format.degrees(geometry.inclination)) without an error: one degree more changes"
          + " the field by \(percent(change.field / wall.wall.field.value)) and the width by"
          + " \(percent(change.sechWidth / wall.sechWidth.value)); inclination_error_deg states it")
    ]
  }
}
