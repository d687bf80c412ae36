// The method phase-contrast-transfer of the deflection stage.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore

/// A deflection by the inverse of the transfer function, in the axes of the detector.
struct TransferredDeflection {
  /// The attribute that states the scan rotation it was formed with.
  static let rotationName = "transfer_rotation"

  let map: VectorMap
  private let result: PhaseReconstruction
  private let rotation: Double
  private let limit: Double
  /// Share of the field that is no gradient, beyond noise.
  private let divergenceFree: Double
  /// What the curl of a plane through the deflection makes at the rim, over the root mean square of all.
  private let linearCurl: Double

  /// The frame ends within a structure that no smooth continuation foretells.
  private let endsInLattice: Bool

  /// Above this part of the phase what is fine is a lattice, not noise or edges.
  private static let latticeShare = 0.3
  /// Above this the object is not weak where it is fine, rad.
  private static let weakPhase = 0.5

  /// - Parameters:
  ///   - first: By disc-shift, detector frame, calibrated.
  ///   - vacuum: The plane of a vacuum scan is no phase: it is set aside meanwhile.
  init(
    _ context: StageContext, frames: FramesValue, source: (any StageValue)?, first: VectorMap,
    vacuum: VacuumDeflection
  ) throws {
    let stage = context.stageName
    let pixelSize = try Self.pixelSize(frames, first.shape, stage: stage)
    let rotation = try Self.rotation(context, frames)
    let geometry = try Self.geometry(frames, rotation: rotation)
    let signals: SegmentSignals
    if case SegmentsValue.averaged(let averaged, _, _)? = source {
      signals = averaged
    } else {
      signals = try FrameReader(frames).single(context)
    }
    var whole = try withoutGaps(first, stage: stage)
    let descan = vacuum.plane(over: first.shape)
    for index in 0..<first.shape.count {
      whole.field.x[index] -= descan?.x[index] ?? 0
      whole.field.y[index] -= descan?.y[index] ?? 0
    }
    let toScan = scanFrameMatrix(rotation: rotation, handedness: .asRecorded)
    let aligned = transformed(whole, by: toScan)
    let boundary: IntegrationBoundary = try context.choice("boundary")
    result = reconstructedPhase(
      from: signals, first: aligned, geometry: geometry, pixelSize: pixelSize, boundary: boundary,
      regularization: context.number("regularization").map { .relative($0) } ?? .measured,
      descan: descan.map { transformed($0, by: toScan) })
    map = Self.inDetector(result.deflection, like: first, rotation: rotation, descan: descan)
    self.rotation = rotation
    limit = geometry.informationLimit
    let phases = result.phase.values
    let phase = (phases.reduce(0) { $0 + $1 * $1 } / Double(phases.count)).squareRoot()
    endsInLattice = boundary == .neumann && result.latticePhase > Self.latticeShare * phase
    divergenceFree = Self.divergenceFree(aligned, pixelSize)
    linearCurl = Self.linearCurl(of: aligned)
  }

  private static func pixelSize(
    _ frames: FramesValue, _ shape: GridShape, stage: String
  ) throws -> PixelSize {
    guard let pixelSize = frames.acquisition.metadata.pixelSize else {
      throw missingPixelSize("the acquisition", stage: stage)
    }
    guard min(shape.rows, shape.columns) >= 4 else {
      throw StageFailure(
        .failed,
        "stage \(stage): phase-contrast-transfer needs at least 4 pixels in each direction of the scan, and"
          + " this one has \(shape) (rows × columns)",
        remedy: "use method disc-shift")
    }
    return pixelSize
  }

  private static func rotation(_ context: StageContext, _ frames: FramesValue) throws -> Double {
    let given = context.radiansIfGiven("rotation_deg")
    if let rotation = given ?? frames.acquisition.metadata.scanRotation { return rotation }
    let stage = context.stageName
    throw StageFailure(
      .missingPrerequisite,
      "stage \(stage): phase-contrast-transfer has to know how the detector stands to the scan, and the"
        + " acquisition does not state its scan rotation",
      remedy: "--set \(stage).rotation_deg=ANGLE; estimate-rotation finds it from a disc-shift"
        + " deflection")
  }

  private static func geometry(
    _ frames: FramesValue, rotation: Double
  ) throws -> TransferGeometry {
    let metadata = frames.acquisition.metadata
    let path = frames.acquisition.file.path
    let toScan = scanFrameMatrix(rotation: rotation, handedness: .asRecorded)
    let toDetector = scanFrameMatrix(rotation: -rotation, handedness: .asRecorded)
    guard let response = (metadata.deflectionCalibration ?? .identity).inverse else {
      throw StageFailure(
        .inputRefused, "\(path): the deflection_calibration has no inverse",
        remedy: "correct the matrix in the file, or use method disc-shift")
    }
    do {
      return try TransferGeometry(
        detector: metadata.detector, probeSemiAngle: metadata.probeSemiAngle,
        wavelength: metadata.beam.wavelength, rotation: rotation,
        defocus: metadata.defocus ?? 0, sphericalAberration: metadata.sphericalAberration ?? 0,
        response: toScan.after(response.after(toDetector)))
    } catch {
      let reason = (error as? EstimatorError)?.text(for: .phaseContrastTransfer) ?? "\(error)"
      throw StageFailure(
        .inputRefused, "\(path): \(reason)",
        remedy: "use method disc-shift, which takes rings divided along different lines")
    }
  }

  /// A deflection of the scan frame in the detector's, with its descan again, masked as `first`.
  private static func inDetector(
    _ deflection: VectorMap, like first: VectorMap, rotation: Double, descan: VectorField?
  ) -> VectorMap {
    var map = transformed(
      deflection, by: scanFrameMatrix(rotation: -rotation, handedness: .asRecorded))
    map.mask = first.mask
    for index in 0..<map.shape.count {
      let isUsable = map.mask.isUsable(index)
      map.field.x[index] = isUsable ? map.field.x[index] + (descan?.x[index] ?? 0) : 0
      map.field.y[index] = isUsable ? map.field.y[index] + (descan?.y[index] ?? 0) : 0
    }
    return map
  }

  private static func divergenceFree(_ aligned: VectorMap, _ pixelSize: PixelSize) -> Double {
    let parts = helmholtzParts(of: aligned.field, pixelSize: pixelSize, boundary: .neumann)
    let shares = SignalShares(
      parts.powers,
      noise: meanVariance(aligned).map(parts.powers.transverseFractionFromNoise(meanVariance:)))
    return shares.isMostlyNoise || shares.isUniform ? 0 : shares.divergenceFree
  }

  private var isStrong: Bool { result.finePhase > Self.weakPhase }

  func describe(_ context: inout MapContext) {
    context.correlationLength.x = max(context.correlationLength.x, result.correlation)
    context.correlationLength.y = max(context.correlationLength.y, result.correlation)
    context.attributes[Self.rotationName] = "\(rotation) rad"
    context.attributes["information_limit"] = "\(limit) 1/m; nothing is transferred beyond"
    context.attributes["resolved_frequency"] = "\(result.resolvedFrequency) 1/m"
    context.attributes["fine_phase"] = "\(result.finePhase) rad"
    if let caution { context.attributes["model_caution"] = caution }
  }

  /// A phase has no curl: what of a field has, as along walls, is lost.
  private var caution: String? {
    if divergenceFree > 0.15 {
      return
        "\(Format.percent(divergenceFree)) of the signal's power is divergence-free, as fields along"
        + " walls are: no phase makes it, and this deflection leaves it out; use method disc-shift"
    }
    if linearCurl > 0.1 {
      return
        "the deflection turns about the scan's center, as a descan does that grows with the scan: no"
        + " phase makes that, and it spoils this one; use method disc-shift"
    }
    return isStrong ? strongText : nil
  }

  /// From half the difference of ∂θy/∂x and ∂θx/∂y, per pixel, over half the diagonal.
  private static func linearCurl(of map: VectorMap) -> Double {
    guard let plane = try? fitDescan(to: map, degree: .plane).surface, let size = map.pixelSize
    else { return 0 }
    let curl = plane.perColumn.y / size.x - plane.perRow.x / size.y
    let (width, height) = (
      Double(map.shape.columns) * size.x, Double(map.shape.rows) * size.y
    )
    let reach = (width * width + height * height).squareRoot() / 2
    let strength = rootMeanSquare(map)
    return strength > 0 ? abs(curl) / 2 * reach / strength : 0
  }

  private static var latticeNote: Note {
    Note(
      .warning,
      "the frame ends within a lattice, which costs some percent at the rim and in the"
        + " potential: crop to whole periods and set boundary: periodic here and in integrate")
  }

  private var strongText: String {
    "the phase at periods near the probe is \(Format.significant(result.finePhase, digits: 2)) rad rms,"
      + " not weak: its fine structure is not to be trusted"
  }

  var facts: [Fact] {
    let frequency = result.resolvedFrequency
    let found =
      frequency > 0
      ? "phase recovered down to periods of \(Format.quantity(1 / frequency, unit: "m"))"
      : "no phase stands out of the noise"
    return [
      Fact(
        "resolved_frequency",
        text: "\(found) (information limit \(Format.quantity(1 / limit, unit: "m")))",
        value: frequency, unit: "1/m")
    ]
  }

  var notes: [Note] {
    [
      Note(
        .assumption,
        "phase-contrast-transfer takes a thin object, a phase that is weak where it is as fine as the"
          + " probe, and the scan rotation \(Format.degrees(rotation))")
    ] + (caution.map { [Note(.warning, $0)] } ?? []) + (endsInLattice ? [Self.latticeNote] : [])
  }
}

extension VacuumDeflection {
  /// The plane through a vacuum scan over a map about the scan's center, detector frame, rad; nil where there is none.
  fileprivate func plane(over shape: GridShape) -> VectorField? {
    guard case .scan(let map) = self else { return nil }
    guard let fitted = try? fitDescan(to: map, degree: .plane).surface else { return nil }
    // The mean of unit cells is smaller than the scan.
    return DescanSurface(
      center: fitted.center, perColumn: fitted.perColumn, perRow: fitted.perRow, shape: shape
    ).field()
  }
}

private func transformed(_ field: VectorField, by matrix: Matrix2) -> VectorField {
  var turned = field
  for index in field.x.indices {
    (turned.x[index], turned.y[index]) = matrix(field.x[index], field.y[index])
  }
  return turned
}
