// Maps as datasets of result.h5, each number formed as it is written: no map is copied for it.
internal import DPCReconstruction
internal import Foundation
internal import STEMCore
internal import STEMData

extension FormedNumbers {
  /// What `number` gives for each position; inlined, so that a map's loop calls nothing.
  @inline(__always)
  fileprivate init(_ number: @escaping @Sendable (_ position: Int) -> Float) {
    self.init { positions, target in
      for position in positions { target[position - positions.lowerBound] = number(position) }
    }
  }

  init(_ values: [Double]) { self.init { Float(values[$0]) } }
}

/// A dataset over a map; NaN where there is neither a measurement nor a filled-in number.
@inline(__always)
private func valueDataset(
  _ name: String, _ mask: PixelMask, unit: String,
  _ number: @escaping @Sendable (_ position: Int) -> Double
) -> ResultDataset {
  ResultDataset(
    name, shape: [mask.shape.rows, mask.shape.columns],
    values: .float32(FormedNumbers { mask.holdsNumber($0) ? Float(number($0)) : .nan }), unit: unit)
}

/// The roots of variances over a map; NaN also at filled-in pixels: a number without measurement has no
/// error.
@inline(__always)
private func errorDataset(
  _ name: String, _ mask: PixelMask, unit: String,
  _ variance: @escaping @Sendable (_ position: Int) -> Double
) -> ResultDataset {
  ResultDataset(
    name, shape: [mask.shape.rows, mask.shape.columns],
    values: .float32(
      FormedNumbers { mask.isUsable($0) ? Float(variance($0).squareRoot()) : .nan }), unit: unit)
}

/// A vector map as a result shows it: in another unit, with the errors that all pixels share.
struct ShownVectorMap: Sendable {
  private let map: VectorMap
  private let scale: Double
  private let errors: CommonErrors.Terms

  /// - Parameters:
  ///   - map: With its counting errors.
  ///   - scale: From the map's unit to the one shown.
  ///   - errors: In the unit shown.
  init(_ map: VectorMap, scale: Double = 1, errors: CommonErrors) {
    self.map = map
    self.scale = scale
    self.errors = errors.terms
  }

  /// `name_x`, `name_y` and, where errors are known, `name_x_errors`, `name_y_errors`.
  func componentDatasets(_ name: String, unit: String) -> [ResultDataset] {
    component("\(name)_x", map.field.x, map.covariance?.xx, other: map.field.y, unit: unit)
      + component("\(name)_y", map.field.y, map.covariance?.yy, other: map.field.x, unit: unit)
  }

  private func component(
    _ name: String, _ values: [Double], _ variance: [Double]?, other: [Double], unit: String
  ) -> [ResultDataset] {
    let (scale, errors) = (scale, errors)
    let dataset = valueDataset(name, map.mask, unit: unit) { scale * values[$0] }
    guard let variance else { return [dataset] }
    return [
      dataset,
      errorDataset("\(name)_errors", map.mask, unit: unit) {
        scale * scale * variance[$0]
          + errors.variance(along: scale * values[$0], across: scale * other[$0])
      },
    ]
  }

  /// Components with errors, magnitude and direction (rad, from +x towards +y) of a field in V/m.
  func fieldDatasets(_ name: String) -> [ResultDataset] {
    let (scale, xs, ys) = (scale, map.field.x, map.field.y)
    return componentDatasets(name, unit: "V/m") + [
      valueDataset("\(name)_magnitude", map.mask, unit: "V/m") {
        let (x, y) = (scale * xs[$0], scale * ys[$0])
        return (x * x + y * y).squareRoot()
      },
      valueDataset("\(name)_direction", map.mask, unit: "rad") {
        atan2(scale * ys[$0], scale * xs[$0])
      },
    ]
  }
}

extension ScalarMap {
  /// `name`, `name_errors` where errors are known, and the mask.
  ///
  /// - Parameter errors: What all pixels share, as in ``withCommonErrors(_:)``.
  func datasets(_ name: String, unit: String, errors: CommonErrors) -> [ResultDataset] {
    let values = field.values
    var datasets = [valueDataset(name, mask, unit: unit) { values[$0] }]
    if let variance {
      let common = commonVariance(errors)
      datasets.append(
        errorDataset("\(name)_errors", mask, unit: unit) { variance[$0] + common($0) })
    }
    return datasets + [mask.dataset]
  }
}
