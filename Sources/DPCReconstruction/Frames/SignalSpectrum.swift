// The power spectrum of what segments differ by, along x and y, and the lines in it.
internal import FFTW
internal import Glibc
internal import STEMCore

/// Powers over their mean where there is nothing but noise.
struct SignalSpectrum {
  /// A bin higher than those around it.
  struct Peak {
    let row: Int
    let column: Int
    /// Periods a pixel along x and y, to a fraction of a bin.
    let place: LatticeVector
    let power: Double
  }

  private let shape: GridShape
  private let width: Int
  private let powers: [Double]
  /// The mean square of a wave of power 1, with two of these, over that of a pixel's noise.
  let lineShare: Double
  /// The noise of a pixel's difference over its signals' sum.
  let noise: Double

  /// Powers over the mean that noise has, by the median of two of them added up.
  private static let meanOverMedian = 2 / 1.678

  /// - Parameters:
  ///   - signals: Unusable positions count as the mean.
  ///   - azimuths: Of each segment's middle, rad: a difference weighs the segments by their cosines, the other by their
  ///     sines, as a center of mass does. Both are multiplied by a Hann window, so that a wave is a line of four bins.
  init(of signals: SegmentSignals, azimuths: [Double]) {
    let shape = signals.shape
    let transform = RealFourierTransform(rows: shape.rows, columns: shape.columns)
    let (vertical, horizontal) = (hann(shape.rows), hann(shape.columns))
    var total = [Double](repeating: 0, count: transform.spectrumCount)
    for weights in [azimuths.map { cos($0) }, azimuths.map { sin($0) }] {
      let plane = windowed(difference(of: signals, weights), signals.mask, vertical, horizontal)
      var spectrum = TransformBuffer<Complex>(count: transform.spectrumCount)
      transform.forward(plane, into: &spectrum)
      spectrum.withSpan { waves in
        for index in waves.indices {
          let wave = waves[index]
          total[index] += wave.real * wave.real + wave.imaginary * wave.imaginary
        }
      }
    }
    let floor = (median(total) ?? 0) * Self.meanOverMedian
    powers = floor > 0 ? total.map { $0 / floor } : total
    self.shape = shape
    width = transform.spectrumColumns
    let squares = vertical.reduce(0) { $0 + $1 * $1 } * horizontal.reduce(0) { $0 + $1 * $1 }
    let weight = vertical.reduce(0, +) * horizontal.reduce(0, +)
    lineShare = squares / (weight * weight)
    let sum = difference(of: signals, azimuths.map { _ in 1 }).reduce(0, +) / Double(shape.count)
    noise = sum > 0 ? (floor / 2 / squares).squareRoot() / sum : 0
  }

  /// The spectrum goes on beyond its rims, and is its own mirror image.
  private func power(_ row: Int, _ column: Int) -> Double {
    var (row, column) = (row, column)
    if column < 0 || column >= width {
      (row, column) = (-row, column < 0 ? -column : shape.columns - column)
    }
    row %= shape.rows
    return powers[(row < 0 ? row + shape.rows : row) * width + column]
  }

  private func frequency(_ row: Int, _ column: Int) -> LatticeVector {
    let signed = 2 * row > shape.rows ? row - shape.rows : row
    return LatticeVector(
      Double(column) / Double(shape.columns), Double(signed) / Double(shape.rows))
  }

  /// Bins that are higher than the eight around them, the highest first.
  ///
  /// - Parameters:
  ///   - lowest: Waves of fewer periods a pixel are left out.
  ///   - least: Weaker ones are left out.
  func peaks(beyond lowest: Double, over least: Double) -> [Peak] {
    var peaks: [Peak] = []
    for row in 0..<shape.rows {
      for column in 0..<width {
        let power = powers[row * width + column]
        // Of the two halves of a line that is its own mirror image, one.
        let isMirrored = (column == 0 || 2 * column == shape.columns) && 2 * row > shape.rows
        let place = frequency(row, column)
        if power < least || isMirrored || place.length < lowest { continue }
        if isHighest(row, column, power) { peaks.append(peak(row, column, power)) }
      }
    }
    return peaks.sorted { ($1.power, $0.row, $0.column) < ($0.power, $1.row, $1.column) }
  }

  private func isHighest(_ row: Int, _ column: Int, _ power: Double) -> Bool {
    for r in -1...1 {
      for c in -1...1 where (r, c) != (0, 0) {
        let other = self.power(row + r, column + c)
        // Of two that are equal, the one that comes first.
        if other > power || other == power && (r, c) < (0, 0) { return false }
      }
    }
    return true
  }

  /// The line that the bin and the higher of its neighbors along each axis are of: under a Hann window a line off its bin
  /// by δ has there sin(πδ) / (πδ (1 - δ²)) of its height, and in the next bin the same at δ - 1.
  private func peak(_ row: Int, _ column: Int, _ power: Double) -> Peak {
    func line(_ before: Double, _ after: Double) -> (shift: Double, height: Double) {
      let ratio = (max(before, after) / power).squareRoot()
      let shift = max(0, min(0.5, (2 * ratio - 1) / (1 + ratio)))
      let share = shift > 1e-6 ? sin(.pi * shift) / (.pi * shift * (1 - shift * shift)) : 1
      return (after > before ? shift : -shift, 1 / (share * share))
    }
    let x = line(self.power(row, column - 1), self.power(row, column + 1))
    let y = line(self.power(row - 1, column), self.power(row + 1, column))
    let off = LatticeVector(x.shift / Double(shape.columns), y.shift / Double(shape.rows))
    return Peak(
      row: row, column: column, place: frequency(row, column) + off,
      power: power * x.height * y.height)
  }

  /// The largest power in a square ring around a peak.
  func largest(around peak: Peak, _ ring: ClosedRange<Int>, beyond lowest: Double) -> Double {
    var largest = 0.0
    for r in -ring.upperBound...ring.upperBound {
      for c in -ring.upperBound...ring.upperBound where ring.contains(max(abs(r), abs(c))) {
        let place =
          peak.place
          + LatticeVector(Double(c) / Double(shape.columns), Double(r) / Double(shape.rows))
        if place.length < lowest { continue }
        largest = max(largest, power(peak.row + r, peak.column + c))
      }
    }
    return largest
  }
}

/// A weighted sum of the segments at every position; zero where it is unusable.
private func difference(of signals: SegmentSignals, _ weights: [Double]) -> [Double] {
  let count = signals.shape.count
  var plane = [Double](repeating: 0, count: count)
  for (segment, weight) in weights.enumerated() {
    for position in 0..<count {
      plane[position] += weight * signals.values[segment * count + position]
    }
  }
  return plane
}

/// A plane less its mean, under the window.
private func windowed(
  _ plane: [Double], _ mask: PixelMask, _ vertical: [Double], _ horizontal: [Double]
) -> TransformBuffer<Double> {
  let columns = mask.shape.columns
  let usable = plane.indices.filter { mask.isUsable($0) }
  let mean = usable.reduce(0) { $0 + plane[$1] } / Double(max(1, usable.count))
  var result = TransformBuffer<Double>(count: plane.count)
  result.withMutableSpan { result in
    for position in usable {
      result[position] =
        (plane[position] - mean) * vertical[position / columns] * horizontal[position % columns]
    }
  }
  return result
}

/// A period of 1 - cos, zero at both ends beyond the samples.
private func hann(_ count: Int) -> [Double] {
  (0..<count).map { index -> Double in
    let phase = 2 * Double.pi * (Double(index) + 0.5) / Double(count)
    return (1 - cos(phase)) / 2
  }
}
