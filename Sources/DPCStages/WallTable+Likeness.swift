// Whether the walls of one table are walls of one kind, as a mean over them takes for granted.
internal import DPCReconstruction
internal import Foundation
internal import Pipeline
internal import STEMCore

extension WallTable {
  /// How the signs of walls follow each other along the normal.
  var signsInWords: String {
    let signs = rows.sorted { $0.wall.position.value < $1.wall.position.value }
      .map { $0.wall.field.value < 0 }
    if Set(signs).count < 2 { return rows.count == 1 ? "a single wall" : "all of one sign" }
    return zip(signs, signs.dropFirst()).allSatisfy { $0 != $1 }
      ? "alternating in sign" : "of both signs, not alternating"
  }

  /// Whether no wall's field is positive.
  var isAllNegative: Bool { rows.allSatisfy { $0.wall.field.value < 0 } }

  /// Of which walls a field is that is combined from this table, of the top view, and another's.
  var signDefinition: String {
    let negative = rows.count { $0.wall.field.value < 0 }
    if negative > 0 && negative < rows.count {
      return
        "that of the walls whose wall_field is positive in the top view's table; antiparallel ones"
        + " have the opposite field"
    }
    let sign = negative > 0 ? "negative" : "positive"
    return rows.count == 1
      ? "that of the top view's wall, whose wall_field is \(sign); an antiparallel one has the opposite"
        + " field"
      : "that of the top view's walls, whose wall_field is \(sign) throughout; antiparallel ones have"
        + " the opposite field"
  }

  /// Fields of like walls scatter about their mean by more than this with a chance of 0.0013, one side of a normal
  /// distribution.
  private static let clearScatter = 3.0

  /// A warning where the sizes of the walls' fields differ by more than their own errors allow.
  ///
  /// - Parameter view: Whose walls they are, in words.
  func likenessNotes(in view: String) -> [Note] {
    let fields = rows.compactMap { row -> (size: Double, variance: Double)? in
      let variance = row.ownFieldVariance
      return variance > 0 ? (abs(row.wall.field.value), variance) : nil
    }
    guard fields.count > 1 else { return [] }
    let weight = fields.reduce(0) { $0 + 1 / $1.variance }
    let mean = fields.reduce(0) { $0 + $1.size / $1.variance } / weight
    let chiSquare = fields.reduce(0) { sum, field in
      sum + (field.size - mean) * (field.size - mean) / field.variance
    }
    let freedom = Double(fields.count - 1)
    guard Self.deviation(chiSquare, freedom) > Self.clearScatter else { return [] }
    let sizes = fields.map(\.size)
    func text(_ size: Double?) -> String { Format.quantity(size ?? 0, unit: "V/m") }
    return [
      Note(
        .warning,
        "the walls of the \(view) are not of one kind: their fields have sizes from \(text(sizes.min())) to"
          + " \(text(sizes.max())), and their own errors do not explain it (chi-square"
          + " \(Format.significant(chiSquare, digits: 3)) for \(Int(freedom)) degrees of freedom); what is combined is"
          + " their mean: 'crop' both views to walls that correspond")
    ]
  }

  /// Widths of walls of one kind differ by more of their errors between two views with a chance of 6e-5.
  private static let clearDifference = 4.0

  /// A warning where the walls of two views are not equally wide.
  static func widthNotes(top: WallTable, cross: WallTable) -> [Note] {
    guard let a = top.meanWidth, let b = cross.meanWidth, let s = a.error, let t = b.error
    else { return [] }
    let deviation = abs(a.value - b.value) / hypot(s, t)
    guard deviation > clearDifference else { return [] }
    return [
      Note(
        .warning,
        "the walls are \(Format.quantity(a.value, error: s, unit: "m")) wide in the top view and"
          + " \(Format.quantity(b.value, error: t, unit: "m")) in the cross-section, \(Format.sigmas(deviation)) apart:"
          + " they are walls of two kinds, or the cross-section's inclination or thickness is another; fields that agree"
          + " do not rule that out")
    ]
  }

  /// The mean full width at half maximum of walls whose width is bounded on both sides, by their weights, m.
  private var meanWidth: STEMCore.Measurement? {
    let known = rows.filter {
      $0.widthInterval.lower != nil && $0.widthInterval.upper != nil && $0.ownWidthVariance > 0
    }
    let weights = known.map { 1 / $0.ownWidthVariance }
    let total = weights.reduce(0, +)
    guard total > 0 else { return nil }
    func mean(_ value: (WallRow) -> Double) -> Double {
      zip(known, weights).reduce(0) { $0 + value($1.0) * $1.1 } / total
    }
    // What all walls share moves them together.
    let causes = Set(known.flatMap { ($0.changes ?? [:]).keys }).sorted()
    let variance = causes.reduce(1 / total) { sum, cause in
      let change = mean { $0.changes?[cause]?.sechWidth ?? 0 }
      return sum + change * change
    }
    return STEMCore.Measurement(
      mean { $0.wall.width.value }, error: InclinationGeometry.widthFactor * variance.squareRoot())
  }

  /// χ² as a standard normal deviate, after Wilson and Hilferty (1931): within 0.1 up to three.
  private static func deviation(_ chiSquare: Double, _ freedom: Double) -> Double {
    let spread = 2 / (9 * freedom)
    return (cbrt(chiSquare / freedom) - (1 - spread)) / spread.squareRoot()
  }
}
