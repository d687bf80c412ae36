// Numbers as the report prints them, and tables with aligned columns or in Markdown.
internal import Foundation

enum Layout {
  /// Three significant digits.
  static func number(_ value: Double) -> String { String(format: "%.3g", value) }
  static func percent(_ value: Double) -> String { String(format: "%.3g %%", value * 100) }
  static func signedPercent(_ value: Double) -> String { String(format: "%+.2g %%", value * 100) }
  static func nanometers(_ value: Double) -> String { String(format: "%.2f nm", value * 1e9) }

  static func percent(_ value: Double?) -> String { value.map { percent($0) } ?? "-" }
  static func number(_ value: Double?) -> String { value.map { number($0) } ?? "-" }
}

/// A table of texts.
struct Table {
  var header: [String]
  var rows: [[String]] = []

  /// Columns padded to their widest cell.
  var text: String {
    let widths = header.indices.map { column in
      ([header] + rows).map { $0[column].count }.max() ?? 0
    }
    return ([header] + rows).map { row in
      let cells = zip(row, widths).map { cell, width in
        cell + String(repeating: " ", count: width - cell.count)
      }
      return cells.joined(separator: "  ").trimmingCharacters(in: .whitespaces)
    }.joined(separator: "\n")
  }

  var markdown: String {
    func line(_ cells: [String]) -> String {
      "| " + cells.map { $0.replacingOccurrences(of: "|", with: "\\|") }.joined(separator: " | ")
        + " |"
    }
    return ([line(header), line(header.map { _ in "---" })] + rows.map(line))
      .joined(separator: "\n")
  }
}
