// Least squares of a piecewise linear profile and a slope along the walls.

/// The fit of one profile of both components to sums over distances.
///
/// Knots see their neighbors only: the normal equations are tridiagonal but for the row of the slope, which is
/// eliminated.
struct KnotFit {
  /// Of the knots.
  let count: Int
  /// What the fit explains, values in units of their noise.
  private(set) var chiSquare = 0.0
  /// Both components at the knots.
  private(set) var values: [SIMD2<Double>]

  private var diagonal: [Double]
  private var beside: [Double]
  /// Of the knots with the slope, and with both components.
  private var border: [Double]
  private var right: [SIMD2<Double>]

  /// A knot with next to no places is none, in parts of the one with the most.
  private static let ridge = 1e-9

  /// - Parameters:
  ///   - sums: Of distances in equal steps.
  ///   - range: From the first knot to the last, in these steps.
  ///   - pieces: Between knots.
  init(_ sums: [SlopeSums], range: ClosedRange<Double>, pieces: Int) {
    count = pieces + 1
    diagonal = [Double](repeating: 0, count: count)
    beside = [Double](repeating: 0, count: count)
    border = [Double](repeating: 0, count: count)
    right = [SIMD2<Double>](repeating: .zero, count: count)
    values = right
    var (square, product) = (0.0, SIMD2<Double>.zero)
    let perStep = Double(pieces) / (range.upperBound - range.lowerBound)
    for (bin, sum) in sums.enumerated() where sum.count > 0 {
      let place = min(max((Double(bin) - range.lowerBound) * perStep, 0), Double(pieces))
      let knot = min(Int(place), pieces - 1)
      let (upper, lower) = (place - Double(knot), 1 - place + Double(knot))
      diagonal[knot] += lower * lower * sum.count
      diagonal[knot + 1] += upper * upper * sum.count
      beside[knot] += lower * upper * sum.count
      border[knot] += lower * sum.along
      border[knot + 1] += upper * sum.along
      right[knot] += lower * sum.value
      right[knot + 1] += upper * sum.value
      square += sum.alongSquared
      product += sum.product
    }
    solve(square, product)
  }

  /// By elimination from the first knot to the last: what each knot adds is known once those before it are gone.
  private mutating func solve(_ square: Double, _ product: SIMD2<Double>) {
    let least = Self.ridge * (diagonal.max() ?? 0)
    var (square, product) = (square, product)
    let whole = square
    for knot in 0..<count {
      let pivot = diagonal[knot] + least
      guard pivot > 0 else { continue }
      chiSquare += (right[knot] * right[knot]).sum() / pivot
      product -= border[knot] / pivot * right[knot]
      square -= border[knot] * border[knot] / pivot
      if knot + 1 < count {
        let factor = beside[knot] / pivot
        diagonal[knot + 1] -= factor * beside[knot]
        border[knot + 1] -= factor * border[knot]
        right[knot + 1] -= factor * right[knot]
      }
    }
    var slope = SIMD2<Double>.zero
    if square > Self.ridge * whole {
      chiSquare += (product * product).sum() / square
      slope = product / square
    }
    for knot in (0..<count).reversed() where diagonal[knot] + least > 0 {
      let next = knot + 1 < count ? beside[knot] * values[knot + 1] : .zero
      values[knot] = (right[knot] - border[knot] * slope - next) / (diagonal[knot] + least)
    }
  }
}
