// The specimen's path through a stack: steady where a straight line fits what was measured, else from point to point.
internal import Glibc
internal import STEMCore

/// Places of the specimen over time, along the directions that frames tell.
struct DriftPath: Sendable {
  let times: [Double]
  private let places: [SIMD2<Double>]
  private let covariances: [Matrix2]
  private let dimensions: Int
  private let meanTime: Double
  private let mean: SIMD2<Double>
  /// A frame.
  private let slope: SIMD2<Double>
  private let slopeCovariance: Matrix2
  /// Whether the straight line is all that is told from noise.
  private let isStraight: Bool
  /// χ² of the slope, and of all places about their mean.
  let slopeSignificance: Double
  let scatter: Double

  init(_ track: FrameTrack) {
    let chosen = track.matches.indices.filter { track.matches[$0] }
    let times = chosen.map { track.spectra[$0].time }
    let places = chosen.map { track.directions.components(track.shifts[$0]) }
    let covariances = chosen.map { track.covariances[$0] }
    let count = Double(chosen.count)
    let meanTime = times.reduce(0, +) / count
    let mean = places.reduce(SIMD2<Double>.zero, +) / count
    let spread = times.reduce(0.0) { $0 + pow($1 - meanTime, 2) }
    var (slope, variance) = (SIMD2<Double>.zero, Matrix2.zero)
    for index in times.indices {
      let lever = (times[index] - meanTime) / spread
      slope += lever * places[index]
      variance = variance.plus(covariances[index].scaled(lever * lever))
    }
    let directions = track.directions
    func square(_ vector: SIMD2<Double>, _ covariance: Matrix2) -> Double {
      directions.inverse(covariance).map { $0.quadraticForm(vector) } ?? 0
    }
    slopeSignificance = square(slope, variance)
    scatter = times.indices.reduce(0) { $0 + square(places[$1] - mean, covariances[$1]) }
    let left = times.indices.reduce(0) {
      $0 + square(places[$1] - mean - (times[$1] - meanTime) * slope, covariances[$1])
    }
    dimensions = directions.count
    let freedom = Double(dimensions) * (count - 2)
    // Three standard deviations of a χ².
    isStraight = left <= freedom + 3 * (2 * freedom).squareRoot()
    (self.times, self.places, self.covariances) = (times, places, covariances)
    (self.meanTime, self.mean, self.slope, slopeCovariance) = (meanTime, mean, slope, variance)
  }

  /// Where the specimen was at a frame: between two places that were measured on the straight line from one to the other,
  /// and before the first and after the last on the same line on.
  func place(at time: Double) -> SIMD2<Double> {
    if isStraight { return mean + (time - meanTime) * slope }
    return interpolated(places, at: times, to: time)
  }

  /// How far the specimen went.
  func extent(frameCount: Int) -> (SIMD2<Double>, Matrix2) {
    if isStraight {
      let duration = Double(frameCount - 1)
      return (duration * slope, slopeCovariance.scaled(duration * duration))
    }
    var furthest = (from: 0, to: 0, square: -1.0)
    for to in places.indices {
      for from in 0..<to {
        let step = places[to] - places[from]
        let square = (step * step).sum()
        if square > furthest.square { furthest = (from, to, square) }
      }
    }
    return (
      places[furthest.to] - places[furthest.from],
      covariances[furthest.to].plus(covariances[furthest.from])
    )
  }
}

/// Between two known values on the straight line from one to the other, and on the same line on before the first and
/// after the last.
///
/// - Parameters:
///   - values: Two or more.
///   - times: Of the values, rising.
func interpolated(
  _ values: [SIMD2<Double>], at times: [Double], to time: Double
) -> SIMD2<Double> {
  let next = min(max(1, times.firstIndex { $0 > time } ?? times.count), times.count - 1)
  let part = (time - times[next - 1]) / (times[next] - times[next - 1])
  return values[next - 1] + part * (values[next] - values[next - 1])
}
