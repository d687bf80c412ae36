// average-frames: repeated frames to one, spikes masked frame by frame.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore

struct AverageFrames: StageType {
  let name = "average-frames"
  let summary = "adds the counts of repeated frames; their scatter checks the errors"
  let algorithmVersion = 8
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
    var (signals, scatter) = try FrameReader(frames).sum(context)
    let check = SignalCheck(frames)
    try check.check(signals)
    let ratio = signals.applyScatter(scatter)
    let empty = scatter.unusableCounts.indices.filter {
      scatter.unusableCounts[$0] == signals.shape.count
    }
    return StageProduct(
      outputs: ["segments": SegmentsValue.averaged(signals, of: frames)],
      facts: facts(count - empty.count, of: count, ratio),
      notes: notes(ratio, signals) + emptyNotes(empty, of: count)
        + check.saturationNotes(scatter.saturatedCount, of: count * signals.shape.count))
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
