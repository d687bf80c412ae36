// The whole pass from a frame's signals to the field, on all threads, beside the copy of as many bytes.
internal import CMalloc
internal import DPCReconstruction
internal import STEMCore
internal import WorkSharing

/// Times what one pass over the frames does, band by band as a run does it, between memory that is there: dark,
/// gain and mask, both ring-summed differences, the exact inverse, rotation and field, with and without errors.
struct SegmentPass {
  /// Rows of a band, as in a run.
  private static let bandRows = 64

  private let shape: GridShape
  private let segmentCount: Int
  private let bands: [(shape: GridShape, raw: RawSignals)]
  private let correction: SegmentCorrection
  private let estimator: DiscShiftEstimator
  /// From the deflection in the detector's axes to the field in the scan's.
  private let toField: Matrix2

  init(side: Int) throws {
    // As in a run, which uses freed memory again.
    mallopt(M_MMAP_MAX, 0)
    mallopt(M_TRIM_THRESHOLD, Int32.max)
    let acquisition = BenchmarkAcquisition(side: side)
    let metadata = acquisition.metadata
    shape = GridShape(rows: side, columns: side)
    segmentCount = acquisition.planes.count
    bands = stride(from: 0, to: side, by: Self.bandRows).map { first in
      let rows = first..<min(first + Self.bandRows, side)
      let raw = acquisition.planes.flatMap { plane in
        plane.values[(rows.lowerBound * side)..<(rows.upperBound * side)].map(Float.init)
      }
      return (shape: GridShape(rows: rows.count, columns: side), raw: .float(raw))
    }
    correction = SegmentCorrection(
      dark: [Double](repeating: 0.1, count: segmentCount),
      gain: [Double](repeating: 1.01, count: segmentCount), gainSource: .gain)
    estimator = try DiscShiftEstimator(
      detector: metadata.detector, probeSemiAngle: metadata.probeSemiAngle)
    let scale = -metadata.beam.momentumVelocityPerCharge
    toField = Matrix2(xx: scale, xy: 0, yx: 0, yy: scale)
      .after(scanFrameMatrix(rotation: 0.3, handedness: .asRecorded))
  }

  /// - Parameter threads: As many as the floor's copy has.
  func table(threads: Int) -> Table {
    var table = Table(
      title: "From 32-bit signals to the field, \(shape.rows)×\(shape.columns),"
        + " \(segmentCount) segments, \(threads) threads")
    let stored = 4 * segmentCount
    table.rows = [
      row("dark, gain, mask", bytes: stored + 8 * segmentCount + 1, threads) {
        forEachPiece(of: $0, errors: false, spikes: nil) { _, _ in }
      },
      field("the same to the field", bytes: stored + 17, threads, errors: false),
      field("the same with errors", bytes: stored + 41, threads, errors: true),
      field("the same with spikes masked", bytes: stored + 41, threads, errors: true, spikes: 9),
    ]
    return table
  }

  /// Corrects a band, whose pieces `body` gets with the first row of each in the map.
  private func forEachPiece(
    of band: Int, errors: Bool, spikes: Double?, _ body: (SegmentSignals, Int) -> Void
  ) {
    let (shape, raw) = bands[band]
    SignalScreen(
      correction, saturationLevel: nil, electronsPerUnit: errors ? 1 : nil,
      spikeThreshold: spikes
    ).forEachPiece(of: raw, shape: shape, rows: 0..<shape.rows) { signals, row in
      body(signals, band * Self.bandRows + row)
    }
  }

  private func field(
    _ name: String, bytes: Int, _ threads: Int, errors: Bool, spikes: Double? = nil
  ) -> Row {
    var map = VectorMap(uninitialized: shape, withCovariance: errors, pixelSize: nil)
    return map.share { map in
      row(name, bytes: bytes, threads) { band in
        forEachPiece(of: band, errors: errors, spikes: spikes) { signals, row in
          _ = estimator.estimate(
            signals, calibration: toField, into: map, at: row * shape.columns)
        }
      }
    }
  }

  /// - Parameter bytes: That are read and written once at a position.
  private func row(
    _ name: String, bytes: Int, _ threads: Int, _ body: @Sendable (Int) -> Void
  ) -> Row {
    let total = bytes * shape.count
    let time = Stopwatch.median { shareWork(bands.count, body) }
    return Row(
      name: name, time: time, bytes: total,
      floor: (Floors.copy(bytes: total / 2, threads: threads), "copy"))
  }
}
