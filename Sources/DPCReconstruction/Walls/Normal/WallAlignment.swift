// Turns the normal of walls until they line up over the whole frame, which noise lets gradients tell only roughly.

internal import Glibc
internal import STEMCore
internal import WorkSharing

/// A normal that lines walls up.
struct AlignedNormal: Sendable, Equatable {
  /// From +x towards +y, rad.
  var azimuth: Double
  /// One standard deviation, rad.
  var error: Double
}

/// The azimuth at which straight walls hold together over their whole length.
///
/// Seen along an azimuth that is off by δ, a map f(u) of walls is f(u + t δ) at the place t along them: the
/// values of one u have a slope f′(u) δ along t. Least squares over all u gives δ, with f′ from the mean
/// profile itself, smoothed by a Gaussian; repeated until nothing changes. Mean and slope of independent
/// values are independent, so that noise in f′ does not pull δ. Gradients see noise at every place, whereas
/// slopes see it once along all of a wall: the error falls with the length to the power of 3/2, not of 1/2.
/// The steps climb Σ n f², the power of the profile, so that they end where it is largest nearby.
///
/// A background of second degree adds slopes 1 and u, which f′ is fitted beside.
struct WallAlignment: Sendable {
  private let cells: WallGradientLevel
  /// Of the profile, m; the Gaussian is two of them wide.
  private let spacing: Double
  /// From the center to the farthest corner, m.
  private let reach: Double

  private static let sigma = 2.0
  private static let stepLimit = 30
  /// The part of the slopes' power that must be more than noise: where that is known, gradients have
  /// already stood out of it; else noise that was lined up exceeds its mean power by a third.
  private static let leastSignal = (noiseKnown: 0.1, unknown: 0.5)
  /// χ² of three degrees of freedom is above three times their number in one of thirty cases.
  private static let chanceOfSpread = 3.0

  /// - Parameter cells: The map; walls are at least about as wide as four of them.
  init(_ cells: WallGradientLevel) {
    self.cells = cells
    spacing = min(cells.pixel.x, cells.pixel.y)
    reach = cells.reach
  }

  /// - Parameters:
  ///   - start: Where to begin, rad, from +x towards +y.
  ///   - limit: How far the result may lie from there, rad.
  /// - Returns: nil where the steps do not end within the limit, or end in noise.
  func aligned(from start: Double, limit: Double) -> AlignedNormal? {
    var azimuth = start
    for _ in 0..<Self.stepLimit {
      let parts = parts(at: azimuth)
      guard let turn = WallTurn(parts, spacing: spacing, sigma: Self.sigma) else { return nil }
      // The ends move by two widths of the Gaussian at most: farther away f′ is another one.
      let longest = 2 * Self.sigma * spacing / reach
      azimuth += min(max(turn.angle, -longest), longest)
      guard abs(azimuth - start) <= limit else { return nil }
      if abs(turn.angle) * reach < 0.01 * spacing {
        return error(of: turn, at: azimuth).map { AlignedNormal(azimuth: azimuth, error: $0) }
      }
    }
    return nil
  }

  /// One standard deviation of a turn: what noise makes of it, and what the parts of the frame differ by beyond that.
  ///
  /// Of nine parts, few hold ends of walls, which decide: their spread alone is an error from two or three numbers,
  /// too small as often as too large. It is taken for one of walls that are not straight only where it
  /// exceeds noise by what chance hardly makes of so few.
  private func error(of turn: WallTurn, at azimuth: Double) -> Double? {
    let noise = noise(in: turn, at: azimuth)
    let weight = turn.weight - noise.weight
    let least = cells.variance == nil ? Self.leastSignal.unknown : Self.leastSignal.noiseKnown
    guard weight > least * turn.weight else { return nil }
    let variance = noise.overlap / (weight * weight)
    let excess = max(0, turn.spread * turn.spread - Self.chanceOfSpread * variance)
    return variance + excess > 0 ? (variance + excess).squareRoot() : nil
  }

  /// The variance of a turn's overlap with its template, and what noise adds to its weight.
  private func noise(
    in turn: WallTurn, at azimuth: Double
  ) -> (overlap: Double, weight: Double) {
    let (c, s) = (cos(azimuth), sin(azimuth))
    let (rows, columns) = (cells.shape.rows, cells.shape.columns)
    let (centerX, centerY) = (Double(columns - 1) / 2, Double(rows - 1) / 2)
    let origin = reach / spacing - Double(turn.first)
    let sums = concurrentMap(rows) { row in
      var (overlap, total) = (0.0, SIMD2(0.0, 0))
      let y = (Double(row) - centerY) * cells.pixel.y
      for column in 0..<columns {
        let index = row * columns + column
        guard cells.mask.isUsable(index) else { continue }
        let x = (Double(column) - centerX) * cells.pixel.x
        let place = turn.place((x * c + y * s) / spacing + origin, along: y * c - x * s)
        // Where nothing is known of the noise: what a pixel differs by from the others at its distance.
        let rest = SIMD2(cells.x[index], cells.y[index]) - place.level
        let variance = cells.variance.map { SIMD2($0.x[index], $0.y[index]) } ?? rest * rest
        overlap += (place.share * place.share * variance).sum()
        total += place.isInside ? SIMD2(variance.sum(), 1) : SIMD2(0, 0)
      }
      return (overlap: overlap, total: total)
    }
    let total = sums.reduce(SIMD2(0.0, 0)) { $0 + $1.total }
    return (
      cells.noiseFactor * sums.reduce(0) { $0 + $1.overlap },
      cells.noiseFactor * turn.slopeNoise * total.x / max(1, total.y)
    )
  }

  /// Sums over the parts of a 3 × 3 division of the frame.
  private func parts(at azimuth: Double) -> [[SlopeSums]] {
    let (rows, columns) = (cells.shape.rows, cells.shape.columns)
    return concurrentMap(9) { part in
      let (down, right) = (part / 3, part % 3)
      return cells.slopeSums(
        at: azimuth, spacing: spacing, unit: 1, rows: rows * down / 3..<rows * (down + 1) / 3,
        columns: columns * right / 3..<columns * (right + 1) / 3
      ) { SIMD2(cells.x[$0], cells.y[$0]) }
    }
  }
}
