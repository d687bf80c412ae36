// Numbers as a reader wants to see them.
internal import Foundation

enum NumberText {
  /// At most so many significant digits, without trailing zeros.
  static func significant(_ value: Double, _ digits: Int = 5) -> String {
    String(format: "%.\(digits)g", value)
  }

  /// Right-aligned in a column of a table.
  static func column(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }
}
