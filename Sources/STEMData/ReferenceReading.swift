// Dark, flat and vacuum references: counts and units must be those of the frames.
internal import HDF5
internal import STEMCore

extension ItemReader {
  /// Signals recorded without the specimen or without the beam, in the unit of the frames.
  func references(frames: FramePlan?, gathering problems: inout FileProblems) -> References {
    guard let frames else { return References() }
    let dark = problems.read(try reference(AcquisitionPath.dark, frames: frames))
    let flat = problems.read(try flat(frames: frames))
    return References(
      dark: dark, flat: flat, vacuum: problems.read(try vacuum(frames: frames)),
      flatExposures: problems.read(try exposures(AcquisitionPath.flat)),
      vacuumExposures: problems.read(try exposures(AcquisitionPath.vacuum)))
  }

  private func flat(frames: FramePlan) throws(AcquisitionError) -> [Double]? {
    let flat = try reference(AcquisitionPath.flat, frames: frames)
    if let flat { try requirePositive(flat, AcquisitionPath.flat) }
    return flat
  }

  /// The attribute `exposures`: how many were averaged, which lowers the noise.
  private func exposures(_ path: String) throws(AcquisitionError) -> Double? {
    guard try contains(path) else { return nil }
    let number = try reading { () throws(HDF5Error) in
      try file.root.dataset(path).attributeValue("exposures", as: Double.self)
    }
    if let number, !(number >= 1 && number.isFinite) {
      throw failure(
        .implausible, path, "its attribute exposures is \(NumberText.plain(number))",
        "write the number of exposures averaged, 1 or more")
    }
    return number
  }

  private func requireUnit(
    _ units: String?, of path: String, frames: FramePlan
  ) throws(AcquisitionError) {
    let unit = try signalUnit(units, of: path)
    if let wanted = frames.unit, unit != wanted {
      throw failure(
        .wrongUnit, path, "it is in \(unit.rawValue), the frames are in \(wanted.rawValue)",
        "references need the unit of the frames")
    }
  }

  private func reference(
    _ path: String, frames: FramePlan
  ) throws(AcquisitionError) -> [Double]? {
    let stated = try numbers(path) { dataset throws(HDF5Error) in
      let isExpected = dataset.shape == [frames.segmentCount]
      return (
        dataset.shape, try dataset.attributeString("units"),
        isExpected ? try dataset.values(as: Double.self) : []
      )
    }
    guard let (shape, units, values) = stated else { return nil }
    try requireUnit(units, of: path, frames: frames)
    guard values.count == frames.segmentCount else {
      throw failure(
        .wrongShape, path,
        "its shape is \(shape), but the frames have "
          + "\(frames.segmentCount) segments", "it needs one number for each segment")
    }
    if let index = values.firstIndex(where: { !$0.isFinite }) {
      throw failure(
        .implausible, path, "the number of segment \(index) is \(NumberText.plain(values[index]))")
    }
    return values
  }

  private func vacuum(frames: FramePlan) throws(AcquisitionError) -> VacuumReference? {
    let path = AcquisitionPath.vacuum
    let expected = [frames.segmentCount, frames.shape.rows, frames.shape.columns]
    let stated = try numbers(path) { dataset throws(HDF5Error) in
      (
        dataset.shape, try dataset.attributeString("units"),
        dataset.shape == expected ? try dataset.values(as: Double.self) : []
      )
    }
    guard let (shape, units, values) = stated else { return nil }
    if shape.count == 1 { return try reference(path, frames: frames).map { .single($0) } }
    guard shape == expected else {
      throw failure(
        .wrongShape, path,
        "its shape is \(shape), the frames are \(frames.segmentCount) segments of \(frames.shape)",
        "it is one number for each segment, or a scan of the shape of the frames")
    }
    try requireUnit(units, of: path, frames: frames)
    let count = frames.shape.count
    return .scan(
      (0..<frames.segmentCount).map {
        ScalarField(
          shape: frames.shape, values: Array(values[($0 * count)..<(($0 + 1) * count)]))
      })
  }
}
