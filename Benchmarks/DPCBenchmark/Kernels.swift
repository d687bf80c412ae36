// Every kernel on the numbers of one square acquisition, beside the copy or the transform it cannot beat.
internal import DPCReconstruction
internal import STEMCore

/// Times the kernels on one acquisition.
struct KernelTimes {
  private let side: Int
  private let acquisition: BenchmarkAcquisition
  private let copyRate: Double
  private var count: Int { side * side }
  private let double = 8

  init(side: Int) {
    self.side = side
    acquisition = BenchmarkAcquisition(side: side)
    let bytes = 64 << 20
    copyRate = 2 * Double(bytes) / Floors.copy(bytes: bytes, threads: 1)
  }

  func table() throws -> Table {
    var table = Table(title: "Kernels, \(side)×\(side), 8 segments, one thread's copy as floor")
    let metadata = acquisition.metadata
    let estimator = try DiscShiftEstimator(
      detector: metadata.detector, probeSemiAngle: metadata.probeSemiAngle)
    let signals = addSignals(to: &table)
    let deflection = estimator.deflection(
      of: signals, calibration: .identity, pixelSize: metadata.pixelSize
    ).map
    var field = deflection
    field.deflectionToProjectedField(metadata.beam)
    // Memory that is there, as in a run, which uses its memory again.
    var target = deflection
    target.transform(by: .identity)
    table.rows += [
      row("deflection", read: 65, written: 41) {
        target.share { _ = estimator.estimate(signals, calibration: .identity, into: $0, at: 0) }
      },
      row("transformed (rotation)", read: 40, written: 40) {
        _ = transformed(deflection, by: scanFrameMatrix(rotation: 0.3, handedness: .asRecorded))
      },
      row("projectedField", read: 40, written: 40) {
        var field = deflection
        field.deflectionToProjectedField(metadata.beam)
      },
      row("filled", read: 17, written: 17) { _ = try? filled(field) },
    ]
    try addTransforms(of: field, to: &table)
    return table
  }

  /// Correction and spikes; returns the signals that are left.
  private func addSignals(to table: inout Table) -> SegmentSignals {
    let shape = GridShape(rows: side, columns: side)
    let segments = acquisition.planes.count
    let correction = SegmentCorrection(
      dark: [Double](repeating: 0.1, count: segments),
      gain: [Double](repeating: 1.01, count: segments), gainSource: .gain)
    let raw = acquisition.signals
    func corrected() -> SegmentSignals {
      correction.corrected(raw, shape: shape, saturationLevel: nil, electronsPerUnit: 1)
    }
    table.rows.append(
      row("SegmentCorrection.corrected", read: 64, written: 65) { _ = corrected() })
    let time = Stopwatch.median(prepare: corrected) { $0.maskSpikes(threshold: 9) }
    table.rows.append(row("maskSpikes", time: time, bytes: 65 * count))
    var signals = corrected()
    signals.maskSpikes(threshold: 9)
    return signals
  }

  private func addTransforms(of field: VectorMap, to table: inout Table) throws {
    let pixelSize = PixelSize(x: 1e-9, y: 1e-9)
    let whole = try filled(field).field
    let cosine = (Floors.cosineTransforms(side: side), "DCT and back")
    let real = (Floors.realTransforms(side: side, forward: 2, inverse: 1), "2 rFFT, 1 back")
    let parts = (Floors.realTransforms(side: side, forward: 2, inverse: 2), "2 rFFT, 2 back")
    func time(_ name: String, floor: (Double, String), _ body: () -> Void) {
      table.rows.append(Row(name: name, time: Stopwatch.median(body), floor: floor))
    }
    time("integratedPotential, neumann", floor: cosine) {
      _ = integratedPotential(of: whole, pixelSize: pixelSize, boundary: .neumann)
    }
    time("integratedPotential, periodic", floor: real) {
      _ = integratedPotential(of: whole, pixelSize: pixelSize, boundary: .periodic)
    }
    time("helmholtzParts, neumann", floor: (4 * cosine.0, "8 DCT or DST")) {
      _ = helmholtzParts(of: whole, pixelSize: pixelSize, boundary: .neumann)
    }
    time("helmholtzParts, periodic", floor: parts) {
      _ = helmholtzParts(of: whole, pixelSize: pixelSize, boundary: .periodic)
    }
    table.rows += [
      row("projectedChargeDensity", read: 16, written: 8) {
        _ = projectedChargeDensity(of: whole, pixelSize: pixelSize)
      },
      row("smoothed, 2 px", read: 41, written: 41) { _ = smoothed(field, sigma: (2, 2)) },
    ]
  }

  /// A line for a kernel that reads and writes so many bytes per pixel.
  private func row(_ name: String, read: Int, written: Int, _ body: () -> Void) -> Row {
    row(name, time: Stopwatch.median(body), bytes: (read + written) * count)
  }

  private func row(_ name: String, time: Double, bytes: Int) -> Row {
    Row(name: name, time: time, bytes: bytes, floor: (Double(bytes) / copyRate, "copy"))
  }
}
