// Which directions of a shift a structure tells, and the search of shifts from nothing.
internal import FFTW
internal import Glibc
internal import STEMCore

/// The likelihood of every shift by whole cells, up to a third of a side.
struct ShiftMap: Sendable {
  /// Of the highest.
  let shift: SIMD2<Double>
  /// How far away the nearest other peak is that is nearly as high; infinite without one.
  let repeatDistance: Double
}

/// A peak of this height beside the highest may be as right: structure that repeats itself.
private let rivalHeight = 0.7

extension FrameSignal {
  /// - Parameters:
  ///   - products: See ``products(_:_:_:)``.
  ///   - directions: Along others no shift is sought.
  ///   - cell: Sides of a cell, in a position's mean sides.
  func search(
    _ products: [Complex], _ directions: ShiftDirections, cell: SIMD2<Double>
  ) -> ShiftMap {
    let plane = inverse(products) { _ in Complex(1, 0) }
    let (rows, columns) = (band.shape.rows / 3, band.shape.columns / 3)
    let width = 2 * columns + 1
    var heights = [Double](repeating: -.infinity, count: (2 * rows + 1) * width)
    func shift(_ place: Int) -> SIMD2<Double> {
      cell * SIMD2(Double(place % width - columns), Double(place / width - rows))
    }
    for place in heights.indices {
      let shift = shift(place)
      let off = shift - directions.shift(directions.components(shift))
      // Half a cell's diagonal: of the cells beside a line none is left out.
      if length(off) > 0.71 * cell.max() { continue }
      let row = (place / width - rows + band.shape.rows) % band.shape.rows
      let column = (place % width - columns + band.shape.columns) % band.shape.columns
      heights[place] = plane[row * band.shape.columns + column].real
    }
    let top = heights.indices.max { heights[$0] < heights[$1] } ?? 0
    let hill = hill(of: top, in: heights, width: width)
    let rivals = heights.indices.filter { place in
      heights[place] > rivalHeight * heights[top] && !hill.contains(place)
        && neighbors(of: place, in: heights, width: width).allSatisfy {
          heights[$0] <= heights[place]
        }
    }
    return ShiftMap(
      shift: shift(top),
      repeatDistance: rivals.map { length(shift($0) - shift(top)) }.min() ?? .infinity)
  }

  /// The places that are joined to the highest by others as high as rivals are.
  private func hill(of top: Int, in heights: [Double], width: Int) -> Set<Int> {
    var found: Set<Int> = [top]
    var open = [top]
    while let place = open.popLast() {
      for next in neighbors(of: place, in: heights, width: width)
      where heights[next] > rivalHeight * heights[top] && found.insert(next).inserted {
        open.append(next)
      }
    }
    return found
  }

  private func neighbors(of place: Int, in heights: [Double], width: Int) -> [Int] {
    [-width - 1, -width, -width + 1, -1, 1, width - 1, width, width + 1].map { place + $0 }
      .filter { heights.indices.contains($0) && abs($0 % width - place % width) <= 1 }
  }

  /// The plane of some waves, each times a factor.
  private func inverse(
    _ values: [Complex], _ factor: (SIMD2<Double>) -> Complex
  ) -> [Complex] {
    var plane = [Complex](repeating: Complex(0, 0), count: band.shape.count)
    for (index, value) in values.enumerated() {
      let factor = factor(frequencies[index])
      plane[band.waves[waves[index]]] = Complex(
        value.real * factor.real - value.imaginary * factor.imaginary,
        value.real * factor.imaginary + value.imaginary * factor.real)
    }
    var buffer = TransformBuffer(copying: plane)
    ComplexFourierTransform(rows: band.shape.rows, columns: band.shape.columns).inverse(&buffer)
    return buffer.array()
  }

  /// Of these spectra some are looked at.
  private static let sampleCount = 6
  /// A slope is told from noise if it is so many times as large.
  private static let clear = 4.0
  /// A direction with a smaller part of the other's slope has none of its own: the surface that was taken off leaves up
  /// to 2 % along straight walls.
  private static let leastPart = 0.03
  /// How well the power of noise is known.
  private static let noiseError = 0.03

  /// The directions in which the structure has slopes: along straight walls there is none, and frames do not tell how far
  /// the specimen moved along them.
  ///
  /// The structure tensor of the deflection, each wave weighted as for shifts, less that of noise; taken where the window
  /// is flat, since the window's own slopes say nothing of the specimen.
  func directions(_ spectra: [FrameSpectrum]) -> ShiftDirections? {
    if waves.isEmpty { return nil }
    let weights = weights(others: 1)
    let step = max(1, spectra.count / Self.sampleCount)
    let sample = stride(from: 0, to: spectra.count, by: step).map { spectra[$0] }
    let (inside, share) = flatPart
    if inside.isEmpty { return nil }
    var tensor = Matrix2.zero
    for spectrum in sample {
      let values = waves.indices.map { index in
        let value = spectrum.values[waves[index]]
        let root = weights[index].squareRoot()
        return Complex(root * value.real, root * value.imaginary)
      }
      let x = inverse(values) { Complex(0, $0.x) }
      let y = inverse(values) { Complex(0, $0.y) }
      for place in inside {
        tensor.xx += power(x[place])
        tensor.yy += power(y[place])
        tensor.xy += x[place].real * y[place].real + x[place].imaginary * y[place].imaginary
      }
    }
    // As if the window were flat everywhere.
    tensor = tensor.scaled(1 / Double(inside.count) / Double(sample.count))
    var (noisy, variance) = (Matrix2.zero, 0.0)
    for (weight, wave) in zip(weights, frequencies) {
      noisy.add(weight * noise / share, wave)
      variance += pow(weight * noise, 2) * pow((wave * wave).sum(), 2)
    }
    variance *= Double(band.shape.count) / Double(inside.count * sample.count)
    let error = variance.squareRoot() + Self.noiseError * (noisy.xx + noisy.yy)
    let slopes = Matrix2(
      xx: tensor.xx - noisy.xx, xy: tensor.xy - noisy.xy, yx: 0, yy: tensor.yy - noisy.yy)
    return directions(slopes, above: max(1, Self.clear * error))
  }

  /// The eigenvectors of a symmetric matrix whose eigenvalues are large enough.
  private func directions(_ slopes: Matrix2, above least: Double) -> ShiftDirections? {
    let mean = (slopes.xx + slopes.yy) / 2
    let difference = (slopes.xx - slopes.yy) / 2
    let half = (difference * difference + slopes.xy * slopes.xy).squareRoot()
    if mean + half <= least { return nil }
    let angle = atan2(slopes.xy, difference) / 2
    let isBoth = mean - half > max(least, Self.leastPart * (mean + half))
    return isBoth
      ? ShiftDirections(first: SIMD2(1, 0), second: SIMD2(0, 1))
      : ShiftDirections(first: SIMD2(cos(angle), sin(angle)), second: nil)
  }

  /// The cells where the window is flat, and the mean square of the window.
  private var flatPart: (cells: [Int], share: Double) {
    let rows = MovingWindow(count: band.shape.rows, from: 0, to: Double(band.shape.rows)).weights
    let columns = MovingWindow(
      count: band.shape.columns, from: 0, to: Double(band.shape.columns)
    ).weights
    let cells = (0..<band.shape.count).filter {
      rows[$0 / columns.count] == 1 && columns[$0 % columns.count] == 1
    }
    let share = [rows, columns].reduce(1.0) { share, weights -> Double in
      let squares: Double = weights.reduce(0) { $0 + $1 * $1 }
      return share * squares / Double(weights.count)
    }
    return (cells, share)
  }
}
