// The segments as characters: what a microscopist compares with the picture of the detector.
internal import Foundation
internal import STEMCore

/// Draws a detector on a grid of characters, x to the right and y down, `orientation` added.
struct SegmentDrawing {
  private let detector: SegmentedDetector
  /// A character is about twice as high as wide, hence twice as many columns as rows.
  private let columns = 33
  private let rows = 17

  init(_ detector: SegmentedDetector) { self.detector = detector }

  /// One line of text for each row; blanks at their ends are left out.
  func lines() -> [String] {
    var cells = [[Character]](
      repeating: [Character](repeating: " ", count: columns), count: rows)
    for row in 0..<rows {
      for column in 0..<columns where isBoundary(row: row, column: column) {
        cells[row][column] = "."
      }
    }
    for (index, segment) in detector.segments.enumerated() {
      label("\(index)", of: segment, in: &cells)
    }
    return cells.map { line in
      var line = line
      while line.last == " " { line.removeLast() }
      return String(line)
    }
  }

  /// Half a row is left free around the detector, so that its rim is drawn all around.
  private var radiusInRows: Double { Double(rows) / 2 - 0.5 }

  private func segment(row: Double, column: Double) -> Int? {
    let scale = detector.outerAngle / radiusInRows
    let x = (column - Double(columns - 1) / 2) / 2 * scale
    let y = (row - Double(rows - 1) / 2) * scale
    let radius = hypot(x, y)
    let azimuth = atan2(y, x) - detector.orientation
    return detector.segments.firstIndex { segment in
      guard radius >= segment.inner, radius < segment.outer else { return false }
      let turns = ((azimuth - segment.start) / (2 * Double.pi)).rounded(.down)
      return azimuth - turns * 2 * Double.pi < segment.stop
    }
  }

  /// Whether a boundary passes through the cell: its corners lie in different segments.
  private func isBoundary(row: Int, column: Int) -> Bool {
    let corners = [(-0.5, -0.5), (-0.5, 0.5), (0.5, -0.5), (0.5, 0.5)].map {
      segment(row: Double(row) + $0.0 + 1e-6, column: Double(column) + $0.1 + 1e-6)
    }
    return corners.contains { $0 != corners[0] }
  }

  private func label(
    _ text: String, of segment: DetectorSegment, in cells: inout [[Character]]
  ) {
    let azimuth = segment.middle + detector.orientation
    let radius = (segment.inner + segment.outer) / 2 / detector.outerAngle * radiusInRows
    let row = Int((Double(rows - 1) / 2 + radius * sin(azimuth)).rounded())
    let center = Double(columns - 1) / 2 + 2 * radius * cos(azimuth)
    let first = Int((center - Double(text.count - 1) / 2).rounded())
    for (offset, character) in text.enumerated() {
      let column = first + offset
      if cells.indices.contains(row), cells[row].indices.contains(column) {
        cells[row][column] = character
      }
    }
  }
}
