// What has been added of repeated frames, as one frame, and how they scatter.
internal import STEMCore

extension FrameAccumulator {
  /// Writes the summed signals to the frame of which these are some rows.
  ///
  /// - Parameters:
  ///   - values: Of whole frames, segment by segment.
  ///   - flags: Of whole frames: a position gets mask bits only where no frame was usable.
  ///   - first: The frame's position at which these rows begin.
  /// - Returns: The scatter between frames.
  /// - Precondition: The frame has room for these rows.
  public func write(
    to values: SharedPlane<Double>, _ flags: SharedPlane<UInt8>, at first: Int
  ) -> FrameScatter {
    precondition(values.count == segmentCount * flags.count, "a plane for each segment")
    let mask = flags[first..<(first + shape.count)]
    for position in 0..<shape.count {
      let isUsable = Int(skipped[position]) < frameCount
      let reasons = self.flags[position]
      mask[position] = isUsable ? 0 : reasons == 0 ? PixelFlags.missing.rawValue : reasons
    }
    for segment in 0..<segmentCount {
      let start = segment * flags.count + first
      let plane = values[start..<(start + shape.count)]
      sums.copy((segment * shape.count)..<((segment + 1) * shape.count), to: plane)
      correct(
        plane, frameCount: frameCount, skipped.span, dark: correction.dark[segment],
        gain: correction.gain[segment])
    }
    return scatter(of: values, stride: flags.count, at: first)
  }

  private func scatter(
    of values: SharedPlane<Double>, stride: Int, at first: Int
  ) -> FrameScatter {
    var scatter = FrameScatter()
    scatter.saturatedCount = saturatedCount
    scatter.unusableCounts = unusableCounts
    scatter.addedCounts = addedCounts()
    var number = 0
    for (rows, isGroup) in sampling.pieces(shape.rows) where isGroup {
      let place = number * sampling.places(shape)
      for block in sampling.blocks(ofGroup: number, shape.columns) {
        for column in block.columns {
          let group = ScatterGroup(
            place: place + block.place + column - block.columns.lowerBound,
            position: rows.lowerBound * shape.columns + column)
          addScatter(of: group, values, stride: stride, at: first, to: &scatter)
        }
      }
      number += 1
    }
    return scatter
  }

  private func addedCounts() -> [Int] {
    var counts = [Int](repeating: 0, count: frameCount + 1)
    if unusableCounts.allSatisfy({ $0 == 0 }) {
      counts[frameCount] = shape.count
    } else {
      for skipped in skipped { counts[frameCount - Int(skipped)] += 1 }
    }
    return counts
  }

  /// χ² = Σ_k Σ_f (D_kf - D̄_k)² / (Σ_j c_j² q_kj n̄_j) over the segments with enough counts to be normal, n̄ the mean of
  /// 1/N over frames; in the mean it has Σ_j c_j² q_kj (1 - q_kj) n̄_j / (Σ_j c_j² q_kj n̄_j) for each segment and frame but
  /// one.
  private func addScatter(
    of group: ScatterGroup, _ values: SharedPlane<Double>, stride: Int, at first: Int,
    to scatter: inout FrameScatter
  ) {
    let frames = differences.frameCount(at: group.place)
    if frames < 2 { return }
    scatter.comparedGroups += 1
    var (chiSquare, degrees, segments) = (0.0, 0.0, 0)
    for segment in 0..<segmentCount {
      guard
        let expected = expected(segment, of: group, values, stride: stride, at: first)
      else { continue }
      chiSquare += differences.scatter(ofSegment: segment, at: group.place) / expected.variance
      degrees += Double(frames - 1) * expected.degree
      segments += 1
    }
    if segments < 2 { return }
    scatter.chiSquare += chiSquare
    scatter.degreesOfFreedom += degrees
  }

  /// Of a frame's difference in the mean: its variance if a unit of signal is one electron and the segments count
  /// independently, and the part of it that a multinomial leaves; nil where it counts too little.
  private func expected(
    _ segment: Int, of group: ScatterGroup, _ values: SharedPlane<Double>, stride: Int,
    at first: Int
  ) -> (variance: Double, degree: Double)? {
    var (all, left, share, count) = (0.0, 0.0, 0.0, 0.0)
    for row in 0..<sampling.height {
      let position = group.position + row * shape.columns
      var total = 0.0
      for other in 0..<segmentCount { total += values[other * stride + first + position] }
      let sum = values[segment * stride + first + position]
      let fraction = sum / total
      let weight = sampling.weights[row] * sampling.weights[row]
      let term = weight * fraction * differences.inverse(ofRow: row, at: group.place)
      all += term
      left += term * (1 - fraction)
      share += weight * fraction
      count += weight * sum / Double(frameCount - Int(skipped[position]))
    }
    guard share >= FrameScatter.smallestFraction,
      count * (electronsPerUnit ?? .infinity) >= FrameScatter.smallestCount, all > 0
    else { return nil }
    return (all, left / all)
  }
}

/// Where a group stands among the sums of differences, and the band's position of its first row.
private struct ScatterGroup {
  let place: Int
  let position: Int
}

/// A segment's sums of raw signals to sums of corrected ones.
private func correct(
  _ sums: UnsafeMutableBufferPointer<Double>, frameCount: Int, _ skipped: Span<Int32>, dark: Double,
  gain: Double
) {
  precondition(sums.count == skipped.count, "a plane of them")
  let count = Int32(frameCount)
  for position in 0..<skipped.count {
    let frames = Double(count &- skipped[position])
    sums[position] = (sums[position] - frames * dark) / gain
  }
}
