// Gradients of a plane by separable kernels, piece by piece: what is in between stays in the cache.

/// The gradient of a plane over a rectangle of its pixels.
///
/// ∂x is the correlation with `derivativeX` along rows and `smoothY` along columns, ∂y that with
/// `smoothX` and `derivativeY`. Every sum runs over its kernel in order.
struct GradientTile {
  /// Pieces of this size fit the second cache with their surroundings.
  static let rowCount = 64
  static let columnCount = 256

  private let smoothX: [Double]
  private let derivativeX: [Double]
  private let smoothY: [Double]
  private let derivativeY: [Double]
  private var derivedLines: [Double]
  private var smoothLines: [Double]
  /// ∂x and ∂y of the rectangle, row after row.
  private(set) var x: [Double]
  private(set) var y: [Double]

  /// - Precondition: Kernels have an odd length, those of one axis the same.
  init(smoothX: [Double], derivativeX: [Double], smoothY: [Double], derivativeY: [Double]) {
    precondition(
      smoothX.count % 2 == 1 && smoothY.count % 2 == 1 && smoothX.count == derivativeX.count
        && smoothY.count == derivativeY.count, "kernels are centered, and alike along an axis")
    self.smoothX = smoothX
    self.derivativeX = derivativeX
    self.smoothY = smoothY
    self.derivativeY = derivativeY
    derivedLines = [Double](
      repeating: 0, count: (Self.rowCount + smoothY.count - 1) * Self.columnCount)
    smoothLines = derivedLines
    x = [Double](repeating: 0, count: Self.rowCount * Self.columnCount)
    y = x
  }

  /// - Parameters:
  ///   - plane: Row after row.
  ///   - width: Of the plane.
  ///   - rows: At most ``rowCount``, no nearer to the rim than the kernels reach.
  ///   - columns: The same, at most ``columnCount``.
  mutating func form(of plane: [Double], width: Int, rows: Range<Int>, columns: Range<Int>) {
    precondition(
      rows.count <= Self.rowCount && columns.count <= Self.columnCount, "a piece fits the buffers")
    let origin =
      (rows.lowerBound - smoothY.count / 2) * width + columns.lowerBound - smoothX.count / 2
    let lines = rows.count + smoothY.count - 1
    Self.correlate(
      derivativeX, plane, from: origin, apart: width, step: 1, lines, columns.count,
      to: &derivedLines)
    Self.correlate(
      smoothX, plane, from: origin, apart: width, step: 1, lines, columns.count, to: &smoothLines)
    Self.correlate(
      smoothY, derivedLines, from: 0, apart: columns.count, step: columns.count, rows.count,
      columns.count, to: &x)
    Self.correlate(
      derivativeY, smoothLines, from: 0, apart: columns.count, step: columns.count, rows.count,
      columns.count, to: &y)
  }

  /// Sets `lineCount` lines of `count` values to Σ kernel[t] · source[from + line · apart + t · step + i].
  private static func correlate(
    _ kernel: [Double], _ source: [Double], from: Int, apart: Int, step: Int, _ lineCount: Int,
    _ count: Int, to values: inout [Double]
  ) {
    var target = values.mutableSpan
    for line in 0..<lineCount {
      formLineSums(
        kernel.span, source.span, from: from + line * apart, step: step, to: &target,
        at: line * count, count: count)
    }
  }
}

/// The places of a rectangle of a plane, row after row.
struct TilePlaces: Sequence {
  let rows: Range<Int>
  let columns: Range<Int>
  /// Of the plane.
  let width: Int

  /// The rectangles into which a band of rows is divided, from left to right.
  ///
  /// - Parameters:
  ///   - rows: Of the band.
  ///   - columns: To be divided.
  ///   - width: Of the plane.
  ///   - length: Columns of a rectangle, but for the last.
  static func all(
    rows: Range<Int>, columns: Range<Int>, width: Int, length: Int = GradientTile.columnCount
  ) -> [TilePlaces] {
    stride(from: columns.lowerBound, to: columns.upperBound, by: length).map {
      let end = Swift.min(columns.upperBound, $0 + length)
      return TilePlaces(rows: rows, columns: $0..<end, width: width)
    }
  }

  func makeIterator() -> Iterator {
    Iterator(row: rows.lowerBound, column: columns.lowerBound, places: self)
  }

  struct Iterator: IteratorProtocol {
    fileprivate var row: Int
    fileprivate var column: Int
    fileprivate let places: TilePlaces

    mutating func next() -> Int? {
      if row == places.rows.upperBound || places.columns.isEmpty { return nil }
      let place = row * places.width + column
      column += 1
      if column == places.columns.upperBound {
        column = places.columns.lowerBound
        row += 1
      }
      return place
    }
  }
}
