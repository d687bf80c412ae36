// Tables as spreadsheets write them: comma-separated values (RFC 4180), each cell with its place.

/// A cell and where it stands; lines and columns from 1, columns in Unicode scalars.
struct TableCell: Sendable {
  var text: String
  var line: Int
  var column: Int
}

/// Why a text is no table.
struct TableProblem: Error {
  var line: Int
  var column: Int
  var message: String
  var suggestion: String?
}

/// A header and the rows below it; rows without any text are left out.
struct DelimitedTable: Sendable {
  private(set) var header: [TableCell] = []
  /// Those with as many cells as the header.
  private(set) var rows: [[TableCell]] = []
  /// A complaint for each row of another length: which of its cells belongs to which column is not known.
  private(set) var problems: [TableProblem] = []

  /// - Throws: ``TableProblem`` for what leaves no rows to speak of: quotation marks out of place, columns that
  ///   are not separated by commas, a table without rows.
  init(_ text: String) throws(TableProblem) {
    var scanner = TableScanner(text)
    var records: [[TableCell]] = []
    while let record = try scanner.record() {
      if !record.allSatisfy(\.text.isEmpty) { records.append(record) }
    }
    guard let first = records.first else {
      throw TableProblem(
        line: 1, column: 1, message: "the table is empty",
        suggestion: "its first line names the columns: key, then inputs and STAGE.PARAMETER")
    }
    header = first
    if header.count == 1, header[0].text.contains(where: { $0 == ";" || $0 == "\t" }) {
      throw TableProblem(
        line: first[0].line, column: 1, message: "the columns are not separated by commas",
        suggestion: "save the table as comma-separated values, with decimal points")
    }
    if records.count == 1 {
      throw TableProblem(
        line: first[0].line, column: 1, message: "the table has a header and no rows",
        suggestion: "add a row for each acquisition")
    }
    for row in records.dropFirst() {
      if row.count == header.count {
        rows.append(row)
      } else {
        problems.append(problem(with: row))
      }
    }
  }

  /// Points to the first cell without a column, or to the last one of a row that is too short.
  private func problem(with row: [TableCell]) -> TableProblem {
    let cell = row[min(row.count - 1, header.count)]
    return TableProblem(
      line: cell.line, column: cell.column,
      message: "this row has \(row.count) cells, the header \(header.count)",
      suggestion: "a cell that holds a comma stands in double quotes; numbers have a point")
  }
}

/// Reads cells one after the other.
private struct TableScanner {
  private let scalars: [Unicode.Scalar]
  private var position = 0
  private var line = 1
  private var column = 1

  init(_ text: String) {
    let all = Array(text.unicodeScalars)
    scalars = all.first == "\u{FEFF}" ? Array(all.dropFirst()) : all
  }

  private var next: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

  /// Counts lines as ``SourceText`` does, which shows them.
  private mutating func advance() {
    let scalar = scalars[position]
    if scalar == "\n", position > 0, scalars[position - 1] == "\r" {
      column = 1
    } else if SourceText.isBreak(scalar) {
      (line, column) = (line + 1, 1)
    } else {
      column += 1
    }
    position += 1
  }

  /// The cells up to the end of a line; nil at the end of the text.
  mutating func record() throws(TableProblem) -> [TableCell]? {
    if next == nil { return nil }
    var cells: [TableCell] = []
    while true {
      cells.append(try cell())
      if next == "," {
        advance()
        continue
      }
      if next == "\r" { advance() }
      if next == "\n" { advance() }
      return cells
    }
  }

  private mutating func cell() throws(TableProblem) -> TableCell {
    while next == " " || next == "\t" { advance() }
    if next == "\"" { return try quoted() }
    let (startLine, startColumn) = (line, column)
    var text = String.UnicodeScalarView()
    while let scalar = next, scalar != ",", scalar != "\n", scalar != "\r" {
      text.append(scalar)
      advance()
    }
    return TableCell(text: String(text).trimmed, line: startLine, column: startColumn)
  }

  private mutating func quoted() throws(TableProblem) -> TableCell {
    let (startLine, startColumn) = (line, column)
    var text = String.UnicodeScalarView()
    advance()
    while let scalar = next {
      advance()
      if scalar != "\"" {
        text.append(scalar)
      } else if next == "\"" {
        text.append("\"")
        advance()
      } else {
        while next == " " || next == "\t" { advance() }
        if let after = next, after != ",", after != "\n", after != "\r" {
          throw TableProblem(
            line: line, column: column, message: "text after a closing quotation mark",
            suggestion: "write a quotation mark within a cell twice")
        }
        return TableCell(text: String(text), line: startLine, column: startColumn)
      }
    }
    throw TableProblem(
      line: startLine, column: startColumn, message: "the quotation mark is never closed")
  }
}
