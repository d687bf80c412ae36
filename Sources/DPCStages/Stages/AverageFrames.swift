// average-frames: repeated frames to one, spikes masked frame by frame.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore

struct AverageFrames: StageType {
  let name = "average-frames"
  let summary =
    "aligns repeated frames where the specimen drifted, and adds their counts; their scatter checks the errors"
  let algorithmVersion = 15
  let mayBeginEarly = true
  let parameters: [ParameterSpecification] = []
  let inputs = [InputPort("frames", kinds: [.frames], summary: "corrected frames, one or many")]
  let outputs = [
    OutputPort("segments", kind: .fixed(.segments), summary: "segment signals of one frame")
  ]

  func run(_ context: StageContext) throws -> StageProduct {
    let frames = try context.input("frames", as: FramesValue.self)
    let count = frames.acquisition.metadata.frameCount
    if count > 1 && frames.acquisition.metadata.beamTilts != nil {
      throw StageFailure(
        .failed,
        "stage \(context.stageName): \(frames.acquisition.file.path) is a series of beam tilts, not"
          + " repeated frames", remedy: "feed it to calibrate-deflection")
    }
    if count == 1 {
      return StageProduct(
        outputs: ["segments": SegmentsValue.inFile(frames)],
        notes: [Note(.information, "one frame: nothing to average")])
    }
    var sum = try FrameReader(frames).sum(context)
    let check = SignalCheck(frames)
    try check.check(sum.signals)
    let empty = sum.scatter.unusableCounts.indices.filter {
      sum.scatter.unusableCounts[$0] == sum.signals.shape.count
    }
    let drift = sum.findings.map {
      StackDrift(
        findings: $0, frameCount: count, pixelSize: frames.acquisition.metadata.pixelSize)
    }
    let common = try drift.flatMap { try align(frames, $0.plan, &sum, context) }
    let ratio = sum.signals.applyScatter(sum.scatter)
    let added = count - empty.count - (common == nil ? 0 : drift?.leftOut.count ?? 0)
    return StageProduct(
      outputs: ["segments": SegmentsValue.averaged(sum.signals, of: frames)],
      facts: facts(added, of: count, ratio)
        + (drift?.facts(common: common, window: frames.window) ?? []),
      notes: notes(ratio, sum.signals) + emptyNotes(empty, of: count)
        + (drift?.notes(common: common) ?? [])
        + check.saturationNotes(
          sum.scatter.saturatedCount, of: count * sum.signals.shape.count))
  }

  /// Less of the scan than this is not worth aligning frames for.
  private static let smallestPart = 0.25

  /// Adds the frames once more, each where the specimen was.
  ///
  /// - Returns: The part of the window that all frames show; nil where the first sum is kept.
  private func align(
    _ frames: FramesValue, _ plan: StackPlan, _ sum: inout StackSum, _ context: StageContext
  ) throws -> ScanWindow? {
    let window = frames.window
    guard !plan.isPlain, let common = plan.common(window, of: frames.acquisition.metadata.shape),
      Double(common.shape.count) >= Self.smallestPart * Double(window.shape.count)
    else { return nil }
    var part = frames
    part.window = common
    sum.signals.values = []
    let again = try FrameReader(part).sum(context, plan: plan)
    sum.scatter = again.scatter
    sum.signals = again.signals.spread(from: common, to: window)
    return common
  }

  private func facts(_ added: Int, of count: Int, _ ratio: Double?) -> [Fact] {
    let number = added == count ? "\(count)" : "\(added) of \(count)"
    var facts = [Fact("frames", text: "\(number) frames added", value: Double(added))]
    if let ratio {
      facts.append(
        Fact(
          "frame_scatter",
          text: "frames scatter \(Format.significant(ratio, digits: 3)) times as much as counting"
            + " (variance)", value: ratio))
    }
    return facts
  }

  private func emptyNotes(_ empty: [Int], of count: Int) -> [Note] {
    if empty.isEmpty { return [] }
    let shown = empty.prefix(8).map(String.init).joined(separator: ", ")
    return [
      Note(
        .warning,
        "\(empty.count) of \(count) frames hold no usable position and add nothing (counted from 0:"
          + " \(shown)\(empty.count > 8 ? ", ..." : ""))")
    ]
  }

  private func notes(_ ratio: Double?, _ signals: SegmentSignals) -> [Note] {
    var notes: [Note] = []
    if signals.varianceFactor > 1, let ratio {
      notes.append(
        Note(
          .warning,
          "the frames differ by more than counting noise: errors enlarged by"
            + " \(Format.significant(ratio.squareRoot(), digits: 3))"))
    }
    if ratio == nil, signals.electronsPerUnit != nil {
      notes.append(Note(.information, "errors from the scatter between the frames"))
    }
    return notes
  }
}
