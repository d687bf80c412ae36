// What a table of walls says in words.
internal import DPCReconstruction
internal import Glibc
internal import Pipeline
internal import STEMCore

extension LineProfile {
  /// What was taken off along the walls.
  func slopeFacts(prefix: String, unit: String = "V/m") -> [Fact] {
    guard let slopeAlong else { return [] }
    let change = Format.quantity(
      slopeAlong.value * 1e-9, error: slopeAlong.error.map { $0 * 1e-9 }, unit: unit)
    return [
      Fact(
        "\(prefix)_slope_along",
        text: "a slope of \(change) per nm along the walls was taken off: descan that is left, or a"
          + " field that rises across the frame", value: slopeAlong.value, error: slopeAlong.error,
        unit: unit == "V/m" ? "V/m²" : "\(unit)/m")
    ]
  }
}

extension WallTable {
  /// One statement per wall, for at most this many; the rest is in the table.
  static let spokenWalls = 8

  /// - Parameter prefix: `wall` for intrinsic values, `profile` for those of the image.
  func facts(prefix: String, fieldUnit: String = "V/m") -> [Fact] {
    let slope = slopeFacts(prefix: prefix, fieldUnit: fieldUnit)
    if rows.isEmpty { return [Fact("\(prefix)_count", text: countWithoutRows, value: 0)] + slope }
    var facts = [
      Fact(
        "\(prefix)_count", text: "\(rows.count) wall\(rows.count == 1 ? "" : "s") fitted",
        value: Double(rows.count))
    ]
    for (index, row) in rows.prefix(Self.spokenWalls).enumerated() {
      facts += row.facts(prefix: prefix, number: index + 1, fieldUnit: fieldUnit)
    }
    return facts + bendFacts(prefix: prefix) + slope
  }

  /// Per nm, as the distances of a profile are; nil without a slope. Data without noise show one far below what the
  /// stated counts would let through: that is none.
  func slopeText(fieldUnit: String) -> String? {
    guard let slope, abs(slope.value) > slope.error ?? 0 else { return nil }
    let (value, error) = (slope.value * 1e-9, slope.error.map { $0 * 1e-9 })
    return "fitted on a slope of \(Format.quantity(value, error: error, unit: fieldUnit)) per nm"
      + " along the normal"
  }

  private func slopeFacts(prefix: String, fieldUnit: String) -> [Fact] {
    guard let slope, let text = slopeText(fieldUnit: fieldUnit) else { return [] }
    return [
      Fact(
        "\(prefix)_slope",
        text: text + ": descan that is left, "
          + (rows.isEmpty
            ? "a field that rises across the frame, or walls of opposite signs at its two ends"
            : "or a field that rises across the frame"),
        value: slope.value, error: slope.error,
        unit: fieldUnit == "V/m" ? "V/m²" : "\(fieldUnit)/m")
    ]
  }

  /// Whether something stands out of the noise that is in no row.
  private var leavesOut: Bool { !unmeasured.isEmpty || !nearRim.isEmpty }

  private var countWithoutRows: String {
    guard leavesOut else { return "no wall found above the noise" }
    let count = unmeasured.count + nearRim.count
    return count == 1
      ? "no wall measured: one stands above the noise, but its field cannot be told"
      : "no wall measured: \(count) stand above the noise, but none of their fields can be told"
  }

  var notes: [Note] {
    var notes = rows.enumerated().flatMap { index, row in
      row.remarks.map { Note(.warning, "wall \(index + 1): \($0)") }
    }
    notes += bendNotes + offsetNotes + overlapNotes
    for row in unmeasured {
      let place = Format.quantity(row.wall.position.value, unit: "m")
      let product = Format.quantity(row.product.value, error: row.product.error, unit: "V")
      notes.append(
        Note(
          .warning,
          "a wall at \(place) stands above the noise, but the error of its field exceeds it: left out;"
            + " E0·w, which needs no width, is \(product)"))
    }
    for wall in nearRim {
      let place = place(of: wall)
      let strength =
        wall.significance < 1e6
        ? " at \(Format.significant(wall.significance, digits: 2)) sigma" : ""
      notes.append(
        Note(
          .warning,
          "what looks like a wall \(place) (normal at \(Format.degrees(wall.normalAzimuth))) stands"
            + " above the noise\(strength), but the rim cuts it: its field is not measured"))
    }
    if isPoorFit, let reducedChiSquare {
      notes.append(
        Note(
          .warning,
          "the model does not fit the profile within its errors (reduced chi-square"
            + " \(Format.significant(reducedChiSquare, digits: 3))): look at the figure before trusting"
            + " the numbers"))
    }
    return notes
  }
}

extension WallTable {
  /// Where a wall at the rim lies; the fit puts the middle of a broad one anywhere beyond its profile.
  private func place(of wall: RimWall) -> String {
    func text(_ position: Double) -> String { Format.quantity(position, unit: "m") }
    guard wall.normalAzimuth == profileAzimuth, let first = curveDistance.first,
      let last = curveDistance.last
    else { return "at \(text(wall.position))" }
    let margin = (last - first) / 10
    guard wall.position < first - margin || wall.position > last + margin else {
      return "at \(text(wall.position))"
    }
    return "beyond the end of the profile at \(text(wall.position < first ? first : last))"
  }
}

extension WallTable {
  /// Where there is no wall: what one could have without showing.
  ///
  /// - Parameters:
  ///   - prefix: Of the fact's key.
  ///   - profile: Across the walls; where it ends before the frame the limit tells its range.
  ///   - map: Of which the profile is one.
  ///   - normalAzimuth: Of the profile, rad.
  ///   - direction: For which walls the limit holds, in words; empty for all that are asked for.
  ///   - geometry: Of the wall.
  ///   - fieldUnit: Of the profile.
  /// - Returns: None where something stands out of the noise that is in no row.
  func limitFacts(
    prefix: String, profile: LineProfile, of map: VectorMap, normalAzimuth: Double,
    direction: String = "", geometry: InclinationGeometry, fieldUnit: String = "V/m"
  ) -> [Fact] {
    guard rows.isEmpty, !leavesOut,
      let limit = wallUpperLimit(
        profile: level(profile), geometry: geometry, width: MapVerdict.wallWidth)
    else { return [] }
    return [
      Fact(
        "\(prefix)_upper_limit",
        text:
          "not detected\(slope == nil ? "" : " on this slope"): a wall 20 nm wide\(direction)\(Self.range(profile, map, normalAzimuth)) has less than"
          + " \(Format.quantity(limit, unit: fieldUnit)) (95 %)", value: limit, unit: fieldUnit)
    ]
  }
}

extension WallTable {
  /// A profile without the slope that was fitted to it.
  private func level(_ profile: LineProfile) -> LineProfile {
    guard let slope else { return profile }
    var level = profile
    for index in level.value.indices { level.value[index] -= slope.value * level.distance[index] }
    return level
  }

  /// Where a profile holds, in words, if the frame reaches farther: its corners have too few pixels.
  private static func range(
    _ profile: LineProfile, _ map: VectorMap, _ normalAzimuth: Double
  ) -> String {
    guard let pixel = map.pixelSize, let first = profile.distance.first,
      let last = profile.distance.last
    else { return "" }
    let reach =
      (abs(cos(normalAzimuth)) * Double(map.shape.columns - 1) * pixel.x
        + abs(sin(normalAzimuth)) * Double(map.shape.rows - 1) * pixel.y) / 2
    guard max(first + reach, reach - last) > 2 * max(pixel.x, pixel.y) else { return "" }
    return " between \(Format.quantity(first, unit: "m")) and \(Format.quantity(last, unit: "m"))"
      + " along its normal"
  }
}

extension WallRow {
  /// The interval of the width in words where its sides differ by more than a third.
  private var skewness: String {
    guard let lower = widthInterval.lower, let upper = widthInterval.upper else { return "" }
    let sides = [wall.width.value - lower, upper - wall.width.value].sorted()
    guard sides[1] > 1.33 * sides[0] else { return "" }
    return ", between \(Format.range(lower, upper, error: sides[0], unit: "m")) (68 %)"
  }

  /// The full width at half maximum with its error; where nothing says how narrow it can be, what it stays below.
  var widthText: String {
    let width = wall.width
    guard width.error != nil, widthInterval.lower == nil, let upper = widthInterval.upper else {
      return Format.quantity(width.value, error: width.error, unit: "m") + skewness
    }
    return "below \(Format.quantity(upper, unit: "m")) (68 %), most likely"
      + " \(Format.quantity(width.value, unit: "m"))"
  }

  /// Whether its position is no other than that of the middle of the scan, from which positions are measured.
  private var isCentered: Bool { abs(wall.position.value) < wall.position.error ?? 0 }

  var verdict: String { ", detected at \(Format.sigmas(significance))" }

  fileprivate func facts(prefix: String, number: Int, fieldUnit: String) -> [Fact] {
    func text(_ measurement: STEMCore.Measurement, _ unit: String) -> String {
      Format.quantity(measurement.value, error: measurement.error, unit: unit)
    }
    return [
      Fact(
        "\(prefix)_\(number)_field",
        text:
          "wall \(number) at \(isCentered ? "the scan's center, " : "")\(text(wall.position, "m")):"
          + " field \(text(wall.field, fieldUnit))\(verdict)",
        value: wall.field.value, error: wall.field.error, unit: fieldUnit),
      Fact(
        "\(prefix)_\(number)_width",
        text: "wall \(number): full width at half maximum \(widthText)",
        value: wall.width.value, error: wall.width.error, unit: "m"),
    ]
  }
}
