// Wall profiles, tables of walls and figures as values.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore
internal import STEMData

/// A value of numbers few enough to stand in the header.
protocol HeaderOnlyValue: StoredValue, Codable where Header == Self {}

extension HeaderOnlyValue {
  var header: Self { self }
  var arrays: [String: ArrayArchive.Entry] { [:] }
  init(header: Self, archive: ArrayArchive, files: InputFiles) { self = header }
}

/// How the normal of the walls became known.
struct WallOrientation: Codable, Sendable, Equatable {
  /// From +x towards +y, rad.
  var normalAzimuth: Double
  var direction: FieldDirection
  var normalOrigin: NormalOrigin
  var directionOrigin: DirectionOrigin
  /// 0...1, where the normal was measured: how much the map varies along one direction only.
  var coherence: Double?
  /// What the file states, whatever was used, rad.
  var statedAzimuth: Double?
  /// What the map shows of the normal, whatever was used; nil where it shows no direction.
  var seen: SeenNormal?

  /// A normal as a map shows it.
  struct SeenNormal: Codable, Sendable, Equatable {
    /// From +x towards +y, in [-67.5°, 112.5°), rad.
    var azimuth: Double
    /// One standard deviation, rad; nil where it could not be formed.
    var error: Double?
    /// 0...1: how much the map varies along one direction only; 0 where its gradients show none.
    var coherence: Double
    /// Of the walls that a search has found where gradients show no direction, standard deviations; 0: it has found
    /// none; nil: nobody has searched.
    var significance: Double?
  }

  /// One standard deviation of the normal that is used, rad; zero where it was stated, and taken as it is.
  var azimuthError: Double {
    switch normalOrigin {
    case .measured, .found: seen?.error ?? 0
    case .given, .givenToProfile, .file, .crystal, .foundWalls, .unknown: 0
    }
  }

  /// Below this a map has no straight walls: it varies as much along any other direction.
  static let straightCoherence = 0.3
  var hasStraightWalls: Bool { coherence.map { $0 >= Self.straightCoherence } ?? true }
}

/// The walls of a map, corrected for their inclination.
struct WallsValue: HeaderOnlyValue {
  var table: WallTable
  var profile: LineProfile
  var orientation: WallOrientation
  /// Between the beam and the plane of the wall, rad.
  var inclination: Double
  /// One standard deviation, rad; nil where it is unknown.
  var inclinationError: Double?
  /// m.
  var thickness: Double
  var context: MapContext
  /// Where the walls were found one by one, each with an azimuth of its own.
  var found: FoundWallsColumns?
}

/// The profile across the walls of a map, as it appears in the image.
struct WallProfileValue: HeaderOnlyValue {
  var profile: LineProfile
  /// nil where the profile is too short for a fit.
  var table: WallTable?
  var orientation: WallOrientation
  /// `V/m`, `V` or `rad`.
  var unit: String
  /// As in a dataset's name: `electric_field`, `projected_field`, `deflection`.
  var quantity: String
  var context: MapContext
  /// nil where the walls are not known to be edge-on, or none were fitted.
  var edgeOn: ImageWalls?
}

/// Walls as the image shows them; edge-on they are the same through any thickness.
struct ImageWalls: Codable, Sendable, Equatable {
  var fit: WallFit
  /// One for each row of the table.
  var courses: [WallCourse]
}

extension WallProfileValue {
  /// What a fit of walls in the same field, edge-on too, comes to; nil where that is another profile or they are inclined.
  func edgeOn(
    _ other: LineProfile, _ correlation: CorrelationLength, _ geometry: InclinationGeometry
  ) -> ImageWalls? {
    let isEdgeOn = geometry.inclination == 0 && geometry.directionFactor == 1
    return isEdgeOn && other == profile && correlation == context.correlationLength ? edgeOn : nil
  }
}

/// Finished figures, one for each format.
struct FigureValue: StoredValue, Equatable {
  /// File name extension to the bytes of the file.
  var files: [String: [UInt8]]

  var header: [String] { files.keys.sorted() }
  var arrays: [String: ArrayArchive.Entry] {
    files.mapValues { .init(shape: [$0.count], values: .uint8($0)) }
  }
}

extension FigureValue {
  init(header: [String], archive: ArrayArchive, files: InputFiles) throws {
    self.files = [:]
    for name in header { self.files[name] = try archive.requiredBytes(name) }
  }
}
