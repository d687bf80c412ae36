// Everything that an acquisition states apart from its frames, in SI units and checked.
internal import HDF5
internal import STEMCore

extension ItemReader {
  /// Reads all metadata.
  func metadata(frames: FramePlan) throws(AcquisitionError) -> AcquisitionMetadata {
    let detector = try detector(count: frames.segmentCount)
    let voltage = try required(
      quantity(AcquisitionPath.voltage, .voltage, within: .voltage), AcquisitionPath.voltage)
    let semiAngle = try required(
      quantity(AcquisitionPath.semiAngle, .angle, within: .semiAngle), AcquisitionPath.semiAngle)
    var metadata = AcquisitionMetadata(
      title: try text(AcquisitionPath.title), frameCount: frames.frameCount, shape: frames.shape,
      pixelSize: try pixelSize(shape: frames.shape), beam: ElectronBeam(voltage: voltage),
      probeSemiAngle: semiAngle,
      defocus: try quantity(AcquisitionPath.defocus, .length, within: .defocus),
      detector: detector, segmentGain: try gain(count: frames.segmentCount),
      deflectionCalibration: try deflectionCalibration(), scanRotation: try scanRotation(),
      electronsPerPixel: try quantity(
        AcquisitionPath.electronsPerPixel, .number, within: .electrons),
      signalUnit: frames.unit, saturationLevel: frames.saturationLevel,
      specimen: try specimen(), references: try references(frames: frames),
      beamTilts: try beamTilts(count: frames.frameCount))
    metadata.sphericalAberration = try quantity(
      AcquisitionPath.sphericalAberration, .length, within: .sphericalAberration)
    metadata.deflectionCalibrationError = try deflectionCalibrationError(
      of: metadata.deflectionCalibration)
    return metadata
  }

  /// The error of the calibration's scale relative to it; of a matrix the largest of its elements' errors
  /// over the largest element.
  private func deflectionCalibrationError(
    of matrix: Matrix2?
  ) throws(AcquisitionError) -> Double? {
    let path = AcquisitionPath.deflectionCalibrationErrors
    guard try contains(path) else { return nil }
    guard let matrix else {
      throw failure(
        .missing, AcquisitionPath.deflectionCalibration, "its errors are there, it is not")
    }
    let values = try reading { () throws(HDF5Error) in
      try file.root.dataset(path).values(as: Double.self)
    }
    guard values.count == 1 || values.count == 4 else {
      throw failure(
        .wrongShape, path, "it holds \(values.count) numbers", "it is one number or a 2×2 matrix")
    }
    guard values.allSatisfy({ $0 >= 0 && $0.isFinite }) else {
      throw failure(.implausible, path, "a standard deviation is not negative: \(values)")
    }
    let largest = [matrix.xx, matrix.xy, matrix.yx, matrix.yy].map(abs).reduce(0, max)
    return values.reduce(0, max) / largest
  }

  /// One tilt for each frame of a calibration series.
  private func beamTilts(count: Int) throws(AcquisitionError) -> [BeamTilt]? {
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

  private func detector(count: Int) throws(AcquisitionError) -> SegmentedDetector {
    func angles(_ path: String) throws(AcquisitionError) -> [Double] {
      try required(list(path, .angle, count: count), path)
    }
    let inner = try angles(AcquisitionPath.segmentInner)
    let outer = try angles(AcquisitionPath.segmentOuter)
    let start = try angles(AcquisitionPath.segmentStart)
    let stop = try angles(AcquisitionPath.segmentStop)
    let orientation = try required(
      quantity(AcquisitionPath.orientation, .angle, within: .angle), AcquisitionPath.orientation)
    let detector = SegmentedDetector(
      segments: (0..<count).map {
        DetectorSegment(inner: inner[$0], outer: outer[$0], start: start[$0], stop: stop[$0])
      }, orientation: orientation)
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

  private func gain(count: Int) throws(AcquisitionError) -> [Double]? {
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
    guard try contains(path) else { return nil }
    let (shape, values, units) = try reading {
      () throws(HDF5Error) -> ([Int], [Double], String?) in
      let dataset = try file.root.dataset(path)
      let shape = dataset.shape
      let isExpected = shape.reduce(1, *) == 1 || shape == [2, 2]
      return (
        shape, isExpected ? try dataset.values(as: Double.self) : [],
        try dataset.attributeString("units")
      )
    }
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
      throw failure(.implausible, path, "it is not an invertible matrix of numbers: \(values)")
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
        .unknownWord, path, "its status \"\(other)\" is not known", "write known or unknown")
    }
    guard let angle = try unchecked(path, .angle) else { return nil }
    if angle.isNaN { return nil }
    if let complaint = PlausibleRange.angle.complaint(angle) {
      throw failure(.implausible, path, complaint)
    }
    return angle
  }

  private func specimen() throws(AcquisitionError) -> Specimen {
    var specimen = Specimen(
      material: try text(AcquisitionPath.material), zoneAxis: try text(AcquisitionPath.zoneAxis),
      view: try word(AcquisitionPath.view, among: [SpecimenView.top, .crossSection]),
      thickness: try quantity(AcquisitionPath.thickness, .length, within: .thickness),
      wallInclination: try quantity(
        AcquisitionPath.wallInclination, .angle, within: .inclination),
      wallNormalAzimuth: try quantity(
        AcquisitionPath.wallNormalAzimuth, .angle, within: .angle),
      fieldDirection: try word(
        AcquisitionPath.fieldDirection, among: FieldDirection.allCases))
    specimen.thicknessError = try quantity(
      AcquisitionPath.thicknessErrors, .length, within: .thicknessError)
    return specimen
  }
}

// MARK: Scan axes

extension ItemReader {
  /// The stated pixel size; else the spacing of the axes; nil where neither is there.
  private func pixelSize(shape: GridShape) throws(AcquisitionError) -> PixelSize? {
    let x = try pixelSize(
      AcquisitionPath.pixelSizeX, axis: AcquisitionPath.xAxis, count: shape.columns)
    let y = try pixelSize(
      AcquisitionPath.pixelSizeY, axis: AcquisitionPath.yAxis, count: shape.rows)
    switch (x, y) {
    case (let x?, let y?): return PixelSize(x: x, y: y)
    case (nil, nil): return nil
    case (nil, _):
      throw failure(.missing, AcquisitionPath.pixelSizeX, "it is missing, pixel_size_y is there")
    case (_, nil):
      throw failure(.missing, AcquisitionPath.pixelSizeY, "it is missing, pixel_size_x is there")
    }
  }

  private func pixelSize(
    _ path: String, axis: String, count: Int
  ) throws(AcquisitionError) -> Double? {
    if let stated = try quantity(path, .length, within: .pixelSize) { return stated }
    return try spacing(axis, count: count)
  }

  /// The spacing of a uniform, rising axis in a unit of length; nil where it is anything else.
  private func spacing(_ path: String, count: Int) throws(AcquisitionError) -> Double? {
    guard try contains(path), count > 1 else { return nil }
    let (positions, units) = try reading { () throws(HDF5Error) -> ([Double], String?) in
      let dataset = try file.root.dataset(path)
      let positions = dataset.shape == [count] ? try dataset.values(as: Double.self) : []
      return (positions, try dataset.attributeString("units"))
    }
    guard let units, let unit = FileUnit.named(units, .length), positions.count == count
    else { return nil }
    let step = (positions[count - 1] - positions[0]) / Double(count - 1)
    // float32 axes round each position by 6e-8 of the largest.
    let tolerance = 1e-3 * abs(step)
    guard step > 0, step.isFinite,
      positions.indices.allSatisfy({
        abs(positions[$0] - positions[0] - Double($0) * step) <= tolerance
      })
    else { return nil }
    let spacing = unit.toSI(step)
    if let complaint = PlausibleRange.pixelSize.complaint(spacing) {
      throw failure(.implausible, path, complaint)
    }
    return spacing
  }
}
