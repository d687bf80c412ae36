// The mean profile across a line, and what polynomials, walls and steps leave of it.

internal import Glibc
internal import STEMCore

/// Weighted means of the field in bins across a line, over its length.
struct CrossSection {
  /// Along the line's normal, from the line, m.
  private(set) var places: [Double] = []
  /// Means over their errors: χ² is the sum of squares of what is left of them.
  private var values: [Double] = []
  /// 1/σ of each mean, m/V.
  private var roots: [Double] = []
  /// Half of the section's length where the frame does not cut it, m.
  let reach: Double

  /// - Parameters:
  ///   - strip: Pixels beside the line.
  ///   - reach: Of the strip on either side, m.
  ///   - bin: m.
  init(_ strip: WallStrip, reach: Double, bin: Double) {
    self.reach = reach
    let count = max(1, Int((2 * reach / bin).rounded(.up)))
    var sums = [SIMD4<Double>](repeating: .zero, count: count)
    for pixel in strip.pixels {
      let k = min(max(Int((pixel.u + reach) / bin), 0), count - 1)
      let w = pixel.weight
      sums[k] += SIMD4(w, w * pixel.u, w * pixel.value, 0)
    }
    for sum in sums where sum[0] > 0 {
      let root = sum[0].squareRoot()
      roots.append(root)
      places.append(sum[1] / sum[0])
      values.append(sum[2] / root)
    }
  }

  var count: Int { places.count }

  /// A shape at each place, over the errors.
  func column(_ shape: (Double) -> Double) -> [Double] {
    places.indices.map { roots[$0] * shape(places[$0]) }
  }

  /// What polynomials of the degrees 0...degree leave.
  ///
  /// Each power is the place times the orthonormal column before it: powers themselves are nearly
  /// dependent where the frame leaves one side only (Brubeck, Nakatsukasa & Trefethen, SIAM Rev. 63
  /// (2021) 405).
  func polynomials(upTo degree: Int) -> [SectionFit] {
    var fit = SectionFit(residual: values)
    fit.add(roots)
    var fits = [fit]
    while fits.count <= degree {
      let last = fit.columns[fit.columns.count - 1]
      fit.add(places.indices.map { places[$0] / reach * last[$0] })
      fits.append(fit)
    }
    return fits
  }
}

/// A linear fit to a section: its columns made orthonormal, and what they leave.
struct SectionFit {
  fileprivate var columns: [[Double]] = []
  private(set) var residual: [Double]

  fileprivate init(residual: [Double]) { self.residual = residual }

  var chiSquare: Double { Self.product(residual, residual) }

  /// Correlation of what is left in one bin with that in the next; zero if negative.
  var neighborCorrelation: Double {
    let total = chiSquare
    guard total > 0 else { return 0 }
    return max(0, zip(residual, residual.dropFirst()).reduce(0) { $0 + $1.0 * $1.1 } / total)
  }

  /// What a column would lower χ² by.
  func gain(_ column: [Double]) -> Double {
    let own = independent(column)
    let power = Self.product(own, own)
    guard power > 1e-7 * Self.product(column, column) else { return 0 }
    let overlap = Self.product(own, residual)
    return overlap * overlap / power
  }

  /// Fits a column too; one that depends on those before it changes nothing.
  mutating func add(_ column: [Double]) {
    // Twice, for what rounding leaves of those before it.
    let own = independent(independent(column))
    let power = Self.product(own, own)
    guard power > 1e-7 * Self.product(column, column) else { return }
    let scale = 1 / power.squareRoot()
    let unit = own.map { scale * $0 }
    let overlap = Self.product(unit, residual)
    for i in residual.indices { residual[i] -= overlap * unit[i] }
    columns.append(unit)
  }

  /// With the column that gains most; nil where none gains.
  func adding(bestOf trials: [[Double]]) -> SectionFit? {
    guard let best = best(of: trials) else { return nil }
    var copy = self
    copy.add(trials[best.index])
    return copy
  }

  /// The column that gains most; nil where none gains.
  func best(of trials: [[Double]]) -> (gain: Double, index: Int)? {
    var best: (gain: Double, index: Int)?
    for (index, trial) in trials.enumerated() {
      let gain = gain(trial)
      if gain > (best?.gain ?? 0) { best = (gain, index) }
    }
    return best
  }

  private func independent(_ column: [Double]) -> [Double] {
    var rest = column
    for own in columns {
      let share = Self.product(own, rest)
      for i in rest.indices { rest[i] -= share * own[i] }
    }
    return rest
  }

  private static func product(_ a: [Double], _ b: [Double]) -> Double {
    var sum = 0.0
    for i in a.indices { sum += a[i] * b[i] }
    return sum
  }
}
