// The azimuth of the walls' normal and the field component they carry, from the map itself.

internal import Glibc
public import STEMCore
internal import WorkSharing

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
private struct StructureTensor: Sendable {
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
private struct GradientFilter: Sendable {
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
    let inside = (
      rows: radius..<max(radius, shape.rows - radius),
      columns: radius..<max(radius, shape.columns - radius)
    )
    let unusable = (0..<shape.count).filter { !map.mask.isUsable($0) }
    let (x, y) = (
      filled(map.field.x, map.mask, unusable), filled(map.field.y, map.mask, unusable)
    )
    let height = GradientTile.rowCount
    let bands = concurrentMap((inside.rows.count + height - 1) / height) { band in
      let first = inside.rows.lowerBound + band * height
      let rows = first..<min(inside.rows.upperBound, first + height)
      var blocks = [StructureTensor](repeating: StructureTensor(), count: 9)
      var tile = GradientTile(
        smoothX: smooth, derivativeX: derivativeX, smoothY: smooth, derivativeY: derivativeY)
      for places in TilePlaces.all(rows: rows, columns: inside.columns, width: shape.columns) {
        for (plane, variance) in [(x, map.covariance?.xx), (y, map.covariance?.yy)] {
          tile.form(of: plane, width: shape.columns, rows: rows, columns: places.columns)
          add(tile, places, variance, map.mask, inside, to: &blocks)
        }
      }
      return blocks
    }
    return bands.reduce(into: [StructureTensor](repeating: StructureTensor(), count: 9)) {
      for block in 0..<9 { $0[block] = $0[block] + $1[block] }
    }
  }

  /// Adds the products of a piece's gradients to the tensors of the cells.
  private func add(
    _ tile: GradientTile, _ places: TilePlaces, _ variance: [Double]?, _ mask: PixelMask,
    _ inside: (rows: Range<Int>, columns: Range<Int>), to blocks: inout [StructureTensor]
  ) {
    var index = 0
    for row in places.rows {
      let blockRow = 3 * (row - inside.rows.lowerBound) / inside.rows.count
      var column = places.columns.lowerBound
      // As many columns as belong to one cell at a time.
      while column < places.columns.upperBound {
        let block = 3 * (column - inside.columns.lowerBound) / inside.columns.count
        var sum = StructureTensor()
        while column < places.columns.upperBound,
          3 * (column - inside.columns.lowerBound) < (block + 1) * inside.columns.count
        {
          let place = row * places.width + column
          if mask.isUsable(place) {
            let (gx, gy) = (tile.x[index], tile.y[index])
            let noise = variance.map { $0[place] } ?? 0
            sum.xx += gx * gx - noiseX * noise
            sum.yy += gy * gy - noiseY * noise
            sum.xy += gx * gy
            sum.noise += (noiseX + noiseY) * noise
            sum.count += 1
          }
          column += 1
          index += 1
        }
        blocks[3 * blockRow + block] = blocks[3 * blockRow + block] + sum
      }
    }
  }

  /// Unusable pixels take the Gaussian-weighted mean of the usable ones around them.
  private func filled(_ plane: [Double], _ mask: PixelMask, _ unusable: [Int]) -> [Double] {
    let shape = mask.shape
    var result = plane
    for pixel in unusable {
      let (row, column) = pixel.quotientAndRemainder(dividingBy: shape.columns)
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
      result[pixel] = weight > 0 ? sum / weight : 0
    }
    return result
  }
}
