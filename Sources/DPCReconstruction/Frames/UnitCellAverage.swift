// Counts averaged over whole unit cells, before any ratio is formed.
internal import FFTW
internal import STEMCore

/// Signals averaged over a unit cell, and over how many pixels along x and y their noise goes together.
public struct CellAverage: Sendable {
  public let signals: SegmentSignals
  public let correlation: (x: Double, y: Double)
}

/// Averages the counts of every segment over one unit cell around each position.
///
/// In a crystal the deflection of single atoms is a hundred times that of a wall; only its mean over
/// whole cells is the mean field, and counts have to be averaged before they are divided. The window
/// is exactly one cell centered on the pixel: waves of the lattice vanish and nothing is shifted.
///
/// - Parameters:
///   - signals: Corrected signals.
///   - cell: The unit cell, of one pixel or more along x and y.
/// - Returns: Summed counts over the window, same shape. Positions whose window is cut by the rim or
///   holds an unusable pixel have no whole cell: they are masked (`missing`, or the reason found
///   there). Neighbors within a cell share counts, so their errors are correlated.
public func unitCellAverage(of signals: SegmentSignals, over cell: UnitCell) -> CellAverage {
  let window = CellWindow(cell)
  let shape = signals.shape
  var result = signals
  result.mask = spread(signals.mask, over: window)
  let sums = WindowSums(window, shape: shape)
  for segment in 0..<signals.segmentCount {
    let first = segment * shape.count
    // Windows with an unusable position are masked, whatever is put in its place.
    let plane = sums.of(Array(signals.values[first..<(first + shape.count)]))
    for position in 0..<shape.count {
      result.values[first + position] = result.mask.isUsable(position) ? plane[position] : 0
    }
  }
  // Σw²/Σw: counts added with weights vary by this factor less than their sum says.
  result.varianceFactor *= window.squares / window.sum
  result.exposures *= window.sum
  return CellAverage(signals: result, correlation: window.correlation)
}

/// Weighted sums over the window around each position, formed in the spectrum: windows beyond the rim take what stands
/// at the opposite one.
private struct WindowSums: ~Copyable {
  private let transform: RealFourierTransform
  /// The window's own spectrum, which is real, over the number of positions.
  private let response: [Double]

  init(_ window: CellWindow, shape: GridShape) {
    transform = RealFourierTransform(rows: shape.rows, columns: shape.columns)
    var plane = [Double](repeating: 0, count: shape.count)
    for tap in window.taps {
      let row = (tap.row + shape.rows) % shape.rows
      plane[row * shape.columns + (tap.column + shape.columns) % shape.columns] += tap.weight
    }
    var spectrum = TransformBuffer<Complex>(count: transform.spectrumCount)
    transform.forward(TransformBuffer(copying: plane), into: &spectrum)
    response = spectrum.withSpan { waves in
      waves.indices.map { waves[$0].real / Double(shape.count) }
    }
  }

  func of(_ plane: [Double]) -> [Double] {
    var buffer = TransformBuffer(copying: plane)
    var spectrum = TransformBuffer<Complex>(count: transform.spectrumCount)
    transform.forward(buffer, into: &spectrum)
    spectrum.withMutableSpan { waves in
      for index in response.indices {
        let factor = response[index]
        waves[index] = Complex(factor * waves[index].real, factor * waves[index].imaginary)
      }
    }
    transform.inverse(&spectrum, into: &buffer)
    return buffer.array()
  }
}

/// Every window's flags joined; a window cut by the rim is `missing`.
private func spread(_ mask: PixelMask, over window: CellWindow) -> PixelMask {
  let shape = mask.shape
  let taps = window.taps
  var result = PixelMask(shape: shape)
  for position in 0..<shape.count where mask.bytes[position] != 0 {
    let (row, column) = (position / shape.columns, position % shape.columns)
    for tap in taps {
      let (r, c) = (row + tap.row, column + tap.column)
      if r < 0 || r >= shape.rows || c < 0 || c >= shape.columns { continue }
      result.bytes[r * shape.columns + c] |= mask.bytes[position]
    }
  }
  for row in 0..<shape.rows {
    let isCut = row < window.reach.y || row >= shape.rows - window.reach.y
    for column in 0..<shape.columns
    where isCut || column < window.reach.x || column >= shape.columns - window.reach.x {
      result.bytes[row * shape.columns + column] = PixelFlags.missing.rawValue
    }
  }
  return result
}
