// Whether walls carry their field along one of the two directions that they have, or between them.
internal import Glibc
public import STEMCore

/// By which angle the field of walls is turned from the component in which they were fitted towards the other one.
///
/// The other component's profile is a multiple of the fitted walls on a line of its own, by weighted least squares;
/// where it scatters by more than its errors say, the error grows with it.
///
/// - Parameters:
///   - other: The profile of the other component, at the distances of `walls`; any unit, in both the same.
///   - walls: The fitted walls alone, without what stands under them.
///   - significance: Of all walls together, in standard deviations: noise of their height turns the angle too.
/// - Returns: rad, in (-π/2, π/2): the arctangent of the multiple. nil where the other profile has other samples, too few,
///   or no errors, and where there are no walls.
public func wallFieldAngle(
  other: LineProfile, walls: [Double], significance: Double
) -> Measurement? {
  let count = walls.count
  let size = 3
  guard let errors = other.error, other.value.count == count, errors.count == count, count > size,
    errors.allSatisfy({ $0 > 0 && $0.isFinite }), walls.contains(where: { $0 != 0 })
  else { return nil }
  let reach = other.distance.reduce(0) { max($0, abs($1)) }
  var design: [Double] = []
  var values: [Double] = []
  for index in 0..<count {
    design += [1, other.distance[index] / reach, walls[index]].map { $0 / errors[index] }
    values.append(other.value[index] / errors[index])
  }
  let (matrix, right) = LeastSquares.normalEquations(design, values, size: size)
  let coefficients = LeastSquares.solve(matrix, right)
  var misfit = 0.0
  for index in 0..<count {
    let model = (0..<size).reduce(0) { $0 + coefficients[$1] * design[size * index + $1] }
    misfit += (values[index] - model) * (values[index] - model)
  }
  let variance = LeastSquares.inverse(of: matrix, size: size)[size * size - 1]
  let ratio = coefficients[size - 1]
  let error = (variance * max(1, misfit / Double(count - size))).squareRoot()
  return Measurement(
    atan(ratio), error: hypot(error, ratio / significance) / (1 + ratio * ratio))
}
