// An inspection for programs: what a file states in SI units, what its first frame holds, what it lacks.
internal import STEMCore

/// The layout of an inspection as JSON.
public struct InspectionDocument: Encodable, Sendable {
  struct Frames: Encodable {
    let count: Int
    let segmentCount: Int
    let rows: Int
    let columns: Int
    let numberType: String
    let storage: String
    let unit: String
  }

  struct Quantity: Encodable {
    let value: Double
    let unit: String
  }

  struct Segment: Encodable {
    /// Counted from 0, the innermost.
    let ring: Int?
    /// Angles in rad; azimuths without the orientation.
    let inner: Double
    let outer: Double
    let start: Double
    let stop: Double
    /// Of the first frame, in the frames' unit.
    let minimum: Double?
    let maximum: Double?
    let mean: Double?
    let missingCount: Int
    let saturatedCount: Int
  }

  let schema = "dpc-inspection/1"
  let file: String
  let title: String?
  let frames: Frames
  /// Only what the file states.
  let quantities: [String: Quantity]
  let specimen: [String: String]
  let references: [String]
  let segments: [Segment]
  /// Of the first frame, in the frames' unit.
  let medianSum: Double?
  let contradictions: [String]
  let unread: [String]
  /// Why a run would refuse the first frame.
  let refusal: String?
  /// What a run would warn of in it.
  let doubts: [String]
  let missing: [MissingItem]
}

extension FileInspection {
  /// The description for programs.
  ///
  /// - Parameters:
  ///   - refusal: Why a run would refuse the first frame, if it were the only one; nil where it would not.
  ///   - doubts: What a run would warn of in it.
  public func document(refusal: String?, doubts: [String]) -> InspectionDocument {
    let metadata = file.metadata
    return InspectionDocument(
      file: file.path, title: metadata.title,
      frames: .init(
        count: metadata.frameCount, segmentCount: metadata.segmentCount,
        rows: metadata.shape.rows, columns: metadata.shape.columns, numberType: file.frameType,
        storage: file.frameLayout, unit: metadata.signalUnit.rawValue),
      quantities: quantities.compactMapValues { value, unit in
        value.map { .init(value: $0, unit: unit) }
      },
      specimen: [
        "material": metadata.specimen.material, "zoneAxis": metadata.specimen.zoneAxis,
        "view": metadata.specimen.view?.rawValue,
        "fieldDirection": metadata.specimen.fieldDirection?.rawValue,
      ].compactMapValues(\.self), references: referenceNames, segments: segmentEntries,
      medianSum: firstFrame.medianSum, contradictions: file.contradictions, unread: file.unread,
      refusal: refusal, doubts: doubts, missing: missing)
  }

  private var quantities: [String: (Double?, String)] {
    let metadata = file.metadata
    let specimen = metadata.specimen
    return [
      "voltage": (metadata.beam.voltage, "V"), "semiAngle": (metadata.probeSemiAngle, "rad"),
      "defocus": (metadata.defocus, "m"),
      "sphericalAberration": (metadata.sphericalAberration, "m"),
      "pixelSizeX": (metadata.pixelSize?.x, "m"), "pixelSizeY": (metadata.pixelSize?.y, "m"),
      "orientation": (metadata.detector.orientation, "rad"),
      "scanRotation": (metadata.scanRotation, "rad"),
      "electronsPerPixel": (metadata.electronsPerPixel, ""),
      "thickness": (specimen.thickness, "m"), "thicknessError": (specimen.thicknessError, "m"),
      "wallInclination": (specimen.wallInclination, "rad"),
      "wallNormalAzimuth": (specimen.wallNormalAzimuth, "rad"),
    ]
  }

  private var segmentEntries: [InspectionDocument.Segment] {
    zip(file.metadata.detector.segments, firstFrame.segments).enumerated().map { index, entry in
      let (segment, statistics) = entry
      return .init(
        ring: rings.firstIndex { $0.segmentIndices.contains(index) }, inner: segment.inner,
        outer: segment.outer, start: segment.start, stop: segment.stop,
        minimum: statistics.minimum, maximum: statistics.maximum, mean: statistics.mean,
        missingCount: statistics.missingCount, saturatedCount: statistics.saturatedCount)
    }
  }
}
