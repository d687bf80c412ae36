// normalize-segments: what a sample of the first frame tells of converters and segments that do not follow the signal.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore

extension NormalizeSegments {
  /// Signals that end below the largest number of their type.
  func ceilingNotes(
    _ sample: [SegmentSignals], _ scatters: SegmentScatters, _ frames: FramesValue
  ) -> [Note] {
    let ceilings = CeilingSearch(
      sample, frames.correction, scatters, electronsPerUnit: frames.electronsPerUnit
    ).ceilings()
    guard let worst = ceilings.max(by: { $0.fraction < $1.fraction }) else { return [] }
    return [
      Note(
        .warning,
        "\(Format.percent(worst.fraction)) of the signals of segment \(worst.segment) are exactly"
          + " \(Format.significant(worst.stored, digits: 7)), hardly any just below"
          + (ceilings.count > 1
            ? ", and segments \(list(ceilings.map(\.segment).filter { $0 != worst.segment })) end likewise"
            : "")
          + ": the detector or its converter is saturated there, nothing is masked, and fields come out too small;"
          + " record with less gain or current")
    ]
  }

  /// Segments that stand still while others count. A warning also where the disc lights them: structure as fine as the
  /// positions passes for noise, and without noise a segment that the disc fills stands still.
  func stuckNotes(_ scatters: SegmentScatters, _ frames: FramesValue) -> [Note] {
    let stuck = StuckSegmentSearch(
      scatters, frames.correction, electronsPerUnit: frames.electronsPerUnit
    ).segments()
    if stuck.isEmpty { return [] }
    return [
      Note(
        .warning,
        stuck.map(Self.text).joined(separator: ", ") + ", while others show the noise of counting:"
          + " stuck at a number, or a dark signal that is not subtracted; fields come out wrong, unless the data have no noise; dpc inspect shows"
          + " each segment's signal")
    ]
  }

  private static func text(_ stuck: StuckSegment) -> String {
    let level =
      abs(stuck.stored) < 1e9
      ? Format.significant(stuck.stored, digits: 6) : Format.count(stuck.stored)
    return stuck.isConstant
      ? "segment \(stuck.index) holds \(level) at every position that was looked at"
      : "segment \(stuck.index) scatters around \(level) by \(Format.percent(stuck.scatter)) of what counting"
        + " makes it"
  }
}
