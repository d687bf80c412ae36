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

  /// χ² as a standard normal deviate, after Wilson and Hilferty (1931): within 0.1 up to three.
  private static func deviation(_ chiSquare: Double, _ freedom: Double) -> Double {
    let spread = 2 / (9 * freedom)
    return (cbrt(chiSquare / freedom) - (1 - spread)) / spread.squareRoot()
  }
}
