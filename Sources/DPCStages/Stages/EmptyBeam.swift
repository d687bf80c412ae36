// The empty beam as an acquisition holds it: a reference, or frames recorded without a specimen.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore

/// Signals of the empty beam, and what the file knows of the gains.
struct EmptyBeam {
  let metadata: AcquisitionMetadata
  let signals: SegmentSignals
  let exposures: Double
  let origin: String
  private let dark: [Double]
  private let path: String

  private static let spikeThreshold = 9.0

  init(acquisition: AcquisitionValue, context: StageContext) throws {
    metadata = acquisition.metadata
    path = acquisition.file.path
    let count = metadata.segmentCount
    dark = metadata.references.dark ?? [Double](repeating: 0, count: count)
    var frames = FramesValue(
      acquisition: acquisition,
      correction: SegmentCorrection(
        dark: dark, gain: [Double](repeating: 1, count: count), gainSource: .none),
      electronsPerUnit: nil, spikeThreshold: Self.spikeThreshold,
      window: ScanWindow(wholeOf: metadata.shape))
    frames.electronsPerUnit = try electronsPerUnit(of: frames, context)
    if try context.value("vacuum") == "frames" {
      if metadata.beamTilts != nil {
        throw StageFailure(
          .failed, "stage \(context.stageName): \(path) is a series of beam tilts",
          remedy: "feed it to calibrate-deflection")
      }
      (signals, exposures, origin) = (try FrameReader(frames).sum(context).signals, 1, "frames")
      return
    }
    guard let reference = metadata.references.vacuum else {
      throw StageFailure(
        .missingPrerequisite,
        "stage \(context.stageName): \(path) has no vacuum reference (/entry/reference/vacuum)",
        remedy: "record one, or give an acquisition of the empty beam and set vacuum: frames")
    }
    exposures = metadata.references.vacuumExposures ?? 1
    switch reference {
    case .single(let values):
      origin = "single vacuum reference"
      signals = frames.correction.corrected(
        values, shape: GridShape(rows: 1, columns: 1), saturationLevel: nil,
        electronsPerUnit: frames.electronsPerUnit)
    case .scan(let planes):
      origin = "vacuum scan"
      var corrected = frames.correction.corrected(
        planes.flatMap(\.values), shape: metadata.shape, saturationLevel: nil,
        electronsPerUnit: frames.electronsPerUnit)
      corrected.maskSpikes(
        threshold: Self.spikeThreshold, signalPerElectron: frames.signalPerElectron)
      signals = corrected
    }
  }

  /// From the flat with its counting error, or as the file states them; nil where it does neither.
  func knownGains() throws -> KnownGains? {
    let references = metadata.references
    if let flat = references.flat {
      let net = zip(flat, dark).map { $0 - $1 }
      if let segment = net.indices.first(where: { !(net[$0] > 0) }) {
        throw StageFailure(
          .inputRefused,
          "\(path): \(ReferenceError.notPositive(source: .flat, segment: segment, value: net[segment]))",
          remedy: "set gains: free, or record the flat again")
      }
      let scale = (signals.electronsPerUnit ?? 0) * (references.flatExposures ?? 1)
      let areas = metadata.detector.segments.map(\.area)
      let gains = zip(net, areas).map { $0 / $1 }
      let mean = gains.reduce(0, +) / Double(gains.count)
      return KnownGains(
        gain: gains.map { $0 / mean },
        relativeErrors: net.map { scale > 0 ? 1 / ($0 * scale).squareRoot() : 0 })
    }
    return metadata.segmentGain.map {
      KnownGains(gain: $0, relativeErrors: $0.map { _ in 0 })
    }
  }

  func gainOrigin(_ gains: KnownGains?) -> String {
    if gains == nil { return "nothing" }
    return metadata.references.flat == nil ? "the file, taken as exact" : "flat reference"
  }
}
