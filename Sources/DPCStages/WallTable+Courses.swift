// Remarks on walls whose field is not the same along them, and on walls that are not straight.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore

/// What a mean along a bent wall does to its numbers.
struct BentWall: Codable, Sendable, Equatable {
  var bend: WallBend
  /// The fitted width over that of the wall itself; nil beyond two, 1 where the fit has followed the bend.
  var widening: Double?
  /// Rows that may all be one wall, this one among them.
  var group: Range<Int>
}

extension WallTable {
  /// Of a width's standard error: what is off by less hardly adds to it.
  private static let leastWidening = 1.0 / 3

  /// How each wall runs through the map.
  ///
  /// - Parameter geometry: Of the fit.
  func courses(
    in map: VectorMap, geometry: InclinationGeometry, _ orientation: WallOrientation,
    _ correlation: CorrelationLength
  ) -> [WallCourse] {
    wallCourses(
      of: rows.map(\.wall), in: map, geometry: geometry, normalAzimuth: orientation.normalAzimuth,
      noiseFactor: correlation.x * correlation.y)
  }

  /// The table with remarks on walls of which a mean along the frame says little.
  ///
  /// - Parameters:
  ///   - courses: One for each row.
  ///   - geometry: Of the fit.
  func remarking(_ courses: [WallCourse], geometry: InclinationGeometry) -> WallTable {
    var copy = self
    for (index, course) in courses.enumerated() {
      guard !course.isEven else {
        copy.rows[index].bent = course.bend.map {
          BentWall(
            bend: $0,
            widening: $0.widening(fitted: rows[index].wall.width.value, geometry: geometry),
            group: course.group)
        }
        continue
      }
      let size =
        course.variation < 1
        ? "\(Format.percent(course.variation)) of its mean" : "more than its mean"
      copy.rows[index].remarks.append(
        "its field varies along it by \(size) (standard deviation),"
          + " and only the mean over the frame is in the table: it may end within the frame, bend, cross"
          + " other walls, or lie in foil of uneven thickness; find-walls fits walls between their ends"
      )
    }
    return copy
  }

  /// How far walls bow: one statement for those that bend alike.
  func bendFacts(prefix: String) -> [Fact] {
    let bent = rows.enumerated().compactMap { index, row in
      row.bent.flatMap { $0.group.lowerBound == index ? (number: index + 1, wall: $0) : nil }
    }
    guard let first = bent.first?.wall else { return [] }
    func fact(_ key: String, _ walls: String, _ bend: WallBend) -> Fact {
      let bow = Format.quantity(bend.bow.value, error: bend.bow.error, unit: "m")
      let spread = Format.quantity(bend.spread.value, error: bend.spread.error, unit: "m")
      return Fact(
        "\(prefix)_\(key)",
        text: "\(walls) by \(bow) over \(Format.quantity(bend.length, unit: "m")), the middle along"
          + " the normal; \(spread) off a straight line (root mean square)",
        value: bend.bow.value, error: bend.bow.error, unit: "m")
    }
    if first.bend.isShared {
      let isAlone = first.group == rows.indices
      return [fact("bow", isAlone ? "the wall bows" : "the walls bow alike", first.bend)]
    }
    return bent.prefix(Self.spokenWalls).map {
      fact("\($0.number)_bow", "\(Self.name($0.wall.group)): bows", $0.wall.bend)
    }
  }

  private static func name(_ group: Range<Int>) -> String {
    group.count == 1
      ? "wall \(group.lowerBound + 1)" : "walls \(group.lowerBound + 1) to \(group.upperBound)"
  }

  /// Warnings of what a bend makes of walls.
  var bendNotes: [Note] {
    let groups = Set(rows.compactMap(\.bent?.group)).filter { $0.count > 1 }
    return widthNotes
      + groups.sorted { $0.lowerBound < $1.lowerBound }.map {
        Note(
          .warning,
          "\(Self.name($0)) may be one: the map shows a wall that is not straight, and what lies nearer to each other"
            + " than it is wide can be its mean along the frame; 'crop' the map to shorter pieces along the walls"
        )
      }
  }

  /// A warning where a bend moves widths and fields by what counts beside their errors.
  private var widthNotes: [Note] {
    let widened = rows.enumerated().compactMap { index, row -> (number: Int, share: Double)? in
      guard let bent = row.bent, bent.group.count == 1 else { return nil }
      let share = (bent.widening ?? .infinity) - 1
      let error = (row.wall.width.error ?? 0) / row.wall.width.value
      return share > Self.leastWidening * error ? (index + 1, share) : nil
    }
    guard let most = widened.max(by: { $0.share < $1.share }) else { return [] }
    let width = rows[most.number - 1].wall.width
    func text(_ value: Double) -> String { Format.quantity(value, error: width.error, unit: "m") }
    let own =
      most.share.isFinite
      ? "about \(text(width.value / (1 + most.share)))" : "less than \(text(width.value / 2))"
    let these = widened.map { "\($0.number)" }.joined(separator: ", ")
    return [
      Note(
        .warning,
        (widened.count == 1 ? "wall \(these) is not straight" : "walls \(these) are not straight")
          + ", and the table holds a mean along the frame: \(widened.count == 1 ? "" : "wall \(most.number) is ")"
          + "\(text(width.value)) wide, where the wall itself is \(own) wide; fields are too low by as much,"
          + " and E0·w is not changed; 'crop' the map to shorter pieces along the walls")
    ]
  }
}
