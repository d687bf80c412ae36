// The numbers by which a map is judged, always in absolute units and signs, over unmasked pixels.
internal import STEMCore

/// rms(map - truth) / rms(truth) over the pixels marked usable; NaN where a usable pixel is NaN.
func relativeError(of map: VectorField, against truth: VectorField, where usable: [Bool]) -> Double
{
  precondition(map.shape == truth.shape && usable.count == map.shape.count, "one shape")
  var difference = 0.0
  var power = 0.0
  for pixel in usable.indices where usable[pixel] {
    let x = map.x[pixel] - truth.x[pixel]
    let y = map.y[pixel] - truth.y[pixel]
    difference += x * x + y * y
    power += truth.x[pixel] * truth.x[pixel] + truth.y[pixel] * truth.y[pixel]
  }
  return (difference / power).squareRoot()
}

/// As above for a scalar that is defined up to a constant: both means over the pixels are removed.
func relativeError(of map: ScalarField, against truth: ScalarField, where usable: [Bool]) -> Double
{
  precondition(map.shape == truth.shape && usable.count == map.shape.count, "one shape")
  let pixels = usable.indices.filter { usable[$0] }
  func mean(_ values: [Double]) -> Double {
    pixels.reduce(0) { $0 + values[$1] } / Double(pixels.count)
  }
  let (mapMean, truthMean) = (mean(map.values), mean(truth.values))
  var difference = 0.0
  var power = 0.0
  for pixel in pixels {
    let expected = truth.values[pixel] - truthMean
    let residual = map.values[pixel] - mapMean - expected
    difference += residual * residual
    power += expected * expected
  }
  return (difference / power).squareRoot()
}

/// Root mean square of the vectors' length over the pixels marked usable.
func rootMeanSquare(_ field: VectorField, where usable: [Bool]) -> Double {
  var power = 0.0
  var count = 0
  for pixel in usable.indices where usable[pixel] {
    power += field.x[pixel] * field.x[pixel] + field.y[pixel] * field.y[pixel]
    count += 1
  }
  return (power / Double(count)).squareRoot()
}

/// The part of all components whose distance from the truth is below one stated deviation.
func coverage(
  of map: VectorField, errors: VectorField, truth: VectorField, where usable: [Bool]
) -> Double {
  var within = 0
  var count = 0
  for pixel in usable.indices where usable[pixel] {
    if abs(map.x[pixel] - truth.x[pixel]) < errors.x[pixel] { within += 1 }
    if abs(map.y[pixel] - truth.y[pixel]) < errors.y[pixel] { within += 1 }
    count += 2
  }
  return Double(within) / Double(count)
}

/// The same for a scalar that is defined up to a constant: both means over the pixels are removed.
func coverage(
  of map: ScalarField, errors: ScalarField, truth: ScalarField, where usable: [Bool]
) -> Double {
  let pixels = usable.indices.filter { usable[$0] }
  let offset = pixels.reduce(0) { $0 + map.values[$1] - truth.values[$1] } / Double(pixels.count)
  let within = pixels.count {
    abs(map.values[$0] - truth.values[$0] - offset) < errors.values[$0]
  }
  return Double(within) / Double(pixels.count)
}

/// How a measured map follows a true one.
struct Regression {
  var slope: Double
  /// rms of what the line leaves, over the largest true value.
  var residual: Double
}

/// Least-squares line of the measured on the true component, the one with the larger true power.
func regression(
  of map: VectorField, on truth: VectorField, where usable: [Bool]
) -> Regression {
  let pixels = usable.indices.filter { usable[$0] }
  func power(_ values: [Double]) -> Double { pixels.reduce(0) { $0 + values[$1] * values[$1] } }
  let isHorizontal = power(truth.x) >= power(truth.y)
  let (measured, expected) = isHorizontal ? (map.x, truth.x) : (map.y, truth.y)
  let count = Double(pixels.count)
  let meanMeasured = pixels.reduce(0) { $0 + measured[$1] } / count
  let meanExpected = pixels.reduce(0) { $0 + expected[$1] } / count
  var covariance = 0.0
  var variance = 0.0
  for pixel in pixels {
    covariance += (measured[pixel] - meanMeasured) * (expected[pixel] - meanExpected)
    variance += (expected[pixel] - meanExpected) * (expected[pixel] - meanExpected)
  }
  let slope = covariance / variance
  var left = 0.0
  for pixel in pixels {
    let rest = measured[pixel] - meanMeasured - slope * (expected[pixel] - meanExpected)
    left += rest * rest
  }
  let largest = pixels.reduce(0) { max($0, abs(expected[$1])) }
  return Regression(slope: slope, residual: (left / count).squareRoot() / largest)
}

/// The mean over a centered box of one lattice period, rim pixels by the part inside the box.
///
/// Pixels beyond the rim of the scan count as their nearest neighbor; results there are masked.
func cellAverage(_ field: VectorField, period: (x: Double, y: Double)) -> VectorField {
  func average(_ plane: [Double]) -> [Double] {
    let shape = field.shape
    let rows = convolved(plane, shape: shape, period: period.x, alongColumns: false)
    return convolved(rows, shape: shape, period: period.y, alongColumns: true)
  }
  return VectorField(shape: field.shape, x: average(field.x), y: average(field.y))
}

private func convolved(
  _ plane: [Double], shape: GridShape, period: Double, alongColumns: Bool
) -> [Double] {
  let reach = Int((period / 2).rounded(.up))
  let weights = (-reach...reach).map { max(0, min(1, period / 2 + 0.5 - Double(abs($0)))) }
  let total = weights.reduce(0, +)
  var result = [Double](repeating: 0, count: plane.count)
  for row in 0..<shape.rows {
    for column in 0..<shape.columns {
      var sum = 0.0
      for (index, weight) in weights.enumerated() {
        let shift = index - reach
        let sourceRow = alongColumns ? min(max(row + shift, 0), shape.rows - 1) : row
        let sourceColumn = alongColumns ? column : min(max(column + shift, 0), shape.columns - 1)
        sum += weight * plane[sourceRow * shape.columns + sourceColumn]
      }
      result[row * shape.columns + column] = sum / total
    }
  }
  return result
}
