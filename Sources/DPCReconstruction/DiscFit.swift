// The fit behind the detector's calibration: shares of a disc on segments, by Fisher scoring.
internal import Glibc
internal import STEMCore

/// Parameters: ln g of each segment, center x and y, α, and for scans the four slopes of descan
/// (x along s, y along s, x along t, y along t), rad.
struct DiscFit {
  /// Error over the expectation's below which a parameter counts as determined.
  static let determined = 0.1
  /// Relative error up to which a gain counts as determined.
  private static let gainLimit = 0.03
  /// Share of the beam below which a segment is dark.
  private static let litShare = 1e-5
  /// Smallest variance of a sum of counts: an empty segment is known no better than this.
  private static let smallestVariance = 0.25

  let blocks: VacuumBlocks
  let detector: SegmentedDetector
  let segmentCount: Int
  let hasSlopes: Bool
  let size: Int
  var parameters: [Double]
  /// Standard deviation of each parameter expected beforehand.
  let expectedError: [Double]
  private let expected: [Double]
  /// Parameters that are taken for granted.
  let isFixed: [Bool]
  private(set) var reducedChiSquare: Double?

  init(
    blocks: VacuumBlocks, detector: SegmentedDetector, stated alpha: Double, gains: KnownGains?,
    assumption: CalibrationAssumption
  ) {
    self.blocks = blocks
    self.detector = detector
    segmentCount = detector.segments.count
    hasSlopes = blocks.counts.count > 3
    let slopes = hasSlopes ? 4 : 0
    size = segmentCount + 3 + slopes
    let equal = [Double](repeating: 0, count: segmentCount)
    let isEqual = assumption == .equalGains
    let means = isEqual ? equal : gains?.gain.map { log($0) } ?? equal
    let errors = gains?.relativeErrors.map { max($0, 1e-6) } ?? equal.map { _ in 0.3 }
    let tilt = alpha / 4
    let centerError = assumption == .centeredDisc ? 1e-9 : tilt
    expected = means + [0, 0, alpha] + [Double](repeating: 0, count: slopes)
    expectedError =
      (isEqual ? equal.map { _ in 1e-6 } : errors) + [centerError, centerError, alpha / 10]
      + [Double](repeating: tilt, count: slopes)
    isFixed =
      equal.map { _ in isEqual } + [Bool](repeating: assumption == .centeredDisc, count: 2)
      + [Bool](repeating: false, count: 1 + slopes)
    parameters = expected
  }

  // MARK: Model

  private func disc(_ p: [Double], block: Int) -> CalibrationDisc {
    let first = segmentCount
    var disc = CalibrationDisc(x: p[first], y: p[first + 1], radius: p[first + 2])
    if hasSlopes {
      disc.x += p[first + 3] * blocks.s[block] + p[first + 5] * blocks.t[block]
      disc.y += p[first + 4] * blocks.s[block] + p[first + 6] * blocks.t[block]
    }
    return disc
  }

  private func signals(_ p: [Double], _ disc: CalibrationDisc) -> [Double] {
    detector.segments.indices.map {
      exp(p[$0]) * disc.share(on: detector.segments[$0], orientation: detector.orientation)
    }
  }

  private func isInside(_ p: [Double]) -> Bool {
    blocks.counts.indices.allSatisfy { block in
      let disc = disc(p, block: block)
      return disc.radius > 0 && hypot(disc.x, disc.y) < 0.9 * disc.radius
    }
  }

  /// Expected counts of a block and their derivatives by all parameters, [segment][parameter].
  private func model(_ p: [Double], block: Int) -> (counts: [Double], slopes: [[Double]]) {
    let center = disc(p, block: block)
    let values = signals(p, center)
    let total = values.reduce(0, +)
    let electrons = blocks.counts[block].reduce(0, +)
    let step = 1e-6 * center.radius
    func derivative(_ key: WritableKeyPath<CalibrationDisc, Double>) -> [Double] {
      var (up, down) = (center, center)
      up[keyPath: key] += step
      down[keyPath: key] -= step
      return zip(signals(p, up), signals(p, down)).map { ($0 - $1) / (2 * step) }
    }
    let byDisc = [derivative(\.x), derivative(\.y), derivative(\.radius)]
    let sums = byDisc.map { $0.reduce(0, +) }
    var slopes: [[Double]] = []
    for j in values.indices {
      let share = values[j] / total
      var row = values.indices.map { k in share * ((j == k ? 1 : 0) - values[k] / total) }
      let disc = (0..<3).map { (byDisc[$0][j] - share * sums[$0]) / total }
      row += disc
      if hasSlopes {
        row += [disc[0] * blocks.s[block], disc[1] * blocks.s[block]]
        row += [disc[0] * blocks.t[block], disc[1] * blocks.t[block]]
      }
      slopes.append(row.map { $0 * electrons })
    }
    return (values.map { $0 / total * electrons }, slopes)
  }

  // MARK: Fit

  /// Squared misfit with the variances of `weights`, and that of the expectations.
  private func misfit(_ p: [Double], variances: [[Double]]) -> (data: Double, expected: Double) {
    var sum = 0.0
    for block in blocks.counts.indices {
      let values = signals(p, disc(p, block: block))
      let scale = blocks.counts[block].reduce(0, +) / values.reduce(0, +)
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
      let (counts, slopes) = model(parameters, block: block)
      let variance = counts.map { max($0, Self.smallestVariance) }
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
    let lit = segmentCount - unlitSegments.count
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
      if isInside(trial) {
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
    if !isInside(parameters) { throw .discOffDetector }
    return 0
  }

  // MARK: Errors

  /// Covariance of all parameters: counting, or the observed misfit where many data tell it.
  func covariance() -> [Double] {
    var matrix = information().matrix
    let freedom = blocks.counts.count * (segmentCount - unlitSegments.count - 1)
    if let reducedChiSquare, freedom >= 100, reducedChiSquare > 0 {
      matrix = matrix.map { $0 / reducedChiSquare }
    }
    for i in 0..<size { matrix[i * size + i] += 1 / (expectedError[i] * expectedError[i]) }
    return LeastSquares.inverse(of: matrix, size: size)
  }

  /// Segments with hardly a share of the beam.
  var unlitSegments: [Int] {
    let total = blocks.counts.reduce(0) { $0 + $1.reduce(0, +) }
    return (0..<segmentCount).filter { j in
      blocks.counts.reduce(0) { $0 + $1[j] } < Self.litShare * total
    }
  }

  /// Gains relative to the mean of those that are determined relative to each other.
  func gains(_ covariance: [Double]) -> [Measurement?] {
    var result = [Measurement?](repeating: nil, count: segmentCount)
    if isFixed[0] { return result }
    let isKnown = (0..<segmentCount).map { expectedError[$0] < Self.gainLimit }
    var group = (0..<segmentCount).filter { isKnown[$0] || !unlitSegments.contains($0) }
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
