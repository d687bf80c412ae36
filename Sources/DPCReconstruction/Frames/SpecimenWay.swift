// The specimen's way through a stack: steady where a straight line fits what was measured, else from point to point.
internal import Glibc
internal import STEMCore

/// Places of the specimen over time, along the directions that frames tell.
struct SpecimenWay: Sendable {
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
      directions.inverse(covariance).map { (vector * $0.times(vector)).sum() } ?? 0
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
    let next = min(max(1, times.firstIndex { $0 > time } ?? times.count), times.count - 1)
    let part = (time - times[next - 1]) / (times[next] - times[next - 1])
    return places[next - 1] + part * (places[next] - places[next - 1])
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

extension Matrix2 {
  func plus(_ other: Matrix2) -> Matrix2 {
    Matrix2(xx: xx + other.xx, xy: xy + other.xy, yx: yx + other.yx, yy: yy + other.yy)
  }
}

/// How often neighbors were taken together before frames could be matched.
struct MergeLevel: Sendable {
  let merges: Int

  func merged(_ spectra: [FrameSpectrum]) -> [FrameSpectrum] {
    (0..<merges).reduce(spectra) { spectra, _ in DPCReconstruction.merged(spectra) }
  }
}

extension FrameTrack {
  /// The track of as many spectra as counts allow; nil where not even halves can be matched.
  static func finest(
    of spectra: [FrameSpectrum], _ band: FrameBand, cell: SIMD2<Double>
  ) -> (track: FrameTrack, level: MergeLevel)? {
    var (spectra, merges) = (spectra, 0)
    while spectra.count > 1 {
      if let track = FrameTrack(spectra, band, cell: cell), track.isSettled {
        return (track, MergeLevel(merges: merges))
      }
      spectra = DPCReconstruction.merged(spectra)
      merges += 1
    }
    return nil
  }

  /// Rounds of aligning and measuring again.
  private static let rounds = 4
  /// Changes below, in cells, are the last.
  private static let smallestChange = 0.01
  /// From such a shift on, in cells, the window moves with the specimen.
  private static let windowStep = 0.1

  /// Aligns the frames, each on its place of the way, and measures what is left, until that is nothing.
  mutating func settle(
    _ source: FrameSpectra, _ still: [FrameSpectrum], _ level: MergeLevel, cell: SIMD2<Double>
  ) {
    for _ in 0..<Self.rounds {
      let moves = moves(at: still.map(\.time))
      let largest = moves.reduce(0) { max($0, length($1 / cell)) }
      let spectra = largest > Self.windowStep ? source.spectra(moves) : still
      let settled = zip(spectra, moves).map { spectrum, move in
        var spectrum = spectrum
        spectrum.values = aligned(spectrum.values, by: move, source.band)
        return spectrum
      }
      if refine(level.merged(settled)) < Self.smallestChange { break }
    }
  }

  /// Shifts at some times, against their mean: from point to point between those that were measured.
  private func moves(at times: [Double]) -> [SIMD2<Double>] {
    let chosen = matches.indices.filter { matches[$0] }
    let known = chosen.map { (time: spectra[$0].time, shift: shifts[$0]) }
    let all = times.map { time in
      let next = min(max(1, known.firstIndex { $0.time > time } ?? known.count), known.count - 1)
      let (a, b) = (known[next - 1], known[next])
      return a.shift + (time - a.time) / (b.time - a.time) * (b.shift - a.shift)
    }
    let mean = all.reduce(SIMD2<Double>.zero, +) / Double(max(1, all.count))
    return all.map { $0 - mean }
  }
}
