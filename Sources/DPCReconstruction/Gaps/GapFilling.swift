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

  /// The gaps at some positions, by their index.
  func gaps(in positions: Range<Int>) -> Range<Int> {
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
