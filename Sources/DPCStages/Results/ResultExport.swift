// Values to the groups of result.h5 and to figure files. Which stage leaves what is decided here only.
public import Pipeline
internal import STEMCore
public import STEMData

/// What a stage's value leaves in the output folder.
public enum ResultExport {
  /// The group of result.h5 for a value; nil for values that leave none (figures, references).
  public static func group(of value: any StageValue, stage: String) -> ResultGroup? {
    switch value {
    case let value as DeflectionValue: return value.group(stage)
    case let value as ProjectedFieldValue: return value.group(stage)
    case let value as IntrinsicFieldValue: return value.group(stage)
    case let value as PotentialValue: return value.group(stage)
    case let value as ChargeDensityValue: return value.group(stage)
    case let value as HelmholtzValue: return value.group(stage)
    case let value as DetectorCalibrationValue: return value.group(stage)
    case let value as DeflectionCalibrationValue: return value.group(stage)
    case let value as ScanRotationValue: return value.group(stage)
    case let value as WallsValue: return value.group(stage)
    case let value as CombinedFieldValue: return value.group(stage)
    case let value as WallProfileValue: return value.group(stage)
    case let value as FlexoelectricValue: return value.group(stage)
    default: return nil
    }
  }

  /// The files of a figure by their extension; nil for what is no figure.
  public static func figures(of value: any StageValue) -> [String: [UInt8]]? {
    (value as? FigureValue)?.files
  }

  /// Whether values of a kind go to result.h5.
  public static func isQuantity(_ kind: PortKind) -> Bool {
    let others: [PortKind] = [.acquisition, .frames, .segments, .figure, .log]
    return !others.contains(kind)
  }
}

// MARK: Maps

/// Axes y and x in nm, or in pixels where the acquisition states no pixel size.
func mapAxes(_ shape: GridShape, _ pixelSize: PixelSize?) -> [ResultAxis] {
  func axis(_ name: String, _ count: Int, _ step: Double?) -> ResultAxis {
    ResultAxis(
      name, values: (0..<count).map { Double($0) * (step.map { $0 * 1e9 } ?? 1) },
      unit: step == nil ? "pixel" : "nm")
  }
  return [axis("y", shape.rows, pixelSize?.y), axis("x", shape.columns, pixelSize?.x)]
}

extension PixelMask {
  var dataset: ResultDataset {
    ResultDataset("mask", shape: [shape.rows, shape.columns], values: .uint8(bytes), unit: "")
  }
}

extension MapContext {
  func resultAttributes(_ more: [String: ResultAttribute] = [:]) -> [String: ResultAttribute] {
    attributes.mapValues { ResultAttribute.text($0) }.merging(more) { _, new in new }
  }

  /// What the errors of a group contain, or why there are none.
  ///
  /// - Parameters:
  ///   - errors: What all pixels share.
  ///   - unit: Of constants among them.
  ///   - source: Whose constants they are, where that is not the group's quantity.
  ///   - hasCounting: Whether each pixel has an error of its own.
  func errorAttributes(
    _ errors: CommonErrors, unit: String, of source: String? = nil, hasCounting: Bool
  ) -> [String: String] {
    var stated = errors.attributes(unit: unit, of: source, hasCounting: hasCounting)
    if !hasCounting, attributes[Exec.programAttribute] != nil {
      stated["errors"] = "none: a program outside dpc, on the way to this map, stated none"
    }
    return stated
  }

  /// As above, with what the errors of the group contain.
  func resultAttributes(
    _ more: [String: ResultAttribute] = [:], errorsIn unit: String, of source: String? = nil,
    hasCounting: Bool, errors: CommonErrors? = nil
  ) -> [String: ResultAttribute] {
    let stated = errorAttributes(
      errors ?? commonErrors, unit: unit, of: source, hasCounting: hasCounting)
    return resultAttributes(stated.mapValues { ResultAttribute.text($0) })
      .merging(more) { _, new in new }
  }
}
