// The inverse of a shifted disc for lines of positions: the formulas of one position, several at a time.
internal import STEMCore

/// Shifts and covariances at up to `SignedSums.blockCount` neighboring positions.
///
/// Every loop is one formula over lines that stay in the processor's cache, with one division for the sum of
/// the signals and no root, which no compiler turns into vector instructions. The numbers are those of
/// ``DiscShiftEstimator/estimate(_:at:electrons:work:)`` but for the rounding, where ``isRight`` says so;
/// elsewhere they have no meaning.
struct DiscShiftLines {
  /// Shift in the detector frame, rad.
  private(set) var x: [Double]
  private(set) var y: [Double]
  /// Covariance from counting statistics, rad²; without meaning where the electrons are unknown.
  private(set) var xx: [Double]
  private(set) var yy: [Double]
  private(set) var xy: [Double]
  /// Whether the sum is positive, the series holds and the shift lies within the estimator's range.
  private(set) var isRight: [Bool]
  /// The largest |H| of the diameters.
  private var largest: [Double]
  /// One over the sum of the signals.
  private var inverses: [Double]
  private let estimator: DiscShiftEstimator
  private var means: [[Double]]
  private var slopes: [[Double]]

  init(_ estimator: DiscShiftEstimator) {
    self.estimator = estimator
    let line = [Double](repeating: 0, count: SignedSums.blockCount)
    (x, y, xx, yy, xy, largest, inverses) = (line, line, line, line, line, line, line)
    isRight = line.map { _ in false }
    means = estimator.diameters.map { _ in line }
    slopes = means
  }

  /// Forms the numbers at the positions of `sums`.
  ///
  /// - Parameters:
  ///   - sums: Of a line of positions.
  ///   - electronsPerUnit: Effective electrons per unit of the sums; nil where unknown.
  mutating func form(from sums: borrowing SignedSums, electronsPerUnit: Double?) {
    for index in x.indices { (x[index], y[index], largest[index]) = (0, 0, 0) }
    invert(sums.totals, to: &inverses)
    for j in estimator.diameters.indices {
      estimator.addShift(
        ofDiameter: j, sums.differences(j), inverses, to: &x, &y, largest: &largest,
        mean: &means[j])
    }
    judge(sums.totals)
    guard let electronsPerUnit else { return }
    for index in xx.indices { (xx[index], yy[index], xy[index]) = (0, 0, 0) }
    for j in estimator.diameters.indices {
      estimator.formSlopes(means[j], to: &slopes[j])
      addVariance(
        ofDiameter: estimator.weights[j], means[j], slopes[j], inverses, 1 / electronsPerUnit,
        to: &xx, &yy, &xy)
      for k in 0..<j {
        addCovariance(
          of: (
            estimator.weights[j], estimator.weights[k], means[j], means[k], slopes[j], slopes[k]
          ),
          products: sums.products(j, k), inverses, 1 / electronsPerUnit, to: &xx, &yy, &xy)
      }
    }
  }

  private mutating func judge(_ totals: [Double]) {
    let largestSquare = estimator.range * estimator.range
    for index in x.indices {
      let square = x[index] * x[index] + y[index] * y[index]
      isRight[index] =
        totals[index] > 0 && largest[index] <= DiscShiftEstimator.seriesLimit
        && square <= largestSquare
    }
  }

  /// Turns (and scales) the shifts and covariances at the first places, and puts them in a map.
  func write(to map: SharedVectorMap, at positions: Range<Int>, by m: Matrix2) {
    combine((m.xx, x), (m.xy, y), to: map.x[positions])
    combine((m.yx, x), (m.yy, y), to: map.y[positions])
    guard let covariance = map.covariance else { return }
    // M C Mᵀ
    combine(
      (m.xx * m.xx, xx), (2 * m.xx * m.xy, xy), (m.xy * m.xy, yy), to: covariance.xx[positions])
    combine(
      (m.yx * m.yx, xx), (2 * m.yx * m.yy, xy), (m.yy * m.yy, yy), to: covariance.yy[positions])
    combine(
      (m.xx * m.yx, xx), (m.xx * m.yy + m.xy * m.yx, xy), (m.xy * m.yy, yy),
      to: covariance.xy[positions])
  }
}

private func combine(
  _ first: (weight: Double, line: [Double]), _ second: (weight: Double, line: [Double]),
  to place: UnsafeMutableBufferPointer<Double>
) {
  precondition(first.line.count >= place.count && second.line.count >= place.count)
  let (a, b) = (first.weight, second.weight)
  let one = first.line.span
  let other = second.line.span
  for index in 0..<place.count { place[index] = a * one[index] + b * other[index] }
}

private func combine(
  _ first: (weight: Double, line: [Double]), _ second: (weight: Double, line: [Double]),
  _ third: (weight: Double, line: [Double]), to place: UnsafeMutableBufferPointer<Double>
) {
  precondition(first.line.count >= place.count && second.line.count >= place.count)
  precondition(third.line.count >= place.count)
  let (a, b, c) = (first.weight, second.weight, third.weight)
  let one = first.line.span
  let two = second.line.span
  let three = third.line.span
  for index in 0..<place.count {
    place[index] = a * one[index] + b * two[index] + c * three[index]
  }
}

private func invert(_ totals: [Double], to inverses: inout [Double]) {
  precondition(totals.count == inverses.count, "lines of one length")
  let total = totals.span
  var inverse = inverses.mutableSpan
  for index in 0..<total.count { inverse[index] = 1 / total[index] }
}

extension DiscShiftEstimator {
  /// Adds one diameter's part of the shifts to `x` and `y`; leaves its means.
  fileprivate func addShift(
    ofDiameter j: Int, _ differences: [Double], _ inverses: [Double], to x: inout [Double],
    _ y: inout [Double], largest: inout [Double], mean: inout [Double]
  ) {
    let count = inverses.count
    precondition(differences.count == count && x.count == count && y.count == count)
    precondition(mean.count == count && largest.count == count)
    let weight = weights[j]
    let (scale, angle) = (holeScale, probeSemiAngle)
    let difference = differences.span
    let inverse = inverses.span
    var xs = x.mutableSpan
    var ys = y.mutableSpan
    var extremes = largest.mutableSpan
    var parts = mean.mutableSpan
    for index in 0..<count {
      let part = difference[index] * inverse[index]
      let fraction = part * scale
      let t = Self.seriesShift(forHalfDifference: fraction)
      let component = angle * t
      xs[index] += weight.x * component
      ys[index] += weight.y * component
      extremes[index] = max(extremes[index], abs(fraction))
      parts[index] = part
    }
  }

  /// What a shift changes for a change of the mean, rad.
  fileprivate func formSlopes(_ means: [Double], to slopes: inout [Double]) {
    precondition(slopes.count == means.count)
    let (scale, steepness) = (holeScale, holeScale * probeSemiAngle)
    let mean = means.span
    var slope = slopes.mutableSpan
    for index in 0..<mean.count {
      slope[index] = steepness * Self.seriesSlope(forHalfDifference: mean[index] * scale)
    }
  }
}

/// Adds one diameter's own variance, (1 - H²)/N times the square of its slope, to the covariances.
private func addVariance(
  ofDiameter weight: (x: Double, y: Double), _ means: [Double], _ slopes: [Double],
  _ inverses: [Double], _ unitsPerElectron: Double,
  to xx: inout [Double], _ yy: inout [Double], _ xy: inout [Double]
) {
  let count = inverses.count
  precondition(means.count == count && slopes.count == count && xx.count == count)
  precondition(yy.count == count && xy.count == count)
  let (weightXX, weightYY, weightXY) = (
    weight.x * weight.x * unitsPerElectron, weight.y * weight.y * unitsPerElectron,
    weight.x * weight.y * unitsPerElectron
  )
  let inverse = inverses.span
  let mean = means.span
  let slope = slopes.span
  var a = xx.mutableSpan
  var b = yy.mutableSpan
  var c = xy.mutableSpan
  for index in 0..<count {
    let share = (1 - mean[index] * mean[index]) * inverse[index] * (slope[index] * slope[index])
    a[index] += weightXX * share
    b[index] += weightYY * share
    c[index] += weightXY * share
  }
}

/// Two diameters: the weights, means and slopes of each.
private typealias DiameterPair = (
  (x: Double, y: Double), (x: Double, y: Double), [Double], [Double], [Double], [Double]
)

/// Adds what two different diameters contribute, in either order, to the covariances.
private func addCovariance(
  of pair: DiameterPair, products: [Double], _ inverses: [Double], _ unitsPerElectron: Double,
  to xx: inout [Double], _ yy: inout [Double], _ xy: inout [Double]
) {
  let (first, second, meansJ, meansK, slopesJ, slopesK) = pair
  let count = inverses.count
  precondition(products.count == count && xx.count == count && yy.count == count)
  precondition(xy.count == count && meansJ.count == count && slopesJ.count == count)
  precondition(meansK.count == count && slopesK.count == count)
  let weightXX = 2 * first.x * second.x * unitsPerElectron
  let weightYY = 2 * first.y * second.y * unitsPerElectron
  let weightXY = (first.x * second.y + second.x * first.y) * unitsPerElectron
  let product = products.span
  let inverse = inverses.span
  let meanJ = meansJ.span
  let meanK = meansK.span
  let slopeJ = slopesJ.span
  let slopeK = slopesK.span
  var a = xx.mutableSpan
  var b = yy.mutableSpan
  var c = xy.mutableSpan
  for index in 0..<count {
    let excess = product[index] * inverse[index] - meanJ[index] * meanK[index]
    let share = excess * inverse[index] * (slopeJ[index] * slopeK[index])
    a[index] += weightXX * share
    b[index] += weightYY * share
    c[index] += weightXY * share
  }
}
