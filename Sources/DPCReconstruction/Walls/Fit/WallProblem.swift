// The model of a profile as the least-squares engine sees it: derivatives of each wall where it reaches.

internal import CKernels
internal import Glibc
internal import STEMCore

/// Residuals and derivatives of a ``WallModel`` at one point after the other.
///
/// Parameters are those of ``WallModelFit/covariance``. Walls are local: derivatives are kept and multiplied
/// only at the samples within a wall's reach, as if a full Jacobian had zeros elsewhere.
struct WallProblem: LeastSquaresProblem {
  private let model: WallModel
  private let wallCount: Int
  private var residuals: [Double]
  /// Of each wall: the samples it reaches.
  private var ranges: [Range<Int>]
  /// Of each wall, at the samples it reaches: weight · ∂/∂E0, then ∂/∂ ln w, then ∂/∂X0.
  private var derivatives: [[Double]]
  /// Weights times the place on which a slope acts.
  private let slopes: [Double]
  private let width: KernelWidth

  init(_ model: WallModel, wallCount: Int, width: KernelWidth = .widest) {
    self.width = width
    self.model = model
    self.wallCount = wallCount
    let samples = model.samples
    residuals = [Double](repeating: 0, count: samples.count)
    ranges = [Range<Int>](repeating: 0..<0, count: wallCount)
    derivatives = [[Double]](repeating: [], count: wallCount)
    slopes =
      model.baselineCount == 2
      ? zip(samples.weight, samples.distance).map { $0 * $1 / model.halfSpan } : []
  }

  mutating func evaluate(at p: [Double]) -> Double {
    let samples = model.samples
    for i in residuals.indices {
      residuals[i] =
        model.baselineCount == 2 ? p[0] + p[1] * samples.distance[i] / model.halfSpan : p[0]
    }
    for wall in 0..<wallCount {
      let base = model.baselineCount + 3 * wall
      add(wall, amplitude: p[base], sechWidth: exp(p[base + 1]), position: p[base + 2])
    }
    var sum = 0.0
    for i in residuals.indices {
      let residual = (residuals[i] - samples.value[i]) * samples.weight[i]
      residuals[i] = residual
      sum += residual * residual
    }
    return sum.isFinite ? sum : .infinity
  }

  /// Adds a wall to the values, and forms its derivatives.
  private mutating func add(
    _ wall: Int, amplitude: Double, sechWidth: Double, position: Double
  ) {
    let (samples, geometry) = (model.samples, model.geometry)
    var shape = ProjectedWall(geometry: geometry, sechWidth: sechWidth).inC
    // Beyond, a wall is below 1e-16 of its height.
    let reach = ProjectedWall.reach(geometry, sechWidth: sechWidth, widths: 20)
    // A position that is no number reaches everywhere, and makes the sum of squares infinite.
    let first = samples.firstIndex { !($0 - position < -reach) }
    let range = first..<max(first, samples.firstIndex { $0 - position > reach })
    ranges[wall] = range
    // Out of their owner for the while, so that they change in place.
    var own: [Double] = []
    swap(&own, &derivatives[wall])
    if own.count != 3 * range.count { own = [Double](repeating: 0, count: 3 * range.count) }
    // SAFETY: the kernel keeps to the samples of the range, of which there are three derivatives each, and keeps no
    // pointer.
    wall_add_samples(
      &shape, amplitude, samples.distance, position, samples.weight, range.lowerBound,
      range.upperBound, &residuals, &own, width.inC)
    swap(&own, &derivatives[wall])
  }

  func normalEquations() -> (matrix: [Double], gradient: [Double]) {
    let baseline = model.baselineCount
    var equations = NormalEquations(size: baseline + 3 * wallCount)
    addBaseline(to: &equations)
    for wall in 0..<wallCount {
      addOwn(wall, to: &equations)
      for other in 0..<wall {
        let shared = ranges[wall].clamped(to: ranges[other])
        if !shared.isEmpty { addProducts(wall, other, shared, to: &equations) }
      }
    }
    return equations.symmetric()
  }

  private func addBaseline(to equations: inout NormalEquations) {
    let weights = model.samples.weight
    for i in residuals.indices {
      equations.gradient[0] += weights[i] * residuals[i]
      equations[0, 0] += weights[i] * weights[i]
      if model.baselineCount == 2 {
        equations.gradient[1] += slopes[i] * residuals[i]
        equations[1, 0] += slopes[i] * weights[i]
        equations[1, 1] += slopes[i] * slopes[i]
      }
    }
  }

  /// A wall's products with itself, the baseline and the residuals.
  private func addOwn(_ wall: Int, to equations: inout NormalEquations) {
    let base = model.baselineCount + 3 * wall
    let range = ranges[wall]
    func sums(with column: [Double]) -> [Double] {
      products(wall, over: range, with: column, from: range.lowerBound)
    }
    let (gradient, constant) = (sums(with: residuals), sums(with: model.samples.weight))
    let slope = model.baselineCount == 2 ? sums(with: slopes) : []
    let squares = products(wall, over: range, with: derivatives[wall], from: 0, columns: 3)
    for k in 0..<3 {
      equations.gradient[base + k] = gradient[k]
      equations[base + k, 0] = constant[k]
      if model.baselineCount == 2 { equations[base + k, 1] = slope[k] }
      for j in 0...k { equations[base + k, base + j] = squares[3 * j + k] }
    }
  }

  private func addProducts(
    _ wall: Int, _ other: Int, _ shared: Range<Int>, to equations: inout NormalEquations
  ) {
    let sums = products(
      wall, over: shared, with: derivatives[other],
      from: shared.lowerBound - ranges[other].lowerBound, columns: 3)
    let base = model.baselineCount
    for k in 0..<3 {
      for j in 0..<3 { equations[base + 3 * wall + k, base + 3 * other + j] = sums[3 * j + k] }
    }
  }

  /// Sums over some samples of a wall's three derivatives times other numbers, those of the first column first.
  ///
  /// - Parameters:
  ///   - numbers: Columns of equal length, one after the other.
  ///   - first: Where the samples begin in the first column.
  private func products(
    _ wall: Int, over samples: Range<Int>, with numbers: [Double], from first: Int,
    columns: Int = 1
  ) -> [Double] {
    let own = derivatives[wall]
    let ownFirst = samples.lowerBound - ranges[wall].lowerBound
    let (ownStride, stride) = (own.count / 3, numbers.count / columns)
    precondition(
      ownFirst + samples.count <= ownStride && first + samples.count <= stride,
      "every column holds the samples")
    var sums = [Double](repeating: 0, count: 3 * columns)
    // SAFETY: the kernel reads so many numbers of each column, writes the sums, and keeps no pointer.
    wall_products(
      own, ownFirst, ownStride, numbers, first, stride, Int32(columns), samples.count, &sums,
      width.inC)
    return sums
  }
}

/// JᵀJ below and on its diagonal, and Jᵀr.
private struct NormalEquations {
  private let size: Int
  private var matrix: [Double]
  var gradient: [Double]

  init(size: Int) {
    self.size = size
    matrix = [Double](repeating: 0, count: size * size)
    gradient = [Double](repeating: 0, count: size)
  }

  subscript(row: Int, column: Int) -> Double {
    get { matrix[row * size + column] }
    set { matrix[row * size + column] = newValue }
  }

  func symmetric() -> (matrix: [Double], gradient: [Double]) {
    var result = matrix
    for i in 0..<size { for j in 0..<i { result[j * size + i] = result[i * size + j] } }
    return (result, gradient)
  }
}
