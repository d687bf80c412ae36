// Whether walls are straight, and by how far they are not.

internal import Glibc
public import STEMCore

/// How a wall leaves a straight line.
public struct WallBend: Sendable, Equatable, Codable {
  /// How far the middle lies along the normal from the straight line between the ends, of the best parabola, m.
  public var bow: Measurement
  /// Root mean square of its distance from the best straight line, noise taken off, m.
  public var spread: Measurement
  /// Of the line, m.
  public var length: Double
  /// Whether all walls bend alike.
  public var isShared: Bool

  /// By how much the mean along a wall is wider than the wall itself; 1/E0 grows alike, as E0·w stays.
  ///
  /// The best sech²(u/w) for the mean of many that lie beside each other by s (root mean square) has w² + 2 s², as the
  /// derivatives of sech² by width and height take ½ s² times the second one in these parts. At s = w/2 that
  /// is 5 % of the difference too little. Along u an inclined wall is shifted by s cos a; where its box decides how
  /// wide it is in the image, it widens by up to a fifth less.
  ///
  /// - Parameter width: As fitted, full width at half maximum, m.
  /// - Returns: nil for a mean of more than twice the width.
  public func widening(fitted width: Double, geometry: InclinationGeometry) -> Double? {
    let sechWidth = width / InclinationGeometry.widthFactor
    let widening = Self.widening(
      meanSquare: spread.value * spread.value, sechWidth: sechWidth, geometry)
    return widening < Self.largestWidening ? widening : nil
  }

  /// The same bend along the opposite normal.
  var turnedRound: WallBend {
    var copy = self
    copy.bow.value = -bow.value
    return copy
  }

  /// The same bend where the errors of all pixels are so many times as large.
  public func scalingErrors(by factor: Double) -> WallBend {
    var copy = self
    copy.bow.error = bow.error.map { $0 * factor }
    copy.spread.error = spread.error.map { $0 * factor }
    return copy
  }

  private static let largestWidening = 2.0
  /// What w² of a mean grows by, over the mean square of the distances.
  static let squareFactor = 2.0

  static func widening(
    meanSquare: Double, sechWidth: Double, _ geometry: InclinationGeometry
  ) -> Double {
    let ratio = geometry.cosine / sechWidth
    let own = 1 - squareFactor * ratio * ratio * meanSquare
    return 1 / max(own, 1 / (largestWidening * largestWidening)).squareRoot()
  }
}

/// The shifts of several walls, where any stands out of the noise.
///
/// Two, four or eight orders of bending that all walls share, or that each has for itself, gain in χ². The chance
/// that noise alone reaches the gain must be below ``falseAlarms`` over the number of gains that are tried. All walls are
/// taken to bend alike as long as that is possible.
struct WallBends {
  /// The chance that straight walls pass for bent.
  static let falseAlarms = 1e-3
  /// At most so often walls are matched anew.
  static let steps = 12
  /// So many bring shifts that are as large as walls are wide near to what they are.
  static let firstSteps = 2
  private static let orders = [2, 4, 8]

  private(set) var shifts: [WallShift]
  /// Of the last match.
  private var systems: [BendSystem]
  private var information: [Double]
  private var isShared: Bool
  private let order: Int
  /// ln of the chance that a gain may have.
  private let threshold: Double

  /// - Parameter range: Of places along the walls, m.
  /// - Returns: nil for straight walls.
  init?(_ equations: [BendEquations], range: ClosedRange<Double>) {
    let systems = equations.map(\.bending)
    let most = (equations.map(\.pieces).max() ?? 0) - BendEquations.straight
    let tried = Self.orders.filter { $0 <= most }
    threshold = log(Self.falseAlarms / Double(max(1, tried.count * (systems.count > 1 ? 2 : 1))))
    // As long as walls are matched where they are not, those of other widths seem to bend differently.
    let shared = Self.clearest(tried) { (Self.sum(systems).gain($0), $0) }
    let own = Self.clearest(tried) { order in
      (systems.reduce(0) { $0 + $1.gain(order) }, systems.count * order)
    }
    isShared = shared.logChance < threshold
    guard isShared || own.logChance < threshold else { return nil }
    order = isShared ? shared.order : own.order
    shifts = equations.map { _ in WallShift(range: range) }
    self.systems = systems
    information = equations.map(\.information)
    _ = move(by: equations, within: 0)
  }

  /// The orders whose gain noise reaches least often.
  private static func clearest(
    _ orders: [Int], _ gain: (_ order: Int) -> (chiSquare: Double, freedom: Int)
  ) -> (logChance: Double, order: Int) {
    orders.map { order in
      let (chiSquare, freedom) = gain(order)
      return (logChance: logChance(ofChiSquare: chiSquare, freedom: freedom), order: order)
    }.min { $0.logChance < $1.logChance } ?? (0, 0)
  }

  private static func sum(_ systems: [BendSystem]) -> BendSystem {
    systems.dropFirst().reduce(systems[0], +)
  }

  /// Gives each wall a bend of its own where the last match leaves too much for one of all.
  ///
  /// - Returns: Whether it does, and walls must be matched anew.
  mutating func takeApart() -> Bool {
    guard isShared, systems.count > 1 else { return false }
    let own = systems.reduce(0) { $0 + $1.gain(order) }
    let freedom = (systems.count - 1) * order
    let chance = logChance(ofChiSquare: own - Self.sum(systems).gain(order), freedom: freedom)
    isShared = chance > log(Self.falseAlarms)
    return !isShared
  }

  /// Takes on what a match has left of the shifts.
  ///
  /// - Parameter tolerance: Of a coefficient, m.
  /// - Returns: Whether any has changed by more.
  mutating func move(by equations: [BendEquations], within tolerance: Double) -> Bool {
    systems = equations.map(\.bending)
    information = equations.map(\.information)
    let common = system(ofWall: 0).solution(order)
    var largest = 0.0
    for wall in shifts.indices {
      let bending = isShared ? common : system(ofWall: wall).solution(order)
      let change = equations[wall].straightPart(beside: bending) + bending
      for (k, value) in change.enumerated() {
        shifts[wall].coefficients[k] += value
        largest = max(largest, abs(value))
      }
    }
    return largest > tolerance
  }

  /// What says how a wall bends: all walls where they bend alike.
  private func system(ofWall wall: Int) -> BendSystem {
    isShared ? Self.sum(systems) : systems[wall]
  }

  /// A shift by a larger part of the wall's length is none: the match has run away from the wall.
  private static let largestBend = 0.25

  /// Whether the walls are still bent where they were matched last: a tilt that is as large as their width has passed
  /// for a bend at first.
  var isClear: Bool {
    guard shifts.indices.allSatisfy({ isBounded($0) }) else { return false }
    let walls = isShared ? 0..<1 : shifts.indices
    let gain = walls.reduce(0) {
      $0 + system(ofWall: $1).product(bending($1), bending($1))
    }
    return logChance(ofChiSquare: gain, freedom: walls.count * order) < threshold
  }

  private func isBounded(_ wall: Int) -> Bool {
    let range = shifts[wall].range
    return bending(wall).reduce(0) { $0 + abs($1) }
      < Self.largestBend * (range.upperBound - range.lowerBound)
  }

  private func bending(_ wall: Int) -> [Double] {
    (0..<order).map { shifts[wall].coefficients[BendEquations.straight + $0] }
  }

  /// - Parameter lines: Of all walls, places from one end to the other, m; a bend that all share is that of the longest.
  /// - Returns: nil for one that is straight beside others that are not.
  func bend(ofWall wall: Int, along lines: [WallLine]) -> WallBend? {
    let (system, coefficients) = (system(ofWall: wall), bending(wall))
    if !isShared {
      let chance = logChance(
        ofChiSquare: system.product(coefficients, coefficients), freedom: order)
      guard chance < threshold else { return nil }
    }
    let covariance = LeastSquares.inverse(of: system.block(order), size: order)
    func covered(_ c: [Double], _ d: [Double]) -> Double {
      c.indices.reduce(0) { sum, i in
        sum + c[i] * d.indices.reduce(0) { $0 + covariance[i * order + $1] * d[$1] }
      }
    }
    let longest = lines.max { $0.length < $1.length } ?? lines[wall]
    let line = isShared ? longest : lines[wall]
    let bowing = WallShift.bowing(
      along: line.start...line.end, of: shifts[wall].range, orders: order)
    let bow = Measurement(
      zip(bowing, coefficients).reduce(0) { $0 + $1.0 * $1.1 },
      error: covered(bowing, bowing).squareRoot())
    let square = meanSquare(ofWall: wall)
    let own = systems[wall]
    let slopes = (0..<order).map { i in
      coefficients.indices.reduce(0) {
        $0 + own.matrix[i * BendEquations.orders + $1] * coefficients[$1]
      }
    }
    let error =
      square > 0
      ? (covered(slopes, slopes) / square).squareRoot() / information[wall] : nil
    return WallBend(
      bow: bow, spread: Measurement(square.squareRoot(), error: error),
      length: line.length, isShared: isShared)
  }

  /// Of the distances of a wall from its best straight line, noise taken off, as its own pixels see them, m².
  func meanSquare(ofWall wall: Int) -> Double {
    let own = systems[wall]
    let covariance = LeastSquares.inverse(of: system(ofWall: wall).block(order), size: order)
    let noise = (0..<order).reduce(0) { sum, i in
      sum
        + (0..<order).reduce(0) {
          $0 + own.matrix[i * BendEquations.orders + $1] * covariance[i * order + $1]
        }
    }
    let coefficients = bending(wall)
    guard information[wall] > 0 else { return 0 }
    return max(0, own.product(coefficients, coefficients) - noise) / information[wall]
  }
}
