// Whether the walls of a profile have one field along their whole length.

internal import Glibc
public import STEMCore

/// By how much the field of each wall of a profile varies along it.
///
/// A profile is the mean along the walls. Of a wall that ends within the frame, bends or crosses others that mean is
/// measured as well as of any other, and is not the field of the wall. Every wall is therefore matched piece by
/// piece, each of half its width, on a constant of its own, the other walls taken off.
///
/// - Parameters:
///   - walls: Of a fit to the profile.
///   - map: From which the profile was formed, with its errors.
///   - geometry: Of the fit; its direction names the component.
///   - normalAzimuth: Of the profile, from +x towards +y, rad.
///   - noiseFactor: Power of the noise of slow waves over that of independent pixels.
/// - Returns: For each wall the standard deviation of its field along it over its mean field, noise taken off: of a
///   wall that fills the part p of its line √(1/p - 1). 0 where noise explains it, and where nothing is known of
///   the noise.
public func variationAlongWalls(
  _ walls: [Wall], in map: VectorMap, geometry: InclinationGeometry, normalAzimuth: Double,
  noiseFactor: Double = 1
) -> [Double] {
  guard map.pixelSize != nil, let stated = meanVariance(of: map), stated > 0, !walls.isEmpty else {
    return walls.map { _ in 0 }
  }
  // What scatters more than its errors say varies no more along walls than anywhere.
  let noise = max(noiseFactor, varianceOfFinestStructure(of: map) / stated)
  var pixels = WallPixels(map)
  pixels.varianceX = pixels.varianceX.map { noise * $0 }
  pixels.varianceY = pixels.varianceY.map { noise * $0 }
  pixels.covariance = pixels.covariance.map { noise * $0 }
  let lines = walls.map {
    WallLine(
      azimuth: normalAzimuth, position: $0.position.value, start: -.infinity, end: .infinity,
      sechWidth: $0.width.value / InclinationGeometry.widthFactor, amplitude: $0.field.value)
  }
  for line in lines { pixels.subtract(line, geometry) }
  return lines.map { line in
    var own = pixels
    own.subtract(line, geometry, factor: -1)
    return WallLineCheck(pixels: own, geometry: geometry, line: line.clipped(to: pixels)).modulation
  }
}
