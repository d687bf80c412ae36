// Is there anything in a map but noise: detection limits, and a verdict on all pixels together.
public import STEMCore
internal import WorkSharing

/// How a vector map stands against its counting noise.
///
/// The power Σ x² + y² of noise alone has the mean Σ xx + yy of its covariances and, for normal noise, the variance
/// Σ 2 (xx² + yy² + 2 xy²); pixels that go together leave as many fewer independent ones. What the power exceeds the
/// mean by is held against the root of that variance.
///
/// Where the zero of the map has an error, a constant is no signal until it exceeds that: the power about the mean
/// vector is held against noise, and the mean vector against the error of the zero and the noise that it averages; the
/// clearer of both counts.
public struct MapVerdict: Codable, Sendable, Equatable {
  /// One standard deviation of a component at one pixel, in the map's unit.
  public private(set) var pixelDeviation: Double
  /// The same for the mean over a wall: its width times the side of the frame along it.
  public private(set) var wallDeviation: Double?
  /// By how many of its own deviations the power of the map exceeds that of noise, or the mean vector its error.
  public let significance: Double
  /// Root mean square of the signal behind the noise, in the map's unit; an upper limit (95 % and more) where there is
  /// none.
  public private(set) var signal: Double
  /// Whether there is a signal behind the noise.
  public let isDetected: Bool

  /// The walls of the source are some 20 nm wide.
  public static let wallWidth = 20e-9
  /// Standard deviations from which on a signal counts as detected.
  private static let threshold = 5.0

  /// - Parameters:
  ///   - map: With its counting noise.
  ///   - noiseFactor: Pixels whose noise goes together, at least 1.
  ///   - zeroError: One standard deviation of a constant in each component, in the map's unit; 0 for a zero that is
  ///     known.
  ///   - scale: From the map's unit to that in which deviations and signal are wanted; positive.
  /// - Returns: nil where the counts are unknown.
  public init?(
    of map: VectorMap, noiseFactor shared: Double, zeroError: Double = 0, scale: Double = 1
  ) {
    guard let median = medianDeviation(map), median > 0, let sums = Self.sums(map) else {
      return nil
    }
    let deviation = median * scale
    let count = sums.count
    let spread = (sums.excess * shared).squareRoot()
    let constant = zeroError > 0 ? Constant(sums, shared: shared, zeroError: zeroError) : Constant()
    let surplus = sums.power - constant.power - (sums.noise - constant.noise)
    pixelDeviation = deviation
    let structure = surplus / spread
    significance = structure < -Self.threshold ? structure : max(structure, constant.significance)
    isDetected = significance > Self.threshold
    if isDetected {
      let parts = [
        structure > Self.threshold ? surplus : 0,
        constant.significance > Self.threshold ? constant.surplus : 0,
      ]
      signal = (parts.reduce(0, +) / count).squareRoot() * scale
    } else {
      // Power that fluctuates below that of noise limits the signal no further than no surplus does.
      let power = max(0, surplus) + 1.645 * spread + constant.limit
      signal = (power / count).squareRoot() * scale
    }
    wallDeviation = map.pixelSize.flatMap { size in
      // A frame has to hold the wall, whichever way it runs.
      let sides = (Double(map.shape.columns) * size.x, Double(map.shape.rows) * size.y)
      guard min(sides.0, sides.1) >= Self.wallWidth else { return nil }
      // Along the longer side; fewer pixels than one wide or long cannot be.
      let isAlongX = sides.0 >= sides.1
      let long = Double(isAlongX ? map.shape.columns : map.shape.rows)
      let across = max(1, Self.wallWidth / (isAlongX ? size.y : size.x))
      return deviation * (shared / (long * min(across, count / long))).squareRoot()
    }
  }

  /// The same in another unit.
  ///
  /// - Parameter scale: From the unit of this one to the other; positive.
  public func scaled(by scale: Double) -> MapVerdict {
    var other = self
    other.pixelDeviation *= scale
    other.wallDeviation = wallDeviation.map { $0 * scale }
    other.signal *= scale
    return other
  }

  private struct Sums {
    var (count, excess, noise, power) = (0.0, 0.0, 0.0, 0.0)
    var mean = SIMD2<Double>.zero
  }

  /// The mean vector beside its error; nothing where the zero is known and the mean is signal like all else.
  private struct Constant {
    /// What it adds to the power, what of that is beyond its error and what noise, and what it may add at most (95 %).
    var (power, surplus, noise, limit) = (0.0, 0.0, 0.0, 0.0)
    /// Its length over its error.
    var significance = 0.0

    init() {}

    init(_ sums: Sums, shared: Double, zeroError: Double) {
      let (x, y) = (sums.mean.x / sums.count, sums.mean.y / sums.count)
      let length = (x * x + y * y).squareRoot()
      noise = sums.noise * shared / sums.count
      // Of one component.
      let error = (zeroError * zeroError + noise / (2 * sums.count)).squareRoot()
      power = sums.count * length * length
      surplus = power - 2 * sums.count * error * error
      let most = length + 1.645 * error
      limit = sums.count * most * most
      significance = length / error
    }
  }

  /// Over the usable pixels; nil where there is none, or no covariance.
  private static func sums(_ map: VectorMap) -> Sums? {
    guard let covariance = map.covariance else { return nil }
    let parts = mapPieces(map.shape.count) { positions in
      var sums = Sums()
      for i in positions where map.mask.isUsable(i) {
        let (xx, yy) = (covariance.xx[i], covariance.yy[i])
        let (x, y) = (map.field.x[i], map.field.y[i])
        sums.count += 1
        sums.noise += xx + yy
        sums.power += x * x + y * y
        sums.mean += SIMD2(x, y)
        // The variance of x² + y² of noise, and what pixels that go together add.
        sums.excess += 2 * (xx * xx + yy * yy + 2 * covariance.xy[i] * covariance.xy[i])
      }
      return sums
    }
    var total = Sums()
    for part in parts {
      total.count += part.count
      total.excess += part.excess
      total.noise += part.noise
      total.power += part.power
      total.mean += part.mean
    }
    return total.count > 0 ? total : nil
  }

  /// What no counted file does: expected numbers that were never drawn, or a dose that is not the file's.
  public var scattersTooLittle: Bool { significance < -Self.threshold }
}
