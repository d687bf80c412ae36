// The azimuth of the walls' normal and the field component they carry, from the map itself.

internal import Glibc
public import STEMCore

/// The direction across which a map varies most.
public struct MeasuredWallNormal: Sendable, Equatable {
  /// From +x towards +y, in [0, π), rad.
  public var azimuth: Double
  /// One standard deviation from the spread between parts of the frame, rad; nil where it cannot
  /// be formed.
  public var azimuthError: Double?
  /// 0: no direction is preferred; 1: the map varies along one direction only.
  public var coherence: Double
}

/// Finds the normal of straight walls by the structure tensor Σ ∇v ∇vᵀ of both components.
///
/// The gradients are those of the components smoothed by a Gaussian, in physical distances; the
/// filter damps both gradient components alike and so does not turn the direction. What counting
/// noise adds to the tensor is subtracted where the map has a covariance. Masked pixels are
/// filled from their neighbors for the filter and left out of the sum. (Bigün & Granlund, Proc.
/// 1st ICCV, 433 (1987).)
///
/// - Parameters:
///   - map: A vector per scan position in the scan frame, any unit.
///   - smoothing: Standard deviation of the Gaussian, pixels.
/// - Returns: The normal; coherence 0 where the map does not vary beyond its noise or is smaller
///   than the filter.
/// - Throws: ``WallError/pixelSizeMissing``.
public func measuredWallNormal(
  of map: VectorMap, smoothing: Double = 2
) throws(WallError) -> MeasuredWallNormal {
  guard let pixel = map.pixelSize else { throw .pixelSizeMissing }
  let none = MeasuredWallNormal(azimuth: 0, azimuthError: nil, coherence: 0)
  let sigma = min(max(smoothing, 0.8), Double(min(map.shape.rows, map.shape.columns)) / 12)
  guard sigma >= 0.5 else { return none }
  let filter = GradientFilter(sigma: sigma, pixel: pixel)
  let blocks = filter.tensors(of: map)
  let total = blocks.reduce(StructureTensor()) { $0 + $1 }
  guard total.count > 0 else { return none }
  guard total.exceedsNoise(sigma: sigma) else { return none }
  let (azimuth, coherence) = total.principal

  // Jackknife over the parts of the frame; azimuths are compared modulo π.
  let filled = blocks.filter { $0.count > 0 }
  var error: Double?
  if filled.count > 1, coherence > 0 {
    let count = Double(filled.count)
    let deviations = filled.map { block -> Double in
      let d = (total - block).principal.azimuth - azimuth
      return d - Double.pi * (d / Double.pi).rounded()
    }
    let mean = deviations.reduce(0, +) / count
    let spread = deviations.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    let jackknife = (spread * (count - 1) / count).squareRoot()
    error = jackknife > 0 ? jackknife : nil
  }
  return MeasuredWallNormal(azimuth: azimuth, azimuthError: error, coherence: coherence)
}

/// Which component of the field has most of its power across the walls.
///
/// - Returns: `perp` (along the wall, azimuth + 90°) or `normal`, and the part of the profiles'
///   power above noise that this component holds, 0.5...1. From one projection `parallel` cannot
///   be told from `normal`. nil where neither component has power above its noise.
/// - Throws: ``WallError`` as ``wallProfile(of:direction:normalAzimuth:)``.
public func dominantWallComponent(
  of map: VectorMap, normalAzimuth: Double
) throws(WallError) -> (direction: FieldDirection, powerFraction: Double)? {
  let perp = signalPower(
    try wallProfile(of: map, direction: .perp, normalAzimuth: normalAzimuth))
  let normal = signalPower(
    try wallProfile(of: map, direction: .normal, normalAzimuth: normalAzimuth))
  guard perp + normal > 0 else { return nil }
  let fraction = max(perp, normal) / (perp + normal)
  return (perp >= normal ? .perp : .normal, fraction)
}

/// The variance of a profile beyond that of its errors, never negative.
private func signalPower(_ profile: LineProfile) -> Double {
  let count = Double(profile.value.count)
  guard count > 1 else { return 0 }
  let mean = profile.value.reduce(0, +) / count
  let power = profile.value.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (count - 1)
  let noise = (profile.error ?? []).reduce(0) { $0 + $1 * $1 } / count
  return max(0, power - noise)
}

/// Sums of gradient products, noise already subtracted.
private struct StructureTensor {
  var xx = 0.0
  var yy = 0.0
  var xy = 0.0
  var count = 0
  /// What was subtracted as noise from xx + yy.
  var noise = 0.0

  static func + (a: Self, b: Self) -> Self {
    Self(
      xx: a.xx + b.xx, yy: a.yy + b.yy, xy: a.xy + b.xy, count: a.count + b.count,
      noise: a.noise + b.noise)
  }
  static func - (a: Self, b: Self) -> Self {
    Self(
      xx: a.xx - b.xx, yy: a.yy - b.yy, xy: a.xy - b.xy, count: a.count - b.count,
      noise: a.noise - b.noise)
  }

  /// Whether the trace stands five standard deviations above that of smoothed noise, of which
  /// some 4πσ² pixels are one independent sample.
  func exceedsNoise(sigma: Double) -> Bool {
    let independent = max(1, Double(count) / (4 * Double.pi * sigma * sigma))
    return xx + yy > 5 * noise * (2 / independent).squareRoot()
  }

  /// Azimuth in [0, π) of the eigenvector of the larger eigenvalue; (λ1 - λ2)/(λ1 + λ2), where
  /// an eigenvalue that noise made negative counts as zero.
  var principal: (azimuth: Double, coherence: Double) {
    let difference = ((xx - yy) * (xx - yy) + 4 * xy * xy).squareRoot()
    let larger = (xx + yy + difference) / 2
    let smaller = max(0, (xx + yy - difference) / 2)
    guard larger > 0 else { return (0, 0) }
    var azimuth = atan2(2 * xy, xx - yy) / 2
    if azimuth < 0 { azimuth += Double.pi }
    if azimuth >= Double.pi { azimuth -= Double.pi }
    return (azimuth, (larger - smaller) / (larger + smaller))
  }
}

/// Gaussian smoothing and its derivative, separable.
private struct GradientFilter {
  let radius: Int
  let smooth: [Double]
  let derivativeX: [Double]
  let derivativeY: [Double]
  /// Σ kernel² of the two gradient kernels: the variance of a gradient of unit white noise.
  let noiseX: Double
  let noiseY: Double

  init(sigma: Double, pixel: PixelSize) {
    let reach = Int((3.5 * sigma).rounded(.up))
    let offsets = (-reach...reach).map(Double.init)
    let bell = offsets.map { exp(-$0 * $0 / (2 * sigma * sigma)) }
    let sum = bell.reduce(0, +)
    let normalized = bell.map { $0 / sum }
    // Correlation with offset · Gaussian; exact for linear fields by its normalization.
    let raw = zip(offsets, bell).map { $0 * $1 }
    let moment = zip(offsets, raw).reduce(0) { $0 + $1.0 * $1.1 }
    func squares(_ kernel: [Double]) -> Double { kernel.reduce(0) { $0 + $1 * $1 } }
    radius = reach
    smooth = normalized
    derivativeX = raw.map { $0 / moment / pixel.x }
    derivativeY = raw.map { $0 / moment / pixel.y }
    noiseX = squares(derivativeX) * squares(normalized)
    noiseY = squares(derivativeY) * squares(normalized)
  }

  /// The structure tensors of the cells of a 3 × 3 division of the frame, without its rim.
  func tensors(of map: VectorMap) -> [StructureTensor] {
    let shape = map.shape
    let rows = radius..<max(radius, shape.rows - radius)
    let columns = radius..<max(radius, shape.columns - radius)
    var blocks = [StructureTensor](repeating: StructureTensor(), count: 9)
    for isX in [true, false] {
      let plane = filled(isX ? map.field.x : map.field.y, map.mask)
      let alongX = correlateRows(plane, shape, derivativeX)
      let alongY = correlateRows(plane, shape, smooth)
      for row in rows {
        let blockRow = 3 * (row - rows.lowerBound) / rows.count
        for column in columns {
          let i = row * shape.columns + column
          guard map.mask.isUsable(i) else { continue }
          var gx = 0.0
          var gy = 0.0
          for k in -radius...radius {
            gx += smooth[k + radius] * alongX[i + k * shape.columns]
            gy += derivativeY[k + radius] * alongY[i + k * shape.columns]
          }
          let variance = (isX ? map.covariance?.xx[i] : map.covariance?.yy[i]) ?? 0
          let block = 3 * blockRow + 3 * (column - columns.lowerBound) / columns.count
          blocks[block].xx += gx * gx - noiseX * variance
          blocks[block].yy += gy * gy - noiseY * variance
          blocks[block].xy += gx * gy
          blocks[block].noise += (noiseX + noiseY) * variance
          blocks[block].count += 1
        }
      }
    }
    return blocks
  }

  private func correlateRows(
    _ plane: [Double], _ shape: GridShape, _ kernel: [Double]
  ) -> [Double] {
    var result = [Double](repeating: 0, count: plane.count)
    for row in 0..<shape.rows {
      for column in radius..<max(radius, shape.columns - radius) {
        let i = row * shape.columns + column
        var sum = 0.0
        for k in -radius...radius { sum += kernel[k + radius] * plane[i + k] }
        result[i] = sum
      }
    }
    return result
  }

  /// Unusable pixels take the Gaussian-weighted mean of the usable ones around them.
  private func filled(_ plane: [Double], _ mask: PixelMask) -> [Double] {
    var result = plane
    let shape = mask.shape
    for row in 0..<shape.rows {
      for column in 0..<shape.columns where !mask.isUsable(row * shape.columns + column) {
        var weight = 0.0
        var sum = 0.0
        for r in max(0, row - radius)...min(shape.rows - 1, row + radius) {
          for c in max(0, column - radius)...min(shape.columns - 1, column + radius) {
            let i = r * shape.columns + c
            guard mask.isUsable(i) else { continue }
            let w = smooth[r - row + radius] * smooth[c - column + radius]
            weight += w
            sum += w * plane[i]
          }
        }
        result[row * shape.columns + column] = weight > 0 ? sum / weight : 0
      }
    }
    return result
  }
}
