// Which frames of a stack are added, and by how much each is moved before.
internal import DPCReconstruction
internal import STEMCore

/// Frames that follow each other and are read together.
struct FrameGroup: Sendable, Equatable {
  var frames: Range<Int>
  /// By how many positions further down and to the right they are read.
  var shift: PositionShift
}

/// A shift by whole positions: sums of counts stay exact.
struct PositionShift: Sendable, Equatable {
  var rows = 0
  var columns = 0
}

/// The frames that are added, each with its shift.
struct StackPlan: Sendable, Equatable {
  /// Of each frame; nil leaves it out.
  private(set) var shifts: [PositionShift?]

  /// All frames where they are.
  init(frameCount: Int) {
    shifts = [PositionShift?](repeating: PositionShift(), count: frameCount)
  }

  /// - Parameters:
  ///   - shifts: Of each frame along x and y.
  ///   - leavingOut: Frames that are not added.
  init(_ shifts: [SIMD2<Double>], leavingOut: [Int]) {
    self.shifts = shifts.map {
      PositionShift(rows: Int($0.y.rounded()), columns: Int($0.x.rounded()))
    }
    for frame in leavingOut { self.shifts[frame] = nil }
  }

  /// Frames that are added.
  var count: Int { shifts.count { $0 != nil } }

  /// Whether it adds all frames where they are.
  var isPlain: Bool { shifts.allSatisfy { $0 == PositionShift() } }

  /// Frames to be read together: at most so many, all with one shift, and none across a multiple of that number, where
  /// chunks end.
  func groups(of size: Int) -> [FrameGroup] {
    var groups: [FrameGroup] = []
    for (frame, shift) in shifts.enumerated() {
      guard let shift else { continue }
      if let last = groups.indices.last, groups[last].frames.upperBound == frame,
        groups[last].shift == shift, frame % size != 0
      {
        groups[last].frames = groups[last].frames.lowerBound..<(frame + 1)
      } else {
        groups.append(FrameGroup(frames: frame..<(frame + 1), shift: shift))
      }
    }
    return groups
  }

  /// The part of a window that all frames cover once they are moved.
  ///
  /// - Parameters:
  ///   - window: Of the scan.
  ///   - scan: The shape of the frames in the file, which may reach beyond the window.
  /// - Returns: nil where there is none.
  func common(_ window: ScanWindow, of scan: GridShape) -> ScanWindow? {
    let moves = shifts.compactMap(\.self)
    guard
      let rows = common(
        window.firstRow..<(window.firstRow + window.shape.rows), scan.rows, moves.map(\.rows)),
      let columns = common(
        window.firstColumn..<(window.firstColumn + window.shape.columns), scan.columns,
        moves.map(\.columns))
    else { return nil }
    return ScanWindow(
      firstRow: rows.lowerBound, firstColumn: columns.lowerBound,
      shape: GridShape(rows: rows.count, columns: columns.count))
  }

  private func common(_ range: Range<Int>, _ count: Int, _ moves: [Int]) -> Range<Int>? {
    let lower = max(range.lowerBound, -(moves.min() ?? 0))
    let upper = min(range.upperBound, count - (moves.max() ?? 0))
    return lower < upper ? lower..<upper : nil
  }
}

extension Range<Int> {
  func moved(by step: Int) -> Range<Int> { (lowerBound + step)..<(upperBound + step) }
}
