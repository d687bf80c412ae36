// One wall piece by piece along its line: the field of each piece, and by how far it lies beside the line.

internal import STEMCore

/// The sums of a wall's pieces, each matched on a constant and a slope of its own.
struct WallTrack: Sendable {
  /// Standard deviation of the field along the wall over its mean, noise taken off.
  let variation: Double
  /// Of the wall's shift.
  let equations: BendEquations
  /// Of each piece as far as it is known to differ from the mean, V/m.
  private let fields: [Double]
  private let start: Double
  /// Of a piece, m.
  private let length: Double

  /// - Parameters:
  ///   - strip: Pixels beside the wall, other walls taken off.
  ///   - line: From rim to rim.
  ///   - coarserSide: Of a pixel, m.
  ///   - noiseFactor: Power of the noise of slow waves over that of independent pixels.
  ///   - range: Of the shift's polynomials.
  init(
    _ strip: WallStrip, _ geometry: InclinationGeometry, _ line: WallLine, coarserSide: Double,
    noiseFactor: Double, range: ClosedRange<Double>
  ) {
    let width = geometry.projectedWidth(sechWidth: line.sechWidth)
    let count = WallPieces.count(of: line, width: width, coarserSide: coarserSide)
    (start, length) = (line.start, line.length / Double(count))
    let shape = ProjectedWall(geometry: geometry, sechWidth: line.sechWidth)
    var fits = [PieceFit](repeating: PieceFit(), count: count)
    for pixel in strip.pixels {
      let k = min(count - 1, max(0, Int((pixel.v - start) / length)))
      let sample = shape.sample(at: pixel.u, amplitude: width)
      fits[k].add(
        height: sample.byAmplitude, slope: sample.byPosition, distance: pixel.u / width,
        pixel.weight, pixel.value)
    }
    for k in fits.indices { fits[k].solve() }
    let pieces = WallPieces(fits.map(\.field), length: length, misfit: Self.misfit(fits, \.rest, 2))
    // What scatters more than its errors say within the pieces varies no more along the wall than there.
    variation = pieces.modulation(noise: max(noiseFactor, pieces.misfit))
    let noise = max(noiseFactor, Self.misfit(fits, \.restBesideShift, 4))
    fields = Self.fields(fits, noise: noise, variation: variation)
    var equations = BendEquations()
    for (k, fit) in fits.enumerated() where fit.shift.information > 0 {
      // Slopes are those of a wall of unit field for a shift by its width.
      let unit = fields[k] / width
      equations.add(
        terms: WallShift.terms(at: start + (Double(k) + 0.5) * length, range),
        score: unit * fit.shift.overlap / noise,
        information: unit * unit * fit.shift.information / noise)
    }
    self.equations = equations
  }

  /// At a place along the wall, V/m.
  func field(at v: Double) -> Double {
    fields[min(fields.count - 1, max(0, Int((v - start) / length)))]
  }

  /// χ² per degree of freedom; 1 where no pixels are left over.
  private static func misfit(
    _ fits: [PieceFit], _ rest: KeyPath<PieceFit, Double>, _ parameters: Double
  ) -> Double {
    let used = fits.filter { $0.count > 0 }
    let freedom = used.reduce(0) { $0 + $1.count - ($1.field.information > 0 ? parameters : 1) }
    return freedom > 0 ? used.reduce(0) { $0 + $1[keyPath: rest] } / freedom : 1
  }

  /// The mean where the field does not vary along the wall, and else between that and each piece's own: where a wall
  /// has ended, no place is measured.
  private static func fields(_ fits: [PieceFit], noise: Double, variation: Double) -> [Double] {
    let total = fits.reduce(0) { $0 + $1.field.information }
    let mean = total > 0 ? fits.reduce(0) { $0 + $1.field.overlap } / total : 0
    let spread = variation * variation * mean * mean
    return fits.map { fit in
      guard spread > 0, fit.field.information > 0 else { return mean }
      let own = fit.field.overlap / fit.field.information - mean
      return mean + own * spread / (spread + noise / fit.field.information)
    }
  }
}

/// Least squares of a wall's shape and its change with a shift, beside a constant and a slope across it.
private struct PieceFit {
  /// Σ w c cᵀ, by rows, and Σ w c y for c = (1, height, distance, change with a shift).
  private var rows = (
    SIMD4(0.0, 0, 0, 0), SIMD4(0.0, 0, 0, 0), SIMD4(0.0, 0, 0, 0), SIMD4(0.0, 0, 0, 0)
  )
  private var right = SIMD4(0.0, 0, 0, 0)
  private var square = 0.0
  private(set) var count = 0.0
  /// Of the shape beside a constant.
  private(set) var field = (overlap: 0.0, information: 0.0)
  /// Of its change with a shift beside all else.
  private(set) var shift = (overlap: 0.0, information: 0.0)
  /// χ² about the shape and a constant.
  private(set) var rest = 0.0
  /// χ² about all four.
  private(set) var restBesideShift = 0.0

  @inline(__always)
  mutating func add(
    height: Double, slope: Double, distance: Double, _ weight: Double, _ value: Double
  ) {
    let c = SIMD4(1, height, distance, slope)
    let weighted = weight * c
    rows.0 += weighted
    rows.1 += height * weighted
    rows.2 += distance * weighted
    rows.3 += slope * weighted
    right += value * weighted
    square += weight * value * value
    count += 1
  }

  /// Eliminates one column after the other; what others explain of a column to 1e-6 tells nothing.
  mutating func solve() {
    guard count > 0 else { return }
    var matrix = [rows.0, rows.1, rows.2, rows.3]
    var rhs = right
    var rest = square
    for k in 0..<4 {
      let whole = [rows.0, rows.1, rows.2, rows.3][k][k]
      let pivot = matrix[k][k]
      guard pivot > 1e-6 * whole, pivot > 0 else { continue }
      if k == 1 { field = (rhs[1], pivot) }
      if k == 3 { shift = (rhs[3], pivot) }
      rest = max(0, rest - rhs[k] * rhs[k] / pivot)
      if k < 2 { self.rest = rest }
      for i in (k + 1)..<max(k + 1, 4) {
        let factor = matrix[i][k] / pivot
        matrix[i] -= factor * matrix[k]
        rhs[i] -= factor * rhs[k]
      }
    }
    restBesideShift = rest
    if field.information == 0 { shift = (0, 0) }
  }
}
