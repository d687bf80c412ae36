// The fit behind the detector's calibration: Fisher scoring of gains, center, semi-angle and descan.
internal import Glibc
internal import STEMCore

/// Parameters as in ``DiscModel``, each with a weak Gaussian expectation.
struct DiscFit {
  /// Error over the expectation's below which a parameter counts as determined.
  static let determined = 0.1
  /// Relative error up to which a gain counts as determined.
  private static let gainLimit = 0.03

  let model: DiscModel
  var parameters: [Double]
  /// Standard deviation of each parameter expected beforehand.
  let expectedError: [Double]
  private let expected: [Double]
  /// Parameters that are taken for granted.
  let isFixed: [Bool]
  private(set) var reducedChiSquare: Double?

  var size: Int { model.size }
  var segmentCount: Int { model.segmentCount }
  private var blocks: VacuumBlocks { model.blocks }

  init(
    blocks: VacuumBlocks, detector: SegmentedDetector, stated alpha: Double, gains: KnownGains?,
    assumption: CalibrationAssumption
  ) {
    model = DiscModel(blocks: blocks, detector: detector)
    let segmentCount = model.segmentCount
    let slopes = model.hasSlopes ? 4 : 0
    let equal = [Double](repeating: 0, count: segmentCount)
    let isEqual = assumption == .equalGains
    let means = isEqual ? equal : gains?.gain.map { log($0) } ?? equal
    let errors = gains?.relativeErrors.map { max($0, 1e-6) } ?? equal.map { _ in 0.3 }
    let tilt = alpha / 4
    let centerError = assumption == .centeredDisc ? 1e-9 : tilt
    expected = means + [0, 0, alpha] + [Double](repeating: 0, count: slopes)
    expectedError =
      (isEqual ? equal.map { _ in 1e-6 } : errors) + [
        centerError, centerError, model.isRimHidden ? 1e-9 * alpha : alpha / 10,
      ]
      + [Double](repeating: tilt, count: slopes)
    isFixed =
      equal.map { _ in isEqual } + [Bool](repeating: assumption == .centeredDisc, count: 2)
      + [model.isRimHidden] + [Bool](repeating: false, count: slopes)
    parameters = expected
  }

  // MARK: Fit

  /// Squared misfit with the variances of `weights`, and that of the expectations.
  private func misfit(_ p: [Double], variances: [[Double]]) -> (data: Double, expected: Double) {
    var sum = 0.0
    for block in blocks.counts.indices {
      let values = model.signals(p, block: block)
      let scale = model.electrons(block) / values.reduce(0, +)
      for j in values.indices {
        let residual = blocks.counts[block][j] - values[j] * scale
        sum += residual * residual / variances[block][j]
      }
    }
    let prior = (0..<size).reduce(0.0) { total, i in
      let distance = (p[i] - expected[i]) / expectedError[i]
      return total + distance * distance
    }
    return (sum, prior)
  }

  /// Fisher information of the data and the gradient, at the parameters; the variances used.
  private func information() -> (matrix: [Double], gradient: [Double], variances: [[Double]]) {
    var matrix = [Double](repeating: 0, count: size * size)
    var gradient = [Double](repeating: 0, count: size)
    var variances: [[Double]] = []
    for block in blocks.counts.indices {
      let (counts, slopes) = model.counts(parameters, block: block)
      let variance = counts.map { model.variance($0, block: block) }
      variances.append(variance)
      for j in counts.indices {
        let residual = blocks.counts[block][j] - counts[j]
        for i in 0..<size {
          gradient[i] += slopes[j][i] * residual / variance[j]
          for k in 0...i { matrix[i * size + k] += slopes[j][i] * slopes[j][k] / variance[j] }
        }
      }
    }
    for i in 0..<size {
      for k in 0..<i { matrix[k * size + i] = matrix[i * size + k] }
    }
    return (matrix, gradient, variances)
  }

  /// Minimizes with the gains held first, then everything.
  mutating func run() throws(CalibrationError) {
    for holdsGains in [true, false] {
      for _ in 0..<60 {
        let moved = try step(holdsGains: holdsGains)
        if moved < 1e-4 { break }
      }
    }
    let (_, _, variances) = information()
    let lit = segmentCount - model.unlitSegments.count
    let freedom = blocks.counts.count * (lit - 1) - (size - segmentCount)
    let sum = misfit(parameters, variances: variances).data
    if freedom > 0 { reducedChiSquare = sum / Double(freedom) }
  }

  /// One damped step; returns its largest length in errors.
  private mutating func step(holdsGains: Bool) throws(CalibrationError) -> Double {
    var (matrix, gradient, variances) = information()
    for i in 0..<size {
      let error = holdsGains && i < segmentCount ? 1e-9 : expectedError[i]
      matrix[i * size + i] += 1 / (error * error)
      gradient[i] -= (parameters[i] - expected[i]) / (error * error)
    }
    let full = LeastSquares.solve(matrix, gradient)
    let before = misfit(parameters, variances: variances)
    var factor = 1.0
    while factor > 1e-6 {
      let trial = zip(parameters, full).map { $0 + factor * $1 }
      if model.isInside(trial) {
        let after = misfit(trial, variances: variances)
        if after.data + after.expected <= before.data + before.expected {
          let length = (0..<size).map {
            abs(full[$0]) * factor * matrix[$0 * size + $0].squareRoot()
          }
          parameters = trial
          return length.max() ?? 0
        }
      }
      factor /= 2
    }
    if !model.isInside(parameters) { throw .discOffDetector }
    return 0
  }

  // MARK: Errors

  /// Covariance of all parameters: counting, or the observed misfit where many data tell it.
  func covariance() -> [Double] {
    var matrix = information().matrix
    let freedom = blocks.counts.count * (segmentCount - model.unlitSegments.count - 1)
    if let reducedChiSquare, freedom >= 100, reducedChiSquare > 0 {
      matrix = matrix.map { $0 / reducedChiSquare }
    }
    for i in 0..<size { matrix[i * size + i] += 1 / (expectedError[i] * expectedError[i]) }
    return LeastSquares.inverse(of: matrix, size: size)
  }

  /// Gains relative to the mean of those that are determined relative to each other.
  func gains(_ covariance: [Double]) -> [Measurement?] {
    var result = [Measurement?](repeating: nil, count: segmentCount)
    if isFixed[0] { return result }
    let isKnown = (0..<segmentCount).map { expectedError[$0] < Self.gainLimit }
    var group = (0..<segmentCount).filter { isKnown[$0] || !model.unlitSegments.contains($0) }
    while group.count > 1 {
      let errors = group.map { relativeError(of: $0, within: group, covariance) }
      guard let worst = errors.indices.max(by: { errors[$0] < errors[$1] }) else { break }
      if errors[worst] > Self.gainLimit {
        group.remove(at: worst)
        continue
      }
      let mean = group.reduce(0) { $0 + exp(parameters[$1]) } / Double(group.count)
      for (index, j) in group.enumerated() {
        let gain = exp(parameters[j]) / mean
        result[j] = Measurement(gain, error: gain * errors[index])
      }
      return result
    }
    return result
  }

  /// Error of ln g of one segment minus the mean over a group.
  private func relativeError(of j: Int, within group: [Int], _ covariance: [Double]) -> Double {
    var sum = 0.0
    let share = 1 / Double(group.count)
    for i in group {
      for k in group {
        let (a, b) = ((i == j ? 1 : 0) - share, (k == j ? 1 : 0) - share)
        sum += a * b * covariance[i * size + k]
      }
    }
    return max(0, sum).squareRoot()
  }
}
