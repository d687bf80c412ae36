// Laplace's equation on any set of pixels: conjugate gradients, preconditioned by one cycle over
// ever coarser grids whose cells join 2 × 2 cells of the finer one.
internal import STEMCore

/// The equations Σ w (u(i) - u(neighbor)) = s(i) on the pixels of a region.
///
/// Both components of a vector are solved at once, each lane with its own step lengths. Coarse
/// equations are sums of fine ones, divided by 1.8 because a surface of flat cells is too stiff
/// (D. Braess, Computing 55 (1995) 379). The cycle smooths forwards before and backwards after the
/// coarse correction, so it is symmetric and positive, as conjugate gradients require. Serial and
/// in fixed order: the same bytes in every run.
struct LaplaceSolver {
  typealias Values = [SIMD2<Double>]

  private let levels: [LaplaceLevel]
  /// Solution and right-hand side on every level.
  private var solutions: [Values]
  private var sources: [Values]

  private static let stiffnessCorrection = 1.8
  /// The square of the accepted error in the energy norm, relative to the start.
  private static let tolerance = 1e-22
  private static let iterationLimit = 1000

  /// - Parameters:
  ///   - pixels: Indices of the unknown pixels, ascending; at least one pixel is not among them.
  ///   - weightX: Weight of a link to a neighbor in the row; `weightY` in the column.
  init(pixels: [Int32], shape: GridShape, weightX: Double, weightY: Double) {
    var level = LaplaceLevel(pixels: pixels, shape: shape, weightX: weightX, weightY: weightY)
    var levels: [LaplaceLevel] = []
    // Stop where joining cells no longer makes the problem smaller: scattered single pixels.
    while level.count > 8 {
      let coarse = level.coarsened(dividingBy: Self.stiffnessCorrection)
      if coarse.count * 10 > level.count * 9 { break }
      levels.append(level)
      level = coarse
    }
    levels.append(level)
    self.levels = levels
    solutions = levels.map { Values(repeating: .zero, count: $0.count + 1) }
    sources = solutions
  }

  /// The solution for the right-hand side `source`, one value per unknown.
  mutating func solved(for source: Values) -> Values {
    let level = levels[0]
    var solution = Values(repeating: .zero, count: level.count + 1)
    var residual = source + [.zero]
    var preconditioned = precondition(residual)
    var direction = preconditioned
    var image = solution
    var product = dot(residual, preconditioned)
    let goal = product * Self.tolerance
    for _ in 0..<Self.iterationLimit {
      if product.x <= goal.x && product.y <= goal.y { break }
      level.apply(to: direction, into: &image)
      let step = ratio(product, dot(direction, image))
      for index in 0..<level.count {
        solution[index] += step * direction[index]
        residual[index] -= step * image[index]
      }
      preconditioned = precondition(residual)
      let next = dot(residual, preconditioned)
      let share = ratio(next, product)
      for index in 0..<level.count {
        direction[index] = preconditioned[index] + share * direction[index]
      }
      product = next
    }
    solution.removeLast()
    return solution
  }

  private mutating func precondition(_ residual: Values) -> Values {
    sources[0] = residual
    cycle(0)
    return solutions[0]
  }

  /// One V-cycle from `index` on for `sources[index]`, starting from zero.
  private mutating func cycle(_ index: Int) {
    let level = levels[index]
    for unknown in 0..<level.count { solutions[index][unknown] = .zero }
    guard index + 1 < levels.count else {
      for _ in 0..<8 {
        level.smooth(&solutions[index], sources[index], isForward: true)
        level.smooth(&solutions[index], sources[index], isForward: false)
      }
      return
    }
    level.smooth(&solutions[index], sources[index], isForward: true)
    level.restrictResidual(of: solutions[index], sources[index], to: &sources[index + 1])
    cycle(index + 1)
    for unknown in 0..<level.count {
      solutions[index][unknown] += solutions[index + 1][Int(level.parents[unknown])]
    }
    level.smooth(&solutions[index], sources[index], isForward: false)
  }

  private func dot(_ a: Values, _ b: Values) -> SIMD2<Double> {
    var sum = SIMD2<Double>.zero
    for index in 0..<levels[0].count { sum += a[index] * b[index] }
    return sum
  }

  /// a / b, and 0 in a lane that has nothing left to solve.
  private func ratio(_ a: SIMD2<Double>, _ b: SIMD2<Double>) -> SIMD2<Double> {
    (a / b).replacing(with: 0, where: b .<= 0)
  }
}
