// The directions of many vectors, by arithmetic alone: the same bits whatever mathematics library there is.

/// Writes the azimuth of each vector, from +x towards +y, -π...π; 0 for a vector of zero length.
///
/// The angle from the nearer axis is taken for slopes up to tan(π/8), beyond that from the diagonal: its arctangent
/// is a polynomial of 9 terms in the square of the slope there, off by less than 3e-14 (Remez). One division a
/// vector, no branch and no root: the loop becomes vector instructions.
///
/// - Parameters:
///   - x: Components along +x; finite.
///   - y: As many along +y.
///   - target: Gets the azimuths, rad.
public func writeAzimuths(
  x: Span<Double>, y: Span<Double>, to target: UnsafeMutableBufferPointer<Float>
) {
  precondition(x.count == y.count && x.count <= target.count, "one azimuth per vector")
  for index in 0..<x.count { target[index] = Float(azimuth(x[index], y[index])) }
}

@inline(__always)
private func azimuth(_ x: Double, _ y: Double) -> Double {
  let (width, height) = (abs(x), abs(y))
  let long = width > height ? width : height
  let short = width > height ? height : width
  let isSteep = short > tangentOfEighth * long
  let rise = isSteep ? short - long : short
  let run = isSteep ? short + long : long
  let slope = rise / (run > 0 ? run : 1)
  let nearAxis = (isSteep ? Double.pi / 4 : 0) + slope * arctangentOverSlope(slope * slope)
  let firstQuadrant = height > width ? Double.pi / 2 - nearAxis : nearAxis
  let upperHalf = x < 0 ? Double.pi - firstQuadrant : firstQuadrant
  return y < 0 ? -upperHalf : upperHalf
}

/// √2 - 1
private let tangentOfEighth = 0.414_213_562_373_095_05

/// atan(s)/s, u = s² at most the square of tan(π/8).
@inline(__always)
private func arctangentOverSlope(_ u: Double) -> Double {
  var sum = 0.030_662_440_370_424_447
  sum = sum * u - 0.058_745_056_213_078_31
  sum = sum * u + 0.075_637_035_519_151_92
  sum = sum * u - 0.090_783_920_729_434_24
  sum = sum * u + 0.111_103_850_461_480_14
  sum = sum * u - 0.142_856_904_238_392_87
  sum = sum * u + 0.199_999_996_048_919_77
  sum = sum * u - 0.333_333_333_308_034_44
  return sum * u + 0.999_999_999_999_973_2
}
