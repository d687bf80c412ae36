// What a profile of any shape across walls explains of a map, for any azimuth of their normal.

internal import Glibc
internal import STEMCore

/// The χ² that straight walls explain, whatever their number, shape and component.
///
/// Along the azimuth of its normal each component is a piecewise linear function of the distance, with knots as far
/// apart as the profile is to be resolved, and a slope along the walls: so a plane, as descan leaves one, is nothing
/// that a profile explains. Least squares weigh each knot with the places that it has: what noise gains is one
/// of χ² for each free value at every azimuth, however few places the corners of a frame leave for it.
struct ProfilePower: Sendable {
  /// What one profile explains beyond a plane, less what noise gains in the mean.
  struct Gain: Sendable {
    var value: Double
    /// Free values of both components.
    var freedom: Double

    /// Standard deviations of a normal distribution that are as rare as the gain is in noise (Wilson & Hilferty,
    /// PNAS 17, 684 (1931)).
    var significance: Double {
      guard freedom > 0 else { return 0 }
      let spread = 2 / (9 * freedom)
      return (cbrt(max(0, value / freedom + 1)) - (1 - spread)) / spread.squareRoot()
    }
  }

  /// Distances between knots that are tried, steps.
  static let resolutions = [4, 8, 16, 32]

  private let cells: WallGradientLevel
  /// Less its plane, in units of the noise.
  private let values: [SIMD2<Double>]
  /// Of the distance across walls, m.
  private let spacing: Double
  /// From the center to the farthest corner, m.
  private let reach: Double

  /// Walls that gradients do not show are wide: cells are as large as this number of them fits the frame twice, and
  /// not yet four times.
  private static let fewestAcross = 32

  /// - Parameter map: With errors and a pixel size.
  /// - Returns: nil without noise.
  init?(_ map: VectorMap) {
    guard let pixel = map.pixelSize else { return nil }
    var cells = WallGradientLevel(map: map, pixel: pixel, correlation: (1, 1))
    while min(cells.shape.rows, cells.shape.columns) >= 2 * Self.fewestAcross {
      cells = WallGradientLevel(halving: cells)
    }
    guard let values = Self.leveled(cells) else { return nil }
    self.cells = cells
    self.values = values
    spacing = max(cells.pixel.x, cells.pixel.y)
    reach = cells.reach
  }

  /// As far as an azimuth may turn before the ends of the frame move by half the finest resolution, rad.
  var step: Double { Double(Self.resolutions[0]) / 2 * spacing / reach }

  /// - Parameter azimuth: Of the normal, from +x towards +y, rad.
  /// - Returns: For each of the resolutions.
  func gains(at azimuth: Double) -> [Gain] {
    let sums = sums(at: azimuth)
    return Self.resolutions.map {
      gain(of: sums, at: azimuth, pieces: pieces(at: azimuth, resolution: $0))
    }
  }

  /// With as many pieces of the profile at all azimuths, so that it changes steadily.
  func gain(at azimuth: Double, pieces: Int) -> Gain {
    gain(of: sums(at: azimuth), at: azimuth, pieces: pieces)
  }

  /// How many pieces of at most that many steps a profile has.
  func pieces(at azimuth: Double, resolution: Int) -> Int {
    max(1, Int((2 * extent(at: azimuth) / (Double(resolution) * spacing)).rounded(.up)))
  }

  /// The variance of the azimuth at which a profile explains most, rad²; nil where its slopes are no more than noise.
  ///
  /// A turn by δ moves a place t along the walls by t δ across them: the slopes f′ of the profile, in units of the
  /// noise, give J = Σ (f′ t)², and 1/J is the least variance (Cramér and Rao). Straight pieces of length h between
  /// knots have slopes of the variance 6 (√3 - 1)/(n h²) by noise, n places in each, which is taken off.
  ///
  /// Noise ε itself gains εᵀP ε, P the projection on the profiles of an azimuth. With P′, its change with the azimuth, the
  /// slope of that gain has the variance 2 tr P′², and tr P′² is 6 t²/h² for each free value. Slopes turn the
  /// maximum by their size over its curvature, which is 2 J.
  func variance(at azimuth: Double, pieces: Int) -> Double? {
    let sums = sums(at: azimuth)
    let extent = extent(at: azimuth)
    let range = (reach - extent) / spacing...(reach + extent) / spacing
    let fit = KnotFit(sums, range: range, pieces: pieces)
    // In units of the reach, as the places along the walls are.
    let length = 2 * extent / reach / Double(pieces)
    let perStep = Double(pieces) / (range.upperBound - range.lowerBound)
    var (information, places, squares) = (0.0, 0.0, 0.0)
    for (bin, sum) in sums.enumerated() where sum.count > 0 {
      let place = (Double(bin) - range.lowerBound) * perStep
      let piece = min(max(Int(place), 0), pieces - 1)
      let slope = (fit.values[piece + 1] - fit.values[piece]) / length
      let square = sum.alongSquared - sum.along * sum.along / sum.count
      information += (slope * slope).sum() * square
      places += sum.count
      squares += square
    }
    let mean = squares / places / (length * length)
    information -= 2 * Double(pieces) * 6 * (3.0.squareRoot() - 1) * mean
    guard information > 0 else { return nil }
    let slopes = 2 * 6 * 2 * Double(pieces + 1) * mean
    return 1 / information + slopes / (4 * information * information)
  }

  private func gain(of sums: [SlopeSums], at azimuth: Double, pieces: Int) -> Gain {
    let extent = extent(at: azimuth)
    let fit = KnotFit(
      sums, range: (reach - extent) / spacing...(reach + extent) / spacing, pieces: pieces)
    // Constant and slopes are the plane's.
    let freedom = 2 * Double(fit.count + 1 - 3)
    return Gain(value: fit.chiSquare - freedom, freedom: freedom)
  }

  /// The largest distance that a place has, m.
  private func extent(at azimuth: Double) -> Double {
    Double(cells.shape.columns - 1) / 2 * cells.pixel.x * abs(cos(azimuth))
      + Double(cells.shape.rows - 1) / 2 * cells.pixel.y * abs(sin(azimuth))
  }

  /// What means over squares of the map explain beyond a plane, in the mean over noise, and the standard deviation of
  /// what noise adds.
  func gainOfSquares(side: Int) -> (value: Double, deviation: Double) {
    let (rows, columns) = (cells.shape.rows, cells.shape.columns)
    let across = (columns + side - 1) / side
    var sums = [SIMD4<Double>](repeating: .zero, count: (rows + side - 1) / side * across)
    for row in 0..<rows {
      for column in 0..<columns where cells.mask.isUsable(row * columns + column) {
        let value = values[row * columns + column]
        sums[row / side * across + column / side] += SIMD4(value.x, value.y, 1, 0)
      }
    }
    let used = sums.filter { $0.z > 0 }
    let freedom = 2 * Double(used.count - 3)
    let chiSquare = used.reduce(0) { $0 + ($1.x * $1.x + $1.y * $1.y) / $1.z }
    return (chiSquare - freedom, (2 * max(0, freedom)).squareRoot())
  }

  /// Sums over the places of each distance, in steps from the corner of the farthest one.
  private func sums(at azimuth: Double) -> [SlopeSums] {
    // In units of the reach: the sums of all columns are of one size.
    cells.slopeSums(
      at: azimuth, spacing: spacing, unit: reach, rows: 0..<cells.shape.rows,
      columns: 0..<cells.shape.columns
    ) { values[$0] }
  }

  /// Both components less their planes over their noise.
  private static func leveled(_ cells: WallGradientLevel) -> [SIMD2<Double>]? {
    guard let variance = cells.variance else { return nil }
    let columns = cells.shape.columns
    let places = (0..<cells.shape.count).filter { cells.mask.isUsable($0) }
    func term(_ place: Int) -> [Double] {
      [
        1, 2 * Double(place % columns) / Double(columns) - 1,
        2 * Double(place / columns) / Double(cells.shape.rows) - 1,
      ]
    }
    let design = places.flatMap(term)
    func leveled(_ plane: [Double], _ variance: [Double]) -> [Double]? {
      let mean = places.reduce(0) { $0 + variance[$1] } / Double(max(1, places.count))
      guard mean > 0, mean.isFinite else { return nil }
      let used = places.map { plane[$0] / mean.squareRoot() }
      let (matrix, right) = LeastSquares.normalEquations(design, used, size: 3)
      let fit = LeastSquares.solve(matrix, right)
      var result = [Double](repeating: 0, count: cells.shape.count)
      for (value, place) in zip(used, places) {
        result[place] = value - zip(fit, term(place)).reduce(0) { $0 + $1.0 * $1.1 }
      }
      return result
    }
    guard places.count > 3, let x = leveled(cells.x, variance.x),
      let y = leveled(cells.y, variance.y)
    else { return nil }
    return zip(x, y).map { SIMD2($0, $1) }
  }
}
