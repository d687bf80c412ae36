// Acquisitions, frames and segment signals as values. The first two are references: they hold what the
// file states and what to do with it, and name the file by the digest of its bytes.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore
internal import STEMData

/// An acquisition file and what it states.
struct AcquisitionValue: StoredValue, Equatable {
  var metadata: AcquisitionMetadata
  /// The pipeline's input, found again by its digest.
  var file: InputFile

  struct Header: Codable {
    var metadata: AcquisitionMetadata
    var fileDigest: String
  }

  var header: Header { Header(metadata: metadata.withoutPlanes, fileDigest: file.digest) }

  var arrays: [String: ArrayArchive.Entry] { metadata.vacuumScanArrays }

  init(metadata: AcquisitionMetadata, file: InputFile) {
    self.metadata = metadata
    self.file = file
  }

  init(header: Header, archive: ArrayArchive, files: InputFiles) throws {
    guard let file = files[digest: header.fileDigest] else {
      throw StageFailure(.failed, "no input of this run has the digest \(header.fileDigest)")
    }
    self.file = file
    metadata = try header.metadata.withPlanes(from: archive)
  }
}

/// Frames and the corrections that are applied as they are read.
struct FramesValue: StoredValue, Equatable {
  var acquisition: AcquisitionValue
  var correction: SegmentCorrection
  /// nil where the file allows no statement about counting errors.
  var electronsPerUnit: Double?
  /// Of each segment, as its noise tells it, where the number of electrons is unknown: what a spike is held against.
  var signalPerElectron: [Double]?
  /// nil: spikes are left alone.
  var spikeThreshold: Double?
  var window: ScanWindow
  /// Errors of the calibrations that were applied.
  var calibration = AppliedCalibration()

  /// For the attribute `dark_source`: where the dark signals that were subtracted come from.
  var darkSource: String {
    if acquisition.metadata.references.dark == nil { return "none" }
    return correction.dark.contains { $0 != 0 } ? "reference" : "none subtracted"
  }

  struct Header: Codable {
    var acquisition: AcquisitionValue.Header
    var correction: SegmentCorrection
    var electronsPerUnit: Double?
    var signalPerElectron: [Double]?
    var spikeThreshold: Double?
    var window: ScanWindow
    var calibration: AppliedCalibration
  }

  var header: Header {
    Header(
      acquisition: acquisition.header, correction: correction, electronsPerUnit: electronsPerUnit,
      signalPerElectron: signalPerElectron, spikeThreshold: spikeThreshold, window: window,
      calibration: calibration)
  }

  var arrays: [String: ArrayArchive.Entry] { acquisition.arrays }
}

extension FramesValue {
  init(header: Header, archive: ArrayArchive, files: InputFiles) throws {
    acquisition = try AcquisitionValue(
      header: header.acquisition, archive: archive, files: files)
    correction = header.correction
    electronsPerUnit = header.electronsPerUnit
    signalPerElectron = header.signalPerElectron
    spikeThreshold = header.spikeThreshold
    window = header.window
    calibration = header.calibration
  }
}

/// Segment signals of one frame: still in the file, or averaged and in memory.
enum SegmentsValue: StoredValue, Equatable {
  case inFile(FramesValue)
  case averaged(SegmentSignals, of: FramesValue, correlation: CorrelationLength = .init())

  struct Header: Codable {
    var frames: FramesValue.Header
    var electronsPerUnit: Double?
    var varianceFactor: Double
    var segmentCount: Int?
    var correlation: CorrelationLength
    var exposures: Double?
  }

  /// The frames from which the signals come.
  var frames: FramesValue {
    switch self {
    case .inFile(let frames), .averaged(_, let frames, _): frames
    }
  }

  /// Over how many pixels counting errors go together.
  var correlation: CorrelationLength {
    if case .averaged(_, _, let correlation) = self { correlation } else { CorrelationLength() }
  }

  var header: Header {
    switch self {
    case .inFile(let frames):
      return Header(
        frames: frames.header, electronsPerUnit: nil, varianceFactor: 1, segmentCount: nil,
        correlation: correlation)
    case .averaged(let signals, let frames, _):
      return Header(
        frames: frames.header, electronsPerUnit: signals.electronsPerUnit,
        varianceFactor: signals.varianceFactor, segmentCount: signals.segmentCount,
        correlation: correlation, exposures: signals.exposures)
    }
  }

  var arrays: [String: ArrayArchive.Entry] {
    var entries = frames.arrays
    if case .averaged(let signals, _, _) = self {
      let side = [signals.shape.rows, signals.shape.columns]
      entries["signals"] = .init(
        shape: [signals.segmentCount] + side, values: .float64(signals.values))
      entries["mask"] = .init(shape: side, values: .uint8(signals.mask.bytes))
    }
    return entries
  }

  init(header: Header, archive: ArrayArchive, files: InputFiles) throws {
    let frames = try FramesValue(header: header.frames, archive: archive, files: files)
    guard let segmentCount = header.segmentCount, let shape = archive.entries["mask"]?.shape else {
      self = .inFile(frames)
      return
    }
    let grid = GridShape(rows: shape[0], columns: shape[1])
    let signals = SegmentSignals(
      shape: grid, segmentCount: segmentCount, values: try archive.requiredDoubles("signals"),
      mask: PixelMask(shape: grid, bytes: try archive.requiredBytes("mask")),
      electronsPerUnit: header.electronsPerUnit, varianceFactor: header.varianceFactor,
      exposures: header.exposures ?? 1)
    self = .averaged(signals, of: frames, correlation: header.correlation)
  }
}

extension AcquisitionMetadata {
  /// The metadata without the planes of a vacuum scan, which are stored as arrays.
  var withoutPlanes: AcquisitionMetadata {
    guard case .scan(let planes) = references.vacuum else { return self }
    var copy = self
    copy.references.vacuum = .scan(
      planes.map { _ in ScalarField(shape: GridShape(rows: 0, columns: 0), values: []) })
    return copy
  }

  var vacuumScanArrays: [String: ArrayArchive.Entry] {
    guard case .scan(let planes) = references.vacuum else { return [:] }
    let values = planes.flatMap(\.values)
    return [
      "vacuum": .init(shape: [planes.count, shape.rows, shape.columns], values: .float64(values))
    ]
  }

  func withPlanes(from archive: ArrayArchive) throws -> AcquisitionMetadata {
    guard case .scan(let planes) = references.vacuum else { return self }
    let values = try archive.requiredDoubles("vacuum")
    var copy = self
    copy.references.vacuum = .scan(
      planes.indices.map { segment in
        let range = (segment * shape.count)..<((segment + 1) * shape.count)
        return ScalarField(shape: shape, values: Array(values[range]))
      })
    return copy
  }
}
