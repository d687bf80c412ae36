// deflection: segment signals to the deflection of the beam, in the axes of the detector.
internal import DPCReconstruction
internal import Foundation
internal import Pipeline
internal import STEMCore

struct DeflectionStage: StageType {
  let name = "deflection"
  let summary = "deflection of the beam from the segments' signals, in the detector's axes"
  let algorithmVersion = 19
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
    let metadata = frames.acquisition.metadata
    let method: DeflectionMethod = try context.choice("method")
    let estimation = try self.estimation(method, frames) { context.isInterrupted }
    let correlation = (source as? SegmentsValue)?.correlation ?? CorrelationLength()
    var estimate: DeflectionEstimate
    let sample: RegimeSample
    let statistics: SignalStatistics
    var exposures = 1.0
    let check = SignalCheck(frames)
    var saturation: [Note] = []
    if case SegmentsValue.averaged(let signals, _, _)? = source {
      estimate = estimation.deflection(of: signals)
      sample = estimation.sampler.sample(signals)
      statistics = SignalStatistics(signals)
      exposures = signals.exposures
    } else {
      (estimate, sample, statistics) = try FrameReader(frames).deflection(context, estimation)
      saturation = check.saturationNotes(
        estimate.map.mask.count(of: .saturated), of: estimate.map.shape.count)
    }
    try context.checkCancellation()
    var deviation = medianDeviation(estimate.map)
    // The most likely shift is known ten times better where the outer ring has no signal.
    if let deviation, method != .maximumLikelihood {
      estimate.map.maskFaint(beyond: Self.faintness * Self.faintness * deviation * deviation)
    }
    try check.check(statistics)
    try check.check(estimate.map.mask)
    let vacuum = try vacuumDeflection(frames, estimation)
    let transfer =
      method == .phaseContrastTransfer
      ? try TransferredDeflection(
        context, frames: frames, source: source, first: estimate.map, vacuum: vacuum) : nil
    if let transfer {
      estimate.map = transfer.map
      deviation = medianDeviation(estimate.map)
    }
    let report = RegimeReport(
      estimation: estimation, sample: consume sample, estimate: estimate,
      lag: max(1, Int(correlation.x.rounded(.up))))
    var mapContext = MapContext(metadata: metadata)
    mapContext.metadata.shape = estimate.map.shape
    mapContext.electronsPerPixel = statistics.medianElectrons
    mapContext.attributes = attributes(frames, estimation).merging(report.texts) { _, new in new }
      .merging(frames.calibration.attributes) { _, new in new }
    mapContext.correlationLength = correlation
    if let transfer { transfer.describe(&mapContext) }
    mapContext.commonErrors = frames.commonErrors(statistics) {
      estimation.deflection(of: $0).map
    }
    let value = DeflectionValue(
      map: estimate.map, frame: .detector,
      vacuum: vacuum, context: mapContext,
      numbers: report.numbers)
    return StageProduct(
      outputs: ["deflection": value],
      facts: facts(estimate.map, statistics, deviation) + report.facts
        + (transfer?.facts ?? []),
      notes: notes(estimate.map, metadata, estimation) + saturation
        + check.notes(statistics, exposures: exposures)
        + report.notes
        + (transfer?.notes ?? []))
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
        variance: metadata.references.vacuumExposures.flatMap { exposures in
          map.covariance.map { $0.xx[0] / exposures }
        })
    case .scan:
      return .scan(map.cropped(to: frames.window))
    }
  }

  /// Errors so many times as large as the median one are those of a hundredth of its electrons: the beam was off.
  private static let faintness = 10.0

  private func facts(
    _ map: VectorMap, _ statistics: SignalStatistics, _ deviation: Double?
  ) -> [Fact] {
    var facts: [Fact] = []
    if let electrons = statistics.medianElectrons {
      facts.append(
        Fact(
          "dose", text: "\(Format.count(electrons)) electrons per pixel (median)",
          value: electrons, unit: "electrons"))
    }
    if let sigma = deviation {
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

  private func notes(
    _ map: VectorMap, _ metadata: AcquisitionMetadata, _ estimation: DeflectionEstimation
  ) -> [Note] {
    var notes = estimation.notes
    if metadata.deflectionCalibration == nil && metadata.specimen.zoneAxis != nil {
      notes.append(
        Note(
          .assumption,
          "no deflection_calibration in the file: the detector's geometry alone sets the scale"))
    }
    let outside = map.mask.count(of: .outsideModel)
    if outside > 0 {
      notes.append(
        Note(
          .warning,
          "\(outside) pixels lie outside what a shifted disc can produce and are masked"))
    }
    return notes + atomNotes(map)
  }

  /// Atoms are sharper than the window of 5 × 5 positions that spikes stand out of only where a cell has fewer
  /// positions than four such windows.
  private static let largestCell = 20

  /// Spikes that stand on a lattice are atoms.
  private func atomNotes(_ map: VectorMap) -> [Note] {
    guard let lattice = lattice(of: map.mask, flag: .hot, reach: Self.largestCell) else {
      return []
    }
    let count = map.mask.count(of: .hot)
    func text(_ step: PixelStep) -> String {
      let (x, y) = (Double(step.x), Double(step.y))
      guard let size = map.pixelSize else {
        return "\(Format.significant(hypot(x, y), digits: 3)) pixels"
      }
      return Format.quantity(hypot(x * size.x, y * size.y), unit: "m")
    }
    return [
      Note(
        .warning,
        "\(Format.percent(Double(count) / Double(map.shape.count))) of the positions are masked as hot,"
          + " and they repeat every \(text(lattice.first)) and every \(text(lattice.second)) along two"
          + " directions, as atoms do and defects do not: for a crystal at lattice resolution take"
          + " Pipelines/crystal.yaml, which seeks no spikes (spike_sigma none) and averages over cells"
      )
    ]
  }
}
