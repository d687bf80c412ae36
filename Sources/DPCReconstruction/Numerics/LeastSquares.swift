// Small dense nonlinear least squares: Levenberg-Marquardt within bounds, and the covariance.

/// Residuals r and their derivatives J, at one point after the other.
protocol LeastSquaresProblem {
  /// Σ r² at the parameters, infinite where it is no number.
  mutating func evaluate(at parameters: [Double]) -> Double

  /// JᵀJ (row-major, p × p) and Jᵀr at the parameters of the last evaluation.
  func normalEquations() -> (matrix: [Double], gradient: [Double])
}

/// Levenberg-Marquardt for up to some hundred parameters (Marquardt, J. SIAM 11, 431 (1963)).
enum LeastSquares {
  /// Where a minimization ended.
  struct Solution {
    var parameters: [Double]
    /// Σ r².
    var sumOfSquares: Double
    /// JᵀJ at the solution, row-major, p × p.
    var normalMatrix: [Double]
    /// Parameters that ended on one of their bounds.
    var isAtBound: [Bool]
  }

  /// Minimizes Σ r² within lower <= p <= upper.
  ///
  /// Steps are damped by the diagonal of JᵀJ, hence independent of the parameters' units. A
  /// parameter on a bound that the gradient pushes outwards is held for that step.
  static func minimize(
    _ problem: consuming some LeastSquaresProblem, from start: [Double], lower: [Double],
    upper: [Double], iterationLimit: Int = 200
  ) -> Solution {
    let size = start.count
    var point = clamp(start, lower, upper)
    var sum = problem.evaluate(at: point)
    var (normal, gradient) = problem.normalEquations()
    var damping = 1e-3
    for _ in 0..<iterationLimit {
      var improved = false
      var smallStep = false
      while !improved && damping < 1e12 {
        let step = dampedStep(
          normal, gradient, damping: damping, point: point, lower: lower, upper: upper)
        let trial = clamp(zip(point, step).map { $0 + $1 }, lower, upper)
        smallStep = isNegligible(from: point, to: trial, curvature: normal, sum: sum)
        if trial == point { break }
        let trialSum = problem.evaluate(at: trial)
        if trialSum < sum {
          point = trial
          sum = trialSum
          (normal, gradient) = problem.normalEquations()
          damping = max(damping / 10, 1e-15)
          improved = true
        } else {
          if smallStep { break }
          damping *= 10
        }
      }
      if !improved || (smallStep && damping < 1e-6) { break }
    }
    let isAtBound = (0..<size).map { point[$0] <= lower[$0] || point[$0] >= upper[$0] }
    return Solution(
      parameters: point, sumOfSquares: sum, normalMatrix: normal, isAtBound: isAtBound)
  }

  /// A step that changes neither the parameters nor the sum beyond their last bits.
  private static func isNegligible(
    from point: [Double], to trial: [Double], curvature: [Double], sum: Double
  ) -> Bool {
    let size = point.count
    for i in 0..<size {
      let change = abs(trial[i] - point[i])
      // The second term measures the step by its effect on the sum of squares: 1e-14 of it is
      // some 1e-6 standard deviations.
      let effect = change * change * curvature[i * size + i]
      if change > 1e-15 * abs(point[i]) && effect > 1e-14 * sum { return false }
    }
    return true
  }

  private static func dampedStep(
    _ normal: [Double], _ gradient: [Double], damping: Double, point: [Double],
    lower: [Double], upper: [Double]
  ) -> [Double] {
    let size = point.count
    var matrix = normal
    var right = gradient.map { -$0 }
    for i in 0..<size {
      let isHeld =
        (point[i] <= lower[i] && gradient[i] > 0) || (point[i] >= upper[i] && gradient[i] < 0)
      if isHeld || normal[i * size + i] <= 0 {
        for k in 0..<size {
          matrix[i * size + k] = 0
          matrix[k * size + i] = 0
        }
        matrix[i * size + i] = 1
        right[i] = 0
      } else {
        matrix[i * size + i] *= 1 + damping
      }
    }
    return solve(matrix, right)
  }

  /// Solves a symmetric positive definite system; scaled to a unit diagonal first.
  static func solve(_ matrix: [Double], _ right: [Double]) -> [Double] {
    let size = right.count
    let (factor, scale) = scaledCholesky(matrix, size: size)
    var x = (0..<size).map { right[$0] * scale[$0] }
    substitute(factor, size: size, into: &x)
    return (0..<size).map { x[$0] * scale[$0] }
  }

  /// The inverse of a symmetric positive definite matrix, row-major; directions that are
  /// undetermined in double precision get a huge variance, not an infinite one.
  static func inverse(of matrix: [Double], size: Int) -> [Double] {
    let (factor, scale) = scaledCholesky(matrix, size: size)
    var result = [Double](repeating: 0, count: size * size)
    for column in 0..<size {
      var x = [Double](repeating: 0, count: size)
      x[column] = 1
      substitute(factor, size: size, into: &x)
      for row in 0..<size { result[row * size + column] = x[row] * scale[row] * scale[column] }
    }
    return result
  }

  /// The lower Cholesky factor of S A S with S = diag(1/√A_ii); where rounding makes it
  /// indefinite, a ridge of growing size is added to the unit diagonal.
  private static func scaledCholesky(
    _ matrix: [Double], size: Int
  ) -> (factor: [Double], scale: [Double]) {
    let scale = (0..<size).map { i -> Double in
      let d = matrix[i * size + i]
      return d > 0 ? 1 / d.squareRoot() : 1
    }
    var ridge = 0.0
    while true {
      var l = [Double](repeating: 0, count: size * size)
      var isDefinite = true
      for i in 0..<size where isDefinite {
        for j in 0...i {
          var sum = matrix[i * size + j] * scale[i] * scale[j]
          if i == j { sum += ridge + (matrix[i * size + i] > 0 ? 0 : 1) }
          for k in 0..<j { sum -= l[i * size + k] * l[j * size + k] }
          if i != j {
            l[i * size + j] = sum / l[j * size + j]
          } else if sum > 1e-15 {
            l[i * size + i] = sum.squareRoot()
          } else {
            isDefinite = false
          }
        }
      }
      if isDefinite || ridge > 1 { return (l, scale) }
      ridge = ridge == 0 ? 1e-14 : ridge * 10
    }
  }

  private static func substitute(_ l: [Double], size: Int, into x: inout [Double]) {
    for i in 0..<size {
      for k in 0..<i { x[i] -= l[i * size + k] * x[k] }
      x[i] /= l[i * size + i]
    }
    for i in stride(from: size - 1, through: 0, by: -1) {
      for k in (i + 1)..<max(size, i + 1) { x[i] -= l[k * size + i] * x[k] }
      x[i] /= l[i * size + i]
    }
  }

  /// JᵀJ and Jᵀr of a Jacobian, row-major, residuals × `size`.
  static func normalEquations(
    _ jacobian: [Double], _ residuals: [Double], size: Int
  ) -> (matrix: [Double], gradient: [Double]) {
    var matrix = [Double](repeating: 0, count: size * size)
    var gradient = [Double](repeating: 0, count: size)
    // Only what is not zero is multiplied: a wall is seen by the samples near it alone.
    var columns: [Int] = []
    columns.reserveCapacity(size)
    for row in residuals.indices {
      let base = row * size
      columns.removeAll(keepingCapacity: true)
      for i in 0..<size where jacobian[base + i] != 0 { columns.append(i) }
      for i in columns {
        let value = jacobian[base + i]
        gradient[i] += value * residuals[row]
        for j in columns {
          if j > i { break }
          matrix[i * size + j] += value * jacobian[base + j]
        }
      }
    }
    for i in 0..<size {
      for j in 0..<i { matrix[j * size + i] = matrix[i * size + j] }
    }
    return (matrix, gradient)
  }

  private static func clamp(_ p: [Double], _ lower: [Double], _ upper: [Double]) -> [Double] {
    p.indices.map { min(max(p[$0], lower[$0]), upper[$0]) }
  }
}
