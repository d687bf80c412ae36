// What a search for walls is asked, and what it has found.

internal import Glibc
public import STEMCore

/// How walls are sought in a map.
public struct WallFindingOptions: Sendable, Equatable {
  /// Expected number of walls that noise alone would show in a map; sets the threshold together with
  /// the number of places, azimuths, widths and lengths that are tried.
  public var falseWallsPerMap = 1e-3
  /// Shortest wall, in units of its width in the image.
  public var shortestLength = 3.0
  public var maximumWalls = 24
  /// Smallest height of a wall relative to the highest one.
  public var minimumFraction = 0.05
  /// The azimuth to which a family's normal is turned where they agree up to half a turn, rad.
  public var preferredAzimuth: Double?

  /// Largest relative standard deviation of the field along a wall beyond noise: rows of atoms and dots
  /// exceed it.
  static let largestModulation = 0.5
  /// Walls whose azimuths differ by less belong to one family, rad.
  static let familyTolerance = 5 * Double.pi / 180

  public init() {}
}

/// A point of the scan, from its center ((n-1)/2 pixels): x to the right, y down, m.
public struct ScanPoint: Sendable, Equatable, Codable {
  public var x: Double
  public var y: Double
}

/// A wall that was found, fitted through the thickness.
public struct FoundWall: Sendable, Equatable {
  /// Position along the wall's own normal from the center of the scan.
  public var fitted: FittedWall
  /// Of the normal, from +x towards +y, rad; the same sense for all walls of a family. Its error is that of a
  /// direction of which nothing is known where the frame does not show it (``showsAzimuth``).
  public var normalAzimuth: Measurement
  /// Where the wall begins; from there to its end it runs at the normal's azimuth + 90°, but for a bend.
  public var start: ScanPoint
  /// Where the wall ends.
  public var end: ScanPoint
  /// Standard deviations above noise of the fit through the thickness.
  public var significance: Double
  /// Index into ``WallFindings/families``.
  public var family: Int
  /// nil for a wall that is straight as far as noise tells. The fit has followed any other: its field and width are
  /// the wall's own, and not of a mean along a straight line.
  public var bend: WallBend?
  /// By how far it leaves the straight line of its position and azimuth.
  var shift: WallShift?

  /// Within the frame, m.
  public var length: Double { hypot(end.x - start.x, end.y - start.y) }

  /// Whether the wall is longer within the frame than it is wide in the image. Else lines of very different
  /// azimuths, and several walls seen as one, explain the frame about as well.
  public var showsAzimuth: Bool { length >= fitted.imageWidth }

  /// One standard deviation of a line's azimuth that may be any, rad: π/√12.
  static let unknownAzimuth = Double.pi / 12.0.squareRoot()
}

/// A wall that the rim cuts: that something stands there is known, its field is not.
public struct RimWall: Sendable, Equatable, Codable {
  /// Of its normal, rad.
  public var normalAzimuth: Double
  /// Along that normal from the center of the scan, m.
  public var position: Double
  /// Standard deviations above noise.
  public var significance: Double

  /// - Parameters:
  ///   - normalAzimuth: rad.
  ///   - position: m.
  ///   - significance: Standard deviations.
  public init(normalAzimuth: Double, position: Double, significance: Double) {
    self.normalAzimuth = normalAzimuth
    self.position = position
    self.significance = significance
  }
}

/// Why a line that stands out of the noise is not taken for a wall.
public enum WallRejection: String, Sendable, Equatable, CaseIterable {
  case tooShort = "shorter than three widths"
  case uneven = "its field varies along it"
  case step = "a step between two levels, not a wall"
  case background = "a smooth background explains it without a wall"
  case otherComponent = "what a line at an angle to a wall shows of its other component"
  case misfit = "what the model of another wall leaves"
  case unconfirmed = "not confirmed by the fit through the thickness"
}

/// A line that stands out of the noise and is not taken for a wall.
public struct RefusedLine: Sendable, Equatable {
  /// Standard deviations above noise.
  public var significance: Double
  /// Why it is not taken for a wall.
  public var reason: WallRejection
}

/// Whether neighboring walls have opposite signs.
public enum WallAlternation: Sendable, Equatable {
  /// All pairs do; chance alone would do it with this probability.
  case alternate(pairs: Int, chance: Double)
  /// So many of the pairs have equal signs.
  case doNot(equal: Int, pairs: Int)
  /// Fewer than two neighboring walls.
  case cannotBeTold
  /// Between all neighbors lie lines that stand above the noise and were refused: some may be walls.
  case linesBetween
}

/// What a search for walls has found; nothing at first.
public struct WallFindings: Sendable, Equatable {
  /// Sorted by family, then by position.
  public var walls: [FoundWall] = []
  /// Mean azimuth of each family's normals, rad, the family with the most signal first.
  public var families: [Double] = []
  /// Whether neighboring walls have opposite signs.
  public var alternation = WallAlternation.cannotBeTold
  /// Why lines that stand out of the noise were not taken for walls.
  public var rejections: [WallRejection] = []
  /// The strongest line that was not taken for a wall, misfits of walls aside.
  public var strongestRefused: RefusedLine?
  /// Lines that stand out of the noise too near the rim of the frame for their field to be measured.
  public var nearRim: [RimWall] = []
  /// Walls that come together at small angles, as lines through a wall that bends do, by their places in ``walls``.
  public var bentGroups: [[Int]] = []
  /// Whether the search ended at its largest number of walls or of refused lines: there may be more.
  public var isCutShort = false
  /// Whether a plane was taken off the map before; the profile is without it.
  public var isLeveled = false
  /// Whether the map is one of charges (dots, atoms), in which no walls were sought.
  public var isTwoDimensional = false
  /// Standard deviations that a wall must reach.
  public var threshold = 0.0
  /// By what the map's errors were divided for the search: above 1 where the data scatter far less than
  /// their stated counts allow.
  public var errorScale: Double
  /// The mean profile across the first family's walls over the whole scan, in the map's unit over m.
  public var profile: LineProfile?
  /// What the found walls make of it at its distances, in the map's unit; empty where there is none.
  public var curve: [Double] = []

  init(errorScale: Double) { self.errorScale = errorScale }

  /// What the walls gain in χ², all together.
  public var power: Double { walls.reduce(0) { $0 + $1.significance * $1.significance } }

  /// Of the mean azimuth of a family's walls, each weighted by what it gains in χ², rad; nil where that says
  /// nothing.
  public func azimuthError(ofFamily family: Int) -> Double? {
    let members = walls.filter { $0.family == family }
    // What one wall does not show its neighbors do not show either: their errors are no independent ones.
    guard members.allSatisfy(\.showsAzimuth) else { return nil }
    var (squares, total) = (0.0, 0.0)
    for wall in members {
      guard let error = wall.normalAzimuth.error else { return nil }
      let weight = wall.significance * wall.significance
      squares += weight * weight * error * error
      total += weight
    }
    let error = squares.squareRoot() / total * errorScale
    return error < Double.pi / 4 ? error : nil
  }
}

extension RefusedLine? {
  /// Keeps the stronger one.
  mutating func consider(_ significance: Double, _ reason: WallRejection) {
    guard significance > (self?.significance ?? 0) else { return }
    self = RefusedLine(significance: significance, reason: reason)
  }
}
