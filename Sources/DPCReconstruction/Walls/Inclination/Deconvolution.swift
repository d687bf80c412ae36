// The projection of inclined walls undone wave by wave, as far as noise and the zeros of the box allow.

internal import Glibc
public import STEMCore

/// A field with the path through inclined walls taken back.
public struct DeconvolvedField: Sendable {
  /// V/m, in the scan frame. Its covariance is that of the noise let through and of what the filter damps,
  /// estimated from what it lets through. Pixels nearer to the end of the profile across the walls than
  /// half a box are outside the model.
  public var map: VectorMap
  /// The width t tan a of the box that was undone, m.
  public var boxWidth: Double
  /// The shortest period along the wall normal of which at least half is recovered, m; nil where none is.
  public var resolution: Double?
  /// The share of the measured power above noise in waves of which less than half is recovered.
  public var lostShare: Double
  /// The standard deviation of what is damped, over the whole profile, V/m; in the component with g.
  public var damped: Double
  /// Whether at least three quarters of the expected power are restored; else the map says nothing, and all its pixels
  /// are outside the model.
  public var isDetermined: Bool
  /// The standard deviation of what varies along the walls beyond noise and is averaged away, over g, V/m.
  public var uneven: Double
}

/// Undoes the projection of walls inclined by a in a specimen of thickness t, without a model of their profile.
///
/// The image of a field E(u) is its mean over a box of width t tan a along the image normal, times the
/// direction factor: H(k) = g sinc(k t tan a), k in cycles per meter along the normal, which has zeros
/// at k = m/(t tan a). Waves are multiplied by
///
///     G = H/(H² + N/S)
///
/// (N. Wiener, 1949) with N the counting noise and S the power of the field itself, estimated from the data
/// by k and smoothed: what is not above noise, or lies at a zero, is not restored but damped, which
/// makes walls too low and too wide rather than noisy. The component across the wall is divided by g;
/// of the component along it only the box is undone.
///
/// It is the mean along the walls that is restored, as a profile continued by its mirror image at both ends, and
/// drawn along the walls again: slanted walls have no kink at the rim of the frame, and the noise is that
/// of the mean. Within half a box of an end of the profile the image holds only a part of what it is made
/// of: those pixels get the flag for outside the model.
///
/// The variance of a pixel is that of the noise that is let through plus that of the damped waves,
/// (1 - G H)² S, S continued beyond the noise as steeply as it falls above it and shared out in space as the
/// power of the restored field is, plus what varies along the walls beyond noise, over g².
/// - Parameters:
///   - meanField: The field's mean over the thickness, V/m, filled where masked.
///   - normalAzimuth: Of the wall normal in the image, rad.
///   - geometry: Of the walls.
///   - correlation: Over how many pixels along x and y errors go together.
/// - Throws: ``WallError`` without a pixel size, where g vanishes, or with less than eight samples across.
public func deconvolvedField(
  of meanField: VectorMap, normalAzimuth: Double, geometry: InclinationGeometry,
  correlation: (x: Double, y: Double) = (1, 1)
) throws(WallError) -> DeconvolvedField {
  guard let pixel = meanField.pixelSize else { throw .pixelSizeMissing }
  let divided = try intrinsicField(
    of: meanField, normalAzimuth: normalAzimuth, geometry: geometry)
  let box = geometry.thickness * geometry.sine / geometry.cosine
  if box == 0 {
    return DeconvolvedField(
      map: divided, boxWidth: 0, resolution: 2 * max(pixel.x, pixel.y), lostShare: 0, damped: 0,
      isDetermined: true, uneven: 0)
  }
  let noise = PixelNoise(of: meanField, correlationX: correlation.x, correlationY: correlation.y)
  let n = unitVector(azimuth: normalAzimuth)
  // White noise of both components; unequal ones are alike to some percent in DPC.
  let variance = noise.map { ($0.varianceX + $0.varianceY) / 2 }
  let isAcross = geometry.direction != .perp
  let restoring = ProfileRestoring(
    field: meanField, pixel: pixel, normal: n, normalAzimuth: normalAzimuth, box: box,
    variance: variance, correlation: correlation.x * correlation.y)
  let factor = geometry.directionFactor
  let across = try restoring.restored(.normal, n, factor: isAcross ? factor : 1)
  let along = try restoring.restored(.perp, (-n.y, n.x), factor: isAcross ? 1 : factor)
  let main = isAcross ? across : along
  let isDetermined = main.filtered.dampedShare < 0.25
  return DeconvolvedField(
    map: assembled(
      meanField, across, along, normal: n, halfBox: isDetermined ? box / 2 : .infinity,
      hasErrors: variance != nil),
    boxWidth: box, resolution: main.filtered.resolution, lostShare: main.filtered.lostShare,
    damped: main.filtered.damped.squareRoot(), isDetermined: isDetermined,
    uneven: main.uneven.squareRoot())
}

/// Restores the mean along the walls of one component.
private struct ProfileRestoring {
  let field: VectorMap
  let pixel: PixelSize
  let normal: (x: Double, y: Double)
  let normalAzimuth: Double
  /// Width that the image averages over along the normal, m.
  let box: Double
  /// Of a component of one pixel, (V/m)²; nil where it is unknown.
  let variance: Double?
  /// Over how many pixels errors go together.
  let correlation: Double

  /// - Parameters:
  ///   - component: The unit vector of the direction.
  ///   - factor: What the projection has left of it.
  func restored(
    _ direction: FieldDirection, _ component: (x: Double, y: Double), factor: Double
  ) throws(WallError) -> RestoredComponent {
    let profile = try RegularProfile(
      of: field, direction: direction, normalAzimuth: normalAzimuth, hasErrors: variance != nil,
      correlation: correlation)
    let rest = field.field.x.indices.compactMap { i -> Double? in
      guard field.mask.isUsable(i) else { return nil }
      return profile.value(at: distance(i, field.shape, pixel, normal)).map {
        component.x * field.field.x[i] + component.y * field.field.y[i] - $0
      }
    }
    let power = orderedSum(rest.count) { rest[$0] * rest[$0] } / Double(max(1, rest.count))
    // White noise varies by √(2/n) of its power; what exceeds five of these varies along the walls.
    let noise = variance ?? power
    let excess = power - noise * (1 + 5 * (2 / Double(max(1, rest.count))).squareRoot())
    return RestoredComponent(
      profile: profile, filtered: ProfileDeconvolution(profile, box: box, factor: factor),
      uneven: max(0, excess) / (factor * factor))
  }
}

/// One component: its profile, what became of it, and how much varied along the walls, (V/m)².
private struct RestoredComponent {
  let profile: RegularProfile
  let filtered: ProfileDeconvolution
  let uneven: Double

  /// V/m and (V/m)² at a distance along the normal; nil outside the profile.
  func sample(at distance: Double) -> (value: Double, variance: Double)? {
    guard let value = profile.interpolated(filtered.value, at: distance),
      let variance = profile.interpolated(filtered.variance, at: distance)
    else { return nil }
    return (value, variance + uneven)
  }
}

/// Of a pixel along the normal from the center of the scan, m.
private func distance(
  _ index: Int, _ shape: GridShape, _ pixel: PixelSize, _ n: (x: Double, y: Double)
) -> Double {
  let column = Double(index % shape.columns) - Double(shape.columns - 1) / 2
  let row = Double(index / shape.columns) - Double(shape.rows - 1) / 2
  return column * pixel.x * n.x + row * pixel.y * n.y
}

/// Both components in the scan frame, with covariance and mask.
private func assembled(
  _ meanField: VectorMap, _ across: RestoredComponent, _ along: RestoredComponent,
  normal n: (x: Double, y: Double), halfBox: Double, hasErrors: Bool
) -> VectorMap {
  var map = meanField
  let shape = meanField.shape
  let pixel = meanField.pixelSize ?? PixelSize(x: 1, y: 1)
  let zero = [Double](repeating: 0, count: shape.count)
  var (xx, yy, xy) = (zero, zero, zero)
  let (lowest, highest) = (across.profile.first + halfBox, across.profile.last - halfBox)
  for i in 0..<shape.count {
    let u = distance(i, shape, pixel, n)
    guard let a = across.sample(at: u), let b = along.sample(at: u), u >= lowest,
      u <= highest
    else {
      map.mask.bytes[i] |= PixelFlags.outsideModel.rawValue
      (map.field.x[i], map.field.y[i]) = (0, 0)
      (xx[i], yy[i]) = (1, 1)
      continue
    }
    map.field.x[i] = n.x * a.value - n.y * b.value
    map.field.y[i] = n.y * a.value + n.x * b.value
    xx[i] = n.x * n.x * a.variance + n.y * n.y * b.variance
    yy[i] = n.y * n.y * a.variance + n.x * n.x * b.variance
    xy[i] = n.x * n.y * (a.variance - b.variance)
  }
  map.covariance = hasErrors ? VectorCovariance(shape: shape, xx: xx, yy: yy, xy: xy) : nil
  return map
}
