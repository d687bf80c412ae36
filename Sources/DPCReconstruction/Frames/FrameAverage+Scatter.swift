// What has been added of repeated frames, as one frame, and how they scatter.
internal import STEMCore

extension FrameAccumulator {
  /// The summed signals and the scatter between frames.
  ///
  /// A position keeps its mask bits only where no frame was usable.
  public consuming func finished() -> (signals: SegmentSignals, scatter: FrameScatter) {
    let (shape, segments, electrons) = (shape, segmentCount, electronsPerUnit)
    var values = [Double](uninitializedCount: segments * shape.count)
    var flags = [UInt8](uninitializedCount: shape.count)
    let scatter = values.share { values in
      flags.share { flags in write(to: values, flags, at: 0) }
    }
    let signals = SegmentSignals(
      shape: shape, segmentCount: segments, values: values,
      mask: PixelMask(shape: shape, bytes: flags), electronsPerUnit: electrons,
      exposures: scatter.medianAdded ?? 1)
    return (signals, scatter)
  }

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
    let places = sampling.places(shape)
    for row in 0..<shape.rows {
      var place = row * places
      for block in sampling.blocks(ofRow: sampling.firstRow + row, shape.columns) {
        let columns = ScatterSampling.columns(ofBlock: block, shape.columns)
        for column in columns {
          let position = row * shape.columns + column
          let frames = frameCount - Int(skipped[position])
          if frames > 1 {
            addScatter(
              of: values, stride: stride, at: first + position,
              square: place + column - columns.lowerBound, frames: frames, to: &scatter)
          }
        }
        place += ScatterSampling.length
      }
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

  /// χ² = Σ_f Σ_k (I_kf - N_f q_k)²/(N_f q_k) over the segments with enough counts to be normal.
  private func addScatter(
    of values: SharedPlane<Double>, stride: Int, at position: Int, square: Int, frames: Int,
    to scatter: inout FrameScatter
  ) {
    var total = 0.0
    for segment in 0..<segmentCount { total += values[segment * stride + position] }
    let places = shape.rows * sampling.places(shape)
    var chiSquare = 0.0
    var (segments, share) = (0, 0.0)
    for segment in 0..<segmentCount {
      let sum = values[segment * stride + position]
      let fraction = sum / total
      let meanCount = sum / Double(frames) * (electronsPerUnit ?? .infinity)
      if fraction < FrameScatter.smallestFraction || meanCount < FrameScatter.smallestCount {
        continue
      }
      let term = squares[segment * places + square] / fraction - 2 * sum + fraction * total
      // Frames that are equal scatter by rounding alone, which is no more than this.
      let rounding = 4 * Double(frames + 8) * 0x1p-53 * sum
      chiSquare += abs(term) > rounding ? term : 0
      segments += 1
      share += fraction
    }
    if segments < 2 { return }
    scatter.chiSquare += chiSquare
    // Of a multinomial each term is 1 - q_k in the mean: one less than the segments where all are counted.
    scatter.degreesOfFreedom += Double(frames - 1) * (Double(segments) - share)
  }
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
