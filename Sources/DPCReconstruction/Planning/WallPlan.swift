// How well a wall can be measured before it is: the information of its profile about its parameters.

internal import Glibc
internal import STEMCore

/// A wall that is fitted beside the one to be measured.
public struct NeighboringWall: Sendable, Equatable {
  /// From the wall to be measured, along the normal, m.
  public let distance: Double
  /// Its field over that of the wall to be measured; not zero.
  public let relativeField: Double

  public init(distance: Double, relativeField: Double) {
    precondition(relativeField != 0, "a wall without a field is none")
    self.distance = distance
    self.relativeField = relativeField
  }
}

/// A wall to be measured, and the scan that shall show it.
public struct WallExperiment: Sendable, Equatable {
  public let geometry: InclinationGeometry
  /// E0, V/m.
  public let amplitude: Double
  /// Intrinsic full width at half maximum, m.
  public let width: Double
  /// Between samples of the profile across the wall, m.
  public let spacing: Double
  /// Distances from the wall that the scan covers, m; first < 0 < last.
  public let reach: ClosedRange<Double>
  /// Pixels averaged into each sample.
  public let pixelsPerSample: Double
  /// Of the same width and inclination, fitted together with this one on one constant.
  public let neighbors: [NeighboringWall]

  public init(
    geometry: InclinationGeometry, amplitude: Double, width: Double, spacing: Double,
    reach: ClosedRange<Double>, pixelsPerSample: Double, neighbors: [NeighboringWall] = []
  ) {
    precondition(
      width > 0 && spacing > 0 && pixelsPerSample > 0, "no wall, no scan or nothing to average")
    self.geometry = geometry
    self.amplitude = amplitude
    self.width = width
    self.spacing = spacing
    self.reach = reach
    self.pixelsPerSample = pixelsPerSample
    self.neighbors = neighbors
  }
}

/// Standard deviations for one electron per pixel; they fall with the root of the electrons.
public struct WallPlan: Sendable, Equatable {
  /// Of E0 with width, position and a constant fitted too, V/m.
  public let fieldError: Double
  /// Of E0 with a constant and the neighbors' fields only: what it takes to say that something of this shape is there, V/m.
  public let fieldErrorAtKnownShape: Double
  /// Of the full width at half maximum, m.
  public let widthError: Double
  /// Of E0 w, V.
  public let productError: Double

  /// Electrons per pixel for E0 of so many standard deviations.
  public func electronsPerPixel(amplitude: Double, error: Double, sigmas: Double) -> Double {
    let ratio = sigmas * error / amplitude
    return ratio * ratio
  }
}

/// The Cramér-Rao bounds of the finite-wall fit, from the Fisher information of its profile.
///
/// The fit of ``fitWalls(profile:geometry:options:isInterrupted:)`` reaches them where E0 is many standard deviations; at
/// a few, width and field are no longer linear in the noise and scatter more.
///
/// - Parameters:
///   - wall: The wall, the scan, and the walls that are fitted with it.
///   - fieldErrorOfOneElectron: Of one pixel's mean field over the thickness with one electron, V/m.
/// - Throws: ``WallError/invisibleField(_:inclination:)``; ``WallError/tooFewSamples(_:needed:)`` where
///   the scan has fewer than eight samples across the wall.
public func wallPlan(
  of wall: WallExperiment, fieldErrorOfOneElectron: Double
) throws(WallError) -> WallPlan {
  let geometry = wall.geometry
  guard abs(geometry.directionFactor) >= 1e-9 else {
    throw .invisibleField(geometry.direction, inclination: geometry.inclination)
  }
  let first = (wall.reach.lowerBound / wall.spacing).rounded(.up)
  let last = (wall.reach.upperBound / wall.spacing).rounded(.down)
  let count = Int(max(0, last - first + 1))
  guard count >= 8 else { throw .tooFewSamples(count, needed: 8) }
  let w = wall.width / InclinationGeometry.widthFactor
  let shape = ProjectedWall(geometry: geometry, sechWidth: w)
  // Of the constant and of (E0, ln w, X0/w) of each wall, in units that make all of them a field.
  let walls = [NeighboringWall(distance: 0, relativeField: 1)] + wall.neighbors
  let size = 1 + 3 * walls.count
  var information = [Double](repeating: 0, count: size * size)
  for index in 0..<count {
    let x = (first + Double(index)) * wall.spacing
    var slopes = [1.0]
    for other in walls {
      let sample = shape.sample(
        at: x - other.distance, amplitude: wall.amplitude * other.relativeField)
      slopes += [sample.byAmplitude, sample.byWidth * w, sample.byPosition * w]
    }
    for row in 0..<size {
      for column in 0..<size { information[size * row + column] += slopes[row] * slopes[column] }
    }
  }
  let variance = fieldErrorOfOneElectron * fieldErrorOfOneElectron / wall.pixelsPerSample
  let covariance = LeastSquares.inverse(of: information, size: size).map { $0 * variance }
  func element(_ row: Int, _ column: Int) -> Double { covariance[size * row + column] }
  // The constant and the fields alone.
  let linear = [0] + walls.indices.map { 1 + 3 * $0 }
  let known = LeastSquares.inverse(
    of: linear.flatMap { row in linear.map { information[size * row + $0] } }, size: linear.count)
  let e0 = wall.amplitude
  let product = element(1, 1) + 2 * e0 * element(1, 2) + e0 * e0 * element(2, 2)
  return WallPlan(
    fieldError: element(1, 1).squareRoot(),
    fieldErrorAtKnownShape: (known[linear.count + 1] * variance).squareRoot(),
    widthError: element(2, 2).squareRoot() * wall.width,
    productError: max(product, 0).squareRoot() * w)
}
