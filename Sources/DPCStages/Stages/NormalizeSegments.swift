// normalize-segments: which dark, which gains, how many electrons a count is, what a spike is.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore

struct NormalizeSegments: StageType {
  let name = "normalize-segments"
  let summary = "dark and gain correction, missing, saturated and hot pixels to the mask"
  let algorithmVersion = 12
  let mayBeginEarly = true
  let inputs = [
    InputPort("acquisition", kinds: [.acquisition], summary: "an acquisition file"),
    InputPort(
      "calibration", kinds: [.detectorCalibration], isRequired: false,
      summary: "of the detector: its gains and its semi-angle are used in place of the file's"),
    InputPort(
      "tilt-calibration", kinds: [.deflectionCalibration], isRequired: false,
      summary: "of the deflection: used in place of the file's deflection_calibration"),
  ]
  let outputs = [
    OutputPort("frames", kind: .fixed(.frames), summary: "frames, corrected as they are read")
  ]
  let parameters = [
    ParameterSpecification(
      "dark", .choice(["from-file", "none"]), default: .text("from-file"),
      summary: "subtract the file's dark reference where it has one"),
    ParameterSpecification(
      "gain", .choice(["from-file", "flat", "gain", "vacuum", "calibration", "none"]),
      default: .text("from-file"),
      summary:
        "source of the relative gains; from-file takes the first of calibration (if the port is"
        + " connected), flat, gain, vacuum"),
    ParameterSpecification(
      "spike_sigma", .number(unit: nil, range: NumberRange(3...1000)), keywords: ["none"],
      default: .number(9),
      summary: "a segment this many standard deviations off its 5×5 median is masked as hot"),
  ]

  static let withoutElectrons = Note(
    .warning, "no electrons_per_pixel in the file: errors only from the scatter of repeated frames")

  func problems(
    with parameters: [String: ParameterValue], connected ports: Set<String>
  ) -> [ParameterProblem] {
    if parameters["gain"] != .text("calibration") || ports.contains("calibration") { return [] }
    return [
      ParameterProblem(
        "gain", "the gains are to be those of a calibration, and port calibration is not connected",
        suggestion: "connect a calibrate-detector stage with from:, or choose another gain source")
    ]
  }

  func run(_ context: StageContext) throws -> StageProduct {
    let acquisition = try context.input("acquisition", as: AcquisitionValue.self)
    let metadata = acquisition.metadata
    let calibrations = try Calibrations(context)
    let gain: String = try context.value("gain")
    let usesDark = try context.value("dark") != "none"
    var correction: SegmentCorrection
    do {
      correction = try self.correction(
        metadata, calibrations.detector, gain: gain, usesDark: usesDark)
    } catch {
      throw StageFailure(
        .inputRefused, "\(acquisition.file.path): \(error)",
        remedy: "choose another gain source, or none, with the parameter gain of this stage")
    }
    var frames = FramesValue(
      acquisition: acquisition, correction: correction, electronsPerUnit: nil,
      spikeThreshold: context.number("spike_sigma"), window: ScanWindow(wholeOf: metadata.shape))
    frames.electronsPerUnit = try electronsPerUnit(of: frames, context)
    let sample = try FrameReader(frames).sample(context)
    if frames.electronsPerUnit == nil {
      let ratios = sample.map { $0.noiseRatios() }
      frames.signalPerElectron = correction.gain.indices.map { segment in
        median(ratios.flatMap { $0[segment] }) ?? 0
      }
    }
    if correction.gainErrors == nil {
      correction.gainErrors = relativeGainErrors(
        of: correction, metadata: metadata, electronsPerUnit: frames.electronsPerUnit)
      frames.correction = correction
    }
    let scatters = SegmentScatters(sample)
    let stuck = stuckNotes(scatters, frames)
    let applied = calibrations.apply(to: &frames) + neglectedErrors(frames)
    return StageProduct(
      outputs: ["frames": frames], facts: facts(correction),
      notes: notes(correction, metadata, electronsPerUnit: frames.electronsPerUnit)
        + ceilingNotes(sample, scatters, frames) + stuck + applied)
  }

  /// Where the exposures of a reference are not stated, one exposure bounds the errors of its gains.
  private func neglectedErrors(_ frames: FramesValue) -> [Note] {
    guard let largest = frames.gainErrorsOfOneExposure?.compactMap({ $0 }).max() else { return [] }
    let bound =
      largest < 1
      ? "at most \(Format.percent(largest)) by counting, less if"
        + " the reference averages exposures (its attribute exposures tells how many)"
      : "they are not known, since the reference counts too few electrons for a single exposure (its"
        + " attribute exposures tells how many it averages)"
    return [Note(.assumption, "the errors of the gains are neglected: \(bound)")]
  }

  private func correction(
    _ metadata: AcquisitionMetadata, _ calibration: DetectorCalibration?, gain word: String,
    usesDark: Bool
  ) throws(ReferenceError) -> SegmentCorrection {
    let isCalibrated = calibration?.gain.contains { $0 != nil } ?? false
    if let calibration, word == "calibration" || word == "from-file" && isCalibrated {
      return try segmentCorrection(from: calibration, metadata: metadata, usesDark: usesDark)
    }
    return try segmentCorrection(
      for: metadata, gainSource: GainSource(rawValue: word), usesDark: usesDark)
  }

  private func facts(_ correction: SegmentCorrection) -> [Fact] {
    guard let largest = correction.gainErrors?.compactMap({ $0 }).max() else { return [] }
    return [
      Fact(
        "gain_error",
        text:
          "gains (\(correction.gainSource.rawValue)) "
          + (largest < 1
            ? "known to \(Format.percent(largest)) or better by counting"
            : "not known: the reference counts too few electrons"),
        value: largest)
    ]
  }

  /// A disc that lies off the center by more of its radius makes fields too large by one percent and more.
  private static let largestOffset = 0.03

  private func vacuumNote(_ correction: SegmentCorrection, _ metadata: AcquisitionMetadata) -> Note
  {
    let text =
      "gains from the vacuum reference hold for a disc on the detector's center: an offset of the disc is"
      + " taken for a difference of gains"
    guard let offset = vacuumDiscOffset(of: metadata, dark: correction.dark),
      offset > Self.largestOffset * metadata.probeSemiAngle
    else { return Note(.assumption, text) }
    return Note(
      .warning,
      "\(text), and this disc lies about \(Format.quantity(offset, unit: "rad")) off: fields come out wrong by some"
        + " percent; a calibrate-detector stage tells offset from gains, gain=none leaves them alone, and a flat"
        + " reference gives them")
  }

  private func notes(
    _ correction: SegmentCorrection, _ metadata: AcquisitionMetadata, electronsPerUnit: Double?
  ) -> [Note] {
    var notes = gainNotes(correction, metadata)
    if let edge = vacuumDiscReach(of: metadata, dark: correction.dark) {
      notes.append(discNote(reaching: edge, stated: metadata.probeSemiAngle))
    }
    if metadata.references.dark == nil && metadata.signalUnit == .counts {
      notes.append(Note(.assumption, "no dark reference: counts are taken to start at zero"))
    }
    if electronsPerUnit == nil && metadata.electronsPerPixel == nil {
      notes.append(Self.withoutElectrons)
    }
    return notes
  }

  /// Where the gains are from, and what is not known of them.
  private func gainNotes(_ correction: SegmentCorrection, _ metadata: AcquisitionMetadata) -> [Note]
  {
    let unknown = correction.uncalibratedSegments
    switch correction.gainSource {
    case .none:
      return [
        Note(.assumption, "no gain reference: all segments are taken to be equally sensitive")
      ]
    case .vacuum:
      let note = vacuumNote(correction, metadata)
      if unknown.isEmpty { return [note] }
      return [
        note,
        Note(
          .warning,
          "gains from the vacuum reference: segments \(list(unknown)) lie outside of a"
            + " disc on the detector's center, so theirs are unknown and taken as 1"),
      ]
    case .calibration:
      let note = Note(.information, "gains from the calibration of the detector")
      if unknown.isEmpty { return [note] }
      return [
        note,
        Note(
          .warning,
          "the calibration leaves the gains of segments \(list(unknown)) unknown: taken as 1"),
      ]
    case .flat, .gain:
      return [Note(.information, "gains from the file's \(correction.gainSource.rawValue)")]
    }
  }

  /// A warning of a disc that is wider than the file says.
  private func discNote(reaching edge: Double, stated: Double) -> Note {
    let (shown, semiAngle) = (
      Format.quantity(edge, unit: "rad"), Format.quantity(stated, unit: "rad")
    )
    return Note(
      .warning,
      "in the vacuum reference the disc reaches segments that begin at \(shown), the file states a semi-angle of"
        + " \(semiAngle): fields are proportional to it and would come out"
        + " \(Format.significant(edge / stated, digits: 2)) times too small; check"
        + " semi_convergence_angle, or let a calibrate-detector stage measure it")
  }

  func list(_ segments: [Int]) -> String {
    segments.map(String.init).joined(separator: ", ")
  }
}

/// Electrons for one unit of the corrected signal; counts need the median sum of the frames.
func electronsPerUnit(of frames: FramesValue, _ context: StageContext) throws -> Double? {
  let metadata = frames.acquisition.metadata
  switch metadata.signalUnit {
  case .electrons: return 1
  case .fraction: return metadata.electronsPerPixel
  case .counts:
    guard let electrons = metadata.electronsPerPixel else { return nil }
    let median = try FrameReader(frames).medianSum(context)
    return median > 0 ? electrons / median : nil
  }
}
