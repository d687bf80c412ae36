// The pixel size of a scan, as stated or from its axes.
internal import HDF5
internal import STEMCore

extension ItemReader {
  /// The stated pixel size; else the spacing of the axes, where the shape is known; nil where neither is there.
  func pixelSize(shape: GridShape?) throws(AcquisitionError) -> PixelSize? {
    let x = try pixelSize(
      AcquisitionPath.pixelSizeX, axis: AcquisitionPath.xAxis, count: shape?.columns ?? 0)
    let y = try pixelSize(
      AcquisitionPath.pixelSizeY, axis: AcquisitionPath.yAxis, count: shape?.rows ?? 0)
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

  private func spacing(_ path: String, count: Int) throws(AcquisitionError) -> Double? {
    guard let spacing = try uniformSpacing(path, count: count) else { return nil }
    if let complaint = PlausibleRange.pixelSize.complaint(spacing) {
      throw failure(.implausible, path, complaint)
    }
    return spacing
  }

  /// Axes whose spacing is another than the stated pixel size, which is used, in words.
  func axisContradictions(_ size: PixelSize?, shape: GridShape) -> [String] {
    guard let size else { return [] }
    let axes = [
      (AcquisitionPath.xAxis, shape.columns, AcquisitionPath.pixelSizeX, size.x),
      (AcquisitionPath.yAxis, shape.rows, AcquisitionPath.pixelSizeY, size.y),
    ]
    return axes.compactMap { axis, count, path, used in
      // An axis that cannot be read contradicts nothing: the pixel size is stated beside it.
      guard let spacing = try? uniformSpacing(axis, count: count),
        abs(spacing - used) > Self.spacingTolerance * used
      else { return nil }
      return "\(axis) has a spacing of \(NumberText.significant(spacing * 1e9)) nm; \(path) states"
        + " \(NumberText.significant(used * 1e9)) nm, which is used"
    }
  }

  /// Of the pixel size; axes are written with fewer digits than this needs.
  private static let spacingTolerance = 0.01

  /// The spacing of a uniform, rising axis in a unit of length; nil where it is anything else.
  private func uniformSpacing(_ path: String, count: Int) throws(AcquisitionError) -> Double? {
    guard count > 1, try isStated(path) else { return nil }
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
    return unit.toSI(step)
  }
}
