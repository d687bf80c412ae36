// deflection: segment signals to the deflection of the beam, in the axes of the detector.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore

struct DeflectionStage: StageType {
  let name = "deflection"
  let summary = "deflection of the beam from the segments' signals, in the detector's axes"
  let algorithmVersion = 25
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
      "method", .choice(DeflectionMethod.allCases.map(\.rawValue)),
      default: .text(DeflectionMethod.discShift.rawValue),
      summary: "disc-shift: rings summed by azimuth, right in every regime; center-of-mass and"
        + " maximum-likelihood: rigid shift of the disc only, checked; phase-contrast-transfer: weak"
        + " phases as fine as the probe"),
    ParameterSpecification(
      "rotation_deg", .number(unit: "deg", range: NumberRange(-360...360)),
      keywords: ["from-file"], default: .text("from-file"),
      summary: "scan rotation, for phase-contrast-transfer only: how the sectors stand to the scan"),
    ParameterSpecification(
      "boundary", .choice(IntegrationBoundary.allCases.map(\.rawValue)),
      default: .text(IntegrationBoundary.neumann.rawValue),
      summary:
        "of phase-contrast-transfer: neumann for a frame that ends at its rim, periodic for one"
        + " that repeats itself"),
    ParameterSpecification(
      "regularization", .number(unit: nil, range: NumberRange(1e-15...1)), keywords: ["measured"],
      default: .text("measured"),
      summary:
        "of phase-contrast-transfer, relative to the largest transfer; measured takes noise over"
        + " signal by frequency"),
  ]

  func run(_ context: StageContext) throws -> StageProduct {
    let source = context.input("segments")
    let frames = try self.frames(source, stage: context.stageName)
    let method: DeflectionMethod = try context.choice("method")
    let estimation = try self.estimation(method, frames) { context.isInterrupted }
    let check = SignalCheck(frames)
    var (estimate, sample, statistics, exposures) = try measured(
      source, frames, context, estimation)
    // What was averaged has been looked at frame by frame.
    let saturation =
      exposures == nil
      ? check.saturationNotes(
        estimate.map.mask.count(of: .saturated), of: estimate.map.shape.count) : []
    try context.checkCancellation()
    var deviation = medianDeviation(estimate.map)
    // The most likely shift is known ten times better where the outer ring has no signal.
    if let deviation, method != .maximumLikelihood {
      estimate.map.maskFaint(beyond: Self.faintness * Self.faintness * deviation * deviation)
    }
    try check.check(statistics)
    try check.check(estimate.map.mask)
    let doubts = try check.notes(statistics, exposures: exposures ?? 1, context)
    let vacuum = try vacuumDeflection(frames, estimation)
    let transfer =
      method == .phaseContrastTransfer
      ? try TransferredDeflection(
        context, frames: frames, source: source, first: estimate.map, vacuum: vacuum) : nil
    if let transfer {
      estimate.map = transfer.map
      deviation = medianDeviation(estimate.map)
    }
    let correlation = (source as? SegmentsValue)?.correlation ?? CorrelationLength()
    let report = RegimeReport(
      estimation: estimation, sample: consume sample, estimate: estimate,
      lag: max(1, Int(correlation.x.rounded(.up))))
    var mapContext = mapContext(
      frames, estimation, statistics, report, shape: estimate.map.shape, correlation)
    transfer?.describe(&mapContext)
    return StageProduct(
      outputs: [
        "deflection": DeflectionValue(
          map: estimate.map, frame: .detector, vacuum: vacuum, context: mapContext,
          numbers: report.numbers)
      ],
      facts: facts(estimate.map, statistics, deviation) + report.facts + (transfer?.facts ?? []),
      notes: notes(estimate.map, frames.acquisition.metadata, estimation) + saturation + doubts
        + report.notes + (transfer?.notes ?? []))
  }

  /// The deflection before anything of it is judged, and how many exposures were averaged; nil of a single frame.
  private func measured(
    _ source: (any StageValue)?, _ frames: FramesValue, _ context: StageContext,
    _ estimation: DeflectionEstimation
  ) throws -> (
    estimate: DeflectionEstimate, sample: RegimeSample, statistics: SignalStatistics,
    exposures: Double?
  ) {
    if case SegmentsValue.averaged(let signals, _, _)? = source {
      return (
        estimation.deflection(of: signals), estimation.sampler.sample(signals),
        SignalStatistics(signals), signals.exposures
      )
    }
    let (estimate, sample, statistics) = try FrameReader(frames).deflection(context, estimation)
    return (estimate, sample, statistics, nil)
  }

  private func mapContext(
    _ frames: FramesValue, _ estimation: DeflectionEstimation, _ statistics: SignalStatistics,
    _ report: RegimeReport, shape: GridShape, _ correlation: CorrelationLength
  ) -> MapContext {
    var context = MapContext(metadata: frames.acquisition.metadata)
    context.metadata.shape = shape
    context.correlationLength = correlation
    context.electronsPerPixel = statistics.medianElectrons
    context.attributes = attributes(frames, estimation).merging(report.texts) { _, new in new }
      .merging(frames.calibration.attributes) { _, new in new }
    context.commonErrors = frames.commonErrors(statistics) { estimation.deflection(of: $0).map }
    return context
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

  private func estimation(
    _ method: DeflectionMethod, _ frames: FramesValue,
    isInterrupted: @escaping @Sendable () -> Bool
  ) throws -> DeflectionEstimation {
    do {
      return try DeflectionEstimation(method, frames, isInterrupted: isInterrupted)
    } catch {
      let reason = (error as? EstimatorError)?.text(for: method) ?? "\(error)"
      throw StageFailure(
        .inputRefused, "\(frames.acquisition.file.path): \(reason)",
        remedy: "dpc inspect draws the detector that the file describes")
    }
  }

  private func attributes(
    _ frames: FramesValue, _ estimation: DeflectionEstimation
  ) -> [String: String] {
    let metadata = frames.acquisition.metadata
    let calibration = metadata.deflectionCalibration.map {
      "deflection_calibration of the file: [[\($0.xx), \($0.xy)], [\($0.yx), \($0.yy)]]"
    }
    var attributes = [
      "method": estimation.method.rawValue,
      "method_formula": estimation.formula,
      "calibration": calibration ?? "geometry only (factor 1)",
      "gain_source": frames.correction.gainSource.rawValue,
      "dark_source": frames.darkSource,
      "frames": "\(metadata.frameCount)",
      "probe_semi_angle": "\(metadata.probeSemiAngle) rad",
      "voltage": "\(metadata.beam.voltage) V",
    ]
    if frames.electronsPerUnit == nil { attributes["errors"] = "none: number of electrons unknown" }
    return attributes
  }

  /// The empty beam's deflection, corrected and estimated like the frames.
  private func vacuumDeflection(
    _ frames: FramesValue, _ estimation: DeflectionEstimation
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
    if let threshold = frames.spikeThreshold {
      signals.maskSpikes(threshold: threshold, signalPerElectron: frames.signalPerElectron)
    }
    let map = estimation.deflection(of: signals).map
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
        map.covariance.map { covariance in
          let exposures = metadata.references.vacuumExposures
          return ReferenceNoise(
            variance: (covariance.xx[0] + covariance.yy[0]) / 2 / (exposures ?? 1),
            isStated: exposures != nil)
        })
    case .scan:
      return .scan(map.cropped(to: frames.window))
    }
  }

  /// Errors so many times as large as the median one are those of a hundredth of its electrons: the beam was off.
  private static let faintness = 10.0
}
