// What a search for walls says in words.
internal import DPCReconstruction
internal import Foundation
internal import Pipeline
internal import STEMCore

extension WallAlternation {
  var text: String {
    switch self {
    case .alternate(let pairs, let chance):
      let odds = pairs < 5 ? " (by chance: \(Format.percent(chance)))" : ""
      return "signs alternate in \(pairs == 1 ? "the one pair" : "all \(pairs) pairs") of neighbors"
        + odds
    case .doNot(let equal, let pairs):
      return "signs do not alternate: "
        + (pairs == 1
          ? "the one pair of neighbors has equal signs"
          : "\(equal) of \(pairs) pairs of neighbors have equal signs")
    case .cannotBeTold:
      return "whether signs alternate cannot be told: no two walls side by side"
    case .linesBetween:
      return "whether signs alternate cannot be told: between the walls lie lines that were refused"
    }
  }
}

extension WallFindings {
  func facts(_ table: WallTable) -> [Fact] {
    if isTwoDimensional {
      return [
        Fact(
          "wall_count",
          text: "no straight walls: the map varies in all directions, as around charges",
          value: 0)
      ]
    }
    var facts = table.facts(prefix: "wall")
    if walls.isEmpty {
      guard nearRim.isEmpty, let strongestRefused else { return facts }
      return [
        Fact(
          "wall_count",
          text: "no wall found; the clearest line\(strength(strongestRefused)) was refused:"
            + " \(strongestRefused.reason.rawValue)", value: 0)
      ]
    }
    let azimuths = families.indices.map { family in
      azimuthError(ofFamily: family).map { Format.degrees(families[family], error: $0) }
        ?? "\(Format.degrees(families[family])) (without an error)"
    }.joined(separator: ", ")
    facts.append(
      Fact(
        "wall_families",
        text: families.count == 1
          ? "normal of the walls at \(azimuths)"
          : "\(families.count) families of walls, normals at \(azimuths)",
        value: Double(families.count)))
    facts.append(Fact("wall_alternation", text: alternation.text))
    return facts
  }

  private func strength(_ line: RefusedLine) -> String {
    " at \(Format.sigmas(line.significance / errorScale))"
  }

  /// Walls whose azimuth the frame does not show, by their numbers in the table.
  private var azimuthNotes: [Note] {
    let measured = walls.filter { WallRow($0.fitted, errorScale: errorScale).isMeasured }
    let numbers = measured.indices.filter { !measured[$0].showsAzimuth }
    guard let first = numbers.first else { return [] }
    let list = numbers.map { "\($0 + 1)" }.joined(separator: ", ")
    let width = Format.quantity(measured[first].fitted.imageWidth, unit: "m")
    let length = Format.quantity(measured[first].length, unit: "m")
    return [
      Note(
        .warning,
        (numbers.count == 1
          ? "wall \(list) is wider in the image (\(width)) than the frame shows of its length (\(length))"
          : "walls \(list) are wider in the image (wall \(first + 1): \(width)) than the frame shows of their"
            + " length (\(length))")
          + ": how they run cannot be told from this map, and several walls can look like one; fit them with"
          + " finite-wall along a stated normal azimuth, or scan a wider frame")
    ]
  }

  /// That no wall runs as the file states; of a wall without an error of its azimuth nothing is said.
  ///
  /// - Parameter stated: The azimuth of the walls' normal in the file, rad.
  func contradictionNotes(statedNormal stated: Double?) -> [Note] {
    guard let stated, !families.isEmpty else { return [] }
    for family in families.indices {
      guard let error = azimuthError(ofFamily: family),
        WallOrientation.isOther(stated, than: families[family], error: error)
      else { return [] }
    }
    let found = families.map(Format.degrees).joined(separator: ", ")
    return [
      Note(
        .warning,
        "the file states the walls' normal at \(Format.degrees(stated)), and no wall is found there, but at"
          + " \(found): check wall_normal_azimuth, which is counted in the image from +x towards +y, and the scan's"
          + " rotation")
    ]
  }

  /// Walls of the table that may be pieces of one that bends.
  private var bentNotes: [Note] {
    let measured = walls.indices.filter {
      WallRow(walls[$0].fitted, errorScale: errorScale).isMeasured
    }
    return bentGroups.compactMap { group in
      let numbers = group.compactMap { measured.firstIndex(of: $0) }.map { "\($0 + 1)" }
      guard let last = numbers.last, numbers.count > 1 else { return nil }
      return Note(
        .warning,
        "walls \(numbers.dropLast().joined(separator: ", ")) and \(last) come together at small angles: they can be"
          + " pieces of one wall that bends, or lines through one, and then not all of their fields are the wall's;"
          + " look at the map, and 'crop' it to shorter pieces along the walls")
    }
  }

  /// Beside several walls of one family a refused line is often another one that stands too close to tell by itself.
  private var closeWalls: String {
    walls.count > 1 && rejections.contains { $0 == .background || $0 == .step }
      ? "; walls side by side that stand closer than a few of their widths are told apart by wall-profile, which"
        + " fits them together" : ""
  }

  func notes(hasErrors: Bool) -> [Note] {
    var notes: [Note] = []
    if isLeveled {
      notes.append(
        Note(
          .assumption,
          "the map holds a plane, such as descan leaves: it was taken off before walls were sought")
      )
    }
    notes += azimuthNotes + bentNotes
    let reasons = WallRejection.allCases.compactMap { reason -> String? in
      let count = rejections.count { $0 == reason }
      return count == 0 || reason == .misfit ? nil : "\(count) \(reason.rawValue)"
    }
    if !reasons.isEmpty {
      // What is clearer than a wall of the table, or stands where none is, is not passed over.
      let weakest = walls.map(\.significance).min() ?? 0
      let clearest = strongestRefused.map { "; the clearest\(strength($0)): \($0.reason.rawValue)" }
      notes.append(
        Note(
          strongestRefused?.significance ?? 0 > weakest ? .warning : .information,
          "lines not taken for walls: \(reasons.joined(separator: "; "))" + (clearest ?? "")
            + closeWalls
        ))
    }
    if isCutShort {
      notes.append(
        Note(
          .warning,
          "the search ended at its largest number of lines: there may be more than these"
            + " \(walls.count) walls; search parts of the map, each by 'crop' before"))
    }
    if !hasErrors {
      notes.append(
        Note(
          .assumption,
          "no counting statistics: noise taken from the finest structure of the map"))
    } else if errorScale > 1 {
      notes.append(
        Note(
          .warning,
          "the map scatters far less than the stated counts allow: no noise in the data, or a wrong"
            + " electrons_per_pixel; walls sought by the scatter"))
    }
    return notes
  }
}
