// How repeated frames differ from position to position, as sums that every frame adds to.
internal import STEMCore

/// Sums over frames of the differences that ``ScatterSampling`` takes down columns, of every segment's part of the signal.
///
/// A part z = I/N of N electrons scatters by q(1-q)/N whatever the beam's current was; its difference Σ c z by
/// Σ c² q(1-q)/N.
struct FrameDifferences: Sendable {
  private let sampling: ScatterSampling
  private let places: Int
  private let dark: [Double]
  private let scale: [Double]
  /// Of each segment and group.
  private var sums: [Double]
  private var squares: [Double]
  /// Of each row and group: Σ 1/N over the frames that count there.
  private var inverses: [Double]
  /// Of each group: frames of which no position is unusable.
  private var counts: [Int32]
  /// Of the rows of a block: one over the signal of all segments; zero where the group does not count.
  private var shares: [Double]
  /// Of a block.
  private var differences = [Double](repeating: 0, count: ScatterSampling.length)

  /// - Parameter shape: Of the band.
  init(_ correction: SegmentCorrection, _ sampling: ScatterSampling, _ shape: GridShape) {
    self.sampling = sampling
    dark = correction.dark
    scale = correction.gain.map { 1 / $0 }
    places = sampling.groupCount(shape.rows) * sampling.places(shape)
    sums = [Double](repeating: 0, count: dark.count * places)
    squares = sums
    inverses = [Double](repeating: 0, count: sampling.height * places)
    counts = [Int32](repeating: 0, count: places)
    shares = [Double](repeating: 0, count: sampling.height * ScatterSampling.length)
  }

  /// Adds the groups of one frame that lie side by side in a block.
  ///
  /// - Parameters:
  ///   - raw: `raw[start + segment * stride + row * width + column]`.
  ///   - flags: Of the frame: what is flagged adds nothing, nor what stands in a group with it.
  ///   - columns: Of the block, at most ``ScatterSampling/length``.
  ///   - first: Their first place.
  mutating func add<Raw: RawNumber>(
    _ raw: Span<Raw>, from start: Int, stride: Int, width: Int, _ flags: Span<UInt8>,
    from firstFlag: Int, columns: Int, at first: Int
  ) {
    let height = sampling.height
    for row in 0..<height {
      take(raw, from: start + row * width, stride: stride, columns, row)
    }
    for column in 0..<columns {
      let isUsable = (0..<height).allSatisfy { row in
        flags[firstFlag + row * width + column] & PixelFlags.unusable.rawValue == 0
          && shares[row * ScatterSampling.length + column] > 0
      }
      if isUsable {
        counts[first + column] += 1
      } else {
        for row in 0..<height { shares[row * ScatterSampling.length + column] = 0 }
      }
    }
    for row in 0..<height {
      for column in 0..<columns {
        inverses[row * places + first + column] += shares[row * ScatterSampling.length + column]
      }
    }
    for segment in 0..<dark.count {
      addDifference(
        raw, from: start + segment * stride, width: width, segment, columns, at: first)
    }
  }

  /// Takes down one over the sums of all segments; zero where there is nothing to count.
  private mutating func take<Raw: RawNumber>(
    _ raw: Span<Raw>, from start: Int, stride: Int, _ columns: Int, _ row: Int
  ) {
    let first = row * ScatterSampling.length
    precondition(first + columns <= shares.count, "a row of the block")
    // Held apart from self, of which another part is written to; nothing is copied.
    let (darks, scales) = (dark, scale)
    var target = shares.mutableSpan
    for column in 0..<columns { target[first + column] = 0 }
    for segment in 0..<darks.count {
      let line = raw.extracting((start + segment * stride)..<(start + segment * stride + columns))
      let (dark, scale) = (darks[segment], scales[segment])
      for column in 0..<columns {
        target[first + column] += (line[column].double - dark) * scale
      }
    }
    for column in 0..<columns {
      let sum = target[first + column]
      target[first + column] = sum > 0 ? 1 / max(sum, .leastNormalMagnitude) : 0
    }
  }

  private mutating func addDifference<Raw: RawNumber>(
    _ raw: Span<Raw>, from start: Int, width: Int, _ segment: Int, _ columns: Int, at first: Int
  ) {
    // Held apart from self, of which other parts are written to; nothing is copied.
    let (dark, scale, weights, shares) = (dark[segment], scale[segment], sampling.weights, shares)
    let target = segment * places + first
    precondition(target + columns <= sums.count, "room for the groups")
    var difference = differences.mutableSpan
    for column in 0..<columns { difference[column] = 0 }
    for row in weights.indices {
      let line = raw.extracting((start + row * width)..<(start + row * width + columns))
      let share = shares.span.extracting(
        (row * ScatterSampling.length)..<(row * ScatterSampling.length + columns))
      let weight = weights[row] * scale
      for column in 0..<columns {
        difference[column] += (line[column].double - dark) * weight * share[column]
      }
    }
    addNumbers(differences, to: &sums, at: target, columns)
    addSquares(differences, to: &squares, at: target, columns)
  }

  /// How many frames count in a group.
  func frameCount(at place: Int) -> Int { Int(counts[place]) }

  /// Σ (D - D̄)² over the frames of a group for one segment; differences of rounding alone are none.
  func scatter(ofSegment segment: Int, at place: Int) -> Double {
    let (sum, square) = (sums[segment * places + place], squares[segment * places + place])
    let frames = Double(counts[place])
    let scatter = square - sum * sum / frames
    return scatter > 4 * (frames + 8) * 0x1p-53 * square ? scatter : 0
  }

  /// The mean over a group's frames of what one unit of signal counts: 1/N.
  func inverse(ofRow row: Int, at place: Int) -> Double {
    inverses[row * places + place] / Double(counts[place])
  }
}

private func addNumbers(_ numbers: [Double], to sums: inout [Double], at first: Int, _ count: Int) {
  var sums = sums.mutableSpan
  for place in 0..<count { sums[first + place] += numbers[place] }
}

private func addSquares(_ numbers: [Double], to sums: inout [Double], at first: Int, _ count: Int) {
  var sums = sums.mutableSpan
  for place in 0..<count { sums[first + place] += numbers[place] * numbers[place] }
}
