// How the specimen drifted while repeated frames were recorded, and which frames show something else.
internal import FFTW
internal import Glibc
public import STEMCore

/// The specimen's shifts in the frames of a stack, from their thumbnails.
///
/// Frames are matched by the deflection, which carries the structure, without the surface of third order that stands for
/// descan. Where single frames hold too few counts neighbors are taken together. A drift is one that exceeds its error
/// six times, so that noise is taken for drift in less than one stack in a thousand.
public struct FrameDrift: Sendable, Equatable {
  /// Of each frame along x and y, in positions of the scan: the specimen stands so much further to the right and below
  /// than in the mean of the frames, weighed by their counts, so that descan in the aligned sum stays in its place. Zero
  /// where no drift is told from noise.
  public let shifts: [SIMD2<Double>]
  /// Whether more than half of the frames could be matched.
  public let isMeasured: Bool
  /// Whether any drift is told from noise.
  public let isSignificant: Bool
  /// From the first frame to the last where the drift is steady, else between the two frames that are furthest apart:
  /// along x and y in units of a position's mean side, the geometric mean of its sides.
  public let extent: SIMD2<Double>
  /// Covariance of the extent's components.
  public let covariance: Matrix2
  /// The direction in which alone frames tell shifts, such as that across straight walls; nil where they tell both.
  public let direction: SIMD2<Double>?
  /// Structure repeats itself at this distance in units of a position's mean side, so that longer shifts cannot be told from shorter ones;
  /// infinite where it does not.
  public let repeatDistance: Double
  /// Frames that show something else than most do.
  public let foreign: [Int]
  /// Whether that is known of each of them by itself.
  public let isForeignEach: Bool

  /// The length of the extent and its standard deviation along it, in a position's mean sides.
  public var distance: (value: Double, error: Double) {
    let size = length(extent)
    let along = direction ?? (size > 0 ? extent / size : SIMD2(1, 0))
    return (size, covariance.quadraticForm(along).squareRoot())
  }

  /// Six standard deviations.
  private static let significance = 36.0
}

/// What thumbnails tell of a stack.
public struct StackFindings: Sendable, Equatable {
  /// nil where there is too little structure beside noise for frames to be matched.
  public let drift: FrameDrift?
  /// Frames that count far less than most, and the part of the median that they count.
  public let dim: [(frame: Int, part: Double)]

  public static func == (a: StackFindings, b: StackFindings) -> Bool {
    a.drift == b.drift && a.dim.elementsEqual(b.dim) { $0 == $1 }
  }
}

/// Frames with a smaller part of the median count are not matched.
private let dimPart = 0.3
/// Those with more noise than this, in units of the median, neither.
private let noisyPart = 4.0
/// Thumbnails of fewer cells hold no wave that could be matched.
private let smallestSide = 8

extension FrameThumbnails {
  /// What these thumbnails, of whole frames, tell of their stack.
  public func findings(frameCount: Int) -> StackFindings {
    let totals = sums.map { $0.total.reduce(0.0) { $0 + Double($1) } }
    let lit = totals.filter { $0 > 0 }
    let typical = median(lit) ?? 0
    let dim = totals.indices.filter { totals[$0] < dimPart * typical }
    let told = dim.filter { totals[$0] > 0 }.flatMap { index in
      let first = index * grid.framesTogether
      return (first..<min(first + grid.framesTogether, frameCount)).map {
        (frame: $0, part: totals[index] / typical)
      }
    }
    let bright = totals.indices.filter { totals[$0] > 0 && totals[$0] >= dimPart * typical }
    let isLarge = min(grid.shape.rows, grid.shape.columns) >= smallestSide
    let drift = bright.count < 2 || !isLarge ? nil : drift(bright, totals, frameCount: frameCount)
    return StackFindings(drift: drift, dim: told)
  }

  /// - Parameters:
  ///   - bright: The thumbnails that are matched.
  ///   - totals: What each of them counts.
  private func drift(_ bright: [Int], _ totals: [Double], frameCount: Int) -> FrameDrift? {
    let still = [SIMD2<Double>](repeating: .zero, count: bright.count)
    let all = FrameSpectra(self, bright, frameCount: frameCount)
    let noises = all.spectra(still).map(\.noise)
    let limit = noisyPart * (median(noises) ?? 0)
    let chosen = bright.indices.filter { noises[$0] <= limit }
    if chosen.count < 2 { return nil }
    var counts = [Double](repeating: 0, count: frameCount)
    for index in bright {
      let first = index * grid.framesTogether
      let frames = first..<min(first + grid.framesTogether, frameCount)
      for frame in frames { counts[frame] = totals[index] / Double(frames.count) }
    }
    return FrameDrift(all.only(chosen), grid, counts: counts)
  }
}

extension FrameDrift {
  /// nil where frames hold too little structure beside noise.
  ///
  /// - Parameter counts: Of each frame; 0 of one that adds nothing.
  init?(_ source: FrameSpectra, _ grid: ThumbnailGrid, counts: [Double]) {
    let frameCount = counts.count
    let cell = grid.cellSides
    let still = [SIMD2<Double>](repeating: .zero, count: source.count)
    let first = source.spectra(still)
    guard let (found, level) = FrameTrack.finest(of: first, source.band, cell: cell) else {
      return nil
    }
    var track = found
    let foreign = track.spectra.indices.filter { !track.matches[$0] }
    // Without frames that show something else, which were taken for structure and for noise.
    var source = source
    var spectra = first
    if !foreign.isEmpty {
      let kept = spectra.indices.filter { index in
        !foreign.contains { track.spectra[$0].frames.overlaps(spectra[index].frames) }
      }
      if 2 * kept.count > spectra.count {
        source = source.only(kept)
        spectra = kept.map { spectra[$0] }
        if let again = FrameTrack(level.merged(spectra), source.band, cell: cell),
          again.matchCount == again.spectra.count
        {
          track = again
        }
      }
    }
    let others = foreign.flatMap { Array(found.spectra[$0].frames) }
    let isEach = level.merges == 0 && grid.framesTogether == 1
    guard track.matchCount > 1, 2 * track.matchCount > found.spectra.count || foreign.isEmpty else {
      self.init(unmatched: others, isEach: isEach, frameCount: frameCount, track)
      return
    }
    track.refineShifts(source, spectra, level, cell: cell)
    self.init(
      track, grid, foreign: others, isEach: isEach, counts: counts)
  }

  /// Of frames that do not show the same.
  private init(unmatched: [Int], isEach: Bool, frameCount: Int, _ track: FrameTrack) {
    shifts = [SIMD2<Double>](repeating: .zero, count: frameCount)
    (isMeasured, isSignificant, extent, covariance) = (false, false, .zero, .zero)
    direction = track.directions.second == nil ? track.directions.first : nil
    (repeatDistance, foreign, isForeignEach) = (track.repeatDistance, unmatched, isEach)
  }

  private init(
    _ track: FrameTrack, _ grid: ThumbnailGrid, foreign: [Int], isEach: Bool, counts: [Double]
  ) {
    let frameCount = counts.count
    let path = DriftPath(track)
    let dimensions = Double(track.directions.count)
    let isSteady = path.slopeSignificance > Self.significance
    let isUnsteady =
      path.scatter > Self.significance + 3 * dimensions * Double(path.times.count - 1)
    (isMeasured, isSignificant) = (true, isSteady || isUnsteady)
    direction = track.directions.second == nil ? track.directions.first : nil
    (repeatDistance, self.foreign, isForeignEach) = (track.repeatDistance, foreign, isEach)
    let (extent, covariance) = path.extent(frameCount: frameCount)
    self.extent = track.directions.shift(extent)
    self.covariance = track.directions.covariance(covariance)
    let all = (0..<frameCount).map {
      track.directions.shift(path.place(at: Double($0))) / grid.aspect
    }
    let weights = (0..<frameCount).map { isEach && foreign.contains($0) ? 0 : counts[$0] }
    let mean =
      zip(all, weights).reduce(SIMD2<Double>.zero) { $0 + $1.1 * $1.0 } / weights.reduce(0, +)
    shifts = isSignificant ? all.map { $0 - mean } : all.map { _ in .zero }
  }
}

extension ShiftDirections {
  /// Of components, along x and y.
  func covariance(_ components: Matrix2) -> Matrix2 {
    if second != nil { return components }
    var matrix = Matrix2.zero
    matrix.add(components.xx, first)
    return matrix
  }
}
