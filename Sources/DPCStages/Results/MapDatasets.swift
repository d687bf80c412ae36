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

  /// What `form` writes, and NaN at unusable pixels, which are few and looked for by many at a time.
  ///
  /// - Parameters:
  ///   - mask: Of the map.
  ///   - keepsFilledIn: Whether pixels that were filled in have a number.
  ///   - form: Writes the numbers at some positions, whether usable or not.
  fileprivate init(
    _ mask: PixelMask, keepsFilledIn: Bool,
    _ form: @escaping @Sendable (Range<Int>, UnsafeMutableBufferPointer<Float>) -> Void
  ) {
    self.init { positions, target in
      form(positions, target)
      let flags = mask.bytes.span.extracting(positions)
      for start in stride(from: 0, to: flags.count, by: 64) {
        let end = min(start + 64, flags.count)
        var any: UInt8 = 0
        for index in start..<end { any |= flags[index] }
        if any & PixelFlags.unusable.rawValue == 0 { continue }
        for index in start..<end where flags[index] & PixelFlags.unusable.rawValue != 0 {
          if !keepsFilledIn || flags[index] & PixelFlags.filledIn.rawValue == 0 {
            target[index] = .nan
          }
        }
      }
    }
  }

  init(_ values: [Double]) { self.init { Float(values[$0]) } }
}

/// A dataset over a map; NaN where there is neither a measurement nor a filled-in number.
///
/// - Parameter form: Writes the numbers at some positions.
private func valueDataset(
  _ name: String, _ mask: PixelMask, unit: String,
  _ form: @escaping @Sendable (Range<Int>, UnsafeMutableBufferPointer<Float>) -> Void
) -> ResultDataset {
  ResultDataset(
    name, shape: [mask.shape.rows, mask.shape.columns],
    values: .float32(FormedNumbers(mask, keepsFilledIn: true, form)), unit: unit)
}

/// As above for errors; NaN also at filled-in pixels: a number without measurement has no error.
private func errorDataset(
  _ name: String, _ mask: PixelMask, unit: String,
  _ form: @escaping @Sendable (Range<Int>, UnsafeMutableBufferPointer<Float>) -> Void
) -> ResultDataset {
  ResultDataset(
    name, shape: [mask.shape.rows, mask.shape.columns],
    values: .float32(FormedNumbers(mask, keepsFilledIn: false, form)), unit: unit)
}

/// A vector map as a result shows it: in another unit, with the errors that all pixels share.
struct ShownVectorMap: Sendable {
  private let map: VectorMap
  private let scale: Double
  private let errors: CommonErrors.Terms
  private let variance: (x: Double, y: Double)?
  /// Of which a small rotation adds a part to the map.
  private let whole: VectorField

  /// - Parameters:
  ///   - map: With its counting errors.
  ///   - scale: From the map's unit to the one shown; positive.
  ///   - errors: In the unit shown.
  ///   - variance: Counting errors of the components where they are alike at all pixels, in the square of the
  ///     map's unit; the map then has none of its own.
  ///   - other: The vectors that a small rotation turns into those of the map; nil for the map's own.
  init(
    _ map: VectorMap, scale: Double = 1, errors: CommonErrors,
    variance: (x: Double, y: Double)? = nil, turningFrom other: VectorField? = nil
  ) {
    whole = other ?? map.field
    self.map = map
    self.scale = scale
    self.errors = errors.terms
    self.variance = variance
  }

  /// `name_x`, `name_y` and, where errors are known, `name_x_errors`, `name_y_errors`.
  func componentDatasets(_ name: String, unit: String) -> [ResultDataset] {
    let (x, y) = (map.field.x, map.field.y)
    return [value("\(name)_x", x, unit: unit)]
      + error(
        "\(name)_x_errors", map.covariance?.xx, variance?.x, along: x, across: whole.y, unit: unit)
      + [value("\(name)_y", y, unit: unit)]
      + error(
        "\(name)_y_errors", map.covariance?.yy, variance?.y, along: y, across: whole.x, unit: unit)
  }

  private func value(_ name: String, _ values: [Double], unit: String) -> ResultDataset {
    let scale = scale
    return valueDataset(name, map.mask, unit: unit) { positions, target in
      let values = values.span.extracting(positions)
      for index in 0..<values.count { target[index] = Float(scale * values[index]) }
    }
  }

  /// Nothing where no errors are known. A component that counting leaves without any error, as one across a
  /// line scan, was not measured.
  private func error(
    _ name: String, _ variances: [Double]?, _ common: Double?, along: [Double], across: [Double],
    unit: String
  ) -> [ResultDataset] {
    let (scale, errors, square) = (scale, errors, scale * scale)
    if let variances {
      return [
        errorDataset(name, map.mask, unit: unit) { positions, target in
          let variances = variances.span.extracting(positions)
          errors.write(
            to: target, along: along.span.extracting(positions),
            across: across.span.extracting(positions), scale: scale
          ) { square * variances[$0] }
        }
      ]
    }
    guard let common, common > 0 else { return [] }
    return [
      errorDataset(name, map.mask, unit: unit) { positions, target in
        errors.write(
          to: target, along: along.span.extracting(positions),
          across: across.span.extracting(positions), scale: scale
        ) { _ in square * common }
      }
    ]
  }

  /// Components with errors, magnitude and direction (rad, from +x towards +y) of a field in V/m.
  func fieldDatasets(_ name: String) -> [ResultDataset] {
    let (scale, xs, ys) = (scale, map.field.x, map.field.y)
    return componentDatasets(name, unit: "V/m") + [
      valueDataset("\(name)_magnitude", map.mask, unit: "V/m") { positions, target in
        let (xs, ys) = (xs.span.extracting(positions), ys.span.extracting(positions))
        precondition(xs.count == ys.count, "one number per pixel")
        for index in 0..<xs.count {
          let (x, y) = (scale * xs[index], scale * ys[index])
          target[index] = Float((x * x + y * y).squareRoot())
        }
      },
      valueDataset("\(name)_direction", map.mask, unit: "rad") { positions, target in
        writeAzimuths(
          x: xs.span.extracting(positions), y: ys.span.extracting(positions), to: target)
      },
    ]
  }
}

extension CommonErrors.Terms {
  /// Writes one standard deviation of a component at some pixels; reads no components that add nothing to it.
  ///
  /// - Parameters:
  ///   - along: The component itself.
  ///   - across: The other one.
  ///   - scale: From their unit to the one shown.
  ///   - variance: Of the component at a pixel by itself, in the square of the unit shown.
  @inline(__always)
  fileprivate func write(
    to target: UnsafeMutableBufferPointer<Float>, along: Span<Double>, across: Span<Double>,
    scale factor: Double, variance: (_ index: Int) -> Double
  ) {
    let count = along.count
    precondition(across.count == count && target.count >= count, "one number per pixel")
    if rotation > 0 {
      for index in 0..<count {
        let shared = self.variance(along: factor * along[index], across: factor * across[index])
        target[index] = Float((variance(index) + shared).squareRoot())
      }
    } else if scale > 0 {
      for index in 0..<count {
        let shared = self.variance(along: factor * along[index], across: 0)
        target[index] = Float((variance(index) + shared).squareRoot())
      }
    } else {
      for index in 0..<count {
        target[index] = Float((variance(index) + constant).squareRoot())
      }
    }
  }
}

extension ScalarMap {
  /// `name`, `name_errors` where errors are known, and the mask.
  ///
  /// - Parameters:
  ///   - errors: What all pixels share, as in ``CommonScalarErrors``.
  ///   - center: Of the ramp that a constant error of the field makes; nil for what it leaves alone.
  ///   - turned: What a field turned by a radian would add in first order.
  func datasets(
    _ name: String, unit: String, errors: CommonErrors, about center: Vector2? = nil,
    turned: ScalarField? = nil
  ) -> [ResultDataset] {
    let values = field.values
    var datasets = [
      valueDataset(name, mask, unit: unit) { positions, target in
        let values = values.span.extracting(positions)
        for index in 0..<values.count { target[index] = Float(values[index]) }
      }
    ]
    if let variance {
      let common = CommonScalarErrors(errors, of: self, about: center, turned: turned)
      datasets.append(
        errorDataset("\(name)_errors", mask, unit: unit) { positions, target in
          for position in positions {
            target[position - positions.lowerBound] = Float(
              (variance[position] + common.variance(at: position)).squareRoot())
          }
        })
    }
    return datasets + [mask.dataset]
  }
}
