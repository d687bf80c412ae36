// The least-squares engine on problems with known solutions.

import Testing

@testable import DPCReconstruction

/// Residuals and a full Jacobian, row-major, by a function.
private struct DenseProblem: LeastSquaresProblem {
  private var residuals: [Double]
  private var jacobian: [Double]
  private let size: Int
  private let fill: (_ p: [Double], _ r: inout [Double], _ j: inout [Double]) -> Void

  init(
    residualCount: Int, size: Int,
    _ fill: @escaping (_ p: [Double], _ r: inout [Double], _ j: inout [Double]) -> Void
  ) {
    residuals = [Double](repeating: 0, count: residualCount)
    jacobian = [Double](repeating: 0, count: residualCount * size)
    self.size = size
    self.fill = fill
  }

  mutating func evaluate(at parameters: [Double]) -> Double {
    fill(parameters, &residuals, &jacobian)
    return residuals.reduce(0) { $0 + $1 * $1 }
  }

  func normalEquations() -> (matrix: [Double], gradient: [Double]) {
    LeastSquares.normalEquations(jacobian, residuals, size: size)
  }
}

@Suite("Least squares")
struct LeastSquaresTests {
  @Test("Rosenbrock's valley ends at (1, 1), or at the bound")
  func rosenbrock() {
    func solve(upper: [Double]) -> LeastSquares.Solution {
      let valley = DenseProblem(residualCount: 2, size: 2) { p, r, j in
        r[0] = 10 * (p[1] - p[0] * p[0])
        r[1] = 1 - p[0]
        j[0] = -20 * p[0]
        j[1] = 10
        j[2] = -1
        j[3] = 0
      }
      return LeastSquares.minimize(
        valley, from: [-1.2, 1], lower: [-.infinity, -.infinity], upper: upper)
    }
    let free = solve(upper: [.infinity, .infinity])
    #expect(abs(free.parameters[0] - 1) < 1e-12 && abs(free.parameters[1] - 1) < 1e-12)
    #expect(free.isAtBound == [false, false])
    let bounded = solve(upper: [0.5, .infinity])
    #expect(bounded.parameters[0] == 0.5 && abs(bounded.parameters[1] - 0.25) < 1e-9)
    #expect(bounded.isAtBound == [true, false])
  }

  @Test("a straight line's covariance is the textbook one, whatever the units")
  func line() {
    let x = (0..<11).map(Double.init)
    let scale = 1e-9
    let problem = DenseProblem(residualCount: 11, size: 2) { p, r, j in
      for i in 0..<11 {
        r[i] = p[0] + p[1] * x[i] * scale - (3 + 2 * x[i])
        j[2 * i] = 1
        j[2 * i + 1] = x[i] * scale
      }
    }
    let solution = LeastSquares.minimize(
      problem, from: [0, 0], lower: [-.infinity, -.infinity], upper: [.infinity, .infinity])
    #expect(abs(solution.parameters[0] - 3) < 1e-12)
    #expect(abs(solution.parameters[1] * scale - 2) < 1e-12)
    let covariance = LeastSquares.inverse(of: solution.normalMatrix, size: 2)
    // Σx = 55, Σx² = 385, determinant 11 · 385 - 55² = 1210.
    #expect(abs(covariance[0] - 385.0 / 1210) < 1e-12)
    #expect(abs(covariance[1] * scale + 55.0 / 1210) < 1e-12)
    #expect(abs(covariance[3] * scale * scale - 11.0 / 1210) < 1e-12)
  }

  @Test("a singular matrix gives huge variances, not NaN")
  func singular() {
    let inverse = LeastSquares.inverse(of: [1, 1, 0, 1, 1, 0, 0, 0, 4], size: 3)
    #expect(inverse.allSatisfy { $0.isFinite })
    #expect(inverse[0] > 1e12 && abs(inverse[8] - 0.25) < 1e-12)
  }
}
