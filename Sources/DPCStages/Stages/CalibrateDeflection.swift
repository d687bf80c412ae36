// calibrate-deflection: from a series of known beam tilts to true = C · measured.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore

struct CalibrateDeflection: StageType {
  let name = "calibrate-deflection"
  let summary = "calibration of the deflection from a series of frames with known beam tilts"
  let algorithmVersion = 7
  let inputs = [
    InputPort(
      "frames", kinds: [.frames], summary: "corrected frames of a series with beam_tilt_x and _y")
  ]
  let outputs = [
    OutputPort(
      "calibration", kind: .fixed(.deflectionCalibration),
      summary: "2×2 matrix from measured to true deflections, with its covariance")
  ]
  let parameters: [ParameterSpecification] = []

  func run(_ context: StageContext) throws -> StageProduct {
    let frames = try context.input("frames", as: FramesValue.self)
    let metadata = frames.acquisition.metadata
    let path = frames.acquisition.file.path
    guard let tilts = metadata.beamTilts else {
      throw StageFailure(
        .missingPrerequisite,
        "stage \(context.stageName): \(path) states no beam tilts (/entry/instrument/scan/beam_tilt_x)",
        remedy: "record a frame for each of three or more known tilts, and write them in the file")
    }
    let estimator: DiscShiftEstimator
    do {
      estimator = try DiscShiftEstimator(
        detector: metadata.detector, probeSemiAngle: metadata.probeSemiAngle)
    } catch {
      throw StageFailure(
        .inputRefused, "\(path): \(error)",
        remedy: "dpc inspect draws the detector that the file describes")
    }
    let series = try measured(frames, estimator, context)
    let calibration: TiltCalibration
    do {
      calibration = try calibrateDeflection(
        tilts: tilts.map { .init(x: $0.x, y: $0.y) }, measured: series.mean,
        variance: series.variance)
    } catch {
      throw StageFailure(
        .inputRefused, "\(path): \(error)",
        remedy: "tilt in two directions, so far that the disc moves by much more than its noise and"
          + " stays on the detector")
    }
    var mapContext = MapContext(metadata: metadata)
    mapContext.attributes = [
      "method": "least squares of the mean deflection of each frame against its tilt; disc-shift",
      "gain_source": frames.correction.gainSource.rawValue,
      "dark_source": frames.darkSource,
    ]
    return StageProduct(
      outputs: [
        "calibration": DeflectionCalibrationValue(calibration: calibration, context: mapContext)
      ], facts: facts(calibration), notes: notes(calibration))
  }

  /// Mean deflection of each frame over the pixels that are usable in all of them.
  private func measured(
    _ frames: FramesValue, _ estimator: DiscShiftEstimator, _ context: StageContext
  ) throws -> (mean: [Vector2], variance: [Double]?) {
    let count = frames.acquisition.metadata.frameCount
    var maps: [VectorMap] = []
    for frame in 0..<count {
      try context.checkCancellation()
      maps.append(
        estimator.deflection(
          of: try FrameReader(frames).frame(frame, context), calibration: .identity, pixelSize: nil
        ).map)
      context.progress(Double(frame + 1) / Double(count))
    }
    let common = (0..<frames.window.shape.count).filter { position in
      maps.allSatisfy { $0.mask.isUsable(position) }
    }
    if common.isEmpty {
      throw StageFailure(
        .inputRefused,
        "\(frames.acquisition.file.path): no pixel is usable in every frame of the tilt series",
        remedy: "the largest tilts may move the disc off the detector: leave them out")
    }
    let number = Double(common.count)
    let means = maps.map { map in
      Vector2(
        x: common.reduce(0) { $0 + map.field.x[$1] } / number,
        y: common.reduce(0) { $0 + map.field.y[$1] } / number)
    }
    let variances = maps.compactMap { map in
      map.covariance.map { covariance in
        common.reduce(0) { $0 + (covariance.xx[$1] + covariance.yy[$1]) / 2 } / (number * number)
      }
    }
    return (means, variances.count == maps.count ? variances : nil)
  }

  private func facts(_ calibration: TiltCalibration) -> [Fact] {
    let c = calibration.matrix
    func short(_ value: Double) -> String { Format.significant(value, digits: 5) }
    let scale = calibration.scale
    let rotation = calibration.rotation
    let degree = 180 / Double.pi
    return [
      Fact(
        "deflection_calibration",
        text: "deflection calibration [[\(short(c.xx)), \(short(c.xy))], [\(short(c.yx)),"
          + " \(short(c.yy))]] from \(calibration.tiltCount) tilts up to"
          + " \(Format.quantity(calibration.largestTilt, unit: "rad"))"),
      Fact(
        "calibration_scale",
        text: "scale \(Format.number(scale.value, error: scale.error)): measured"
          + " deflections and fields are multiplied by it", value: scale.value, error: scale.error),
      Fact(
        "calibration_rotation",
        text: "rotation "
          + (rotation.error.map { Format.degrees(rotation.value, error: $0) }
            ?? Format.degrees(rotation.value)) + " of the detector against the tilts",
        value: rotation.value * degree, error: rotation.error.map { $0 * degree }, unit: "deg"),
    ]
  }

  private func notes(_ calibration: TiltCalibration) -> [Note] {
    var notes = [
      Note(
        .assumption,
        "the beam tilts are exact: their own error is a relative error of every field on top")
    ]
    if let chiSquare = calibration.reducedChiSquare, chiSquare > 9 {
      notes.append(
        Note(
          .warning,
          "deflections scatter \(Format.significant(chiSquare.squareRoot(), digits: 3)) times as"
            + " much about a straight line as counting makes: drift, or tilts beyond the linear range"
        ))
    }
    if calibration.isMirrored {
      notes.append(
        Note(.warning, "the tilts' axes and the detector's have opposite handedness"))
    }
    if abs(calibration.rotation.value) > 0.02 {
      notes.append(
        Note(
          .warning,
          "the calibration turns deflections by"
            + " \(Format.degrees(calibration.rotation.value)): the stated orientation of the detector"
            + " and the axes of the tilts do not agree"))
    }
    return notes
  }
}
