// Small pictures of repeated frames, gathered while they are added: what tells how the specimen moved meanwhile.
internal import Glibc
public import STEMCore

/// Into which cells thumbnails gather positions, and which frames share one.
///
/// At most 64 thumbnails of 128 × 128 cells, however many frames there are and however large: memory does not grow with
/// either.
public struct ThumbnailGrid: Sendable, Equatable {
  private static let largestSide = 128
  private static let largestNumber = 64
  /// Bands of frames begin at multiples of this: a cell never belongs to two.
  public static let bandRows = 64

  /// Positions of a cell.
  public let cell: GridShape
  /// Cells of a thumbnail. Positions beyond the last whole cell are left out.
  public let shape: GridShape
  /// Frames that follow each other and share a thumbnail.
  public let framesTogether: Int
  /// Sides of a position along x and y over their geometric mean: what makes turned directions comparable.
  let aspect: SIMD2<Double>
  /// Of each segment: the unit vector to its middle, over its gain.
  let vectors: [SIMD2<Float>]
  /// Of each segment: one over its gain.
  let scales: [Float]
  let dark: [Double]

  /// - Parameters:
  ///   - shape: Of the frames.
  ///   - frameCount: How many there are.
  ///   - azimuths: Of the middle of each segment, rad.
  ///   - correction: Dark and gain of the segments.
  ///   - pixelSize: nil, where it is unknown, takes positions for squares.
  public init(
    shape: GridShape, frameCount: Int, azimuths: [Double], correction: SegmentCorrection,
    pixelSize: PixelSize?
  ) {
    precondition(azimuths.count == correction.gain.count, "an azimuth for each segment")
    let rows = Self.side(shape.rows, atMost: Self.bandRows)
    let columns = Self.side(shape.columns, atMost: .max)
    cell = GridShape(rows: rows, columns: columns)
    self.shape = GridShape(rows: shape.rows / rows, columns: shape.columns / columns)
    framesTogether = max(1, (frameCount + Self.largestNumber - 1) / Self.largestNumber)
    let sides = pixelSize.map { SIMD2($0.x, $0.y) } ?? SIMD2(1, 1)
    aspect = sides / (sides.x * sides.y).squareRoot()
    vectors = zip(azimuths, correction.gain).map { azimuth, gain in
      SIMD2(Float(cos(azimuth) / gain), Float(sin(azimuth) / gain))
    }
    scales = correction.gain.map { Float(1 / $0) }
    dark = correction.dark
  }

  /// The least power of two that leaves few enough cells.
  private static func side(_ count: Int, atMost largest: Int) -> Int {
    var side = 1
    while side < largest && count / side > largestSide { side *= 2 }
    return side
  }

  /// Sides of a cell along x and y, in units of a position's mean side.
  var cellSides: SIMD2<Double> {
    aspect * SIMD2(Double(cell.columns), Double(cell.rows))
  }

  /// Which thumbnail a frame adds to.
  func thumbnail(ofFrame frame: Int) -> Int { frame / framesTogether }
}

/// The thumbnails of frames, or of a band of their rows: in each cell the sums of the signals and of the components of
/// their first moment, dark and gain corrected.
///
/// Usable positions of a cell are added before their ratio is taken, as they are for the deflection itself.
public struct FrameThumbnails: Sendable {
  /// The sums of one thumbnail, cell after cell.
  struct Sums: Sendable, Equatable {
    var x: [Float]
    var y: [Float]
    var total: [Float]
  }

  let grid: ThumbnailGrid
  private(set) var sums: [Sums] = []
  private let rows: Int
  /// Of a row of positions, for one row of cells of one frame.
  private var line: [Float]
  private var columns: [SIMD4<Float>]

  /// - Parameter rows: Of the band; the first is the first of a cell.
  init(grid: ThumbnailGrid, rows: Int) {
    self.grid = grid
    self.rows = rows / grid.cell.rows
    let width = grid.shape.columns * grid.cell.columns
    line = [Float](repeating: 0, count: width)
    columns = [SIMD4<Float>](repeating: .zero, count: width)
  }

  /// Adds a frame.
  ///
  /// - Parameters:
  ///   - raw: `raw[start + segment * stride + position]`, zero at unusable positions.
  ///   - flags: Of the positions; only looked at where `skips` some.
  ///   - width: Columns of the frame.
  mutating func add<Raw: RawNumber>(
    _ raw: Span<Raw>, from start: Int, stride: Int, width: Int, _ flags: Span<UInt8>, skips: Bool,
    frame: Int
  ) {
    let thumbnail = grid.thumbnail(ofFrame: frame)
    while sums.count <= thumbnail {
      let none = [Float](repeating: 0, count: rows * grid.shape.columns)
      sums.append(Sums(x: none, y: none, total: none))
    }
    for row in 0..<rows {
      let first = row * grid.cell.rows * width
      for place in columns.indices { columns[place] = .zero }
      for segment in grid.scales.indices {
        let vector = grid.vectors[segment]
        addLines(
          raw, from: start + segment * stride + first, width: width, rows: grid.cell.rows,
          SIMD4(vector.x, vector.y, grid.scales[segment], 0), line: &line, to: &columns)
      }
      gather(into: thumbnail, row, flags, from: first, width: width, skips: skips)
    }
  }

  private mutating func gather(
    into thumbnail: Int, _ row: Int, _ flags: Span<UInt8>, from first: Int, width: Int, skips: Bool
  ) {
    let side = grid.cell.columns
    let dark = darkOfPosition
    let isDark = dark != .zero
    for column in 0..<grid.shape.columns {
      var sum = SIMD4<Float>.zero
      for place in (column * side)..<((column + 1) * side) { sum += columns[place] }
      if isDark {
        var usable = grid.cell.count
        if skips {
          for line in 0..<grid.cell.rows {
            for place in 0..<side {
              let flag = flags[first + line * width + column * side + place]
              usable -= flag & PixelFlags.unusable.rawValue == 0 ? 0 : 1
            }
          }
        }
        sum -= dark * Float(usable)
      }
      let cell = row * grid.shape.columns + column
      sums[thumbnail].x[cell] += sum.x
      sums[thumbnail].y[cell] += sum.y
      sums[thumbnail].total[cell] += sum.z
    }
  }

  /// What a usable position counts in the dark.
  private var darkOfPosition: SIMD4<Float> {
    grid.dark.indices.reduce(SIMD4<Float>.zero) { sum, segment in
      let vector = grid.vectors[segment]
      return sum + SIMD4(vector.x, vector.y, grid.scales[segment], 0) * Float(grid.dark[segment])
    }
  }

  /// Appends the band below.
  public mutating func append(_ below: FrameThumbnails) {
    if sums.isEmpty {
      sums = below.sums
      return
    }
    for thumbnail in sums.indices {
      sums[thumbnail].x += below.sums[thumbnail].x
      sums[thumbnail].y += below.sums[thumbnail].y
      sums[thumbnail].total += below.sums[thumbnail].total
    }
  }
}

/// Adds some rows of one segment, column by column, times the segment's weights.
private func addLines<Raw: RawNumber>(
  _ raw: Span<Raw>, from start: Int, width: Int, rows: Int, _ weights: SIMD4<Float>,
  line: inout [Float], to columns: inout [SIMD4<Float>]
) {
  let count = line.count
  precondition(columns.count == count, "a sum for each column")
  var sums = line.mutableSpan
  for place in 0..<count { sums[place] = 0 }
  // Up to 64 numbers of 16 bits: exact in single precision.
  for row in 0..<rows {
    let source = raw.extracting((start + row * width)..<(start + row * width + count))
    for place in 0..<count { sums[place] += source[place].single }
  }
  var target = columns.mutableSpan
  for place in 0..<count { target[place] += weights * sums[place] }
}
