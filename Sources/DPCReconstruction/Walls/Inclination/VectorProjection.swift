// From the mean field in the image to the intrinsic field of inclined walls, pixel by pixel.

internal import Glibc
public import STEMCore

/// Divides the component along the image normal by the direction factor of the field.
///
/// The component along the wall normal's azimuth is divided by g (`parallel` sin a, `normal`
/// cos a, `perp` 1); the component along the wall is unchanged. The path through the wall is not
/// corrected: that needs the wall's profile (``fitWalls(profile:geometry:options:isInterrupted:)``).
///
/// - Parameters:
///   - meanField: The field's mean over the thickness, V/m, in the scan frame.
///   - normalAzimuth: Of the wall normal in the image, from +x towards +y, rad.
///   - geometry: Of the walls; its thickness does not matter here. A `perp` field with a factor of its
///     own is divided by it along the wall.
/// - Returns: V/m, with the covariance transformed alike; the mask is unchanged.
/// - Throws: ``WallError/invisibleField(_:inclination:)`` where |g| < 1e-9.
public func intrinsicField(
  of meanField: VectorMap, normalAzimuth: Double, geometry: InclinationGeometry
) throws(WallError) -> VectorMap {
  guard normalAzimuth.isFinite else { throw .badAzimuth(normalAzimuth) }
  let factor = geometry.directionFactor
  guard abs(factor) >= 1e-9 else {
    throw .invisibleField(geometry.direction, inclination: geometry.inclination)
  }

  // M = 1 + (1/g - 1) n nᵀ, symmetric.
  let normal = unitVector(azimuth: normalAzimuth)
  let n = geometry.direction == .perp ? (x: -normal.y, y: normal.x) : normal
  let excess = 1 / factor - 1
  let mxx = 1 + excess * n.x * n.x
  let mxy = excess * n.x * n.y
  let myy = 1 + excess * n.y * n.y
  var result = meanField
  for i in 0..<meanField.shape.count {
    let vx = meanField.field.x[i]
    let vy = meanField.field.y[i]
    result.field.x[i] = mxx * vx + mxy * vy
    result.field.y[i] = mxy * vx + myy * vy
  }
  if var covariance = meanField.covariance {
    for i in 0..<meanField.shape.count {
      let xx = covariance.xx[i]
      let xy = covariance.xy[i]
      let yy = covariance.yy[i]
      covariance.xx[i] = mxx * mxx * xx + 2 * mxx * mxy * xy + mxy * mxy * yy
      covariance.yy[i] = mxy * mxy * xx + 2 * mxy * myy * xy + myy * myy * yy
      covariance.xy[i] = mxx * mxy * xx + (mxx * myy + mxy * mxy) * xy + mxy * myy * yy
    }
    result.covariance = covariance
  }
  return result
}

/// (cos, sin) of an azimuth; exactly 0 and ±1 within 1e-9 rad of an axis, so that a normal along
/// an axis means whole rows or columns.
func unitVector(azimuth: Double) -> (x: Double, y: Double) {
  let c = cos(azimuth)
  let s = sin(azimuth)
  if abs(s) < 1e-9 { return (c < 0 ? -1 : 1, 0) }
  if abs(c) < 1e-9 { return (0, s < 0 ? -1 : 1) }
  return (c, s)
}
