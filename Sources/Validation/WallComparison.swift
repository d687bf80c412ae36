// Holds a table of fitted walls against the true ones.
internal import Foundation
internal import STEMCore

/// Relative errors of a wall, signed, and the same in units of their stated deviations.
struct WallFigures {
  var position: Double
  var field: Double
  var width: Double
  var product: Double
  var fieldDeviations: Double?
  var widthDeviations: Double?
  var productDeviations: Double?

  init(_ wall: ResultWall, truth: TrueWall) {
    position = wall.position
    let measured = truth.hasSign ? wall.field : abs(wall.field)
    field = measured / truth.field - 1
    width = wall.width / truth.width - 1
    product = measured * wall.width / (truth.field * truth.width) - 1
    fieldDeviations = wall.fieldError.map { (abs(truth.field) * field) / $0 }
    widthDeviations = wall.widthError.map { (wall.width - truth.width) / $0 }
    productDeviations = wall.productError.map { product / $0 }
  }

  /// What of this wall lies beyond its targets; walls without targets are held to their own errors.
  func failures(_ limits: (field: Double, width: Double, product: Double)?) -> [String] {
    if let limits {
      return [
        ("E0", field, limits.field), ("w", width, limits.width),
        ("E0*w", product, limits.product),
      ].compactMap { name, error, limit in
        abs(error) <= limit
          ? nil
          : "wall at \(Layout.nanometers(position)): \(name) is off by"
            + " \(Layout.signedPercent(error)), allowed \(Layout.percent(limit))"
      }
    }
    let normalized = [
      ("E0", fieldDeviations), ("w", widthDeviations), ("E0*w", productDeviations),
    ]
    return normalized.compactMap { name, deviations in
      guard let deviations else {
        return name == "E0*w" ? nil : "wall at \(Layout.nanometers(position)): \(name) has no error"
      }
      return abs(deviations) <= Targets.wallDeviations
        ? nil
        : "wall at \(Layout.nanometers(position)): \(name) is \(Layout.number(deviations))"
          + " deviations off, allowed \(Targets.wallDeviations)"
    }
  }
}

/// The walls of a case: those that were found, and true ones without a partner.
struct WallComparison {
  var walls: [WallFigures] = []
  var failures: [String] = []
  var notes: [String] = []

  /// Pairs each true wall with the nearest fitted one, from left to right where the truth does not
  /// state positions.
  init(_ found: [ResultWall], truth: [TrueWall], facts: AcquisitionFacts) {
    var free = found
    for expected in Self.centered(truth, near: found, facts: facts) {
      let nearest = free.indices.min {
        Self.distance(free[$0], expected) < Self.distance(free[$1], expected)
      }
      guard let nearest, Self.distance(free[nearest], expected) <= expected.width else {
        let place = expected.position.map { " at \(Layout.nanometers($0))" } ?? ""
        failures.append("the true wall\(place) was not found")
        continue
      }
      walls.append(WallFigures(free.remove(at: nearest), truth: expected))
    }
    let hasPositions = truth.allSatisfy { $0.position != nil }
    guard let first = truth.first else { return }
    for extra in free {
      if hasPositions {
        notes.append(
          "a wall at \(Layout.nanometers(extra.position)) that the truth does not have:"
            + " \(Layout.number(extra.field)) V/m")
      } else {
        walls.append(WallFigures(extra, truth: first))
      }
    }
  }

  /// Zero for walls without a stated position: then any order is right.
  private static func distance(_ wall: ResultWall, _ truth: TrueWall) -> Double {
    truth.position.map { abs($0 - wall.position) } ?? 0
  }

  /// True positions from the center of the scan: truths count from there or from the first pixel.
  private static func centered(
    _ truth: [TrueWall], near found: [ResultWall], facts: AcquisitionFacts
  ) -> [TrueWall] {
    guard let size = facts.pixelSize, !found.isEmpty else { return truth }
    let azimuth = facts.wallNormalAzimuth ?? 0
    let center =
      (Double(facts.shape.columns - 1) * size.x * cos(azimuth)
        + Double(facts.shape.rows - 1) * size.y * sin(azimuth)) / 2
    let shifted = truth.map { wall in
      var wall = wall
      wall.position = wall.position.map { $0 - center }
      return wall
    }
    // A wall lies in the frame, which tells the origin where few of them were found.
    if truth.contains(where: { abs($0.position ?? 0) > abs(center) + size.x }) { return shifted }
    func total(_ walls: [TrueWall]) -> Double {
      walls.reduce(0) { sum, wall in
        sum + (found.map { distance($0, wall) }.min() ?? 0)
      }
    }
    return total(truth) <= total(shifted) ? truth : shifted
  }
}
