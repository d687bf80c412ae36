// A file described for its owner: what it states, what it lacks, what that blocks.
internal import STEMCore
internal import ShownText

/// Something that a file does not state, and what cannot be computed without it.
public struct MissingItem: Sendable, Equatable, Encodable {
  /// Path of the dataset that would state it.
  public var path: String
  /// What is not possible without it.
  public var consequence: String
}

/// What a file may leave out, as far as it states it.
struct StatedItems {
  var pixelSize: PixelSize?
  var scanRotation: Double?
  var electronsPerPixel: Double?
  var signalUnit: SignalUnit?
  var segmentGain: [Double]?
  var specimen: Specimen
  var references: References
}

extension StatedItems {
  init(_ metadata: AcquisitionMetadata) {
    self.init(
      pixelSize: metadata.pixelSize, scanRotation: metadata.scanRotation,
      electronsPerPixel: metadata.electronsPerPixel, signalUnit: metadata.signalUnit,
      segmentGain: metadata.segmentGain, specimen: metadata.specimen,
      references: metadata.references)
  }
}

/// What can be said of an acquisition before any reconstruction.
public struct FileInspection: Sendable {
  public let file: AcquisitionFile
  public let missing: [MissingItem]
  public let firstFrame: FrameStatistics
  let rings: [DetectorRing]

  /// Reads what the file states and its first frame.
  public init(path: String) throws(AcquisitionError) {
    let reader = try AcquisitionReader(path: path)
    file = reader.file
    missing = Self.missing(in: StatedItems(reader.metadata))
    firstFrame = try FrameStatistics(of: 0, from: reader)
    do { rings = try reader.metadata.detector.rings() } catch {
      // The reader has checked the geometry already.
      rings = []
    }
  }

  static func missing(in stated: StatedItems) -> [MissingItem] {
    var items: [MissingItem] = []
    func note(_ isThere: Bool, _ path: String, _ consequence: String) {
      if !isThere { items.append(MissingItem(path: path, consequence: consequence)) }
    }
    note(
      stated.pixelSize != nil, AcquisitionPath.pixelSizeX,
      "no lengths: no potential, no charge density, no wall widths")
    note(
      stated.specimen.thickness != nil, AcquisitionPath.thickness,
      "only the projected field in V: no V/m, and no fit of walls")
    note(
      stated.scanRotation != nil, AcquisitionPath.scanRotation,
      "only the deflection in the detector's axes, until a rotation is given")
    note(
      stated.electronsPerPixel != nil || stated.signalUnit == .electrons,
      AcquisitionPath.electronsPerPixel, "no errors from counting statistics")
    let references = stated.references
    note(
      references.vacuum != nil, AcquisitionPath.vacuum,
      "no zero of deflection: only differences of the field within the image are measured")
    note(
      references.flat != nil || stated.segmentGain != nil, AcquisitionPath.flat,
      references.vacuum == nil
        ? "the segments' gains are unknown and taken as equal"
        : "the gains of the outer segments are unknown: vacuum calibrates the inner ring only")
    note(
      stated.specimen.view != .crossSection || stated.specimen.wallInclination != nil,
      AcquisitionPath.wallInclination,
      "45° is assumed for inclined walls of a cross-section: their fields and widths depend on it")
    note(
      stated.specimen.view != nil || stated.specimen.wallInclination != nil, AcquisitionPath.view,
      "walls are taken to be edge-on, as in a top view: inclined ones come out too weak and too wide"
    )
    note(
      stated.specimen.fieldDirection != nil
        || (stated.specimen.view != .crossSection && stated.specimen.wallInclination == nil),
      AcquisitionPath.fieldDirection,
      "which way walls carry their field is taken from the image, which cannot tell a field along the normal of"
        + " inclined walls from one along the walls")
    return items
  }
}

extension FileInspection {
  /// Whether a run that refuses the first frame has others to take.
  public var hasOtherFrames: Bool { file.metadata.frameCount > 1 }

  /// The description as lines of text.
  ///
  /// - Parameters:
  ///   - refusal: Why a run would refuse the first frame, if it were the only one; nil where it would not.
  ///   - doubts: What a run would warn of in it.
  public func lines(refusal: String? = nil, doubts: [String] = []) -> [String] {
    overview() + [""] + segmentTable() + [""] + SegmentDrawing(file.metadata.detector).lines()
      + ["(+x right, +y down, detector axes, orientation included)", ""]
      + contradictionLines(doubts)
      + refusalLines(refusal) + missingLines(besides: refusal)
  }

  private func overview() -> [String] {
    let metadata = file.metadata
    var rows: [(String, String)] = [("file", file.path)]
    if let title = metadata.title { rows.append(("title", Shown.clipped(title, to: 200))) }
    rows += [
      (
        "frames",
        "\(metadata.frameCount) × \(metadata.segmentCount) segments × \(metadata.shape), "
          + "\(file.frameType), \(file.frameLayout), \(metadata.signalUnit.rawValue)"
      ),
      ("voltage", Self.quantity(metadata.beam.voltage, 1e3, "kV")),
      ("semi-angle", Self.quantity(metadata.probeSemiAngle, 1e-3, "mrad")),
      ("defocus", Self.quantity(metadata.defocus, 1e-9, "nm (positive: underfocus)")),
      ("spherical aberration", Self.quantity(metadata.sphericalAberration, 1e-3, "mm")),
      (
        "pixel size",
        metadata.pixelSize.map {
          Self.quantity($0.x, 1e-9, "nm") + " × " + Self.quantity($0.y, 1e-9, "nm")
        } ?? "not stated"
      ),
      (
        "orientation",
        Self.quantity(metadata.detector.orientation, .pi / 180, "deg (detector axes)")
      ),
      ("scan rotation", Self.quantity(metadata.scanRotation, .pi / 180, "deg")),
      ("dose", Self.quantity(metadata.electronsPerPixel, 1, "electrons per pixel")),
    ]
    rows += specimenRows()
    let references = referenceNames
    rows.append(
      ("references", references.isEmpty ? "none" : references.joined(separator: ", ")))
    rows.append(
      (
        "median sum",
        Self.quantity(firstFrame.medianSum, 1, metadata.signalUnit.rawValue + " (first frame)")
      ))
    return rows.map { name, text in
      name + String(repeating: " ", count: max(1, 16 - name.count)) + text
    }
  }

  private func specimenRows() -> [(String, String)] {
    let specimen = file.metadata.specimen
    let words = [specimen.material, specimen.zoneAxis, specimen.view?.rawValue].compactMap(\.self)
      .map { Shown.clipped($0) }
    var rows = [
      ("specimen", words.isEmpty ? "not stated" : words.joined(separator: ", ")),
      ("thickness", Self.quantity(specimen.thickness, 1e-9, "nm")),
      ("thickness error", Self.quantity(specimen.thicknessError, 1e-9, "nm")),
    ]
    if specimen.wallInclination != nil || specimen.wallNormalAzimuth != nil {
      rows += [
        ("wall inclination", Self.quantity(specimen.wallInclination, .pi / 180, "deg")),
        ("wall normal", Self.quantity(specimen.wallNormalAzimuth, .pi / 180, "deg")),
      ]
    }
    if let direction = specimen.fieldDirection {
      rows.append(("field direction", direction.rawValue))
    }
    return rows
  }

  /// What is there to calibrate the signals and the deflection with.
  var referenceNames: [String] {
    let metadata = file.metadata
    var names: [String] = []
    if metadata.references.dark != nil { names.append("dark") }
    if metadata.references.flat != nil { names.append("flat") }
    switch metadata.references.vacuum {
    case .single: names.append("vacuum")
    case .scan: names.append("vacuum scan")
    case nil: break
    }
    if metadata.segmentGain != nil { names.append("gain") }
    if metadata.deflectionCalibration != nil { names.append("deflection calibration") }
    return names
  }

  private func segmentTable() -> [String] {
    let widths = [7, 4, 8, 8, 8, 8, 11, 11, 11, 8, 9]
    func line(_ cells: [String]) -> String {
      zip(cells, widths).map { NumberText.column($0, $1) }.joined(separator: " ")
    }
    let segments = file.metadata.detector.segments
    var lines = [
      line([
        "segment", "ring", "inner", "outer", "start", "stop", "mean", "min", "max", "missing",
        "saturated",
      ]), line(["", "", "mrad", "mrad", "deg", "deg", "", "", "", "", ""]),
    ]
    for (index, segment) in segments.enumerated() {
      let statistics = firstFrame.segments[index]
      let ring = rings.firstIndex { $0.segmentIndices.contains(index) }
      let angles = [segment.inner * 1e3, segment.outer * 1e3]
      let azimuths = [segment.start, segment.stop].map { $0 * 180 / Double.pi }
      lines.append(
        line(
          ["\(index)", ring.map(String.init) ?? "-"]
            + (angles + azimuths).map { NumberText.significant($0) }
            + [statistics.mean, statistics.minimum, statistics.maximum].map {
              $0.map { NumberText.significant($0, 6) } ?? "-"
            } + ["\(statistics.missingCount)", "\(statistics.saturatedCount)"]))
    }
    return lines
  }

  private func contradictionLines(_ doubts: [String]) -> [String] {
    func section(_ heading: String, _ lines: [String]) -> [String] {
      lines.isEmpty ? [] : [heading] + lines.map { "  \($0)" } + [""]
    }
    return section("Stated twice and differently:", file.contradictions)
      + section("Not where it is looked for:", file.unread)
      + section("Beware:", doubts)
  }

  private func refusalLines(_ refusal: String?) -> [String] {
    guard let refusal else { return [] }
    let count = file.metadata.frameCount
    return [
      count == 1
        ? "A run refuses these frames:"
        : "A run would refuse the first of the \(count) frames alone:",
      "  " + refusal, "",
    ]
  }

  private func missingLines(besides refusal: String?) -> [String] {
    if missing.isEmpty {
      return ["Nothing\(refusal == nil ? "" : " else") is missing for a quantitative result."]
    }
    return ["Not stated, and what that blocks:"]
      + missing.map { "  \($0.path): \($0.consequence)" }
  }

  private static func quantity(_ value: Double?, _ scale: Double, _ unit: String) -> String {
    guard let value else { return "not stated" }
    return NumberText.significant(value / scale) + " " + unit
  }
}
