// Signals that cannot be what the file says: dead segments, frames without a single usable pixel.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore

/// Refuses signals from which no deflection can come.
struct SignalCheck {
  let frames: FramesValue

  init(_ frames: FramesValue) { self.frames = frames }

  func check(_ signals: SegmentSignals) throws {
    try check(signals.mask)
    try check(SignalStatistics(signals))
  }

  /// - Throws: `inputRefused` where no pixel can be used.
  func check(_ mask: PixelMask) throws {
    if mask.unusableCount < mask.shape.count { return }
    let reasons = mask.counts.map { "\($0.count) \($0.name)" }.joined(separator: ", ")
    let missing = try missingSegments(mask)
    throw StageFailure(
      .inputRefused,
      "\(path): /entry/data/frames has no usable pixel (\(reasons))"
        + (missing.map { ": \($0)" } ?? ""),
      remedy: missing == nil
        ? remedy(mask)
        : "without all segments no deflection can be formed; dpc inspect shows what the frames hold"
    )
  }

  /// Which segments make positions unusable, in words; nil where none does by itself, or all do.
  private func missingSegments(_ mask: PixelMask) throws -> String? {
    if mask.count(of: .missing) == 0 { return nil }
    let missing = try FrameReader(frames).missingSegments()
    let metadata = frames.acquisition.metadata
    if missing.isEmpty || missing.count == metadata.segmentCount { return nil }
    let names = missing.map(String.init).joined(separator: ", ")
    return (missing.count == 1 ? "segment \(names) is" : "segments \(names) are")
      + " missing at every position" + (metadata.frameCount > 1 ? " of the first frame" : "")
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
    let metadata = frames.acquisition.metadata
    if let dead = statistics.deadSegment(
      of: metadata.detector, probeSemiAngle: metadata.probeSemiAngle)
    {
      throw StageFailure(
        .inputRefused,
        "\(path): segment \(dead.index) counts \(Format.percent(dead.share)) of the signal where the disc"
          + " lights \(Format.percent(dead.litShare)): \(cause(of: dead))",
        remedy: "without it no deflection can be formed; dpc inspect shows each segment's signal")
    }
  }

  private func cause(of dead: DeadSegment) -> String {
    let dark = "its dark reference is wrong"
    guard dead.isLit else { return dark }
    guard dead.isOneOfAll else { return "it is dead, or \(dark)" }
    let angle = frames.acquisition.metadata.probeSemiAngle
    return
      "all of its ring are like it, and the disc seems to end before them; check semi_convergence_angle"
      + " (\(Format.quantity(angle, unit: "rad")) is stated)"
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
  ///   - context: To look at the frames once more, where a segment counts nothing.
  func notes(
    _ statistics: SignalStatistics, exposures: Double, _ context: StageContext
  ) throws -> [Note] {
    guard let electrons = statistics.medianElectrons.map({ $0 / exposures }), electrons > 0 else {
      return []
    }
    let dark = darkSegmentNotes(statistics)
    return doseNotes(electrons) + coarsenessNotes(electrons)
      + (dark.isEmpty ? try silentSegmentNotes(statistics, context) : dark)
  }

  /// Rounding to whole counts is told from this part of the variance of counting on.
  private static let smallestRounding = 0.05

  /// What rounding to whole detector counts adds to the errors.
  private func coarsenessNotes(_ electrons: Double) -> [Note] {
    let metadata = frames.acquisition.metadata
    // Types of whole numbers saturate.
    guard metadata.signalUnit == .counts, metadata.saturationLevel != nil,
      let step = frames.electronsPerUnit
    else { return [] }
    let part = roundingVarianceShare(
      electronsPerCount: step, gain: frames.correction.gain, electrons: electrons)
    if part < Self.smallestRounding { return [] }
    return [
      Note(
        .warning,
        "one count stands for \(Format.count(step)) electrons: rounding to whole counts adds up to"
          + " \(Format.percent(part)) to the variance of counting, which the errors leave out; record with more"
          + " gain")
    ]
  }

  /// Of a segment that the centered disc does not reach, and that counts nothing while all others of its ring do.
  private func darkSegmentNotes(_ statistics: SignalStatistics) -> [Note] {
    let metadata = frames.acquisition.metadata
    guard let scale = frames.electronsPerUnit else { return [] }
    return statistics.darkSegments(
      of: metadata.detector, probeSemiAngle: metadata.probeSemiAngle, electronsPerUnit: scale
    ).map { dark in
      Note(
        .warning,
        "segment \(dark.index) counts \(Format.percent(dark.part)) of what others"
          + " of its ring do: it seems to be dead, or its dark reference wrong; fields towards it come out"
          + " up to half too small; dpc inspect shows each segment's signal")
    }
  }

  /// Of a segment that the centered disc does not reach, and that counts nothing where its neighbors say it should.
  private func silentSegmentNotes(
    _ statistics: SignalStatistics, _ context: StageContext
  ) throws -> [Note] {
    let metadata = frames.acquisition.metadata
    guard let scale = frames.electronsPerUnit,
      let search = SilentSegmentSearch(
        statistics, metadata.detector, probeSemiAngle: metadata.probeSemiAngle,
        electronsPerUnit: scale),
      let silent = search.segment(in: try FrameReader(frames).sample(context))
    else { return [] }
    let (subject, target, verdict) =
      silent.other.map {
        (
          "segments \(silent.index) and \($0), one across from the other, count", "one of them",
          "one seems"
        )
      } ?? ("segment \(silent.index) counts", "it", "it seems")
    return [
      Note(
        .warning,
        "\(subject) nothing also where those beside do as if the disc had moved towards \(target): \(verdict) to be"
          + " dead, or its dark reference wrong; fields towards it come out up to half too small; dpc inspect shows each"
          + " segment's signal")
    ]
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
