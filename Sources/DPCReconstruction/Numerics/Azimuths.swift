// The directions of many vectors, by arithmetic alone: the same bits whatever mathematics library there is.

/// Writes the azimuth of each vector, from +x towards +y, -π...π; 0 for a vector of zero length.
///
/// The angle from the nearer axis is taken for slopes up to tan(π/8), beyond that from the diagonal: its arctangent
/// is a polynomial of 9 terms in the square of the slope there, off by less than 3e-14 (Remez). Four vectors at
/// a time, with one division and no branch.
///
/// - Parameters:
///   - x: Components along +x; finite.
///   - y: As many along +y.
///   - target: Gets the azimuths, rad.
public func writeAzimuths(
  x: Span<Double>, y: Span<Double>, to target: UnsafeMutableBufferPointer<Float>
) {
  precondition(x.count == y.count && x.count <= target.count, "one azimuth per vector")
  let fours = x.count / 4 * 4
  for index in stride(from: 0, to: fours, by: 4) {
    let four = SIMD4<Float>(
      azimuths(
        SIMD4(x[index], x[index + 1], x[index + 2], x[index + 3]),
        SIMD4(y[index], y[index + 1], y[index + 2], y[index + 3])))
    target[index] = four[0]
    target[index + 1] = four[1]
    target[index + 2] = four[2]
    target[index + 3] = four[3]
  }
  for index in fours..<x.count {
    target[index] = Float(azimuths(SIMD4(repeating: x[index]), SIMD4(repeating: y[index]))[0])
  }
}

private typealias Bits = SIMD4<UInt64>

private let signBit: UInt64 = 1 << 63

/// Choices are made by masks of all bits or none: a processor without instructions that choose takes three times as
/// long for `replacing(with:where:)`.
@inline(__always)
private func azimuths(_ x: SIMD4<Double>, _ y: SIMD4<Double>) -> SIMD4<Double> {
  let (width, height) = (bits(x) & ~signBit, bits(y) & ~signBit)
  let upright = bits(number(height) .> number(width))
  let long = number(height & upright | width & ~upright)
  let short = number(width & upright | height & ~upright)
  let steep = bits(short .> tangentOfEighth * long)
  let rise = short - number(bits(long) & steep)
  let run = long + number(bits(short) & steep)
  // 1 for a run of zero.
  let divisor = number(bits(run) | bits(run .== 0) & (1.0).bitPattern)
  let slope = rise / divisor
  let nearAxis =
    number(steep & (Double.pi / 4).bitPattern) + slope * arctangentOverSlope(slope * slope)
  let firstQuadrant = reflected(nearAxis, at: Double.pi / 2, where: upright)
  let upperHalf = reflected(firstQuadrant, at: Double.pi, where: bits(x .< 0))
  return number(bits(upperHalf) ^ bits(y .< 0) & signBit)
}

/// `sum` less the angle where the mask says so.
@inline(__always)
private func reflected(
  _ angle: SIMD4<Double>, at sum: Double, where mask: Bits
) -> SIMD4<Double> {
  number(mask & sum.bitPattern) + number(bits(angle) ^ mask & signBit)
}

@inline(__always)
private func bits(_ values: SIMD4<Double>) -> Bits { unsafeBitCast(values, to: Bits.self) }

@inline(__always)
private func bits(_ mask: SIMDMask<SIMD4<Int64>>) -> Bits { unsafeBitCast(mask, to: Bits.self) }

@inline(__always)
private func number(_ bits: Bits) -> SIMD4<Double> { unsafeBitCast(bits, to: SIMD4<Double>.self) }

/// √2 - 1
private let tangentOfEighth = 0.414_213_562_373_095_05

/// atan(s)/s, u = s² at most the square of tan(π/8).
@inline(__always)
private func arctangentOverSlope(_ u: SIMD4<Double>) -> SIMD4<Double> {
  var sum = SIMD4(repeating: 0.030_662_440_370_424_447)
  sum = sum * u - 0.058_745_056_213_078_31
  sum = sum * u + 0.075_637_035_519_151_92
  sum = sum * u - 0.090_783_920_729_434_24
  sum = sum * u + 0.111_103_850_461_480_14
  sum = sum * u - 0.142_856_904_238_392_87
  sum = sum * u + 0.199_999_996_048_919_77
  sum = sum * u - 0.333_333_333_308_034_44
  return sum * u + 0.999_999_999_999_973_2
}
