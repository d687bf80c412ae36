// What a table of walls says in words.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore

extension WallTable {
  /// One statement per wall, for at most this many; the rest is in the table.
  private static let spokenWalls = 8

  /// - Parameter prefix: `wall` for intrinsic values, `profile` for those of the image.
  func facts(prefix: String, fieldUnit: String = "V/m") -> [Fact] {
    if rows.isEmpty {
      return [
        Fact("\(prefix)_count", text: "no wall found above the noise", value: 0)
      ]
    }
    var facts = [
      Fact(
        "\(prefix)_count", text: "\(rows.count) wall\(rows.count == 1 ? "" : "s") fitted",
        value: Double(rows.count))
    ]
    for (index, row) in rows.prefix(Self.spokenWalls).enumerated() {
      facts += row.facts(prefix: prefix, number: index + 1, fieldUnit: fieldUnit)
    }
    return facts
  }

  var notes: [Note] {
    var notes = rows.enumerated().flatMap { index, row in
      row.remarks.map { Note(.warning, "wall \(index + 1): \($0)") }
    }
    for row in unmeasured {
      let place = Format.quantity(row.wall.position.value, unit: "m")
      let product = Format.quantity(row.product.value, error: row.product.error, unit: "V")
      notes.append(
        Note(
          .warning,
          "a wall at \(place) stands above the noise, but the error of its field exceeds it: left out;"
            + " E0·w, which needs no width, is \(product)"))
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
  /// Where there is no wall: what one could have without showing.
  func limitFacts(
    prefix: String, profile: LineProfile, geometry: InclinationGeometry, fieldUnit: String = "V/m"
  ) -> [Fact] {
    guard rows.isEmpty,
      let limit = wallUpperLimit(
        profile: profile, geometry: geometry, width: MapVerdict.wallWidth)
    else { return [] }
    return [
      Fact(
        "\(prefix)_upper_limit",
        text:
          "not detected: a wall 20 nm wide has less than \(Format.quantity(limit, unit: fieldUnit))"
          + " (95 %)", value: limit, unit: fieldUnit)
    ]
  }
}

extension WallRow {
  /// The interval of the width in words where its sides differ by more than a third.
  private var skewness: String {
    guard let lower = widthInterval.lower, let upper = widthInterval.upper else { return "" }
    let sides = [wall.width.value - lower, upper - wall.width.value].sorted()
    guard sides[1] > 1.33 * sides[0] else { return "" }
    return ", between \(Format.quantity(lower, unit: "m")) and"
      + " \(Format.quantity(upper, unit: "m")) (68 %)"
  }

  /// Beyond a million it is the missing noise that speaks.
  var verdict: String {
    significance < 1e6
      ? ", detected at \(Format.significant(significance, digits: 2)) sigma" : ""
  }

  fileprivate func facts(prefix: String, number: Int, fieldUnit: String) -> [Fact] {
    func text(_ measurement: STEMCore.Measurement, _ unit: String) -> String {
      Format.quantity(measurement.value, error: measurement.error, unit: unit)
    }
    return [
      Fact(
        "\(prefix)_\(number)_field",
        text: "wall \(number) at \(text(wall.position, "m")): field \(text(wall.field, fieldUnit))"
          + verdict,
        value: wall.field.value, error: wall.field.error, unit: fieldUnit),
      Fact(
        "\(prefix)_\(number)_width",
        text: "wall \(number): full width at half maximum \(text(wall.width, "m"))\(skewness)",
        value: wall.width.value, error: wall.width.error, unit: "m"),
    ]
  }
}
