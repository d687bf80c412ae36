// What a stage says of drift between frames, and what it does about it.
internal import DPCReconstruction
internal import Foundation
internal import Pipeline
internal import STEMCore

/// The drift of a stack, with what it means for the sum.
struct StackDrift {
  let findings: StackFindings
  let frameCount: Int
  let pixelSize: PixelSize?

  /// A drift that is longer than this part of the distance at which structure repeats itself may be another.
  private static let safePart = 0.25
  /// Frames are left out if no larger part of the stack is foreign.
  private static let foreignPart = 1.0 / 3

  /// Frames that are left out of the sum.
  var leftOut: [Int] { Set(foreignLeftOut + dimLeftOut).sorted() }

  private var foreignLeftOut: [Int] {
    guard let drift = findings.drift, drift.isForeignEach else { return [] }
    return isFew(drift.foreign) ? drift.foreign : []
  }

  /// What a blocked beam left adds next to nothing to the sum, but scatters about the others by many times what its few
  /// counts allow.
  private var dimLeftOut: [Int] {
    let dim = findings.dim.map(\.frame)
    return isFew(dim) ? dim : []
  }

  private func isFew(_ frames: [Int]) -> Bool {
    Double(frames.count) <= Self.foreignPart * Double(frameCount)
  }

  private var isAmbiguous: Bool {
    guard let drift = findings.drift else { return false }
    return drift.distance.value > Self.safePart * drift.repeatDistance
  }

  /// How the statement begins that frames were aligned; what describes the methods looks for it.
  static let alignment = "the frames were aligned by whole positions"

  /// How the frames are to be added.
  var plan: StackPlan {
    let still = [SIMD2<Double>](repeating: .zero, count: frameCount)
    let shifts = findings.drift.map { isAmbiguous ? still : $0.shifts } ?? still
    return StackPlan(shifts, leavingOut: leftOut)
  }

  /// The mean side of a position, m; nil where it is unknown.
  private var side: Double? { pixelSize.map { ($0.x * $0.y).squareRoot() } }

  /// "10.2 nm ± 0.1 nm (20.4 px)".
  private func text(_ drift: FrameDrift) -> String {
    let (size, error) = drift.distance
    guard let side else {
      return Format.significant(size, digits: 3) + " ± " + Format.significant(error, digits: 2)
        + " px"
    }
    return Format.quantity(side * size, error: side * error, unit: "m")
      + " (\(Format.significant(size, digits: 3)) px)"
  }

  // MARK: Facts and notes

  /// - Parameters:
  ///   - common: The part of the window that all frames cover; nil where they were added where they are.
  ///   - window: All of it.
  func facts(common: ScanWindow?, window: ScanWindow) -> [Fact] {
    driftFacts + (common.map { alignmentFacts($0, window) } ?? [])
  }

  /// None where frames were left out, but none was moved.
  private func alignmentFacts(_ common: ScanWindow, _ window: ScanWindow) -> [Fact] {
    if plan.shifts.allSatisfy({ $0 == nil || $0 == PositionShift() }) { return [] }
    let rows = window.shape.rows - common.shape.rows
    let columns = window.shape.columns - common.shape.columns
    let masked =
      rows + columns == 0
      ? "" : "; \(columns) columns and \(rows) rows at the rims, which not all show, are masked"
    return [
      Fact(
        "frames_aligned",
        text: "\(Self.alignment) before they were added\(masked)",
        value: Double(window.shape.count - common.shape.count), unit: "positions")
    ]
  }

  private var driftFacts: [Fact] {
    guard let drift = findings.drift, drift.isMeasured, !(drift.isSignificant && isAmbiguous) else {
      return []
    }
    let across = drift.direction.map { " along an azimuth of \(azimuth($0))" } ?? ""
    let (unit, scale) = (side == nil ? "px" : "m", side ?? 1)
    let (size, error) = (scale * drift.distance.value, scale * drift.distance.error)
    if drift.isSignificant {
      return [
        Fact(
          "frame_drift", text: "the specimen drifted by \(text(drift)) over the stack\(across)",
          value: size, error: error, unit: unit)
      ]
    }
    // Two standard errors on top of what was found.
    let limit = size + 2 * error
    let shown =
      side == nil
      ? "\(Format.significant(limit, digits: 2)) px"
      : "\(Format.significant(limit * 1e9, digits: 2)) nm"
    return [
      Fact(
        "frame_drift_limit",
        text: "the specimen drifted by less than \(shown) over the stack\(across)",
        value: limit, unit: unit)
    ]
  }

  private func azimuth(_ direction: SIMD2<Double>) -> String {
    var angle = atan2(direction.y, direction.x)
    if angle < 0 { angle += Double.pi }
    return Format.fixed(angle * 180 / Double.pi, 1) + "°"
  }

  /// - Parameter common: The part of the window that all frames cover; nil where they were added where they are.
  func notes(common: ScanWindow?) -> [Note] {
    driftNotes(common) + foreignNotes + dimNotes
  }

  private func driftNotes(_ common: ScanWindow?) -> [Note] {
    guard let drift = findings.drift, drift.isMeasured else {
      return [
        Note(
          .assumption,
          "too few counts, or too little structure, to tell whether the specimen drifted between frames: none is taken to"
            + " have; a drift blurs the sum"
        )
      ]
    }
    var notes: [Note] = []
    if drift.isSignificant, isAmbiguous {
      let period =
        side.map { "\(Format.significant(drift.repeatDistance * $0 * 1e9, digits: 2)) nm" }
        ?? "\(Format.significant(drift.repeatDistance, digits: 2)) px"
      notes.append(
        Note(
          .warning,
          "the specimen drifted, but by how much cannot be told: its structure repeats itself after \(period)."
            + " The frames are added where they are, and the sum is blurred; feed fewer of them, or frames that"
            + " were aligned before"))
    } else if drift.isSignificant, common == nil,
      plan.shifts.contains(where: { $0 != nil && $0 != PositionShift() })
    {
      notes.append(
        Note(
          .warning,
          "the frames are not aligned: after a drift of \(text(drift)) they share too small a part of the scan;"
            + " the sum is blurred by as much; feed fewer frames"))
    }
    if let direction = drift.direction, drift.isSignificant {
      notes.append(
        Note(
          .assumption,
          "straight structures tell drift across them alone, at an azimuth of \(azimuth(direction)): none is taken"
            + " to have been along them"))
    }
    return notes
  }

  private var foreignNotes: [Note] {
    guard let drift = findings.drift, !drift.foreign.isEmpty else { return [] }
    let (names, count) = (list(drift.foreign), drift.foreign.count)
    if !drift.isMeasured || 2 * count > frameCount {
      return [
        Note(
          .warning,
          "the frames do not show the same structure (counted from 0, \(names) differ from the rest): the sum is of"
            + " different places, or of a specimen that changed; split the file")
      ]
    }
    let what =
      foreignLeftOut.isEmpty
      ? "among them are some that do not belong to the stack, and were added all the same; remove them from the file"
      : "left out: remove them from the file, or see why they differ"
    return [
      Note(
        .warning,
        "\(count) of \(frameCount) frames do not show the structure that the others do, wherever it is looked for"
          + " (counted from 0: \(names)): \(what)")
    ]
  }

  private var dimNotes: [Note] {
    if findings.dim.isEmpty { return [] }
    let names = list(findings.dim.map(\.frame))
    let part = findings.dim.map(\.part).max() ?? 0
    return [
      Note(
        .warning,
        "\(findings.dim.count) of \(frameCount) frames count at most \(Format.percent(part)) of what the others do"
          + " (counted from 0: \(names)): the beam was off or blocked; "
          + (dimLeftOut.isEmpty ? "they add next to nothing" : "left out"))
    ]
  }

  private func list(_ frames: [Int]) -> String {
    frames.prefix(8).map(String.init).joined(separator: ", ") + (frames.count > 8 ? ", ..." : "")
  }
}
