// At which positions the scatter between frames is watched.
public import STEMCore

/// The groups of positions that tell how frames scatter: all of them, or one in two, four, eight or sixteen.
///
/// A group is a column of up to nine positions. A difference of the eighth order over it, with squares that add up to 1,
/// keeps noise that differs from position to position as it is, and leaves a millionth of the power of what repeats
/// every eight positions: what the specimen, the beam or descan did between frames does not pass for noise. Along
/// columns lines that were scanned apart count as different, as their noise does.
///
/// A chi-square with n degrees of freedom knows the ratio to counting noise to √(2/n) of itself. Where more than
/// enough positions and frames are there, blocks of 64 columns are left out, in each row of groups others: those that
/// are taken lie on diagonals, so that all of a large frame is seen, and no wall is missed or counted twice.
public struct ScatterSampling: Sendable, Equatable {
  /// Columns of a block.
  static let length = 64
  /// Rows of a group, where the frame has as many; the lower ones for frames that hold too few whole groups, since a group
  /// counts for a frame that has all of its positions.
  public static let heights = [9, 3, 1]
  /// Groups begin anew at every multiple of this, as bands do: none lies in two bands.
  private static let stripe = ThumbnailGrid.bandRows
  /// One block in so many is taken at least.
  private static let sparse = 16
  /// Frames times groups that have to be left: at least as many degrees of freedom, so that the ratio is
  /// known to 0.5 % or better.
  static let enough = 110_000

  private let step: Int
  /// Number of the first group of the band, counted down the frame.
  private let firstGroup: Int
  /// The weights of a group's rows; one of a single row is 1, and compares frames position by position.
  let weights: [Double]

  /// Rows of a group.
  var height: Int { weights.count }

  /// - Parameters:
  ///   - shape: Of the whole frames, whatever the band: bands of one stack are sampled alike.
  ///   - frameCount: How many there are.
  ///   - firstRow: The row of the frame with which the band begins, a multiple of ``ThumbnailGrid/bandRows``.
  ///   - height: One of ``heights``.
  public init(
    shape: GridShape, frameCount: Int, firstRow: Int = 0, height: Int = ScatterSampling.heights[0]
  ) {
    precondition(firstRow.isMultiple(of: Self.stripe), "a band begins where groups do")
    let height = max(1, min(height, shape.rows))
    weights = Self.differences(height)
    firstGroup = firstRow / Self.stripe * (Self.stripe / height)
    let terms = (frameCount - 1) * shape.count / height
    var step = 1
    while step < Self.sparse && terms >= 2 * step * Self.enough
      && shape.columns >= 2 * step * Self.length
    {
      step *= 2
    }
    self.step = step
  }

  /// Binomials of alternating sign, over the root of the sum of their squares.
  private static func differences(_ count: Int) -> [Double] {
    var row = [1.0]
    for _ in 1..<count {
      row = [1.0] + zip(row, row.dropFirst()).map { $0 + $1 } + [1.0]
    }
    let norm = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
    return row.enumerated().map { ($0.offset.isMultiple(of: 2) ? 1 : -1) * $0.element / norm }
  }

  /// The rows of a band in order: groups, and what is left between them.
  ///
  /// - Parameter count: Rows of the band.
  func pieces(_ count: Int) -> [(rows: Range<Int>, isGroup: Bool)] {
    stride(from: 0, to: count, by: Self.stripe).flatMap { start in
      let end = min(start + Self.stripe, count)
      return stride(from: start, to: end, by: height).map { row in
        (row..<min(row + height, end), row + height <= end)
      }
    }
  }

  /// How many groups a band has below each other.
  func groupCount(_ rows: Int) -> Int { pieces(rows).count { $0.isGroup } }

  /// Room for the blocks of a row of groups.
  func places(_ shape: GridShape) -> Int {
    let blocks = (shape.columns + Self.length - 1) / Self.length
    return (blocks + step - 1) / step * Self.length
  }

  /// The blocks that are taken of one row of groups, by their first columns and the places that they fill, in order.
  ///
  /// - Parameter group: Of the band, counted from its first.
  func blocks(ofGroup group: Int, _ columns: Int) -> [(columns: Range<Int>, place: Int)] {
    let row = firstGroup + group
    let first = (step - row % step) % step
    return stride(from: first, to: (columns + Self.length - 1) / Self.length, by: step)
      .enumerated().map { number, block in
        (
          (block * Self.length)..<min((block + 1) * Self.length, columns),
          number * Self.length
        )
      }
  }
}
