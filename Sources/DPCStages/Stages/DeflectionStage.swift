// deflection: segment signals to the deflection of the beam, in the axes of the detector.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore

struct DeflectionStage: StageType {
  let name = "deflection"
  let summary = "deflection of the beam from the segments' signals, in the detector's axes"
  let algorithmVersion = 2
  let inputs = [
    InputPort("segments", kinds: [.segments, .frames], summary: "segment signals of one frame")
  ]
  let outputs = [
    OutputPort(
      "deflection", kind: .fixed(.detectorDeflection),
      summary: "rad, detector axes, with counting errors")
  ]
  let parameters = [
    ParameterSpecification(
      "method", .choice(["disc-shift"]), default: .text("disc-shift"),
      summary: "disc-shift: rings summed by azimuth, exact inverse of a shifted uniform disc")
  ]

  func run(_ context: StageContext) throws -> StageProduct {
    let source = context.input("segments")
    let frames = try self.frames(source, stage: context.stageName)
    let metadata = frames.acquisition.metadata
    let estimator = try self.estimator(metadata, path: frames.acquisition.file.path)
    let calibration = metadata.deflectionCalibration ?? .identity
    let map: VectorMap
    let statistics: SignalStatistics
    if case SegmentsValue.averaged(let signals, _, _)? = source {
      map = deflectionMap(
        of: signals, estimator: estimator, calibration: calibration,
        pixelSize: metadata.pixelSize)
      statistics = SignalStatistics(signals)
    } else {
      (map, statistics) = try FrameReader(frames).deflection(
        context, estimator: estimator, calibration: calibration)
    }
    let check = SignalCheck(frames)
    try check.check(statistics)
    try check.check(map.mask)
    var mapContext = MapContext(metadata: metadata)
    mapContext.metadata.shape = map.shape
    mapContext.electronsPerPixel = statistics.medianElectrons
    mapContext.attributes = attributes(frames)
      .merging(frames.calibration.attributes) { _, new in new }
    mapContext.commonErrors = frames.commonErrors(statistics) {
      deflectionMap(of: $0, estimator: estimator, calibration: calibration, pixelSize: nil)
    }
    if let segments = source as? SegmentsValue {
      mapContext.correlationLength = segments.correlation
    }
    let value = DeflectionValue(
      map: map, frame: .detector,
      vacuum: try vacuumDeflection(frames, estimator: estimator, calibration: calibration),
      context: mapContext)
    return StageProduct(
      outputs: ["deflection": value], facts: facts(map, statistics), notes: notes(map, metadata))
  }

  private func frames(_ source: (any StageValue)?, stage: String) throws -> FramesValue {
    switch source {
    case let value as SegmentsValue: return value.frames
    case let value as FramesValue:
      let count = value.acquisition.metadata.frameCount
      if count > 1 {
        throw StageFailure(
          .failed,
          "stage \(stage): \(value.acquisition.file.path) holds \(count) frames, and a deflection is"
            + " formed of one",
          remedy: "put an average-frames stage between normalize-segments and deflection")
      }
      return value
    default: throw StageFailure(.failed, "stage \(stage): port segments carries no signals")
    }
  }

  private func estimator(
    _ metadata: AcquisitionMetadata, path: String
  ) throws -> DiscShiftEstimator {
    do {
      return try DiscShiftEstimator(
        detector: metadata.detector, probeSemiAngle: metadata.probeSemiAngle)
    } catch {
      throw StageFailure(
        .inputRefused, "\(path): \(error)",
        remedy: "dpc inspect draws the detector that the file describes")
    }
  }

  private func attributes(_ frames: FramesValue) -> [String: String] {
    let metadata = frames.acquisition.metadata
    let calibration = metadata.deflectionCalibration.map {
      "deflection_calibration of the file: [[\($0.xx), \($0.xy)], [\($0.yx), \($0.yy)]]"
    }
    var attributes = [
      "method": "disc-shift",
      "method_formula":
        "rings summed by azimuth; half-detector difference H = (2/pi)(asin t + t sqrt(1 - t^2)),"
        + " t = shift/alpha, inverted for each diameter",
      "calibration": calibration ?? "geometry only (factor 1)",
      "gain_source": frames.correction.gainSource.rawValue,
      "frames": "\(metadata.frameCount)",
      "probe_semi_angle": "\(metadata.probeSemiAngle) rad",
      "voltage": "\(metadata.beam.voltage) V",
    ]
    if frames.electronsPerUnit == nil { attributes["errors"] = "none: number of electrons unknown" }
    return attributes
  }

  /// The empty beam's deflection, corrected and estimated like the frames.
  private func vacuumDeflection(
    _ frames: FramesValue, estimator: DiscShiftEstimator, calibration: Matrix2
  ) throws -> VacuumDeflection {
    let metadata = frames.acquisition.metadata
    guard let reference = metadata.references.vacuum else { return .none }
    let shape: GridShape
    let raw: [Double]
    switch reference {
    case .single(let signals):
      shape = GridShape(rows: 1, columns: 1)
      raw = signals
    case .scan(let planes):
      shape = metadata.shape
      raw = planes.flatMap(\.values)
    }
    var signals = frames.correction.corrected(
      raw, shape: shape, saturationLevel: nil, electronsPerUnit: frames.electronsPerUnit)
    if let threshold = frames.spikeThreshold { signals.maskSpikes(threshold: threshold) }
    let map = deflectionMap(
      of: signals, estimator: estimator, calibration: calibration, pixelSize: metadata.pixelSize)
    if map.mask.unusableCount == shape.count {
      throw StageFailure(
        .inputRefused,
        "\(frames.acquisition.file.path): /entry/reference/vacuum holds no usable signal",
        remedy: "remove the reference from the file, or record it again")
    }
    switch reference {
    case .single:
      return .single(
        .init(x: map.field.x[0], y: map.field.y[0]),
        variance: metadata.references.vacuumExposures.flatMap { exposures in
          map.covariance.map { $0.xx[0] / exposures }
        })
    case .scan:
      return .scan(cropped(map, to: frames.window))
    }
  }

  private func facts(_ map: VectorMap, _ statistics: SignalStatistics) -> [Fact] {
    var facts: [Fact] = []
    if let electrons = statistics.medianElectrons {
      facts.append(
        Fact(
          "dose", text: "\(Format.count(electrons)) electrons per pixel (median)",
          value: electrons, unit: ""))
    }
    if let sigma = medianDeviation(map) {
      facts.append(
        Fact(
          "deflection_noise",
          text: "deflection noise \(Format.quantity(sigma, unit: "rad")) per component and pixel",
          value: sigma, unit: "rad"))
    }
    let masked = map.mask.counts.map { "\($0.count) \($0.name)" }.joined(separator: ", ")
    if !masked.isEmpty {
      facts.append(
        Fact(
          "masked_pixels", text: "masked pixels: \(masked)", value: Double(map.mask.unusableCount)))
    }
    return facts
  }

  private func notes(_ map: VectorMap, _ metadata: AcquisitionMetadata) -> [Note] {
    var notes: [Note] = []
    if metadata.deflectionCalibration == nil && metadata.specimen.zoneAxis != nil {
      notes.append(
        Note(
          .assumption,
          "no deflection_calibration in the file: the detector's geometry alone sets the scale"))
    }
    let outside = map.mask.bytes.count { $0 & PixelFlags.outsideModel.rawValue != 0 }
    if outside > 0 {
      notes.append(
        Note(
          .warning,
          "\(outside) pixels lie outside what a shifted disc can produce and are masked"))
    }
    return notes
  }
}
