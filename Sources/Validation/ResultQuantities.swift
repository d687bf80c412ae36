// What a run left in result.h5, found by the datasets of a group and not by the name of its stage.
internal import HDF5
internal import STEMCore

/// A vector quantity of a result.
struct ResultVectors {
  var field: VectorField
  /// One standard deviation of each component; nil where the file has none.
  var errors: VectorField?
  /// Pixels without any mask bit.
  var isUsable: [Bool]
  var method: String?
  /// Whether the result leaves open which of two opposite directions is right.
  var hasOpenSign = false
  /// Why, by its own words, the method does not fit these data; nil where it does.
  var caution: String?
}

/// A scalar quantity of a result.
struct ResultScalars {
  var field: ScalarField
  /// One standard deviation; nil where the file has none.
  var errors: ScalarField?
  var isUsable: [Bool]
}

/// An estimate of the scan rotation, rad.
struct ResultRotation {
  /// nil: not determined by the data.
  var angle: Double?
  var error: Double?
  var isSignKnown: Bool
}

/// A row of a table of walls.
struct ResultWall {
  /// m from the center of the scan along the wall normal.
  var position: Double
  /// V/m.
  var field: Double
  var fieldError: Double?
  /// Full width at half maximum, m.
  var width: Double
  var widthError: Double?
  /// Standard deviation of field × width relative to the product, where the file tells.
  var productError: Double?
}

/// The quantities of a result file that can be held against a truth.
struct ResultQuantities {
  var deflection: ResultVectors?
  var projectedField: ResultVectors?
  var meanField: ResultVectors?
  var potential: ResultScalars?
  /// Power of the divergence-free part over that of both parts; nil for a uniform field.
  var transverseFraction: Double?
  var walls: [ResultWall]?
  var rotation: ResultRotation?
  /// What of the file is not as it should be: wrong units, missing masks.
  var complaints: [String] = []

  init(path: String) throws {
    let file = try HDF5File(opening: path)
    let entry = try file.root.group("entry")
    // A smoothed map is no measure of the estimator: it gives way to any other group.
    for wantsSmoothed in [false, true] {
      for child in try entry.children() where child.kind == .group {
        let group = try entry.group(child.name)
        if try group.hasAttribute("smoothing") == wantsSmoothed {
          try take(group, name: child.name)
        }
      }
    }
  }

  private mutating func take(_ group: borrowing HDF5Group, name: String) throws {
    let isScanFrame = try group.attributeString("frame") == "scan"
    if deflection == nil, isScanFrame {
      deflection = try vectors("deflection", unit: "rad", of: group, name: name)
    }
    if projectedField == nil {
      projectedField = try vectors("projected_field", unit: "V", of: group, name: name)
    }
    if meanField == nil {
      meanField = try vectors("electric_field", unit: "V/m", of: group, name: name)
    }
    if potential == nil, let field = try plane("projected_potential", "V m", of: group, name) {
      let errors = try plane("projected_potential_errors", "V m", of: group, name)
      potential = ResultScalars(
        field: field, errors: errors, isUsable: try usable(field, of: group, name))
    }
    if rotation == nil, try group.contains("contrast") { rotation = try rotation(of: group) }
    if transverseFraction == nil { transverseFraction = try fraction(of: group) }
    if walls == nil { walls = try wallTable(of: group, name: name) }
  }

  private mutating func vectors(
    _ quantity: String, unit: String, of group: borrowing HDF5Group, name: String
  ) throws -> ResultVectors? {
    guard let x = try plane("\(quantity)_x", unit, of: group, name),
      let y = try plane("\(quantity)_y", unit, of: group, name)
    else { return nil }
    guard x.shape == y.shape else {
      complaints.append("\(name): components of \(quantity) differ in shape")
      return nil
    }
    var errors: VectorField?
    if let xErrors = try plane("\(quantity)_x_errors", unit, of: group, name),
      let yErrors = try plane("\(quantity)_y_errors", unit, of: group, name),
      xErrors.shape == x.shape, yErrors.shape == x.shape
    {
      errors = VectorField(shape: x.shape, x: xErrors.values, y: yErrors.values)
    }
    return ResultVectors(
      field: VectorField(shape: x.shape, x: x.values, y: y.values), errors: errors,
      isUsable: try usable(x, of: group, name), method: try group.attributeString("method"),
      hasOpenSign: try group.hasAttribute("sign"),
      caution: try caution(of: group))
  }

  /// What a result says against its own method, in whichever of these attributes.
  private func caution(of group: borrowing HDF5Group) throws -> String? {
    if let text = try group.attributeString("model_caution") { return text }
    if let text = try group.attributeString("regime_bias") { return text }
    let rigid = try group.attributeString("rigid_model")
    return rigid.flatMap { $0 == "holds" ? nil : "the rigid model \($0)" }
  }

  private func rotation(of group: borrowing HDF5Group) throws -> ResultRotation {
    let isKnown = try group.number("ambiguity_resolved") ?? 0
    return ResultRotation(
      angle: try group.number("scan_rotation").flatMap { $0.isFinite ? $0 : nil },
      error: try group.number("scan_rotation_errors"), isSignKnown: isKnown != 0)
  }

  private mutating func plane(
    _ dataset: String, _ unit: String, of group: borrowing HDF5Group, _ name: String
  ) throws -> ScalarField? {
    guard try group.contains(dataset) else { return nil }
    try checkUnit(dataset, unit, of: group, name)
    return try group.plane(dataset)
  }

  private mutating func checkUnit(
    _ dataset: String, _ unit: String, of group: borrowing HDF5Group, _ name: String
  ) throws {
    let found = try group.dataset(dataset).attributeString("units")
    if found != unit {
      complaints.append("\(name)/\(dataset): units \(found ?? "missing") instead of \(unit)")
    }
  }

  private mutating func usable(
    _ field: ScalarField, of group: borrowing HDF5Group, _ name: String
  ) throws -> [Bool] {
    guard let mask = try group.plane("mask"), mask.shape == field.shape else {
      complaints.append("\(name): no mask of the map's shape")
      return [Bool](repeating: true, count: field.shape.count)
    }
    return mask.values.map { $0 == 0 }
  }

  private func fraction(of group: borrowing HDF5Group) throws -> Double? {
    guard let freeX = try group.numbers("divergence_free_x"),
      let freeY = try group.numbers("divergence_free_y"),
      let curlFreeX = try group.numbers("curl_free_x"),
      let curlFreeY = try group.numbers("curl_free_y")
    else { return nil }
    func power(_ values: [Double]) -> Double {
      values.reduce(0) { $1.isFinite ? $0 + $1 * $1 : $0 }
    }
    let transverse = power(freeX) + power(freeY)
    let total = transverse + power(curlFreeX) + power(curlFreeY)
    // What a uniform field leaves in its parts is rounding, which has no meaningful share.
    let mean = try power(group.numbers("mean_x") ?? []) + power(group.numbers("mean_y") ?? [])
    return total > 1e-10 * mean * Double(freeX.count) ? transverse / total : nil
  }

  private mutating func wallTable(
    of group: borrowing HDF5Group, name: String
  ) throws -> [ResultWall]? {
    guard let positions = try group.numbers("wall_position"),
      let fields = try group.numbers("wall_field"), let widths = try group.numbers("wall_width")
    else { return nil }
    for (dataset, unit) in [("wall_position", "m"), ("wall_field", "V/m"), ("wall_width", "m")] {
      try checkUnit(dataset, unit, of: group, name)
    }
    guard fields.count == positions.count, widths.count == positions.count else {
      complaints.append("\(name): the columns of the table of walls differ in length")
      return nil
    }
    let fieldErrors = try group.numbers("wall_field_errors") ?? []
    let widthErrors = try group.numbers("wall_width_errors") ?? []
    let products = try group.numbers("wall_field_times_sech_width") ?? []
    let productErrors = try group.numbers("wall_field_times_sech_width_errors") ?? []
    return positions.indices.map { row in
      func item(_ list: [Double]) -> Double? { row < list.count ? list[row] : nil }
      let product = item(products).flatMap { product in
        item(productErrors).map { abs($0 / product) }
      }
      return ResultWall(
        position: positions[row], field: fields[row], fieldError: item(fieldErrors),
        width: widths[row], widthError: item(widthErrors), productError: product)
    }
  }
}
