// The groups of wall tables and wall profiles.
internal import DPCReconstruction
internal import STEMCore
internal import STEMData

/// The bounds of intervals, NaN where the data set none.
private func bounds(_ name: String, _ intervals: [WallInterval], unit: String) -> [ResultDataset] {
  let columns = [("lower", intervals.map(\.lower)), ("upper", intervals.map(\.upper))]
  return columns.map { side, values in
    ResultDataset(
      "\(name)_\(side)", shape: [values.count], values: .float64(values.map { $0 ?? .nan }),
      unit: unit)
  }
}

/// A column of a table and, where every row has an error, the column of errors.
private func column(
  _ name: String, _ measurements: [STEMCore.Measurement], unit: String
) -> [ResultDataset] {
  let count = [measurements.count]
  var datasets = [
    ResultDataset(name, shape: count, values: .float64(measurements.map(\.value)), unit: unit)
  ]
  let errors = measurements.compactMap(\.error)
  if errors.count == measurements.count && !errors.isEmpty {
    datasets.append(
      ResultDataset("\(name)_errors", shape: count, values: .float64(errors), unit: unit))
  }
  return datasets
}

extension WallTable {
  /// Position, field and width of each wall with their errors, the product field × width parameter
  /// and the covariance of (field, width parameter, position).
  fileprivate func datasets(fieldUnit: String) -> [ResultDataset] {
    column("wall_position", rows.map(\.wall.position), unit: "m")
      + column("wall_field", rows.map(\.wall.field), unit: fieldUnit)
      + column("wall_width", rows.map(\.wall.width), unit: "m")
  }
}

extension WallTable {
  /// The shared quantities that the walls were fitted anew for, in order.
  fileprivate var causes: [String] { Set(rows.flatMap { ($0.changes ?? [:]).keys }).sorted() }

  /// Of each wall: what one standard deviation of a quantity that all share does, in the covariance's order.
  fileprivate var changeDatasets: [ResultDataset] {
    causes.map { cause in
      ResultDataset(
        "change_with_\(cause)", shape: [rows.count, 3],
        values: .float64(
          rows.flatMap { $0.changes?[cause]?.parameters ?? [Double](repeating: .nan, count: 3) }),
        unit: "")
    }
  }

  /// That the errors of walls hold what these answer to by fits of their own, beside what scales all fields.
  fileprivate func changeAttributes(
    besides errors: CommonErrors, hasCounting: Bool
  ) -> [String: ResultAttribute] {
    if causes.isEmpty { return [:] }
    var attributes: [String: ResultAttribute] = [
      "change_order": .text(
        "change_with_...: what one standard deviation does to field (V/m), w of sech^2(u/w) (m), position (m)"
      )
    ]
    guard hasCounting else { return attributes }
    attributes["errors"] = .text("one standard deviation: counting, and what all walls share")
    let scales = errors.attributes(unit: "V/m", hasCounting: true)["errors_common"]
    let changes = causes.map { "\($0): change_with_\($0)" }
    attributes["errors_common"] = .text(
      ([scales].compactMap(\.self) + changes).joined(separator: "; "))
    return attributes
  }
}

extension WallsValue {
  func group(_ stage: String) -> ResultGroup {
    var attributes: [String: ResultAttribute] = [
      "covariance_order": .text("field (V/m), w of sech^2(u/w) (m), position (m); units multiply"),
      "thickness_m": .number(thickness), "inclination_rad": .number(inclination),
      "wall_normal_azimuth_rad": .number(orientation.normalAzimuth),
      "wall_width_definition": .text(
        "intrinsic full width at half maximum, 1.7627 w of sech^2(u/w)"),
      "interval_definition": .text(
        "_lower and _upper: 68 % by profile likelihood, NaN where the data set no bound;"
          + " wall_width_errors is the larger side; wall_field_errors is linearized, or a quarter of the"
          + " length at 95 % if that is more"),
    ]
    // Without a wall to report, what else the model held says nothing; walls found one by one share
    // no offset.
    if !table.rows.isEmpty, found == nil {
      attributes["offset_V_per_m"] = .number(table.offset.value)
      attributes["slope_V_per_m2"] = table.slope.map { .number($0.value) }
    }
    if !table.rows.isEmpty, let chiSquare = table.reducedChiSquare {
      attributes["reduced_chi_square"] = .number(chiSquare)
    }
    // What walls answer to by a fit of their own is no common scale of their fields.
    var errors = context.commonErrors.scaleOnly
    for cause in table.causes { errors.scale[cause] = nil }
    let hasCounting = profile.error != nil
    attributes.merge(table.changeAttributes(besides: errors, hasCounting: hasCounting)) { $1 }
    return ResultGroup(
      name: stage, quantity: "walls", title: "Walls fitted through the thickness",
      signal: "wall_field", axes: [],
      datasets: table.datasets(fieldUnit: "V/m")
        + column("wall_field_times_sech_width", table.rows.map(\.product), unit: "V")
        + bounds("wall_field", table.rows.map(\.fieldInterval), unit: "V/m")
        + bounds("wall_width", table.rows.map(\.widthInterval), unit: "m") + [
          ResultDataset(
            "covariance", shape: [table.rows.count, 3, 3],
            values: .float64(table.rows.flatMap(\.covariance)), unit: "")
        ] + table.changeDatasets + foundDatasets,
      attributes: context.resultAttributes(
        attributes, errorsIn: "V/m", hasCounting: hasCounting, errors: errors))
  }
}

extension WallProfileValue {
  func group(_ stage: String) -> ResultGroup {
    let count = [profile.distance.count]
    var datasets = [
      ResultDataset("profile", shape: count, values: .float64(profile.value), unit: unit)
    ]
    if let error = profile.error {
      let common = context.commonErrors
      let total = zip(error, profile.value).map { error, value in
        let scaled = common.relativeScale * value
        return (error * error + scaled * scaled + common.constant * common.constant).squareRoot()
      }
      datasets.append(
        ResultDataset("profile_errors", shape: count, values: .float64(total), unit: unit))
    }
    // The other component, of which a rotation adds a part, is not in the profile.
    var errors = context.commonErrors
    errors.rotation = nil
    var attributes: [String: ResultAttribute] = [
      "profile_quantity": .text(quantity),
      "wall_normal_azimuth_rad": .number(orientation.normalAzimuth),
    ]
    if let table {
      datasets += table.datasetsInImage(fieldUnit: unit)
      if !table.rows.isEmpty, let chiSquare = table.reducedChiSquare {
        attributes["reduced_chi_square"] = .number(chiSquare)
      }
    }
    return ResultGroup(
      name: stage, quantity: "wall_profile", title: "Mean profile across the walls",
      signal: "profile",
      axes: [ResultAxis("distance", values: profile.distance.map { $0 * 1e9 }, unit: "nm")],
      datasets: datasets,
      attributes: context.resultAttributes(
        attributes, errorsIn: unit, hasCounting: profile.error != nil, errors: errors))
  }
}

extension WallTable {
  /// Center, amplitude and FWHM as they appear in the image, apart from a table of intrinsic walls.
  fileprivate func datasetsInImage(fieldUnit: String) -> [ResultDataset] {
    column("center", rows.map(\.wall.position), unit: "m")
      + column("amplitude", rows.map(\.wall.field), unit: fieldUnit)
      + column("full_width_half_maximum", rows.map(\.wall.width), unit: "m")
  }
}
