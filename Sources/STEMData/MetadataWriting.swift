// Writes what an acquisition states: in nm, mrad, kV and degrees, as microscopists read them, or in SI.
internal import HDF5
internal import STEMCore

/// A unit in which quantities are written, with the number of them in one SI unit.
struct WrittenUnit {
  let name: String
  let perSI: Double
  var divisor = 1.0

  /// The number to write for a value in SI: 60 for 60e-9 m in nm, where two roundings make 59.99...
  ///
  /// A number of few decimals that reads back as the very same value is what was meant.
  func number(_ value: Double) -> Double {
    let number = value * perSI / divisor
    let short = (number * 1e9).rounded() / 1e9
    return short * divisor / perSI == value ? short : number
  }
}

extension FileUnits {
  var length: WrittenUnit {
    self == .si ? WrittenUnit(name: "m", perSI: 1) : WrittenUnit(name: "nm", perSI: 1e9)
  }
  /// Of semi-angles.
  var angle: WrittenUnit {
    self == .si ? WrittenUnit(name: "rad", perSI: 1) : WrittenUnit(name: "mrad", perSI: 1e3)
  }
  /// Of azimuths and inclinations.
  var azimuth: WrittenUnit {
    self == .si
      ? WrittenUnit(name: "rad", perSI: 1)
      : WrittenUnit(name: "deg", perSI: 180, divisor: Double.pi)
  }
  var voltage: WrittenUnit {
    self == .si
      ? WrittenUnit(name: "V", perSI: 1) : WrittenUnit(name: "kV", perSI: 1, divisor: 1e3)
  }
}

struct MetadataWriting {
  let units: FileUnits
  /// Whether a vacuum scan is packed like the frames.
  let isCompressed: Bool

  func write(
    _ metadata: AcquisitionMetadata, in root: borrowing HDF5Group
  ) throws(HDF5Error) {
    try root.setAttribute("NX_class", to: "NXroot")
    try root.setAttribute("default", to: "entry")
    let hasReferences =
      metadata.references.dark != nil || metadata.references.flat != nil
      || metadata.references.vacuum != nil
    for (path, name) in AcquisitionPath.groups where hasReferences || name != "NXcollection" {
      try root.createGroup(path).setAttribute("NX_class", to: name)
    }
    try root.group(AcquisitionPath.entry).setAttribute("default", to: "data")
    if let title = metadata.title { try root.write(AcquisitionPath.title, title) }
    try writeAxes(metadata, in: root)
    try writeBeam(metadata, in: root)
    try writeDetector(metadata, in: root)
    try writeScan(metadata, in: root)
    try writeSpecimen(metadata.specimen, in: root)
    if hasReferences { try writeReferences(metadata, in: root) }
  }

  private func writeAxes(
    _ metadata: AcquisitionMetadata, in root: borrowing HDF5Group
  ) throws(HDF5Error) {
    let data = try root.group("/entry/data")
    try data.setAttribute("signal", to: "frames")
    try data.setAttribute(
      "axes", to: (metadata.frameCount > 1 ? ["frame"] : []) + ["segment", "y", "x"])
    guard let pixelSize = metadata.pixelSize else { return }
    let (x, y) = (
      units.length.number(pixelSize.x), units.length.number(pixelSize.y)
    )
    let columns = (0..<metadata.shape.columns).map { Double($0) * x }
    let rows = (0..<metadata.shape.rows).map { Double($0) * y }
    try root.write(AcquisitionPath.xAxis, columns, shape: [columns.count])
      .setAttribute("units", to: units.length.name)
    try root.write(AcquisitionPath.yAxis, rows, shape: [rows.count])
      .setAttribute("units", to: units.length.name)
  }

  private func writeBeam(
    _ metadata: AcquisitionMetadata, in root: borrowing HDF5Group
  ) throws(HDF5Error) {
    try write(metadata.beam.voltage, units.voltage, AcquisitionPath.voltage, in: root)
    try root.write(AcquisitionPath.probe, "electron")
    try write(metadata.probeSemiAngle, units.angle, AcquisitionPath.semiAngle, in: root)
    try write(metadata.defocus, units.length, AcquisitionPath.defocus, in: root)
    try write(
      metadata.sphericalAberration, units.length, AcquisitionPath.sphericalAberration, in: root)
  }

  private func writeDetector(
    _ metadata: AcquisitionMetadata, in root: borrowing HDF5Group
  ) throws(HDF5Error) {
    let segments = metadata.detector.segments
    try root.write(AcquisitionPath.detectorType, "segmented annular")
    for (path, angle, unit) in [
      (AcquisitionPath.segmentInner, \DetectorSegment.inner, units.angle),
      (AcquisitionPath.segmentOuter, \.outer, units.angle),
      (AcquisitionPath.segmentStart, \.start, units.azimuth),
      (AcquisitionPath.segmentStop, \.stop, units.azimuth),
    ] {
      let values = segments.map { unit.number($0[keyPath: angle]) }
      try root.write(path, values, shape: [values.count]).setAttribute("units", to: unit.name)
    }
    try write(metadata.detector.orientation, units.azimuth, AcquisitionPath.orientation, in: root)
    if let gain = metadata.segmentGain {
      try root.write(AcquisitionPath.gain, gain, shape: [gain.count])
    }
    if let matrix = metadata.deflectionCalibration {
      try root.write(
        AcquisitionPath.deflectionCalibration, [matrix.xx, matrix.xy, matrix.yx, matrix.yy],
        shape: [2, 2])
    }
    if let error = metadata.deflectionCalibrationError, let matrix = metadata.deflectionCalibration
    {
      let largest = [matrix.xx, matrix.xy, matrix.yx, matrix.yy].map(abs).reduce(0, max)
      try root.write(AcquisitionPath.deflectionCalibrationErrors, error * largest)
    }
  }

  private func writeScan(
    _ metadata: AcquisitionMetadata, in root: borrowing HDF5Group
  ) throws(HDF5Error) {
    try write(metadata.pixelSize?.x, units.length, AcquisitionPath.pixelSizeX, in: root)
    try write(metadata.pixelSize?.y, units.length, AcquisitionPath.pixelSizeY, in: root)
    let rotation = metadata.scanRotation
    let dataset = try root.write(
      AcquisitionPath.scanRotation, rotation.map { units.azimuth.number($0) } ?? .nan)
    try dataset.setAttribute("units", to: units.azimuth.name)
    try dataset.setAttribute("status", to: rotation == nil ? "unknown" : "known")
    if let tilts = metadata.beamTilts {
      for (path, values) in [
        (AcquisitionPath.beamTiltX, tilts.map(\.x)), (AcquisitionPath.beamTiltY, tilts.map(\.y)),
      ] {
        try root.write(path, values.map { units.angle.number($0) }, shape: [values.count])
          .setAttribute("units", to: units.angle.name)
      }
    }
    if let electrons = metadata.electronsPerPixel {
      try root.write(AcquisitionPath.electronsPerPixel, electrons)
    }
  }

  private func writeSpecimen(
    _ specimen: Specimen, in root: borrowing HDF5Group
  ) throws(HDF5Error) {
    for (path, text) in [
      (AcquisitionPath.material, specimen.material), (AcquisitionPath.zoneAxis, specimen.zoneAxis),
      (AcquisitionPath.view, specimen.view?.rawValue),
      (AcquisitionPath.fieldDirection, specimen.fieldDirection?.rawValue),
    ] {
      if let text { try root.write(path, text) }
    }
    try write(specimen.thickness, units.length, AcquisitionPath.thickness, in: root)
    try write(specimen.thicknessError, units.length, AcquisitionPath.thicknessErrors, in: root)
    try write(specimen.wallInclination, units.azimuth, AcquisitionPath.wallInclination, in: root)
    try write(
      specimen.wallNormalAzimuth, units.azimuth, AcquisitionPath.wallNormalAzimuth, in: root)
  }

  private func writeReferences(
    _ metadata: AcquisitionMetadata, in root: borrowing HDF5Group
  ) throws(HDF5Error) {
    let references = metadata.references
    let unit = metadata.signalUnit.rawValue
    for (path, values, exposures) in [
      (AcquisitionPath.dark, references.dark, nil),
      (AcquisitionPath.flat, references.flat, references.flatExposures),
    ] {
      guard let values else { continue }
      let dataset = try root.write(path, values, shape: [values.count])
      try dataset.setAttribute("units", to: unit)
      if let exposures { try dataset.setAttribute("exposures", to: exposures) }
    }
    switch references.vacuum {
    case nil: break
    case .single(let values):
      try root.write(AcquisitionPath.vacuum, values, shape: [values.count])
        .setAttribute("units", to: unit)
    case .scan(let planes):
      try root.write(
        AcquisitionPath.vacuum, planes.flatMap(\.values),
        shape: [planes.count, metadata.shape.rows, metadata.shape.columns],
        layout: isCompressed
          ? .compressed(chunk: [1, metadata.shape.rows, metadata.shape.columns], level: 4)
          : .contiguous
      ).setAttribute("units", to: unit)
    }
    if references.vacuum != nil, let exposures = references.vacuumExposures {
      try root.dataset(AcquisitionPath.vacuum).setAttribute("exposures", to: exposures)
    }
  }

  private func write(
    _ value: Double?, _ unit: WrittenUnit, _ path: String, in root: borrowing HDF5Group
  ) throws(HDF5Error) {
    guard let value else { return }
    try root.write(path, unit.number(value)).setAttribute("units", to: unit.name)
  }
}
