// Everything that an acquisition states apart from its frames, in SI units and checked.
internal import HDF5
internal import STEMCore
internal import ShownText

extension ItemReader {
  /// Reads what the file states, frames aside.
  ///
  /// - Throws: ``AcquisitionError``, with all that is wrong where the file could be looked through.
  func contents() throws(AcquisitionError) -> (plan: FramePlan, metadata: AcquisitionMetadata) {
    var problems = FileProblems()
    var plan: FramePlan?
    do { plan = try framePlan(gathering: &problems) } catch {
      // Of what is no acquisition, or not whole, there is nothing more to say.
      guard error.kind == .wrongShape || error.kind == .unsupported else { throw error }
      problems.add(error)
    }
    let metadata = metadata(frames: plan, gathering: &problems)
    if let error = problems.joined { throw error }
    guard let plan, let metadata else { throw try notAnAcquisition() }
    return (plan, metadata)
  }

  /// Reads all metadata; nil where something is refused that there is no acquisition without.
  private func metadata(
    frames: FramePlan?, gathering problems: inout FileProblems
  ) -> AcquisitionMetadata? {
    let detector = self.detector(count: frames?.segmentCount, gathering: &problems)
    let voltage = problems.read(
      try required(
        quantity(AcquisitionPath.voltage, .voltage, within: .voltage), AcquisitionPath.voltage))
    let semiAngle = problems.read(
      try required(
        quantity(AcquisitionPath.semiAngle, .angle, within: .semiAngle), AcquisitionPath.semiAngle))
    let title = problems.read(try text(AcquisitionPath.title))
    let pixelSize = problems.read(try self.pixelSize(shape: frames?.shape))
    let defocus = problems.read(
      try quantity(AcquisitionPath.defocus, .length, within: .defocus))
    let gain = problems.read(try gain(of: frames))
    let calibration = problems.read(try deflectionCalibration())
    let rotation = problems.read(try scanRotation())
    let electrons = problems.read(
      try quantity(AcquisitionPath.electronsPerPixel, .number, within: .electrons))
    let specimen = self.specimen(gathering: &problems)
    let references = self.references(frames: frames, gathering: &problems)
    let tilts = problems.read(try beamTilts(of: frames))
    let aberration = problems.read(
      try quantity(AcquisitionPath.sphericalAberration, .length, within: .sphericalAberration))
    let calibrationError =
      problems.concern(AcquisitionPath.deflectionCalibration)
      ? nil : problems.read(try deflectionCalibrationError(of: calibration))
    // Without frames the references cannot be judged, nor whether they are missed.
    if let frames {
      problems.note(
        missing: FileInspection.missing(
          in: StatedItems(
            pixelSize: pixelSize, scanRotation: rotation, electronsPerPixel: electrons,
            signalUnit: frames.unit, segmentGain: gain, specimen: specimen, references: references)),
        misnamed: problems.errors.isEmpty ? [] : misnamed())
    }
    guard let frames, let unit = frames.unit, let detector, let voltage, let semiAngle else {
      return nil
    }
    var metadata = AcquisitionMetadata(
      title: title, frameCount: frames.frameCount, shape: frames.shape, pixelSize: pixelSize,
      beam: ElectronBeam(voltage: voltage), probeSemiAngle: semiAngle, defocus: defocus,
      detector: detector, segmentGain: gain, deflectionCalibration: calibration,
      scanRotation: rotation, electronsPerPixel: electrons, signalUnit: unit,
      saturationLevel: frames.saturationLevel, specimen: specimen, references: references,
      beamTilts: tilts)
    metadata.sphericalAberration = aberration
    metadata.deflectionCalibrationError = calibrationError
    return metadata
  }

  /// The error of the calibration's scale relative to it; of a matrix the largest of its elements' errors
  /// over the largest element.
  private func deflectionCalibrationError(
    of matrix: Matrix2?
  ) throws(AcquisitionError) -> Double? {
    let path = AcquisitionPath.deflectionCalibrationErrors
    let stated = try numbers(path) { dataset throws(HDF5Error) in
      try dataset.values(as: Double.self)
    }
    guard let values = stated else { return nil }
    guard let matrix else {
      throw failure(
        .missing, AcquisitionPath.deflectionCalibration, "its errors are there, it is not")
    }
    guard values.count == 1 || values.count == 4 else {
      throw failure(
        .wrongShape, path, "it holds \(values.count) numbers", "it is one number or a 2×2 matrix")
    }
    guard values.allSatisfy({ $0 >= 0 && $0.isFinite }) else {
      throw failure(
        .implausible, path, "a standard deviation is not negative: \(NumberText.plain(values))")
    }
    let largest = [matrix.xx, matrix.xy, matrix.yx, matrix.yy].map(abs).reduce(0, max)
    return values.reduce(0, max) / largest
  }

  /// One tilt for each frame of a calibration series.
  private func beamTilts(of frames: FramePlan?) throws(AcquisitionError) -> [BeamTilt]? {
    let count = frames?.frameCount
    let (x, y) = (
      try list(AcquisitionPath.beamTiltX, .angle, count: count, each: "frame"),
      try list(AcquisitionPath.beamTiltY, .angle, count: count, each: "frame")
    )
    switch (x, y) {
    case (let x?, let y?): return zip(x, y).map { BeamTilt(x: $0, y: $1) }
    case (nil, nil): return nil
    case (nil, _):
      throw failure(.missing, AcquisitionPath.beamTiltX, "it is missing, beam_tilt_y is there")
    case (_, nil):
      throw failure(.missing, AcquisitionPath.beamTiltY, "it is missing, beam_tilt_x is there")
    }
  }

  /// nil where something of it is refused.
  private func detector(
    count: Int?, gathering problems: inout FileProblems
  ) -> SegmentedDetector? {
    func angles(_ path: String) -> [Double]? {
      problems.read(try required(list(path, .angle, count: count), path))
    }
    let inner = angles(AcquisitionPath.segmentInner)
    let outer = angles(AcquisitionPath.segmentOuter)
    let start = angles(AcquisitionPath.segmentStart)
    let stop = angles(AcquisitionPath.segmentStop)
    let orientation = problems.read(
      try required(
        quantity(AcquisitionPath.orientation, .angle, within: .angle), AcquisitionPath.orientation))
    guard let count, let inner, let outer, let start, let stop, let orientation else { return nil }
    return problems.read(
      try checked(
        SegmentedDetector(
          segments: (0..<count).map {
            DetectorSegment(inner: inner[$0], outer: outer[$0], start: start[$0], stop: stop[$0])
          }, orientation: orientation)))
  }

  private func checked(
    _ detector: SegmentedDetector
  ) throws(AcquisitionError) -> SegmentedDetector {
    do { _ = try detector.rings() } catch {
      throw failure(
        .badGeometry, "/entry/instrument/detector", error.description,
        "the segments must cover every ring once around")
    }
    if let complaint = PlausibleRange.semiAngle.complaint(detector.outerAngle) {
      throw failure(.implausible, AcquisitionPath.segmentOuter, complaint)
    }
    return detector
  }

  private func gain(of frames: FramePlan?) throws(AcquisitionError) -> [Double]? {
    let count = frames?.segmentCount
    guard let gain = try list(AcquisitionPath.gain, .number, count: count) else { return nil }
    try requirePositive(gain, AcquisitionPath.gain)
    return gain
  }

  func requirePositive(
    _ values: [Double], _ path: String
  ) throws(AcquisitionError) {
    guard let index = values.firstIndex(where: { $0 <= 0 }) else { return }
    throw failure(
      .implausible, path,
      "segment \(index) has \(NumberText.significant(values[index])), which is not positive")
  }

  private func deflectionCalibration() throws(AcquisitionError) -> Matrix2? {
    let path = AcquisitionPath.deflectionCalibration
    let stated = try numbers(path) { dataset throws(HDF5Error) in
      let shape = dataset.shape
      let isExpected = shape.reduce(1, *) == 1 || shape == [2, 2]
      return (
        shape, isExpected ? try dataset.values(as: Double.self) : [],
        try dataset.attributeString("units")
      )
    }
    guard let (shape, values, units) = stated else { return nil }
    _ = try unit(units, of: path, .number)
    let matrix: Matrix2
    switch values.count {
    case 1: matrix = Matrix2(xx: values[0], xy: 0, yx: 0, yy: values[0])
    case 4: matrix = Matrix2(xx: values[0], xy: values[1], yx: values[2], yy: values[3])
    default:
      throw failure(
        .wrongShape, path, "its shape is \(shape)", "it is one number or a 2×2 matrix")
    }
    let determinant = matrix.xx * matrix.yy - matrix.xy * matrix.yx
    guard determinant.isFinite, determinant != 0 else {
      throw failure(
        .implausible, path, "it is not an invertible matrix of numbers: \(NumberText.plain(values))"
      )
    }
    return matrix
  }

  /// Unknown where the file says so, by its status or by NaN.
  private func scanRotation() throws(AcquisitionError) -> Double? {
    let path = AcquisitionPath.scanRotation
    guard try contains(path) else { return nil }
    let status = try reading { () throws(HDF5Error) in
      try file.root.dataset(path).attributeString("status")
    }
    switch status {
    case nil, "known": break
    case "unknown": return nil
    case .some(let other):
      throw failure(
        .unknownWord, path, "its status \"\(Shown.clipped(other))\" is not known",
        "write known or unknown")
    }
    guard let angle = try unchecked(path, .angle) else { return nil }
    if angle.isNaN { return nil }
    if let complaint = PlausibleRange.angle.complaint(angle) {
      throw failure(.implausible, path, complaint)
    }
    return angle
  }

  private func specimen(gathering problems: inout FileProblems) -> Specimen {
    var specimen = Specimen(
      material: problems.read(try text(AcquisitionPath.material)),
      zoneAxis: problems.read(try text(AcquisitionPath.zoneAxis)),
      view: problems.read(
        try word(AcquisitionPath.view, among: [SpecimenView.top, .crossSection])),
      thickness: problems.read(
        try quantity(AcquisitionPath.thickness, .length, within: .thickness)),
      wallInclination: problems.read(
        try quantity(AcquisitionPath.wallInclination, .angle, within: .inclination)),
      wallNormalAzimuth: problems.read(
        try quantity(AcquisitionPath.wallNormalAzimuth, .angle, within: .angle)),
      fieldDirection: problems.read(
        try word(AcquisitionPath.fieldDirection, among: FieldDirection.allCases)))
    specimen.thicknessError = problems.read(
      try quantity(AcquisitionPath.thicknessErrors, .length, within: .thicknessError))
    return specimen
  }
}
