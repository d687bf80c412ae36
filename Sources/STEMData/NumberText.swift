// Numbers as a reader wants to see them.
internal import Foundation

enum NumberText {
  /// At most so many significant digits, without trailing zeros.
  static func significant(_ value: Double, _ digits: Int = 5) -> String {
    value.isNaN ? "NaN" : String(format: "%.\(digits)g", value)
  }

  /// All its digits; NaN without the bits that the system tells of it.
  static func plain(_ value: Double) -> String { value.isNaN ? "NaN" : "\(value)" }

  /// Several of them, in brackets.
  static func plain(_ values: [Double]) -> String {
    "[" + values.map(plain).joined(separator: ", ") + "]"
  }

  /// Right-aligned in a column of a table.
  static func column(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }
}
