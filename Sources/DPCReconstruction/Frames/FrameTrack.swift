// The specimen's path through a stack: each frame's shift against the mean of all that have been aligned.
internal import FFTW
internal import Glibc
internal import STEMCore
internal import WorkSharing

/// Shifts of spectra, with what they were measured from.
struct FrameTrack: Sendable {
  var spectra: [FrameSpectrum]
  private let signal: FrameSignal
  let directions: ShiftDirections
  /// In a position's mean sides, against the mean of those that match.
  var shifts: [SIMD2<Double>]
  /// Of the components along the directions.
  var covariances: [Matrix2]
  var matches: [Bool]
  /// Whether one that does not match would have been seen to if it held the same structure.
  var isClear: [Bool]
  /// The nearest shift that is nearly as likely.
  var repeatDistance = Double.infinity

  private let cell: SIMD2<Double>

  /// A match of fewer standard deviations of noise may be one of the best of many shifts that are all wrong.
  private static let leastMatch = 6.0
  /// A frame whose structure is this little like that of the others does not belong to them.
  private static let leastPart = 0.5
  /// Where a match is expected to be so clear, its absence says something.
  private static let clearMatch = 15.0
  /// Two spectra are worth matching where so clear a match is expected.
  private static let worthMatching = 12.0

  /// Matches all spectra.
  ///
  /// - Parameters:
  ///   - cell: Sides of a cell, in a position's mean sides.
  /// - Returns: nil where two of them hold too little structure beside noise.
  init?(_ spectra: [FrameSpectrum], _ band: FrameBand, cell: SIMD2<Double>) {
    let signal = FrameSignal(spectra, band)
    let expected = signal.expected(signal.weights(others: 1), others: 1)
    guard expected.peak > Self.worthMatching * expected.scatter,
      let directions = signal.directions(spectra)
    else { return nil }
    (self.spectra, self.signal, self.directions, self.cell) = (spectra, signal, directions, cell)
    let count = spectra.count
    shifts = [SIMD2<Double>](repeating: .zero, count: count)
    covariances = [Matrix2](repeating: .zero, count: count)
    (matches, isClear) = ([], [])
    match(from: count / 2)
    for anchor in [0, count - 1] where 4 * matchCount < 3 * count {
      let (shifts, matches, isClear, distance) = (shifts, matches, isClear, repeatDistance)
      match(from: anchor)
      if matchCount <= matches.count(where: { $0 }) {
        (self.shifts, self.matches, self.isClear) = (shifts, matches, isClear)
        repeatDistance = distance
      }
    }
  }

  var matchCount: Int { matches.count { $0 } }

  /// Whether every spectrum either matches or can be said not to.
  var isDecided: Bool { zip(matches, isClear).allSatisfy { $0 || $1 } }

  /// Matches one after the other with the mean of those before, the nearest to the anchor first.
  private mutating func match(from anchor: Int) {
    let count = spectra.count
    matches = (0..<count).map { $0 == anchor }
    isClear = [Bool](repeating: true, count: count)
    shifts[anchor] = .zero
    repeatDistance = .infinity
    var sum = spectra[anchor].values
    var others = 1
    let order = (0..<count).filter { $0 != anchor }.sorted {
      (abs($0 - anchor), $0) < (abs($1 - anchor), $1)
    }
    for index in order {
      let weights = signal.weights(others: others)
      let expected = signal.expected(weights, others: others)
      let products = signal.products(
        spectra[index].values, sum, weights.map { $0 / Double(others) })
      let map = signal.search(products, directions, cell: cell)
      let peak = directions.peak(near: map.shift, products, signal.frequencies, cell: cell)
      shifts[index] = peak.shift
      isClear[index] = expected.peak > Self.clearMatch * expected.scatter
      matches[index] =
        peak.height > max(Self.leastMatch * expected.scatter, Self.leastPart * expected.peak)
      if !matches[index] { continue }
      repeatDistance = min(repeatDistance, map.repeatDistance)
      add(aligned(spectra[index].values, by: peak.shift, signal.band), to: &sum)
      others += 1
    }
  }

  /// Measures what is left of the shifts of aligned spectra against the mean of all others that match.
  ///
  /// - Parameter aligned: As many, each with its shift undone.
  /// - Returns: The largest change, in cells.
  mutating func refine(_ aligned: [FrameSpectrum]) -> Double {
    let chosen = matches.indices.filter { matches[$0] }
    let others = chosen.count - 1
    let signal = FrameSignal(chosen.map { aligned[$0] }, self.signal.band)
    let weights = signal.weights(others: others)
    var sum = aligned[chosen[0]].values
    for index in chosen.dropFirst() { add(aligned[index].values, to: &sum) }
    let least = leastCovariance(signal, weights, others: others)
    let peaks = concurrentMap(chosen.count) { [sum, self] place in
      let values = aligned[chosen[place]].values
      let rest = values.indices.map {
        Complex(
          (sum[$0].real - values[$0].real) / Double(others),
          (sum[$0].imaginary - values[$0].imaginary) / Double(others))
      }
      let products = signal.products(values, rest, weights)
      return directions.peak(near: .zero, products, signal.frequencies, cell: cell)
    }
    var largest = 0.0
    for (index, peak) in zip(chosen, peaks) {
      shifts[index] += peak.shift
      let (found, known) = (peak.covariance, least)
      let factor = max(1, (found.xx + found.yy) * Self.rimFactor / (known.xx + known.yy))
      covariances[index] = known.scaled(factor)
      covariances[index].xx += floor
      if directions.count == 2 { covariances[index].yy += floor }
      largest = max(largest, length(peak.shift / cell))
    }
    return largest
  }

  /// Variance of what cells leave of a shift: two hundredths of a cell.
  private var floor: Double { pow(0.02 * cell.max(), 2) }

  /// By how much the window's rims, which let neighboring waves go together, enlarge variances.
  private static let rimFactor: Double = {
    // Of the window's weights the mean fourth power over the mean square's square, along each axis; flat parts count 1,
    // rims (of cos² all in all) 35/128 and 3/8.
    let rims = 2 * MovingWindow.rim
    return pow((1 - rims + rims * 35 / 128) / pow(1 - rims + rims * 3 / 8, 2), 2)
  }()

  /// What counting noise alone makes of the components' variances.
  private func leastCovariance(
    _ signal: FrameSignal, _ weights: [Double], others: Int
  ) -> Matrix2 {
    var (curvature, scores) = (Matrix2.zero, Matrix2.zero)
    let part = 1 / Double(others)
    for index in weights.indices {
      let wave = directions.components(signal.frequencies[index])
      let (weight, ratio) = (weights[index] * signal.noise, signal.ratios[index])
      curvature.add(weight * ratio, wave)
      scores.add(weight * weight * (ratio * (1 + part) + part) / 2, wave)
    }
    let inverse = directions.inverse(curvature) ?? .zero
    return inverse.after(scores).after(inverse).scaled(Self.rimFactor)
  }
}

/// A spectrum with a shift undone.
func aligned(_ values: [Complex], by shift: SIMD2<Double>, _ band: FrameBand) -> [Complex] {
  if shift == .zero { return values }
  return values.indices.map { index in
    let phase = (band.frequencies[index] * shift).sum()
    let (c, s) = (cos(phase), sin(phase))
    return Complex(
      values[index].real * c - values[index].imaginary * s,
      values[index].real * s + values[index].imaginary * c)
  }
}

func add(_ values: [Complex], to sum: inout [Complex]) {
  for index in values.indices {
    sum[index].real += values[index].real
    sum[index].imaginary += values[index].imaginary
  }
}

/// Spectra of neighbors in twos, so that less noise is left in each.
func merged(_ spectra: [FrameSpectrum]) -> [FrameSpectrum] {
  stride(from: 0, to: spectra.count, by: 2).map { first in
    if first + 1 == spectra.count { return spectra[first] }
    let (a, b) = (spectra[first], spectra[first + 1])
    let (m, n) = (Double(a.frames.count), Double(b.frames.count))
    let (left, right) = (m / (m + n), n / (m + n))
    return FrameSpectrum(
      values: zip(a.values, b.values).map {
        Complex(left * $0.real + right * $1.real, left * $0.imaginary + right * $1.imaginary)
      }, noise: left * left * a.noise + right * right * b.noise,
      time: left * a.time + right * b.time, frames: a.frames.lowerBound..<b.frames.upperBound)
  }
}
