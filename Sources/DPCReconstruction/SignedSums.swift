// The segments' signals added up with one sign each, for many positions at once.
internal import STEMCore

/// Sums over the segments at neighboring positions: of the signals, of their differences across each
/// diameter, and of the products of two diameters' sides.
///
/// Segments that lie on the same side of every diameter are added first, each signal fetched once; the sums
/// are formed of these few parts, in lines of positions that stay in the processor's cache.
struct SignedSums {
  /// Positions at a time: lines of this length fit the innermost cache together.
  static let blockCount = 128

  /// Segments that lie on the same side of every diameter.
  private let groups: [[Int]]
  /// Per sum the sign of each group: all +1, then the diameters', then their products'.
  private let signs: [[Double]]
  /// The sum of each group's segments.
  private var parts: [[Double]]
  private var sums: [[Double]]
  private let diameterCount: Int

  /// - Parameter withProducts: Whether ``product(_:_:at:)`` is wanted.
  init(_ diameters: [DetectorDiameter], segmentCount: Int, withProducts: Bool) {
    diameterCount = diameters.count
    var groups: [[Int]] = []
    for segment in 0..<segmentCount {
      let place = groups.firstIndex { group in
        diameters.allSatisfy { $0.sides[group[0]] == $0.sides[segment] }
      }
      if let place { groups[place].append(segment) } else { groups.append([segment]) }
    }
    func sides(_ diameter: Int) -> [Double] { groups.map { diameters[diameter].sides[$0[0]] } }
    var signs = [groups.map { _ in 1.0 }] + diameters.indices.map(sides)
    if withProducts {
      for j in diameters.indices {
        for k in 0..<j { signs.append(zip(sides(j), sides(k)).map { $0 * $1 }) }
      }
    }
    self.groups = groups
    self.signs = signs
    let line = [Double](repeating: 0, count: Self.blockCount)
    parts = groups.map { _ in line }
    sums = signs.map { _ in line }
  }

  /// Forms the sums at up to ``blockCount`` positions; the first of them is place 0.
  mutating func form(from signals: SegmentSignals, at positions: Range<Int>) {
    let count = signals.shape.count
    func line(_ segment: Int) -> Range<Int> {
      (segment * count + positions.lowerBound)..<(segment * count + positions.upperBound)
    }
    for (group, segments) in groups.enumerated() {
      clear(&parts[group])
      for segment in segments {
        add(signals.values.span.extracting(line(segment)), to: &parts[group])
      }
    }
    for index in sums.indices {
      clear(&sums[index])
      for first in stride(from: 0, to: groups.count, by: 2) {
        // Of an odd number the last is added with nothing beside it.
        let second = min(first + 1, groups.count - 1)
        addBoth(
          parts[first], times: signs[index][first], parts[second],
          times: second > first ? signs[index][second] : 0, to: &sums[index])
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
}

private func clear(_ line: inout [Double]) {
  for index in line.indices { line[index] = 0 }
}

/// Adds a line of signals; places beyond its end stay as they are.
private func add(_ values: Span<Double>, to line: inout [Double]) {
  precondition(values.count <= line.count, "a line of the block")
  var sums = line.mutableSpan
  for place in 0..<values.count { sums[place] += values[place] }
}

private func addBoth(
  _ first: [Double], times sign: Double, _ second: [Double], times otherSign: Double,
  to line: inout [Double]
) {
  precondition(first.count == line.count && second.count == line.count, "lines of the block")
  let first = first.span
  let second = second.span
  var sums = line.mutableSpan
  for place in 0..<sums.count { sums[place] += sign * first[place] + otherSign * second[place] }
}
