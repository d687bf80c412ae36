// calibrate-detector: gains, disc center and semi-angle from the empty beam, or why they are not determined.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore

struct CalibrateDetector: StageType {
  let name = "calibrate-detector"
  let summary = "gains, disc center and semi-angle from the empty beam, each with its error"
  let algorithmVersion = 7
  let inputs = [
    InputPort(
      "acquisition", kinds: [.acquisition],
      summary: "an acquisition with a vacuum reference, or one of the empty beam")
  ]
  let outputs = [
    OutputPort(
      "calibration", kind: .fixed(.detectorCalibration),
      summary: "what the empty beam determines, with errors")
  ]
  let parameters = [
    ParameterSpecification(
      "vacuum", .choice(["from-file", "frames"]), default: .text("from-file"),
      summary: "from-file: the vacuum reference; frames: the frames were recorded without specimen"),
    ParameterSpecification(
      "gains", .choice(["from-file", "free"]), default: .text("from-file"),
      summary: "from-file: known from the flat or stated gains, if any; free: from the disc alone"),
    ParameterSpecification(
      "assumption", .choice(CalibrationAssumption.allCases.map(\.rawValue)),
      default: .text(CalibrationAssumption.none.rawValue),
      summary:
        "where gains and an off-center disc cannot be told apart: take the disc as centered, or the"
        + " gains as equal"),
  ]

  func run(_ context: StageContext) throws -> StageProduct {
    let acquisition = try context.input("acquisition", as: AcquisitionValue.self)
    let metadata = acquisition.metadata
    let path = acquisition.file.path
    let vacuum = try EmptyBeam(acquisition: acquisition, context: context)
    let gains = try context.value("gains") == "free" ? nil : try vacuum.knownGains()
    let assumption: CalibrationAssumption = try context.choice("assumption")
    let calibration: DetectorCalibration
    do {
      calibration = try calibrateDetector(
        vacuum: vacuum.signals, detector: metadata.detector,
        probeSemiAngle: metadata.probeSemiAngle, gains: gains, assumption: assumption,
        exposures: vacuum.exposures)
    } catch {
      throw StageFailure(
        .inputRefused, "stage \(context.stageName): \(path): \(error)",
        remedy: "dpc inspect shows the references; errors need electrons_per_pixel")
    }
    var value = DetectorCalibrationValue(
      calibration: calibration,
      notDetermined: CalibrationReasons(
        calibration: calibration, gains: gains, isScan: vacuum.signals.shape.count > 3
      ).reasons,
      deflectionErrors: [:], context: MapContext(metadata: metadata))
    value.context.attributes = [
      "method": "shares of a uniform disc on the segments, Poisson-weighted least squares",
      "vacuum": vacuum.origin, "gains_known_from": vacuum.gainOrigin(gains),
    ]
    value.deflectionErrors = deflectionErrors(calibration, vacuum.signals, metadata)
    return StageProduct(
      outputs: ["calibration": value], facts: facts(value), notes: notes(value))
  }

  /// Constant deflections that the errors of gains and center cause, rad per component.
  private func deflectionErrors(
    _ calibration: DetectorCalibration, _ signals: SegmentSignals, _ metadata: AcquisitionMetadata
  ) -> [String: Double] {
    var errors: [String: Double] = [:]
    if let x = calibration.discCenterX?.error, let y = calibration.discCenterY?.error {
      errors["disc_center"] = ((x * x + y * y) / 2).squareRoot()
    }
    let gainErrors = calibration.gain.map { gain in
      gain.flatMap { known in known.error.map { $0 / known.value } }
    }
    let estimator = try? DiscShiftEstimator(
      detector: metadata.detector, probeSemiAngle: metadata.probeSemiAngle)
    let sums = SignalStatistics(signals).segmentSums
    let corrected = sums.indices.map { sums[$0] / (calibration.gain[$0]?.value ?? 1) }
    if let estimator,
      let error = gainDeflectionError(
        gainErrors, corrected,
        { estimator.deflection(of: $0, calibration: .identity, pixelSize: nil).map })
    {
      errors["gain"] = error
    }
    return errors
  }

  // MARK: What it says

  private func facts(_ value: DetectorCalibrationValue) -> [Fact] {
    let calibration = value.calibration
    var facts: [Fact] = []
    let gains = calibration.gain.compactMap { $0 }
    if let largest = gains.compactMap({ gain in gain.error.map { $0 / gain.value } }).max() {
      let spread = gains.map(\.value)
      facts.append(
        Fact(
          "gains",
          text: "gains of \(gains.count) segments from"
            + " \(Format.significant(spread.min() ?? 1, digits: 4)) to"
            + " \(Format.significant(spread.max() ?? 1, digits: 4)), known to"
            + " \(Format.percent(largest)) or better", value: largest))
    }
    for (key, name, quantity) in [
      ("disc_center_x", "disc center x", calibration.discCenterX),
      ("disc_center_y", "disc center y", calibration.discCenterY),
      ("probe_semi_angle", "probe semi-angle", calibration.probeSemiAngle),
    ] {
      guard let quantity else { continue }
      let text = Format.quantity(quantity.value, error: quantity.error, unit: "rad")
      facts.append(
        Fact(
          key, text: "\(name) \(text)", value: quantity.value, error: quantity.error, unit: "rad"))
    }
    for (cause, error) in value.deflectionErrors.sorted(by: { $0.key < $1.key }) {
      facts.append(fieldError(cause, error, value.context.metadata))
    }
    if let alpha = calibration.probeSemiAngle, let error = alpha.error {
      facts.append(
        Fact(
          "field_error_from_probe_semi_angle",
          text:
            "error of every field by the probe semi-angle: \(Format.percent(error / alpha.value))",
          value: error / alpha.value))
    }
    return facts
  }

  private func fieldError(_ cause: String, _ error: Double, _ metadata: AcquisitionMetadata) -> Fact
  {
    var value = error * metadata.beam.momentumVelocityPerCharge
    var unit = "V"
    if let thickness = metadata.specimen.thickness {
      value /= thickness
      unit = "V/m"
    }
    let name = cause == "gain" ? "the gains" : "the disc's center"
    return Fact(
      "field_error_from_\(cause)",
      text: "constant error of the field by \(name): \(Format.quantity(value, unit: unit)) per"
        + " component; it cancels where a vacuum deflection of the same detector is subtracted",
      value: value, unit: unit)
  }

  private func notes(_ value: DetectorCalibrationValue) -> [Note] {
    var notes = value.notDetermined.sorted { $0.key < $1.key }.map { name, reason in
      Note(
        name == "orientation" ? .information : .warning,
        "\(name.split(separator: "_").joined(separator: " ")) not determined: \(reason)")
    }
    switch value.calibration.assumption {
    case .none: break
    case .centeredDisc:
      notes.append(Note(.assumption, "the disc is taken to stand on the detector's center"))
    case .equalGains:
      notes.append(Note(.assumption, "all segments are taken to be equally sensitive"))
    }
    if let chiSquare = value.calibration.reducedChiSquare, chiSquare > 4 {
      notes.append(
        Note(
          .warning,
          "the signals differ \(Format.significant(chiSquare.squareRoot(), digits: 3)) times as much"
            + " from a uniform disc as counting makes: aberrated, vignetted, or another geometry"))
    }
    return notes
  }
}
