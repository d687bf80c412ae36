// Segments that hold no number anywhere in a frame, for whoever finds that no position can be used.
internal import STEMCore
internal import STEMData

extension FrameReader {
  /// The segments without a finite number in the window of the first frame; all of them where there is none at all.
  ///
  /// It reads no further than until every segment has one.
  func missingSegments() throws -> [Int] {
    var missing = Set(0..<metadata.segmentCount)
    try withReader { reader in
      var values: [Double] = []
      let rows = window.shape.rows
      for first in stride(from: 0, to: rows, by: Self.bandRows) where !missing.isEmpty {
        let band = first..<min(first + Self.bandRows, rows)
        try reader.readRows(fileRows(band), ofFrame: 0, into: &values)
        missing = missing.filter { !hasNumber($0, rowCount: band.count, values) }
      }
    }
    return missing.sorted()
  }

  /// - Parameter values: Of whole rows, segment after segment.
  private func hasNumber(_ segment: Int, rowCount: Int, _ values: [Double]) -> Bool {
    let columns = metadata.shape.columns
    return (0..<rowCount).contains { row in
      fileColumns.contains { values[(segment * rowCount + row) * columns + $0].isFinite }
    }
  }
}
