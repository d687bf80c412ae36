// The model of a profile as the least-squares engine sees it: derivatives of each wall where it reaches.

internal import Glibc
internal import STEMCore

/// Residuals and derivatives of a ``WallModel`` at one point after the other.
///
/// Parameters are those of ``WallModelFit/covariance``. Walls are local: derivatives are kept and multiplied
/// only at the samples within a wall's reach. Every sum runs over the samples in their order, as over a full
/// Jacobian with zeros elsewhere.
struct WallProblem: LeastSquaresProblem {
  private let model: WallModel
  private let wallCount: Int
  private var residuals: [Double]
  /// Of each wall: the samples it reaches.
  private var ranges: [Range<Int>]
  /// Of each wall, at the samples it reaches: weight · ∂/∂(E0, ln w, X0), and zero.
  private var derivatives: [[SIMD4<Double>]]
  /// Weights, and weights times the place on which a slope acts.
  private let slopes: [Double]

  init(_ model: WallModel, wallCount: Int) {
    self.model = model
    self.wallCount = wallCount
    let samples = model.samples
    residuals = [Double](repeating: 0, count: samples.count)
    ranges = [Range<Int>](repeating: 0..<0, count: wallCount)
    derivatives = [[SIMD4<Double>]](repeating: [], count: wallCount)
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
    let shape = ProjectedWall(geometry: geometry, sechWidth: sechWidth)
    // Beyond, a wall is below 1e-16 of its height.
    let reach = (geometry.thickness * geometry.sine / 2 + 20 * sechWidth) / geometry.cosine
    // A position that is no number reaches everywhere, and makes the sum of squares infinite.
    let first = samples.firstIndex { !($0 - position < -reach) }
    let range = first..<max(first, samples.firstIndex { $0 - position > reach })
    ranges[wall] = range
    // Out of their owner for the while, so that they grow in place.
    var own: [SIMD4<Double>] = []
    swap(&own, &derivatives[wall])
    own.removeAll(keepingCapacity: true)
    own.reserveCapacity(range.count)
    for i in range {
      let sample = shape.sample(at: samples.distance[i] - position, amplitude: amplitude)
      let weight = samples.weight[i]
      residuals[i] += sample.value
      own.append(
        SIMD4(
          weight * sample.byAmplitude, weight * sample.byWidth * sechWidth,
          weight * sample.byPosition, 0))
    }
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
    let zero = SIMD4<Double>(repeating: 0)
    var (gradient, constant, slope) = (zero, zero, zero)
    var rows = (zero, zero, zero)
    let (own, range) = (derivatives[wall], ranges[wall])
    let weights = model.samples.weight
    for i in own.indices {
      let (a, sample) = (own[i], range.lowerBound + i)
      gradient += a * residuals[sample]
      constant += a * weights[sample]
      rows.0 += a * a[0]
      rows.1 += a * a[1]
      rows.2 += a * a[2]
    }
    if model.baselineCount == 2 {
      for i in own.indices { slope += own[i] * slopes[range.lowerBound + i] }
    }
    for (k, row) in [rows.0, rows.1, rows.2].enumerated() {
      equations.gradient[base + k] = gradient[k]
      equations[base + k, 0] = constant[k]
      if model.baselineCount == 2 { equations[base + k, 1] = slope[k] }
      for j in 0...k { equations[base + k, base + j] = row[j] }
    }
  }

  private func addProducts(
    _ wall: Int, _ other: Int, _ shared: Range<Int>, to equations: inout NormalEquations
  ) {
    let zero = SIMD4<Double>(repeating: 0)
    var rows = (zero, zero, zero)
    let (own, others) = (derivatives[wall], derivatives[other])
    let (first, otherFirst) = (ranges[wall].lowerBound, ranges[other].lowerBound)
    for i in shared {
      let (a, b) = (own[i - first], others[i - otherFirst])
      rows.0 += b * a[0]
      rows.1 += b * a[1]
      rows.2 += b * a[2]
    }
    let base = model.baselineCount
    for (k, row) in [rows.0, rows.1, rows.2].enumerated() {
      for j in 0..<3 { equations[base + 3 * wall + k, base + 3 * other + j] = row[j] }
    }
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
