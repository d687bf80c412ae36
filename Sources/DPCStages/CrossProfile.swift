// The profile across walls as a fit takes it, and what the stages that fit walls refuse.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore

/// Profiles of a map, each formed once: they take all its pixels.
struct MapProfiles {
  private struct Name: Hashable {
    var isAlongWall: Bool
    var normalAzimuth: Double
  }

  let map: VectorMap
  /// Over how many of its pixels errors go together.
  let correlation: CorrelationLength
  private var formed: [Name: LineProfile] = [:]

  init(of map: VectorMap, _ correlation: CorrelationLength) {
    self.map = map
    self.correlation = correlation
  }

  /// Of the component that the image shows of a field.
  mutating func profile(
    _ direction: FieldDirection, normalAzimuth: Double
  ) throws(WallError) -> LineProfile {
    let name = Name(isAlongWall: direction == .perp, normalAzimuth: normalAzimuth)
    if let profile = formed[name] { return profile }
    let profile = try wallProfile(of: map, direction: direction, normalAzimuth: normalAzimuth)
    formed[name] = profile
    return profile
  }
}

/// The profile across walls, and its errors as a fit needs them.
struct CrossProfile {
  /// Errors are those of each sample.
  let profile: LineProfile
  /// Errors enlarged for what neighboring samples share, so that a fit that takes them for independent
  /// has the right weight as a whole; divided by `errorScale`.
  let forFit: LineProfile
  /// Above 1 where the data scatter far less than their errors say: walls are then sought by the
  /// scatter, but their errors remain those of the stated counts.
  let errorScale: Double
  /// Observed scatter over the stated errors, where it is far too small to be counting noise.
  let contradiction: Double?

  private static let smallestScale = 1e-3

  /// - Parameter profiles: Of the map.
  init(of profiles: inout MapProfiles, _ orientation: WallOrientation) throws(WallError) {
    var profile = try profiles.profile(
      orientation.direction, normalAzimuth: orientation.normalAzimuth)
    let correlation = profiles.correlation
    let along = correlation.along(orientation.normalAzimuth + Double.pi / 2)
    profile.shareErrors(along: along)
    self.profile = profile
    let across = correlation.along(orientation.normalAzimuth).squareRoot()
    profile.error = profile.error?.map { $0 * across }
    contradiction = along == 1 && across == 1 ? profile.implausibleScatter : nil
    let scale = contradiction.map { 1 / max($0, Self.smallestScale) } ?? 1
    profile.error = profile.error?.map { $0 / scale }
    errorScale = scale
    forFit = profile
  }

  var notes: [Note] {
    contradiction.map { ratio in
      [
        Note(
          .warning,
          "the profile scatters \(Format.percent(ratio)) of what the stated counts allow: no noise in"
            + " the data, or not so many electrons (electrons_per_pixel, or the unit of frames); walls are"
            + " sought by the scatter, their errors remain those of the stated counts"
        )
      ]
    } ?? []
  }
}

/// A wall fit's refusal as the stage's failure.
func wallFailure(
  _ error: WallError, stage: String, _ inclination: Inclination? = nil
) -> StageFailure {
  switch error {
  case .pixelSizeMissing: return missingPixelSize("the acquisition", stage: stage)
  case .invisibleField:
    if let inclination, inclination.isAssumed {
      return StageFailure(
        .missingPrerequisite, "stage \(stage): \(error) (\(inclination.origin))",
        remedy: "\(Inclination.remedy); or choose another field_direction")
    }
    return StageFailure(
      .missingPrerequisite, "stage \(stage): \(error)",
      remedy: "choose another field_direction or inclination_deg, or another view of the walls")
  case .azimuthNotShown:
    return StageFailure(
      .missingPrerequisite, "stage \(stage): \(error)",
      remedy:
        "fit them with wall-profile, which takes the direction of their normal: normal_azimuth_deg"
        + " (0 for walls across a row, 90 for walls across a column)")
  case .interrupted: return StageFailure(.interrupted, "stage \(stage): interrupted")
  case .tooFewSamples, .badThickness, .badInclination, .badAzimuth:
    return StageFailure(.failed, "stage \(stage): \(error)")
  }
}

extension ProjectedFieldValue {
  /// The field averaged over the thickness, V/m, and the thickness, m.
  ///
  /// - Throws: `StageFailure` without a thickness.
  func knownMeanField(stage: String) throws -> (map: VectorMap, thickness: Double) {
    guard let thickness, let meanField else {
      throw StageFailure(
        .missingPrerequisite,
        "stage \(stage): the thickness is unknown (/entry/sample/thickness), and a field in V/m needs it",
        remedy: "give it to the electric-field stage: --set STAGE.thickness_nm=VALUE")
    }
    return (meanField, thickness)
  }
}
