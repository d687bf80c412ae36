// At which positions the scatter between frames is watched, and the terms of it.
public import STEMCore

/// The positions that tell how frames scatter: all of them, or one block in two, four, eight or sixteen.
///
/// A chi-square with n degrees of freedom knows the ratio to counting noise to √(2/n) of itself. Where more than
/// enough positions and frames are there, blocks of 64 columns are left out, in each row others: those that are taken
/// lie on diagonals, so that every row and every column of a large frame is seen, and no wall is missed or
/// counted twice.
public struct ScatterSampling: Sendable, Equatable {
  /// Columns of a block.
  static let length = 64
  /// One block in so many is taken at least.
  private static let sparse = 16
  /// Frames times positions that have to be left: at least as many degrees of freedom, so that the ratio is
  /// known to 0.14 % or better.
  static let enough = 1_000_000

  private let step: Int
  /// Row of the frame that is the first of a band.
  let firstRow: Int

  /// - Parameters:
  ///   - shape: Of the whole frames, whatever the band: bands of one stack are sampled alike.
  ///   - frameCount: How many there are.
  ///   - firstRow: The row of the frame with which the band begins.
  public init(shape: GridShape, frameCount: Int, firstRow: Int = 0) {
    let terms = (frameCount - 1) * shape.count
    var step = 1
    while step < Self.sparse && terms >= 2 * step * Self.enough
      && shape.columns >= 2 * step * Self.length
    {
      step *= 2
    }
    self.step = step
    self.firstRow = firstRow
  }

  /// Room for the blocks of a row.
  func places(_ shape: GridShape) -> Int {
    let blocks = (shape.columns + Self.length - 1) / Self.length
    return (blocks + step - 1) / step * Self.length
  }

  /// The blocks that are taken of one row of the frame, in order.
  func blocks(ofRow row: Int, _ columns: Int) -> StrideTo<Int> {
    let first = (step - row % step) % step
    return stride(from: first, to: (columns + Self.length - 1) / Self.length, by: step)
  }

  /// The columns of a block.
  static func columns(ofBlock block: Int, _ columns: Int) -> Range<Int> {
    (block * length)..<min((block + 1) * length, columns)
  }
}

/// Terms signal²/(sum of the segments) of a block of positions.
struct ScatterTerms {
  private let dark: [Double]
  private let scale: [Double]
  /// One over the sums; zero where there is nothing to count.
  private var weight = [Double](repeating: 0, count: ScatterSampling.length)

  init(_ correction: SegmentCorrection) {
    dark = correction.dark
    scale = correction.gain.map { 1 / $0 }
  }

  /// Adds the terms of one frame.
  ///
  /// - Parameters:
  ///   - raw: `raw[start + segment * stride + place]`.
  ///   - flags: One a place; what is flagged adds nothing.
  ///   - squares: `squares[first + segment * width + place]`.
  mutating func add<Raw: RawNumber>(
    _ raw: Span<Raw>, from start: Int, stride: Int, _ flags: Span<UInt8>,
    to squares: inout [Double], at first: Int, stride width: Int
  ) {
    let count = flags.count
    precondition(count <= weight.count, "a block")
    // Held apart from self, of which another part is written to; nothing is copied.
    let (darks, scales) = (dark, scale)
    var weights = weight.mutableSpan
    for place in 0..<count { weights[place] = 0 }
    for segment in 0..<darks.count {
      let line = raw.extracting((start + segment * stride)..<(start + segment * stride + count))
      let (dark, scale) = (darks[segment], scales[segment])
      for place in 0..<count { weights[place] += (line[place].double - dark) * scale }
    }
    for place in 0..<count {
      let sum = weights[place]
      let isUsable = flags[place] & PixelFlags.unusable.rawValue == 0 && sum > 0
      weights[place] = isUsable ? 1 / max(sum, .leastNormalMagnitude) : 0
    }
    var sums = squares.mutableSpan
    for segment in 0..<darks.count {
      let line = raw.extracting((start + segment * stride)..<(start + segment * stride + count))
      let (dark, scale, target) = (darks[segment], scales[segment], first + segment * width)
      precondition(target + count <= sums.count, "room for the terms")
      for place in 0..<count {
        let signal = (line[place].double - dark) * scale
        sums[target + place] += signal * signal * weights[place]
      }
    }
  }
}
