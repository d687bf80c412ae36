// Thumbnails of frames as waves: the deflection without what is the same in every frame, seen through a window that may
// move with the specimen.
internal import FFTW
internal import Glibc
internal import STEMCore
internal import WorkSharing

/// The waves of a thumbnail in the band that is looked at, or of several added up.
struct FrameSpectrum: Sendable {
  /// In the order of ``FrameBand/waves``.
  var values: [Complex]
  /// Power of a wave that holds noise alone.
  var noise: Double
  /// Middle of the frames, counted from 0.
  var time: Double
  var frames: Range<Int>
}

/// Which waves of thumbnails are looked at.
///
/// Waves of fewer than two periods a side may be what a polynomial has left of descan, and those shorter than three
/// cells are partly the work of the cells.
struct FrameBand: Sendable {
  /// In cycles a cell.
  private static let shortest = 0.35
  /// In periods a side.
  private static let longest = 2.0

  let shape: GridShape
  /// Positions in the whole spectrum.
  let waves: [Int]
  /// Those beyond the band, where there is little but noise.
  let high: [Int]
  /// Of each wave of the band along x and y, in radians for a position's mean side.
  let frequencies: [SIMD2<Double>]

  init(_ grid: ThumbnailGrid) {
    shape = grid.shape
    var (waves, high, frequencies) = ([Int](), [Int](), [SIMD2<Double>]())
    for row in 0..<shape.rows {
      for column in 0..<shape.columns {
        let periods = SIMD2(
          Double(signed(column, shape.columns)), Double(signed(row, shape.rows)))
        let cycles = periods / SIMD2(Double(shape.columns), Double(shape.rows))
        if length(cycles) > Self.shortest {
          high.append(row * shape.columns + column)
        } else if length(periods) >= Self.longest {
          waves.append(row * shape.columns + column)
          frequencies.append(2 * Double.pi * cycles / grid.cellSides)
        }
      }
    }
    (self.waves, self.high, self.frequencies) = (waves, high, frequencies)
  }
}

/// From minus half a turn to half a turn.
private func signed(_ index: Int, _ count: Int) -> Int {
  index > count / 2 ? index - count : index
}

func length(_ vector: SIMD2<Double>) -> Double { (vector * vector).sum().squareRoot() }

/// Makes spectra of thumbnails.
struct FrameSpectra: Sendable {
  let band: FrameBand
  private let grid: ThumbnailGrid
  private var planes: [(values: [Complex], isValid: [Bool])]
  private var frames: [Range<Int>]

  /// - Parameters:
  ///   - thumbnails: Of whole frames.
  ///   - chosen: Which of them.
  ///   - frameCount: Of the stack.
  init(_ thumbnails: FrameThumbnails, _ chosen: [Int], frameCount: Int) {
    grid = thumbnails.grid
    band = FrameBand(grid)
    planes = chosen.map { deflection(thumbnails.sums[$0]) }
    let together = grid.framesTogether
    frames = chosen.map { ($0 * together)..<min(($0 + 1) * together, frameCount) }
  }

  var count: Int { planes.count }

  /// Of some of the thumbnails alone.
  func only(_ chosen: [Int]) -> FrameSpectra {
    var copy = self
    copy.planes = chosen.map { planes[$0] }
    copy.frames = chosen.map { frames[$0] }
    return copy
  }

  /// Spectra of all thumbnails.
  ///
  /// - Parameter shifts: By how much the specimen has moved in each, in a position's mean sides; the window moves with it and stays within
  ///   the frame, so that all see the same part of the specimen.
  func spectra(_ shifts: [SIMD2<Double>]) -> [FrameSpectrum] {
    let cells = shifts.map { $0 / grid.cellSides }
    let least = cells.reduce(SIMD2<Double>.zero) { pointwiseMin($0, $1) }
    let most = cells.reduce(SIMD2<Double>.zero) { pointwiseMax($0, $1) }
    let size = SIMD2(Double(grid.shape.columns), Double(grid.shape.rows))
    return concurrentMap(planes.count) { index in
      let (lower, upper) = (cells[index] - least, size + cells[index] - most)
      return spectrum(
        index, MovingWindow(count: grid.shape.columns, from: lower.x, to: upper.x),
        MovingWindow(count: grid.shape.rows, from: lower.y, to: upper.y))
    }
  }

  private func spectrum(
    _ index: Int, _ columns: MovingWindow, _ rows: MovingWindow
  ) -> FrameSpectrum {
    var plane = planes[index].values
    removeSurface(from: &plane, isValid: planes[index].isValid, columns, rows)
    var buffer = TransformBuffer(copying: plane)
    ComplexFourierTransform(rows: grid.shape.rows, columns: grid.shape.columns).forward(&buffer)
    let (values, high) = buffer.withSpan { spectrum in
      (band.waves.map { spectrum[$0] }, band.high.map { power(spectrum[$0]) })
    }
    let middle = frames[index]
    return FrameSpectrum(
      values: values,
      // Of exponentially distributed powers the median is ln 2 times the mean.
      noise: (median(high) ?? 0) / log(2),
      time: Double(middle.lowerBound + middle.upperBound - 1) / 2, frames: middle)
  }

  /// Takes off the polynomial of third order that fits best, and applies the window: descan is as smooth as that, and
  /// stays where it is while the specimen moves.
  private func removeSurface(
    from plane: inout [Complex], isValid: [Bool], _ columns: MovingWindow, _ rows: MovingWindow
  ) {
    let width = columns.weights.count
    // Cells without a value get that of the surface, and then have no part in it.
    let passes = isValid.contains(false) ? 4 : 1
    for pass in 0..<passes {
      let surface = surface(plane, columns, rows)
      for row in rows.weights.indices {
        for column in columns.weights.indices {
          let position = row * width + column
          let value = (0..<4).reduce(SIMD2<Double>.zero) {
            $0 + surface[row * 4 + $1] * columns.polynomials[$1][column]
          }
          if pass + 1 < passes {
            if !isValid[position] { plane[position] = Complex(value.x, value.y) }
          } else {
            let weight = isValid[position] ? rows.weights[row] * columns.weights[column] : 0
            plane[position] = Complex(
              weight * (plane[position].real - value.x),
              weight * (plane[position].imaginary - value.y))
          }
        }
      }
    }
  }

  /// For each row the coefficients of the polynomials along it.
  private func surface(
    _ plane: [Complex], _ columns: MovingWindow, _ rows: MovingWindow
  ) -> [SIMD2<Double>] {
    let width = columns.weights.count
    var coefficients = [SIMD2<Double>](repeating: .zero, count: 16)
    for row in rows.weights.indices where rows.weights[row] > 0 {
      var along = [SIMD2<Double>](repeating: .zero, count: 4)
      for column in 0..<width {
        let value = plane[row * width + column]
        let weighted = columns.weights[column] * SIMD2(value.real, value.imaginary)
        for order in 0..<4 { along[order] += columns.polynomials[order][column] * weighted }
      }
      for order in 0..<4 {
        for across in 0..<(4 - order) {
          coefficients[4 * across + order] +=
            rows.weights[row] * rows.polynomials[across][row] * along[order]
        }
      }
    }
    return rows.weights.indices.flatMap { row in
      (0..<4).map { order in
        (0..<4).reduce(SIMD2<Double>.zero) {
          $0 + coefficients[4 * $1 + order] * rows.polynomials[$1][row]
        }
      }
    }
  }
}

func power(_ value: Complex) -> Double {
  value.real * value.real + value.imaginary * value.imaginary
}

/// First moments over sums; no value where next to nothing was counted.
private func deflection(_ sums: FrameThumbnails.Sums) -> (values: [Complex], isValid: [Bool]) {
  let mean = sums.total.reduce(0.0) { $0 + Double($1) } / Double(max(1, sums.total.count))
  let isValid = sums.total.map { Double($0) > 0.05 * mean && $0 > 0 }
  let values = sums.total.indices.map { cell in
    isValid[cell]
      ? Complex(
        Double(sums.x[cell]) / Double(sums.total[cell]),
        Double(sums.y[cell]) / Double(sums.total[cell]))
      : Complex(0, 0)
  }
  return (values, isValid)
}

/// Weights along one axis, and polynomials up to the third order that are orthonormal under them.
struct MovingWindow: Sendable {
  /// On either side so much of the window rises and falls as a cosine.
  static let rim = 0.125

  let weights: [Double]
  let polynomials: [[Double]]

  /// - Parameters:
  ///   - count: Cells.
  ///   - lower: Where the window begins, in cells.
  ///   - upper: Where it ends.
  init(count: Int, from lower: Double, to upper: Double) {
    let weights = (0..<count).map { cell in
      let place = Double(cell) + 0.5
      let height = min(place - lower, upper - place) / (Self.rim * (upper - lower))
      return 0.5 - 0.5 * cos(Double.pi * min(1, max(0, height)))
    }
    func product(_ a: [Double], _ b: [Double]) -> Double {
      weights.indices.reduce(0) { $0 + weights[$1] * a[$1] * b[$1] }
    }
    var polynomials: [[Double]] = []
    for order in 0..<4 {
      var values = (0..<count).map { cell in
        let place = (2 * Double(cell) + 1 - lower - upper) / (upper - lower)
        return (0..<order).reduce(1.0) { power, _ in power * place }
      }
      for lesser in polynomials {
        let part = product(lesser, values)
        for cell in values.indices { values[cell] -= part * lesser[cell] }
      }
      let norm = product(values, values).squareRoot()
      // Nothing is left of a polynomial on fewer cells than it has coefficients.
      polynomials.append(values.map { norm > 1e-9 ? $0 / norm : 0 })
    }
    self.weights = weights
    self.polynomials = polynomials
  }
}
