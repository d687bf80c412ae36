// The inverse of a shifted disc for lines of positions: the same numbers as one by one, several at a time.
internal import STEMCore

/// Shifts and covariances at up to `SignedSums.blockCount` neighboring positions.
///
/// Every loop is one formula over lines that stay in the processor's cache, in the order of
/// ``DiscShiftEstimator/estimate(_:at:electrons:work:)``: the bits are equal where ``isRight`` says so;
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
  private let estimator: DiscShiftEstimator
  private var means: [[Double]]
  private var slopes: [[Double]]

  init(_ estimator: DiscShiftEstimator) {
    self.estimator = estimator
    let line = [Double](repeating: 0, count: SignedSums.blockCount)
    (x, y, xx, yy, xy, largest) = (line, line, line, line, line, line)
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
    for index in x.indices {
      (x[index], y[index], largest[index]) = (0, 0, 0)
      (xx[index], yy[index], xy[index]) = (0, 0, 0)
    }
    for j in estimator.diameters.indices {
      estimator.addShift(
        ofDiameter: j, sums.differences(j), sums.totals, to: &x, &y, largest: &largest,
        mean: &means[j], slope: &slopes[j])
    }
    judge(sums.totals)
    guard let electronsPerUnit else { return }
    for j in estimator.diameters.indices {
      for k in estimator.diameters.indices {
        let pair = (
          estimator.weights[j], estimator.weights[k], means[j], means[k], slopes[j], slopes[k]
        )
        addCovariance(
          of: pair, products: j == k ? sums.totals : sums.products(j, k), sums.totals,
          electronsPerUnit, to: &xx, &yy, &xy)
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

  /// Turns (and scales) the shifts and their covariances.
  mutating func transform(by matrix: Matrix2) {
    for index in x.indices {
      (x[index], y[index]) = matrix(x[index], y[index])
      (xx[index], yy[index], xy[index]) = transformed(
        (xx[index], yy[index], xy[index]), by: matrix)
    }
  }

  /// Puts the numbers in their places in a map.
  func copy(
    to field: inout VectorField, _ covariance: inout VectorCovariance?, at positions: Range<Int>
  ) {
    func put(_ line: [Double], in plane: inout [Double]) {
      plane.replaceSubrange(positions, with: line[..<positions.count])
    }
    put(x, in: &field.x)
    put(y, in: &field.y)
    guard var errors = covariance else { return }
    // Else the arrays would have two owners, and writing to them would copy them.
    covariance = nil
    put(xx, in: &errors.xx)
    put(yy, in: &errors.yy)
    put(xy, in: &errors.xy)
    covariance = errors
  }
}

extension DiscShiftEstimator {
  /// Adds one diameter's part of the shifts to `x` and `y`; leaves its means and slopes.
  fileprivate func addShift(
    ofDiameter j: Int, _ differences: [Double], _ totals: [Double], to x: inout [Double],
    _ y: inout [Double], largest: inout [Double], mean: inout [Double], slope: inout [Double]
  ) {
    let count = totals.count
    precondition(differences.count == count && x.count == count && y.count == count)
    precondition(mean.count == count && slope.count == count && largest.count == count)
    let weight = weights[j]
    let (scale, angle) = (holeScale, probeSemiAngle)
    let steepness = scale * angle * Double.pi / 4
    let difference = differences.span
    let total = totals.span
    var xs = x.mutableSpan
    var ys = y.mutableSpan
    var extremes = largest.mutableSpan
    var parts = mean.mutableSpan
    var steepnesses = slope.mutableSpan
    for index in 0..<count {
      let part = difference[index] / total[index]
      let fraction = part * scale
      let t = Self.seriesShift(forHalfDifference: fraction)
      let component = angle * t
      xs[index] += weight.x * component
      ys[index] += weight.y * component
      extremes[index] = max(extremes[index], abs(fraction))
      parts[index] = part
      steepnesses[index] = steepness / (1 - t * t).squareRoot()
    }
  }
}

/// Two diameters: the weights, means and slopes of each.
private typealias DiameterPair = (
  (x: Double, y: Double), (x: Double, y: Double), [Double], [Double], [Double], [Double]
)

/// Adds what a pair of diameters contributes to the covariances.
private func addCovariance(
  of pair: DiameterPair, products: [Double], _ totals: [Double], _ electronsPerUnit: Double,
  to xx: inout [Double], _ yy: inout [Double], _ xy: inout [Double]
) {
  let (first, second, meansJ, meansK, slopesJ, slopesK) = pair
  let count = totals.count
  precondition(products.count == count && xx.count == count && yy.count == count)
  precondition(xy.count == count && meansJ.count == count && slopesJ.count == count)
  precondition(meansK.count == count && slopesK.count == count)
  let weightXX = first.x * second.x
  let weightYY = first.y * second.y
  let weightXY = first.x * second.y
  let product = products.span
  let total = totals.span
  let meanJ = meansJ.span
  let meanK = meansK.span
  let slopeJ = slopesJ.span
  let slopeK = slopesK.span
  var a = xx.mutableSpan
  var b = yy.mutableSpan
  var c = xy.mutableSpan
  for index in 0..<count {
    let excess = product[index] / total[index] - meanJ[index] * meanK[index]
    let share = excess / (total[index] * electronsPerUnit) * slopeJ[index] * slopeK[index]
    a[index] += weightXX * share
    b[index] += weightYY * share
    c[index] += weightXY * share
  }
}
