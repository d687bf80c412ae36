// The azimuth at which a profile explains most of a map.

internal import Glibc
internal import STEMCore
internal import WorkSharing

/// A normal by the power of the profile along it.
struct PowerfulNormal: Sendable {
  /// From +x towards +y, rad.
  var azimuth: Double
  /// One standard deviation, rad; nil where very different azimuths explain the map about as well.
  var error: Double?
  /// χ² explained, less what noise gains.
  var gain: Double

  /// Noise reaches it at one of 1e9 azimuths and resolutions.
  private static let leastSignificance = 6.0
  /// The part of all structure that is the walls'.
  private static let leastShare = 0.75
  /// Structure of two dimensions is not wider than that in a narrow frame, cells.
  private static let largestSquare = 8
  /// Two azimuths that differ by less in χ² can both be the walls'.
  private static let clearDifference = 25.0
  /// On either side of the best azimuth.
  private static let fineSteps = 16

  /// - Parameter checkpoint: Called often; what it throws ends the search.
  /// - Returns: nil where no profile stands out of the noise, and where the map varies along it.
  init?(_ power: ProfilePower, checkpoint: () throws -> Void) throws {
    let count = Int((Double.pi / power.step).rounded(.up))
    let azimuths = (0..<count).map { Double($0) * Double.pi / Double(count) }
    var gains: [[ProfilePower.Gain]] = []
    for start in stride(from: 0, to: count, by: 64) {
      try checkpoint()
      gains += concurrentMap(min(64, count - start)) { power.gains(at: azimuths[start + $0]) }
    }
    let curves = ProfilePower.resolutions.indices.map { resolution in
      gains.map { $0[resolution] }
    }
    let tops = curves.map { curve in
      curve.indices.reduce(0) { curve[$1].value > curve[$0].value ? $1 : $0 }
    }
    let peaks = zip(curves, tops).map { $0[$1] }
    // Noise turns a coarse profile less than a fine one, and one that is too coarse has a bias: free values must
    // gain by more than what noise varies by from one resolution to the next.
    let scores = peaks.map { $0.value - $0.freedom / 2 }
    let chosen = scores.indices.reduce(0) { scores[$1] > scores[$0] ? $1 : $0 }
    guard peaks[chosen].significance > Self.leastSignificance else { return nil }
    let resolution = ProfilePower.resolutions[chosen]
    let squares = power.gainOfSquares(side: min(resolution, Self.largestSquare))
    guard peaks[chosen].value > Self.leastShare * squares.value - 2 * squares.deviation
    else { return nil }
    let top = azimuths[tops[chosen]]
    (azimuth, error) = Self.refined(
      power, around: top, pieces: power.pieces(at: top, resolution: resolution))
    gain = peaks[chosen].value
    // A normal distribution has lost the clear difference at five of its standard deviations.
    let nearby = Int((Self.clearDifference.squareRoot() * (error ?? 0) / power.step).rounded(.up))
    if !Self.hasOneMaximum(curves[chosen].map(\.value), at: tops[chosen], nearby: nearby) {
      error = nil
    }
  }

  /// Whether all azimuths that explain about as much as the best one lie around it, within less than a quarter turn.
  private static func hasOneMaximum(_ curve: [Double], at best: Int, nearby: Int) -> Bool {
    let isGood = curve.map { $0 > curve[best] - clearDifference }
    func place(_ turn: Int) -> Int { (best + turn + curve.count) % curve.count }
    func extent(_ direction: Int) -> Int {
      let around = (1..<curve.count).first { !isGood[place(direction * $0)] } ?? curve.count
      // What is as near as that is part of the error.
      return max(around, min(max(nearby, fineSteps / 2), curve.count / 4))
    }
    let (after, before) = (extent(1), extent(-1))
    guard after + before <= curve.count / 2 else { return false }
    return !(after..<curve.count - before).contains { isGood[place($0)] }
  }

  /// Mean of the likelihood near a maximum, and the standard deviation of that.
  private static func refined(
    _ power: ProfilePower, around start: Double, pieces: Int
  ) -> (azimuth: Double, error: Double?) {
    var (center, step) = (start, 2 * power.step)
    while true {
      let turns = (-fineSteps...fineSteps).map { Double($0) * step }
      let from = center
      let gains = concurrentMap(turns.count) {
        power.gain(at: from + turns[$0], pieces: pieces).value
      }
      let highest = gains.max() ?? 0
      let weights = gains.map { exp(($0 - highest) / 2) }
      let whole = weights.reduce(0, +)
      let mean = zip(turns, weights).reduce(0) { $0 + $1.0 * $1.1 } / whole
      let square = zip(turns, weights).reduce(0) {
        $0 + ($1.0 - mean) * ($1.0 - mean) * $1.1 / whole
      }
      center = from + mean
      // Fewer places than that do not show the width of the maximum.
      let isResolved = square.squareRoot() > 1.5 * step
      // As wide as the places that were tried: nothing tells how wide.
      if square.squareRoot() > 0.4 * step * Double(fineSteps) { return (start, nil) }
      if isResolved {
        // Noise sharpens the very maximum at which it is looked: the slopes of the profile know better.
        let variance = power.variance(at: center, pieces: pieces)
        return (center, variance.map { max($0, square).squareRoot() })
      }
      if step * Double(fineSteps) < 1e-6 { return (center, nil) }
      step /= 4
    }
  }
}
