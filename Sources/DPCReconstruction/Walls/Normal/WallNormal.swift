// The azimuth of the walls' normal and the field component they carry, from the map itself.

public import STEMCore

/// The direction across which a map varies most.
public struct MeasuredWallNormal: Sendable, Equatable {
  /// From +x towards +y, in [-67.5°, 112.5°), rad.
  public var azimuth: Double
  /// One standard deviation, rad: of noise and, where they differ by more than that, of the parts of the
  /// frame; nil where it cannot be formed.
  public var azimuthError: Double?
  /// 0: no direction is preferred; 1: the map varies along one direction only.
  public var coherence: Double
  /// Standard deviation of the Gaussian after which the gradients were taken, pixels; 0 where there is
  /// no direction.
  public var smoothing: Double
}

/// Finds the normal of straight walls by the structure tensor Σ ∇v ∇vᵀ of both components.
///
/// The gradients are those of the components smoothed by a Gaussian, in physical distances; the
/// filter damps both gradient components alike and so does not turn the direction. What counting
/// noise adds to the tensor is subtracted where the map has a covariance. Masked pixels are
/// filled from their neighbors for the filter and left out of the sum. (Bigün & Granlund, Proc.
/// 1st ICCV, 433 (1987).)
///
/// Walls far wider than the filter can drown in noise that a wider filter would take away: gradients
/// of white noise fall with the square of the width, those of a wall hardly until it is as wide as the wall.
/// Where less than half of the tensor is signal, the filter is therefore made twice as wide, on means
/// over 2 × 2 pixels, until half is or the frame ends; of the filters whose tensor stands out
/// of the noise, that one decides whose azimuth counting noise turns least. The choice asks for the size of the
/// tensor only, not for its direction, and so prefers none. No noise stated: the first filter
/// decides.
///
/// The azimuth of the gradients is the start of another one: that at which the walls line up over their whole
/// length (least squares, by the slope of the values along each line), which noise turns several times less. Where
/// they do not line up nearby, or gradients that are mostly signal state a smaller error, that of the gradients stays.
///
/// What a ramp has left would stand out of the noise with the wider filters, and is no wall: their
/// tensors are those of the gradients without their best linear function of x and y, that is without a
/// background of second degree in each component. Of a map that varies along one direction every
/// gradient lies along that direction, and so does the remainder: nothing is turned by it.
///
/// A tensor must stand above noise by an amount that noise reaches with a chance below 1e-8, so that the
/// number of filters, below ten, does not matter.
///
/// - Parameters:
///   - map: A vector per scan position in the scan frame, any unit.
///   - correlation: Over how many pixels along x and y errors go together, at least 1: the noise
///     is taken for white noise smoothed by a Gaussian of this area, 2√π times its standard deviation.
/// - Returns: The normal; coherence 0 where the map does not vary beyond its noise or is smaller
///   than the filter.
/// - Throws: ``WallError/pixelSizeMissing``.
public func measuredWallNormal(
  of map: VectorMap, correlation: (x: Double, y: Double) = (1, 1)
) throws(WallError) -> MeasuredWallNormal {
  guard let pixel = map.pixelSize else { throw .pixelSizeMissing }
  let none = MeasuredWallNormal(azimuth: 0, azimuthError: nil, coherence: 0, smoothing: 0)
  let side = min(map.shape.rows, map.shape.columns)
  let sigma = min(finestSmoothing, Double(side) / 12)
  guard sigma >= 0.5 else { return none }
  var level = WallGradientLevel(map: map, pixel: pixel, correlation: correlation)
  var best: (tensors: StructureTensors, level: WallGradientLevel, cell: Double)?
  var cell = 1.0
  while true {
    let tensors = level.tensors(sigma: sigma, removesBackground: cell > 1)
    if tensors.exceedNoise,
      tensors.azimuthVariance < best?.tensors.azimuthVariance ?? .infinity
    {
      best = (tensors, level, cell)
    }
    if tensors.areMostlySignal || Double(side / (2 * Int(cell))) < 12 * sigma { break }
    level = WallGradientLevel(halving: level)
    cell *= 2
  }
  guard let best else { return none }
  let (azimuth, coherence) = best.tensors.principal
  var normal = MeasuredWallNormal(
    azimuth: normalAzimuth(along: azimuth), azimuthError: best.tensors.azimuthError,
    coherence: coherence,
    smoothing: sigma * best.cell)
  // What varies so steadily that only gradients show it, as a ramp, does not line up: its error tells.
  let isClear = best.cell == 1 && best.tensors.areMostlySignal
  if let aligned = WallAlignment(best.level).aligned(from: azimuth, limit: largestTurn),
    !isClear || aligned.error < normal.azimuthError ?? .infinity
  {
    normal.azimuth = normalAzimuth(along: aligned.azimuth)
    normal.azimuthError = aligned.error
  }
  return normal
}

/// The azimuth of a wall's normal, of two opposite ones that in [-67.5°, 112.5°), rad: noise turns no vertical,
/// horizontal or diagonal wall's normal round, and with it the sign of the field.
func normalAzimuth(along azimuth: Double) -> Double {
  let seam = -67.5 * Double.pi / 180
  return azimuth - ((azimuth - seam) / Double.pi).rounded(.down) * Double.pi
}

/// Standard deviation of the finest Gaussian, pixels.
private let finestSmoothing = 2.0

/// By how much lining walls up may turn what gradients say, rad: four times the error of an azimuth
/// whose tensor barely stands out of the noise.
private let largestTurn = 0.1

/// Which component of the field has most of its power across the walls.
///
/// - Parameters:
///   - perp: The profile of the component along the walls, as of ``wallProfile(of:direction:normalAzimuth:)``.
///   - normal: That of the other one.
/// - Returns: `perp` (along the wall, azimuth + 90°) or `normal`, and the part of the profiles'
///   power above noise and a background of second degree that this component holds, 0.5...1. From one projection `parallel` cannot
///   be told from `normal`. nil where neither component has power above its noise.
public func dominantWallComponent(
  perp: LineProfile, normal: LineProfile
) -> (direction: FieldDirection, powerFraction: Double)? {
  let (perp, normal) = (signalPower(perp), signalPower(normal))
  guard perp + normal > 0 else { return nil }
  let fraction = max(perp, normal) / (perp + normal)
  return (perp >= normal ? .perp : .normal, fraction)
}

/// The variance of a profile about a parabola, beyond that of its errors, never negative. What descan leaves is no wall, and
/// would outweigh one. Samples count as their pixels do: the few of a corner of the frame must not decide.
private func signalPower(_ profile: LineProfile) -> Double {
  let count = profile.value.count
  let size = 3
  let reach = profile.distance.reduce(0) { max($0, abs($1)) }
  guard count > size, reach > 0 else { return 0 }
  let weights = profile.sampleCount.map(Double.init)
  var design: [Double] = []
  var values: [Double] = []
  for index in 0..<count {
    let x = profile.distance[index] / reach
    let root = weights[index].squareRoot()
    design += [root, root * x, root * x * x]
    values.append(root * profile.value[index])
  }
  let (matrix, right) = LeastSquares.normalEquations(design, values, size: size)
  let coefficients = LeastSquares.solve(matrix, right)
  var power = 0.0
  for index in 0..<count {
    let level = (0..<size).reduce(0) { $0 + coefficients[$1] * design[size * index + $1] }
    power += (values[index] - level) * (values[index] - level)
  }
  let noise = zip(profile.error ?? [], weights).reduce(0) { $0 + $1.1 * $1.0 * $1.0 }
  // Of equal samples the parabola takes three samples' share of the noise away.
  return max(0, power - noise * Double(count - size) / Double(count))
    / weights.reduce(0, +)
}
