// Both components of a wall's field as the image shows them, at a shape that is already known.

public import STEMCore

/// A wall whose shape was fitted: what both components of its field share.
public struct WallShape: Sendable, Equatable {
  /// w of sech²(u/w), m, with its error.
  public var sechWidth: Measurement
  /// Along the wall normal from the center of the scan, m.
  public var position: Double
  /// +1 or -1: the class of antiparallel walls it belongs to.
  public var sign: Double

  public init(sechWidth: Measurement, position: Double, sign: Double) {
    self.sechWidth = sechWidth
    self.position = position
    self.sign = sign
  }
}

/// The mean field of a family of antiparallel walls in the image, V/m, each wall counted with its sign.
public struct WallComponents: Sendable, Equatable {
  /// Along the image normal: cos a E(normal) + sin a E(parallel).
  public var across: Double
  /// Along the wall, a quarter turn clockwise from the image normal: E(perp).
  public var along: Double
  /// Of (across, along), row-major 2 × 2.
  public var covariance: [Double]

  public init(across: Double, along: Double, covariance: [Double]) {
    precondition(covariance.count == 4, "a covariance of two components")
    self.across = across
    self.along = along
    self.covariance = covariance
  }
}

/// Fits the amplitudes of all walls in both components, the shapes held, and averages them by sign.
///
/// Linear least squares on the two profiles with one constant each. What the error of a width does to an
/// amplitude, dA/dw σ(w), is alike in both components and is added to their covariance.
/// - Parameters:
///   - map: Mean field over the thickness, V/m.
///   - normalAzimuth: Of the image normal, rad.
///   - geometry: Thickness and inclination; its direction factor does not matter.
///   - walls: At least one.
///   - errorScale: By which the errors of the pixels are multiplied, for what neighbors share.
/// - Throws: ``WallError`` as the profiles; ``WallError/tooFewSamples(_:needed:)`` without errors.
public func wallComponents(
  of map: VectorMap, normalAzimuth: Double, geometry: InclinationGeometry, walls: [WallShape],
  errorScale: Double = 1
) throws(WallError) -> WallComponents {
  let unit = try InclinationGeometry(
    thickness: geometry.thickness, inclination: geometry.inclination, direction: .perp)
  func family(_ direction: FieldDirection) throws(WallError) -> (
    mean: Double, variance: Double, slopes: [Double]
  ) {
    let profile = try wallProfile(of: map, direction: direction, normalAzimuth: normalAzimuth)
    let samples = ProfileSamples(profile)
    guard samples.hasErrors, samples.count > walls.count + 1 else {
      throw .tooFewSamples(samples.hasErrors ? samples.count : 0, needed: walls.count + 2)
    }
    let solution = AmplitudeFit(samples: samples, geometry: unit, walls: walls)
    let weights = walls.map { $0.sign / Double(walls.count) }
    let slopes = walls.indices.map { index in
      weights[index] * solution.widthSlope(index) * (walls[index].sechWidth.error ?? 0)
    }
    return (
      zip(weights, solution.amplitudes).reduce(0) { $0 + $1.0 * $1.1 },
      solution.variance(weights) * errorScale * errorScale, slopes
    )
  }
  let across = try family(.normal)
  let along = try family(.perp)
  func shared(_ a: [Double], _ b: [Double]) -> Double {
    zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
  }
  return WallComponents(
    across: across.mean, along: along.mean,
    covariance: [
      across.variance + shared(across.slopes, across.slopes), shared(across.slopes, along.slopes),
      shared(across.slopes, along.slopes), along.variance + shared(along.slopes, along.slopes),
    ])
}

/// Amplitudes of walls of fixed shape on a constant.
private struct AmplitudeFit {
  private let samples: ProfileSamples
  private let geometry: InclinationGeometry
  private let walls: [WallShape]
  private let inverse: [Double]
  private let size: Int
  let amplitudes: [Double]

  init(samples: ProfileSamples, geometry: InclinationGeometry, walls: [WallShape]) {
    self.samples = samples
    self.geometry = geometry
    self.walls = walls
    let size = walls.count + 1
    let widths = walls.map(\.sechWidth.value)
    let solution = Self.solve(samples, geometry, walls, widths)
    amplitudes = solution.amplitudes
    inverse = solution.inverse
    self.size = size
  }

  private static func solve(
    _ samples: ProfileSamples, _ geometry: InclinationGeometry, _ walls: [WallShape],
    _ widths: [Double]
  ) -> (amplitudes: [Double], inverse: [Double]) {
    let shapes = widths.map { ProjectedWall(geometry: geometry, sechWidth: $0) }
    var design: [Double] = []
    var values: [Double] = []
    for index in 0..<samples.count {
      let weight = samples.weight[index]
      for (wall, shape) in zip(walls, shapes) {
        design.append(weight * shape.unitHeight(at: samples.distance[index] - wall.position))
      }
      design.append(weight)
      values.append(weight * samples.value[index])
    }
    let size = walls.count + 1
    let (matrix, right) = LeastSquares.normalEquations(design, values, size: size)
    return (
      Array(LeastSquares.solve(matrix, right).prefix(walls.count)),
      LeastSquares.inverse(of: matrix, size: size)
    )
  }

  /// Of Σ weight · amplitude.
  func variance(_ weights: [Double]) -> Double {
    var sum = 0.0
    for (i, first) in weights.enumerated() {
      for (j, second) in weights.enumerated() { sum += first * second * inverse[i * size + j] }
    }
    return sum
  }

  /// dA/dw of one wall's own amplitude.
  func widthSlope(_ index: Int) -> Double {
    let step = 0.01 * walls[index].sechWidth.value
    func amplitude(_ change: Double) -> Double {
      var widths = walls.map(\.sechWidth.value)
      widths[index] += change
      return Self.solve(samples, geometry, walls, widths).amplitudes[index]
    }
    return (amplitude(step) - amplitude(-step)) / (2 * step)
  }
}
