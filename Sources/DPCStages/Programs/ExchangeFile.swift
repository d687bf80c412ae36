// Maps as HDF5 files for programs that are not dpc's own, and back again, checked.
internal import HDF5
internal import Pipeline
internal import STEMCore

/// A quantity that programs may be given and may give back.
struct ExchangeKind: Equatable {
  let kind: PortKind
  /// As in the `units` attributes of the files.
  let unit: String
  /// Components x and y; else one value for each pixel.
  let isVector: Bool

  static let all = [
    ExchangeKind(kind: .detectorDeflection, unit: "rad", isVector: true),
    ExchangeKind(kind: .deflection, unit: "rad", isVector: true),
    ExchangeKind(kind: .projectedField, unit: "V", isVector: true),
    ExchangeKind(kind: .intrinsicField, unit: "V/m", isVector: true),
    ExchangeKind(kind: .projectedPotential, unit: "V m", isVector: false),
    ExchangeKind(kind: .chargeDensity, unit: "C/m^2", isVector: false),
  ]

  static func named(_ name: String) -> ExchangeKind? { all.first { $0.kind.name == name } }

  var components: [String] { isVector ? ["x", "y"] : ["value"] }
}

/// A map of either sort.
enum ExchangedMap: Equatable {
  case vector(VectorMap)
  case scalar(ScalarMap)

  var shape: GridShape { mask.shape }

  var mask: PixelMask {
    switch self {
    case .vector(let map): map.mask
    case .scalar(let map): map.mask
    }
  }

  var pixelSize: PixelSize? {
    switch self {
    case .vector(let map): map.pixelSize
    case .scalar(let map): map.pixelSize
    }
  }

  /// Name of the component, its values, its variances.
  fileprivate var components: [(name: String, values: [Double], variance: [Double]?)] {
    switch self {
    case .vector(let map):
      [("x", map.field.x, map.covariance?.xx), ("y", map.field.y, map.covariance?.yy)]
    case .scalar(let map): [("value", map.field.values, map.variance)]
    }
  }
}

/// Why a program's file is not what was declared: what is wrong, and what to do.
struct ExchangeRefusal: Error, Equatable {
  var message: String
  var remedy: String
}

/// The file format between dpc and programs.
enum ExchangeFile {
  /// Writes a map: float64, NaN where there is no measurement, one standard deviation under `_errors`.
  static func write(_ map: ExchangedMap, _ kind: ExchangeKind, to path: String) throws {
    let side = [map.shape.rows, map.shape.columns]
    try HDF5File.create(path) { root in
      try root.setAttribute("kind", to: kind.kind.name)
      for component in map.components {
        let values = try root.write(
          component.name, unmasked(component.values, map.mask), shape: side)
        try values.setAttribute("units", to: kind.unit)
        guard let variance = component.variance else { continue }
        let deviations = try root.write(
          component.name + "_errors", errors(variance, map.mask), shape: side)
        try deviations.setAttribute("units", to: kind.unit)
      }
      try root.write("mask", map.mask.bytes, shape: side)
      guard let size = map.pixelSize else { return }
      for (name, step) in [("pixel_size_x", size.x), ("pixel_size_y", size.y)] {
        try root.write(name, step).setAttribute("units", to: "m")
      }
    }
  }

  /// The values with NaN wherever there is neither a measurement nor a filled-in number.
  private static func unmasked(_ values: [Double], _ mask: PixelMask) -> [Double] {
    values.indices.map { mask.holdsNumber($0) ? values[$0] : .nan }
  }

  /// NaN also at filled-in pixels: a number without measurement has no error.
  private static func errors(_ variance: [Double], _ mask: PixelMask) -> [Double] {
    variance.indices.map { mask.isUsable($0) ? variance[$0].squareRoot() : .nan }
  }

  /// Reads what a program left: of this kind, in its unit, on the pixels of `reference`.
  ///
  /// A pixel that is NaN counts as missing; where the file has no `mask`, that of the reference holds.
  ///
  /// - Throws: ``ExchangeRefusal`` where the file is not that, `HDF5Error` where it cannot be read.
  static func read(
    _ path: String, _ kind: ExchangeKind, on reference: ExchangedMap
  ) throws -> ExchangedMap {
    let file = try HDF5File(opening: path)
    return try read(file.root, kind, on: reference)
  }

  private static func read(
    _ root: borrowing HDF5Group, _ kind: ExchangeKind, on reference: ExchangedMap
  ) throws -> ExchangedMap {
    let stated = try root.attributeString("kind")
    if stated != kind.kind.name {
      throw ExchangeRefusal(
        message: stated.map { "it holds a \($0), not a \(kind.kind)" }
          ?? "it does not say what it holds",
        remedy: "set the root attribute kind to '\(kind.kind)', or declare another output:")
    }
    var mask = reference.mask
    if try root.contains("mask") {
      let bytes: [UInt8] = try plane("mask", unit: nil, reference.shape, in: root) {
        try $0.values(as: UInt8.self)
      }
      mask = PixelMask(shape: reference.shape, bytes: bytes)
    }
    var components: [(values: [Double], errors: [Double]?)] = []
    for name in kind.components {
      let values = try numbers(name, kind.unit, reference.shape, in: root)
      let deviations =
        try root.contains(name + "_errors")
        ? try numbers(name + "_errors", kind.unit, reference.shape, in: root) : nil
      for i in values.indices where values[i].isNaN && mask.isUsable(i) {
        mask.bytes[i] |= PixelFlags.missing.rawValue
      }
      components.append((values, deviations))
    }
    return try assemble(components, kind, mask, reference.pixelSize)
  }

  private static func numbers(
    _ name: String, _ unit: String, _ shape: GridShape, in root: borrowing HDF5Group
  ) throws -> [Double] {
    let values = try plane(name, unit: unit, shape, in: root) { try $0.values(as: Double.self) }
    if let position = values.firstIndex(where: \.isInfinite) {
      throw ExchangeRefusal(
        message: "\(name) is infinite in row \(position / shape.columns),"
          + " column \(position % shape.columns)",
        remedy: "write NaN where there is no value")
    }
    return values
  }

  private static func plane<Number>(
    _ name: String, unit: String?, _ shape: GridShape, in root: borrowing HDF5Group,
    _ read: (borrowing HDF5Dataset) throws -> [Number]
  ) throws -> [Number] {
    if try !root.contains(name) {
      throw ExchangeRefusal(
        message: "it has no dataset '\(name)'", remedy: "write one of \(shape) pixels")
    }
    let dataset = try root.dataset(name)
    if dataset.shape != [shape.rows, shape.columns] {
      let found = dataset.shape.map { "\($0)" }.joined(separator: ", ")
      throw ExchangeRefusal(
        message: "\(name) has the shape [\(found)], not [\(shape.rows), \(shape.columns)]",
        remedy: "write one number for each pixel of the input, [y, x]")
    }
    if let unit {
      let stated = try dataset.attributeString("units")
      if stated != unit {
        throw ExchangeRefusal(
          message: "\(name) is in \(stated.map { "'\($0)'" } ?? "no unit"), not in '\(unit)'",
          remedy: "convert the values and set the attribute units to '\(unit)'")
      }
    }
    return try read(dataset)
  }

  private static func assemble(
    _ components: [(values: [Double], errors: [Double]?)], _ kind: ExchangeKind,
    _ mask: PixelMask, _ pixelSize: PixelSize?
  ) throws -> ExchangedMap {
    let shape = mask.shape
    if mask.unusableCount == shape.count {
      throw ExchangeRefusal(
        message: "not one of its pixels is usable", remedy: "see what the program made of the input"
      )
    }
    // Pixels without a measurement hold zero, as in every map.
    let planes = components.map { component in
      component.values.indices.map {
        mask.holdsNumber($0) && !component.values[$0].isNaN ? component.values[$0] : 0
      }
    }
    let variances = try variances(of: components, kind, mask)
    if !kind.isVector {
      return .scalar(
        ScalarMap(
          field: ScalarField(shape: shape, values: planes[0]), variance: variances?[0],
          mask: mask, pixelSize: pixelSize))
    }
    let covariance = variances.map {
      VectorCovariance(
        shape: shape, xx: $0[0], yy: $0[1], xy: [Double](repeating: 0, count: shape.count))
    }
    return .vector(
      VectorMap(
        field: VectorField(shape: shape, x: planes[0], y: planes[1]), covariance: covariance,
        mask: mask, pixelSize: pixelSize))
  }

  /// One variance for each pixel of each component; nil where none has errors.
  private static func variances(
    of components: [(values: [Double], errors: [Double]?)], _ kind: ExchangeKind,
    _ mask: PixelMask
  ) throws -> [[Double]]? {
    var variances: [[Double]] = []
    for (name, component) in zip(kind.components, components) {
      guard let errors = component.errors else { continue }
      if let position = errors.indices.first(where: { mask.isUsable($0) && !(errors[$0] >= 0) }) {
        throw ExchangeRefusal(
          message: "\(name)_errors is \(errors[position]) in row \(position / mask.shape.columns),"
            + " column \(position % mask.shape.columns)",
          remedy: "write one standard deviation for each pixel, or leave the errors out")
      }
      variances.append(errors.indices.map { mask.isUsable($0) ? errors[$0] * errors[$0] : 0 })
    }
    if variances.isEmpty { return nil }
    if variances.count < kind.components.count {
      throw ExchangeRefusal(
        message: "only one of its components has errors", remedy: "write both, or neither")
    }
    return variances
  }
}

extension PixelMask {
  /// Whether there is a measurement or a number that was filled in.
  fileprivate func holdsNumber(_ position: Int) -> Bool {
    isUsable(position) || bytes[position] & PixelFlags.filledIn.rawValue != 0
  }
}
