// Numbers for single pixels of a field, looked up when lines of it are read.
public import STEMCore
internal import WorkSharing

/// The numbers that stand in for the unusable pixels of a field; see ``gapFilling(of:)``.
public struct GapFilling: Sendable, Equatable {
  /// Positions, ascending.
  let pixels: [Int32]
  /// A vector for each of them, in the unit of the field.
  let values: [SIMD2<Double>]

  /// Of a field without unusable pixels.
  public static let none = GapFilling(pixels: [], values: [])

  public var isEmpty: Bool { pixels.isEmpty }

  /// Which of the vectors' numbers is meant.
  enum Component: Int {
    case x, y
  }

  /// Flags the pixels as filled in; their reasons remain.
  public func mark(_ mask: inout PixelMask) {
    for pixel in pixels { mask.bytes[Int(pixel)] |= PixelFlags.filledIn.rawValue }
  }

  /// Copies the numbers at some positions, filling the gaps among them.
  ///
  /// - Precondition: `target` has room for as many numbers.
  func copy(
    _ component: Component, of field: VectorField, _ positions: Range<Int>,
    minus offset: Double = 0,
    to target: UnsafeMutablePointer<Double>
  ) {
    let source = (component == .x ? field.x : field.y).span.extracting(positions)
    for index in 0..<source.count { target[index] = source[index] - offset }
    for gap in gaps(in: positions) {
      target[Int(pixels[gap]) - positions.lowerBound] = values[gap][component.rawValue] - offset
    }
  }

  /// The same for whole rows.
  func copy(
    _ component: Component, of field: VectorField, rows: Range<Int>, minus offset: Double,
    to target: UnsafeMutablePointer<Double>
  ) {
    let columns = field.shape.columns
    copy(
      component, of: field, (rows.lowerBound * columns)..<(rows.upperBound * columns),
      minus: offset, to: target)
  }

  /// The mean of a component over all positions, in blocks as ``orderedMean(_:)``.
  func mean(_ component: Component, of field: VectorField) -> Double {
    let count = field.shape.count
    if count == 0 { return 0 }
    let block = orderedSumBlock
    let sums = mapPieces(count) { positions in
      withUnsafeTemporaryAllocation(of: Double.self, capacity: block) { line in
        stride(from: positions.lowerBound, to: positions.upperBound, by: block).map { start in
          let end = min(start + block, positions.upperBound)
          guard let base = line.baseAddress else { return 0.0 }
          copy(component, of: field, start..<end, to: base)
          var sum = 0.0
          for index in 0..<(end - start) { sum += line[index] }
          return sum
        }
      }
    }
    return sums.reduce(0) { $1.reduce($0, +) } / Double(count)
  }

  /// The number at one position, that of the filling in a gap.
  func value(_ component: Component, of field: VectorField, at position: Int) -> Double {
    let gap = firstGap(from: position)
    if gap < pixels.count && Int(pixels[gap]) == position {
      return values[gap][component.rawValue]
    }
    return component == .x ? field.x[position] : field.y[position]
  }

  /// Whether each gap lies within a block of `side` × `side` gaps.
  ///
  /// - Parameter columns: Of the field.
  func isInBlock(side: Int, columns: Int) -> [Bool] {
    /// Whether `side` gaps of one row begin here.
    func beginsRun(_ gap: Int) -> Bool {
      gap + side <= pixels.count && Int(pixels[gap]) % columns + side <= columns
        && pixels[gap + side - 1] == pixels[gap] + Int32(side - 1)
    }
    var isInBlock = [Bool](repeating: false, count: pixels.count)
    for gap in pixels.indices where beginsRun(gap) {
      let corners = (0..<side).map { row in
        let position = Int(pixels[gap]) + row * columns
        let corner = firstGap(from: position)
        return corner < pixels.count && Int(pixels[corner]) == position && beginsRun(corner)
          ? corner : nil
      }
      guard corners.allSatisfy({ $0 != nil }) else { continue }
      for case .some(let corner) in corners {
        for offset in 0..<side { isInBlock[corner + offset] = true }
      }
    }
    return isInBlock
  }

  /// The gaps at some positions, by their index.
  private func gaps(in positions: Range<Int>) -> Range<Int> {
    firstGap(from: positions.lowerBound)..<firstGap(from: positions.upperBound)
  }

  private func firstGap(from position: Int) -> Int {
    var (low, high) = (0, pixels.count)
    while low < high {
      let middle = (low + high) / 2
      if Int(pixels[middle]) < position { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
