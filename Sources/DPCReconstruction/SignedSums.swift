// The segments' signals added up with one sign each, for many positions at once.
internal import STEMCore

/// Sums over the segments at neighboring positions: of the signals, of their differences across each
/// diameter, and of the products of two diameters' sides.
///
/// Segment after segment is added to lines of positions that stay in the processor's cache: each
/// signal is fetched once.
struct SignedSums {
  /// Positions at a time: lines of this length fit the innermost cache together.
  static let blockCount = 512

  /// Per sum the sign of each segment: all +1, then the diameters', then their products'.
  private let signs: [[Double]]
  private var sums: [[Double]]
  private let diameterCount: Int

  /// - Parameter withProducts: Whether ``product(_:_:at:)`` is wanted.
  init(_ diameters: [DetectorDiameter], segmentCount: Int, withProducts: Bool) {
    diameterCount = diameters.count
    var signs = [[Double](repeating: 1, count: segmentCount)] + diameters.map(\.sides)
    if withProducts {
      for j in diameters.indices {
        for k in 0..<j {
          signs.append((0..<segmentCount).map { diameters[j].sides[$0] * diameters[k].sides[$0] })
        }
      }
    }
    self.signs = signs
    sums = signs.map { _ in [Double](repeating: 0, count: Self.blockCount) }
  }

  /// Forms the sums at up to ``blockCount`` positions; the first of them is place 0.
  mutating func form(from signals: SegmentSignals, at positions: Range<Int>) {
    let count = signals.shape.count
    for index in sums.indices {
      clear(&sums[index])
      for segment in 0..<signals.segmentCount {
        let first = segment * count
        let line = signals.values.span.extracting(
          (first + positions.lowerBound)..<(first + positions.upperBound))
        add(line, times: signs[index][segment], to: &sums[index])
      }
    }
  }

  func total(at place: Int) -> Double { sums[0][place] }

  /// Σ s_j I, with s_j = ±1 the side of the diameter.
  func difference(_ j: Int, at place: Int) -> Double { sums[1 + j][place] }

  /// Σ s_j s_k I of two different diameters.
  func product(_ j: Int, _ k: Int, at place: Int) -> Double {
    sums[productIndex(j, k)][place]
  }

  /// ``total(at:)`` at all places.
  var totals: [Double] { sums[0] }

  /// ``difference(_:at:)`` at all places.
  func differences(_ j: Int) -> [Double] { sums[1 + j] }

  /// ``product(_:_:at:)`` at all places.
  func products(_ j: Int, _ k: Int) -> [Double] { sums[productIndex(j, k)] }

  private func productIndex(_ j: Int, _ k: Int) -> Int {
    let (high, low) = (max(j, k), min(j, k))
    return 1 + diameterCount + high * (high - 1) / 2 + low
  }

  private func clear(_ line: inout [Double]) {
    for index in line.indices { line[index] = 0 }
  }
}
