// A thin specimen as the plane waves into which it splits a plane wave.
internal import FFTW
internal import Glibc
internal import STEMCore

/// Why a specimen cannot be seen by waves.
public enum WaveModelError: Error, Equatable, CustomStringConvertible {
  /// Its field has a curl, as that along a wall: no potential, so no phase.
  case noPotential
  /// The phase jumps by this across the rim of the frame, rad.
  case notPeriodic(jump: Double)
  /// The phase is not resolved by as many samples as can be held.
  case tooFine(samples: Int)

  public var description: String {
    switch self {
    case .noPotential:
      "a layer of the specimen has a field with a curl, so no potential and no phase"
    case .notPeriodic(let jump):
      "the wave-optical model takes the frame for one period of the specimen, but the phase jumps by up to"
        + " \(Float(jump)) rad across its rim"
    case .tooFine(let samples):
      "the phase of the specimen is not resolved by \(samples) samples"
    }
  }
}

/// The transmission exp(iσ∫V dz) of a specimen that repeats itself with the frame, as a sum of plane waves:
/// O(r) = Σ amplitude · exp(2πi q·r), r from the first scan position, λq the wave's angle.
struct TransmissionSpectrum {
  struct Wave {
    /// λq in the scan's axes, rad.
    let x: Double
    let y: Double
    let amplitude: Complex
    /// Where the wave appears among those that the scan positions can tell apart, row after row.
    let index: Int
  }

  let waves: [Wave]
  /// The largest angle of a wave, rad.
  let reach: Double

  /// Amplitudes below this are left out: their squares add up to less than the roundings of the rest.
  private static let faintest = 1e-12
  private static let sampleLimit = 1 << 24
  /// What may be lost of the phase across the rim, rad.
  private static let jumpLimit = 1e-3

  /// - Parameters:
  ///   - pixelSize: m.
  ///   - limit: Waves beyond this angle never meet the detector, rad.
  /// - Throws: ``WaveModelError``.
  init(
    _ phantom: Phantom, shape: GridShape, pixelSize: PixelSize, beam: ElectronBeam, limit: Double
  ) throws {
    if !phantom.layers.allSatisfy({ $0.projectedPotential(atX: 0, y: 0) != nil }) {
      throw WaveModelError.noPotential
    }
    let sampled = SampledPhase(phantom, shape, pixelSize, beam)
    let jump = sampled.largestJump()
    if !(jump < Self.jumpLimit) { throw WaveModelError.notPeriodic(jump: jump) }
    var factor = 1
    while true {
      let (rows, columns) = (shape.rows * factor, shape.columns * factor)
      if rows * columns > Self.sampleLimit {
        throw WaveModelError.tooFine(samples: Self.sampleLimit)
      }
      let found = sampled.spectrum(factor: factor)
      let steps = (
        x: beam.wavelength / (Double(shape.columns) * pixelSize.x),
        y: beam.wavelength / (Double(shape.rows) * pixelSize.y)
      )
      let (waves, isResolved) = Self.waves(found, rows, columns, shape, steps, limit)
      if isResolved {
        self.waves = waves
        reach = waves.reduce(0) { max($0, hypot($1.x, $1.y)) }
        return
      }
      factor *= 2
    }
  }

  /// The waves up to the limit, and whether none of note lies at the end of the spectrum below it.
  private static func waves(
    _ spectrum: [Complex], _ rows: Int, _ columns: Int, _ shape: GridShape,
    _ step: (x: Double, y: Double), _ limit: Double
  ) -> (waves: [Wave], isResolved: Bool) {
    var waves: [Wave] = []
    var isResolved = true
    for row in 0..<rows {
      let p = row <= (rows - 1) / 2 ? row : row - rows
      let y = Double(p) * step.y
      for column in 0..<columns {
        let q = column <= (columns - 1) / 2 ? column : column - columns
        let x = Double(q) * step.x
        let amplitude = spectrum[row * columns + column]
        if hypot(x, y) >= limit || hypot(amplitude.real, amplitude.imaginary) < faintest {
          continue
        }
        // A side of one sample, such as a frame of a single row, has nothing to resolve.
        let isOutermost =
          rows > 1 && 8 * abs(p) >= 3 * rows || columns > 1 && 8 * abs(q) >= 3 * columns
        if isOutermost { isResolved = false }
        let folded = (
          row: (p % shape.rows + shape.rows) % shape.rows,
          column: (q % shape.columns + shape.columns) % shape.columns
        )
        waves.append(
          Wave(
            x: x, y: y, amplitude: amplitude,
            index: folded.row * shape.columns + folded.column))
      }
    }
    return (waves, isResolved)
  }
}

/// σ∫V dz on grids finer than the scan.
private struct SampledPhase {
  let layers: [PhantomLayer]
  let shape: GridShape
  let pixelSize: PixelSize
  let interaction: Double

  init(
    _ phantom: Phantom, _ shape: GridShape, _ pixelSize: PixelSize, _ beam: ElectronBeam
  ) {
    layers = phantom.layers
    self.shape = shape
    self.pixelSize = pixelSize
    interaction = beam.interactionParameter
  }

  /// rad, at a point given in pixels from the first scan position.
  private func phase(_ column: Double, _ row: Double) -> Double {
    let x = (column - Double(shape.columns - 1) / 2) * pixelSize.x
    let y = (row - Double(shape.rows - 1) / 2) * pixelSize.y
    return layers.reduce(0) {
      $0 + interaction * ($1.projectedPotential(atX: x, y: y) ?? 0)
    }
  }

  /// Between opposite sides, of the phase and of its change from pixel to pixel, rad.
  func largestJump() -> Double {
    let (width, height) = (Double(shape.columns), Double(shape.rows))
    var largest = 0.0
    func compare(_ first: (Double) -> Double, _ last: (Double) -> Double) {
      let jump = last(0) - first(0)
      largest = max(largest, abs(jump), abs(last(1) - first(1) - jump))
    }
    for row in 0..<shape.rows {
      compare({ phase($0 - 0.5, Double(row)) }, { phase(width + $0 - 0.5, Double(row)) })
    }
    for column in 0..<shape.columns {
      compare({ phase(Double(column), $0 - 0.5) }, { phase(Double(column), height + $0 - 0.5) })
    }
    return largest
  }

  /// Amplitudes of the plane waves, `factor` times as many a side as there are scan positions.
  func spectrum(factor: Int) -> [Complex] {
    let (rows, columns) = (shape.rows * factor, shape.columns * factor)
    var plane = TransformBuffer<Complex>(count: rows * columns)
    let scale = 1 / Double(rows * columns)
    plane.withMutableSpan { samples in
      for row in 0..<rows {
        for column in 0..<columns {
          let phase = phase(Double(column) / Double(factor), Double(row) / Double(factor))
          samples[row * columns + column] = Complex(scale * cos(phase), scale * sin(phase))
        }
      }
    }
    ComplexFourierTransform(rows: rows, columns: columns).forward(&plane)
    return plane.array()
  }
}
