// Signals that cannot be what the file says: dead segments, frames without a single usable pixel.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore
internal import WorkSharing

/// What a pass over the signals gathers: sums per segment and the electrons at each pixel.
struct SignalStatistics: Sendable {
  let segmentSums: [Double]
  let usableCount: Int
  /// Median over the usable pixels of the electrons counted there; nil where the number is unknown.
  let medianElectrons: Double?

  init(_ signals: SegmentSignals) {
    let count = signals.shape.count
    var electrons = [Double](uninitializedCount: count)
    let usable = electrons.share { electrons in
      mapPieces(count) { electrons[$0].count(signals, $0) }
    }
    // Four segments each: as many sums run side by side.
    let groups = (signals.segmentCount + 3) / 4
    segmentSums = concurrentMap(groups) { signals.sums(ofSegments: $0) }.flatMap { $0 }
    usableCount = usable.reduce(0, +)
    medianElectrons = signals.electronsPerUnit.flatMap { _ in median(electrons) }
  }

  /// - Parameters:
  ///   - parts: Of the map, in their order.
  ///   - electrons: As the parts left them; nil where their number is unknown.
  ///   - segmentCount: Of the detector.
  init(joining parts: [Part], electrons: [Double]?, segmentCount: Int) {
    segmentSums = (0..<segmentCount).map { segment in
      parts.reduce(0) { $0 + $1.segmentSums[segment] }
    }
    usableCount = parts.reduce(0) { $0 + $1.usableCount }
    medianElectrons = electrons.flatMap(median)
  }

  /// Of a part of the map.
  struct Part: Sendable {
    fileprivate let segmentSums: [Double]
    fileprivate let usableCount: Int

    /// - Parameters:
    ///   - signals: Zero at unusable positions.
    ///   - electrons: Gets what was counted at each position, NaN at unusable ones; no number of electrons
    ///     where that is unknown.
    init(_ signals: SegmentSignals, electrons: UnsafeMutableBufferPointer<Double>) {
      usableCount = electrons.count(signals, 0..<signals.shape.count)
      segmentSums = (0..<(signals.segmentCount + 3) / 4).flatMap { signals.sums(ofSegments: $0) }
    }
  }
}

extension UnsafeMutableBufferPointer<Double> {
  /// Takes what was counted at some positions.
  ///
  /// - Returns: How many of them are usable.
  fileprivate func count(_ signals: SegmentSignals, _ positions: Range<Int>) -> Int {
    update(repeating: 0)
    // Positions that stay in the innermost cache until all segments are added.
    for first in stride(from: 0, to: positions.count, by: 1024) {
      let places = first..<Swift.min(first + 1024, positions.count)
      for segment in 0..<signals.segmentCount {
        let start = segment * signals.shape.count + positions.lowerBound
        let line = signals.values.span.extracting(
          (start + places.lowerBound)..<(start + places.upperBound))
        for place in 0..<line.count { self[first + place] += line[place] }
      }
    }
    let electronsPerUnit = signals.electronsPerUnit ?? 1
    let flags = signals.mask.bytes.span.extracting(positions)
    var usable = 0
    for place in 0..<flags.count {
      let isUsable = flags[place] & PixelFlags.unusable.rawValue == 0
      usable += isUsable ? 1 : 0
      self[place] = isUsable ? self[place] * electronsPerUnit : .nan
    }
    return usable
  }
}

extension SegmentSignals {
  /// The sums of four segments, position after position; of fewer where there are no more.
  fileprivate func sums(ofSegments group: Int) -> [Double] {
    let segments = (4 * group)..<min(4 * group + 4, segmentCount)
    let planes = values.span
    var sums = SIMD4<Double>()
    // A segment that is not there is taken for the last one.
    let first = SIMD4<Int>(0, 1, 2, 3).clamped(
      lowerBound: .zero, upperBound: SIMD4(repeating: segments.count - 1))
    let count = shape.count
    let a = planes.extracting(plane(segments.lowerBound + first[0]))
    let b = planes.extracting(plane(segments.lowerBound + first[1]))
    let c = planes.extracting(plane(segments.lowerBound + first[2]))
    let d = planes.extracting(plane(segments.lowerBound + first[3]))
    for position in 0..<count {
      sums += SIMD4(a[position], b[position], c[position], d[position])
    }
    return segments.indices.map { sums[$0 - segments.lowerBound] }
  }

  private func plane(_ segment: Int) -> Range<Int> {
    (segment * shape.count)..<((segment + 1) * shape.count)
  }
}

/// Refuses signals from which no deflection can come.
struct SignalCheck {
  let frames: FramesValue

  init(_ frames: FramesValue) { self.frames = frames }

  /// A segment with less than this part of its share is dead: the shift of the disc changes a share
  /// by far less on the mean over a scan.
  private static let deadShare = 0.01
  /// A segment with less of the disc than this counts what noise, rounding and scattering leave there, on either side
  /// of zero.
  private static let smallestLitShare = 1e-3

  func check(_ signals: SegmentSignals) throws {
    try check(signals.mask)
    try check(SignalStatistics(signals))
  }

  /// - Throws: `inputRefused` where no pixel can be used.
  func check(_ mask: PixelMask) throws {
    if mask.unusableCount < mask.shape.count { return }
    let reasons = mask.counts.map { "\($0.count) \($0.name)" }.joined(separator: ", ")
    throw StageFailure(
      .inputRefused, "\(path): /entry/data/frames has no usable pixel (\(reasons))",
      remedy: remedy(mask))
  }

  private func remedy(_ mask: PixelMask) -> String {
    let isEmpty = mask.counts.contains { $0.name == "no counts" }
    return isEmpty
      ? "the summed signal is zero or negative: check the frames, and the dark reference if there"
        + " is one"
      : "dpc inspect shows what the frames hold"
  }

  /// Electrons at a pixel beyond which a number is a mistake of scale or unit.
  private static let plausibleElectrons = 1e-6...1e15

  /// - Throws: `inputRefused` where no detector counts so few or so many electrons, or where a segment that the disc
  ///   lights counts nothing, or one beside it less than nothing beyond noise.
  func check(_ statistics: SignalStatistics) throws {
    let total = statistics.segmentSums.reduce(0, +)
    if statistics.usableCount == 0 || total <= 0 { return }
    if let electrons = statistics.medianElectrons,
      !Self.plausibleElectrons.contains(electrons)
    {
      throw StageFailure(
        .inputRefused,
        "\(path): /entry/data/frames: \(Format.count(electrons)) electrons at a pixel (median) is outside"
          + " \(Format.count(Self.plausibleElectrons.lowerBound)) to"
          + " \(Format.count(Self.plausibleElectrons.upperBound))",
        remedy: "check the attribute units of the frames, and electrons_per_pixel")
    }
    let segments = frames.acquisition.metadata.detector.segments
    let disc = frames.acquisition.metadata.probeSemiAngle
    for (index, segment) in segments.enumerated() {
      let litShare = segment.litArea(disc: disc) / (Double.pi * disc * disc)
      let share = statistics.segmentSums[index] / total
      let isLit = litShare >= Self.smallestLitShare
      let least = Self.deadShare * (isLit ? litShare : -1 / Double(segments.count))
      if share < least {
        throw StageFailure(
          .inputRefused,
          "\(path): segment \(index) counts \(Format.percent(share)) of the signal where the disc"
            + " lights \(Format.percent(litShare)): \(isLit ? "it is dead, or " : "")its dark reference is wrong",
          remedy: "without it no deflection can be formed; dpc inspect shows each segment's signal")
      }
    }
  }

  /// A smaller part of the field is not worth telling.
  private static let smallestLoss = 0.01

  /// What saturation does to the signals that are left: where noise takes some beyond the largest number of their type,
  /// the others read too low, and the more so the higher they are.
  ///
  /// - Parameters:
  ///   - saturated: Positions that were left out, of all frames together.
  ///   - positions: Of all frames together.
  func saturationNotes(_ saturated: Int, of positions: Int) -> [Note] {
    let fraction = Double(saturated) / Double(max(1, positions))
    // At most as many of one segment's signals as of positions.
    let loss = saturationLoss(fraction: fraction)
    if loss < Self.smallestLoss { return [] }
    return [
      Note(
        .warning,
        "\(Format.percent(fraction)) of the positions are saturated and left out: where noise decides which, the others"
          + " read too low, and fields come out too small by up to \(Format.significant(loss * 100, digits: 2)) %;"
          + " record with less gain or current")
    ]
  }

  /// Stated and counted electrons that differ by more are told.
  private static let doseTolerance = 0.25

  /// What the file says of the dose, held against what was counted, and of counts that are coarse.
  ///
  /// - Parameters:
  ///   - statistics: Of the signals that are turned into deflections.
  ///   - exposures: How many each of them adds up; 1 but for repeated frames and unit cells.
  func notes(_ statistics: SignalStatistics, exposures: Double) -> [Note] {
    guard let electrons = statistics.medianElectrons.map({ $0 / exposures }), electrons > 0 else {
      return []
    }
    return doseNotes(electrons) + coarsenessNotes(electrons) + darkSegmentNotes(statistics)
  }

  /// Rounding to whole counts is told from this part of the variance of counting on.
  private static let smallestRounding = 0.05

  /// What rounding to whole detector counts adds to the errors: a twelfth of the square of the electrons for one count
  /// divided by the gain, in each segment of each frame (B. Widrow, IRE Trans. Circuit Theory 3 (1956) 266).
  private func coarsenessNotes(_ electrons: Double) -> [Note] {
    let metadata = frames.acquisition.metadata
    // Types of whole numbers saturate.
    guard metadata.signalUnit == .counts, metadata.saturationLevel != nil,
      let step = frames.electronsPerUnit
    else { return [] }
    let steps = frames.correction.gain.reduce(0) { $0 + step * step / ($1 * $1) }
    let part = steps / 12 / electrons
    if part < Self.smallestRounding { return [] }
    return [
      Note(
        .warning,
        "one count stands for \(Format.count(step)) electrons: rounding to whole counts adds up to"
          + " \(Format.percent(part)) to the variance of counting, which the errors leave out; record with more"
          + " gain")
    ]
  }

  /// A segment that counts less than this part of what the others of its ring do is dark.
  private static let darkPart = 1e-3
  /// The part of the largest that all others of its ring must count. Of a disc that lies to one side everywhere, one
  /// or more of the others count less.
  private static let evenPart = 1.0 / 3
  /// What the others must count in the whole scan, in electrons.
  private static let clearSignal = 1e3
  /// With fewer segments a disc to one side leaves one alone dark.
  private static let fewestOfRing = 4

  /// Of a segment that the centered disc does not reach, and that counts nothing while all others of its ring do.
  private func darkSegmentNotes(_ statistics: SignalStatistics) -> [Note] {
    let metadata = frames.acquisition.metadata
    guard let rings = try? metadata.detector.rings(), let scale = frames.electronsPerUnit else {
      return []
    }
    let edge = metadata.probeSemiAngle - SegmentedDetector.angleTolerance
    let outer = rings.filter {
      $0.inner >= edge && $0.segmentIndices.count >= Self.fewestOfRing
    }
    return outer.flatMap { ring -> [Note] in
      let sums = ring.segmentIndices.map { (segment: $0, sum: statistics.segmentSums[$0] * scale) }
        .sorted { $0.sum < $1.sum }
      let (dark, least, largest) = (sums[0], sums[1].sum, sums[sums.count - 1].sum)
      guard dark.sum < Self.darkPart * largest, least > Self.evenPart * largest,
        least > Self.clearSignal
      else { return [] }
      return [
        Note(
          .warning,
          "segment \(dark.segment) counts \(Format.percent(max(0, dark.sum) / largest)) of what others"
            + " of its ring do: it seems to be dead, or its dark reference wrong; fields towards it come out"
            + " up to half too small; dpc inspect shows each segment's signal")
      ]
    }
  }

  private func doseNotes(_ counted: Double) -> [Note] {
    let metadata = frames.acquisition.metadata
    guard metadata.signalUnit == .electrons, let stated = metadata.electronsPerPixel, stated > 0
    else { return [] }
    // Of repeated frames the number may be meant for one, or for all.
    let ratios = [counted / stated, counted * Double(metadata.frameCount) / stated]
    if ratios.contains(where: { abs($0 - 1) <= Self.doseTolerance }) { return [] }
    return [
      Note(
        .warning,
        "\(Format.count(counted)) electrons per pixel\(metadata.frameCount > 1 ? " and frame" : "") counted,"
          + " \(Format.count(stated)) stated"
          + " (electrons_per_pixel): if the frames are not in electrons, their errors are wrong; give"
          + " their units as counts")
    ]
  }

  private var path: String { frames.acquisition.file.path }
}
