// The pixel size of a scan, as stated or from its axes.
internal import HDF5
internal import STEMCore
internal import ShownText

/// One axis of the scan in a file.
private struct ScanAxis {
  let path: String
  /// Where the pixel size along it is stated.
  let pixelSizePath: String
  /// So many positions the frames have along it.
  let count: Int
  /// What these are.
  let noun: String

  static func both(_ shape: GridShape?) -> (x: ScanAxis, y: ScanAxis) {
    (
      ScanAxis(
        path: AcquisitionPath.xAxis, pixelSizePath: AcquisitionPath.pixelSizeX,
        count: shape?.columns ?? 0, noun: "columns"),
      ScanAxis(
        path: AcquisitionPath.yAxis, pixelSizePath: AcquisitionPath.pixelSizeY,
        count: shape?.rows ?? 0, noun: "rows")
    )
  }
}

/// What an axis says of the distance between scan positions.
private enum AxisSpacing {
  /// m.
  case uniform(Double)
  /// Nothing, for there is none, or the scan has one position along it.
  case none
  /// As many values, but for another number of positions.
  case otherCount(Int)
  /// Nothing, in words that follow the axis's name.
  case faulty(String)
}

extension ItemReader {
  /// Of the sides of a position: with more a unit is wrong, and what follows distances in steps of the shorter side
  /// would not fit in memory.
  private static let largestAspect = 1000.0

  /// The stated pixel size; else the spacing of the axes, where the shape is known; nil where neither is there.
  func pixelSize(shape: GridShape?) throws(AcquisitionError) -> PixelSize? {
    let axes = ScanAxis.both(shape)
    switch (try pixelSize(along: axes.x), try pixelSize(along: axes.y)) {
    case (let x?, let y?):
      if max(x, y) > Self.largestAspect * min(x, y) {
        throw failure(
          .implausible, axes.x.pixelSizePath,
          "\(NumberText.significant(x * 1e9)) nm beside \(NumberText.significant(y * 1e9)) nm along y: no scan has such"
            + " positions", "check the units of both")
      }
      return PixelSize(x: x, y: y)
    case (nil, nil): return nil
    case (nil, _): throw try missing(axes.x, beside: axes.y)
    case (_, nil): throw try missing(axes.y, beside: axes.x)
    }
  }

  private func missing(
    _ axis: ScanAxis, beside other: ScanAxis
  ) throws(AcquisitionError) -> AcquisitionError {
    let reason = try complaint(of: axis).map { ", and \($0)" } ?? ""
    let known = try contains(other.pixelSizePath) ? other.pixelSizePath : other.path
    return failure(
      .missing, axis.pixelSizePath, "it is missing\(reason); \(known) states the other one",
      "write \(axis.pixelSizePath) with its unit")
  }

  private func pixelSize(along axis: ScanAxis) throws(AcquisitionError) -> Double? {
    if let stated = try quantity(axis.pixelSizePath, .length, within: .pixelSize) { return stated }
    guard case .uniform(let spacing) = try spacing(of: axis) else { return nil }
    if let complaint = PlausibleRange.pixelSize.complaint(spacing) {
      throw failure(.implausible, axis.path, complaint)
    }
    return spacing
  }

  /// Axes that do not go with the frames, or whose spacing is another than the stated pixel size, which is used; and
  /// axes that give no pixel size where none is stated. In words.
  func axisContradictions(_ size: PixelSize?, shape: GridShape) -> [String] {
    let axes = ScanAxis.both(shape)
    let isTurned = isTurned(axes, shape)
    // An axis that cannot be read contradicts nothing.
    return [(axes.x, size?.x), (axes.y, size?.y)].compactMap { axis, used -> String? in
      guard let spacing = try? spacing(of: axis) else { return nil }
      switch spacing {
      case .uniform(let spacing):
        guard let used, abs(spacing - used) > Self.spacingTolerance * used else { return nil }
        return "\(axis.path) has a spacing of \(NumberText.significant(spacing * 1e9)) nm;"
          + " \(axis.pixelSizePath) states \(NumberText.significant(used * 1e9)) nm, which is used"
      case .none: return nil
      case .otherCount:
        guard let complaint = try? complaint(of: axis) else { return nil }
        return complaint
          + (isTurned
            ? ": the frames seem to stand as [segment, column, row]; they are read as [segment, row, column]"
            : "")
      case .faulty:
        return used == nil
          ? (try? complaint(of: axis)).map { "\($0): it gives no pixel size" } : nil
      }
    }
  }

  /// Whether each axis has as many values as the frames have positions along the other one.
  private func isTurned(_ axes: (x: ScanAxis, y: ScanAxis), _ shape: GridShape) -> Bool {
    guard case .otherCount(let x)? = try? spacing(of: axes.x),
      case .otherCount(let y)? = try? spacing(of: axes.y)
    else { return false }
    return x == shape.rows && y == shape.columns
  }

  /// Why an axis gives no spacing; nil where it does, or is not there.
  private func complaint(of axis: ScanAxis) throws(AcquisitionError) -> String? {
    switch try spacing(of: axis) {
    case .uniform, .none: nil
    case .otherCount(let count): "\(axis.path) has \(count) values for \(axis.count) \(axis.noun)"
    case .faulty(let words): "\(axis.path) \(words)"
    }
  }

  /// Of the pixel size; axes are written with fewer digits than this needs.
  private static let spacingTolerance = 0.01

  private func spacing(of axis: ScanAxis) throws(AcquisitionError) -> AxisSpacing {
    if axis.count <= 1 { return .none }
    let stated = try numbers(axis.path) { dataset throws(HDF5Error) in
      let positions = dataset.shape == [axis.count] ? try dataset.values(as: Double.self) : []
      return (dataset.shape, positions, try dataset.attributeString("units"))
    }
    guard let (shape, positions, units) = stated else { return .none }
    guard shape.count == 1 else { return .faulty("is no list") }
    guard positions.count == axis.count else { return .otherCount(shape[0]) }
    guard let units else { return .faulty("has no unit") }
    guard let unit = FileUnit.named(units, .length) else {
      return .faulty("is in \(Shown.word(units)), which is no length")
    }
    let step = (positions[axis.count - 1] - positions[0]) / Double(axis.count - 1)
    guard step > 0, step.isFinite else { return .faulty("does not rise") }
    // float32 axes round each position by 6e-8 of the largest.
    let isEven = positions.indices.allSatisfy {
      abs(positions[$0] - positions[0] - Double($0) * step) <= 1e-3 * step
    }
    return isEven ? .uniform(unit.toSI(step)) : .faulty("is not evenly spaced")
  }
}
