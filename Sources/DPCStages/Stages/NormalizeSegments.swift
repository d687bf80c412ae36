// normalize-segments: which dark, which gains, how many electrons a count is, what a spike is.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore

struct NormalizeSegments: StageType {
  let name = "normalize-segments"
  let summary = "dark and gain correction, missing, saturated and hot pixels to the mask"
  let algorithmVersion = 1
  let inputs = [
    InputPort("acquisition", kinds: [.acquisition], summary: "an acquisition file")
  ]
  let outputs = [
    OutputPort("frames", kind: .fixed(.frames), summary: "frames, corrected as they are read")
  ]
  let parameters = [
    ParameterSpecification(
      "dark", .choice(["from-file", "none"]), default: .text("from-file"),
      summary: "subtract the file's dark reference where it has one"),
    ParameterSpecification(
      "gain", .choice(["from-file", "flat", "gain", "vacuum", "none"]),
      default: .text("from-file"),
      summary: "source of the relative gains; from-file takes the first of flat, gain, vacuum"),
    ParameterSpecification(
      "spike_sigma", .number(unit: nil, range: NumberRange(3...1000)), keywords: ["none"],
      default: .number(9),
      summary: "a segment this many standard deviations off its 5×5 median is masked as hot"),
  ]

  func run(_ context: StageContext) throws -> StageProduct {
    let acquisition = try context.input("acquisition", as: AcquisitionValue.self)
    let metadata = acquisition.metadata
    let source: GainSource? = context.word("gain").flatMap(GainSource.init(rawValue:))
    let correction: SegmentCorrection
    do {
      correction = try segmentCorrection(
        for: metadata, gainSource: source, usesDark: context.word("dark") != "none")
    } catch {
      throw StageFailure(
        .inputRefused, "\(acquisition.file.path): \(error)",
        remedy: "choose another gain source, or none, with the parameter gain of this stage")
    }
    var frames = FramesValue(
      acquisition: acquisition, correction: correction, electronsPerUnit: nil,
      spikeThreshold: context.number("spike_sigma"), window: ScanWindow(wholeOf: metadata.shape))
    frames.electronsPerUnit = try electronsPerUnit(frames, context)
    return StageProduct(
      outputs: ["frames": frames], facts: [],
      notes: notes(correction, metadata, electronsPerUnit: frames.electronsPerUnit))
  }

  /// Electrons for one unit of the corrected signal; counts need the median sum of the frames.
  private func electronsPerUnit(_ frames: FramesValue, _ context: StageContext) throws -> Double? {
    let metadata = frames.acquisition.metadata
    switch metadata.signalUnit {
    case .electrons: return 1
    case .fraction: return metadata.electronsPerPixel
    case .counts:
      guard let electrons = metadata.electronsPerPixel else { return nil }
      let median = try FrameReader(frames).medianSum(context)
      return median > 0 ? electrons / median : nil
    }
  }

  private func notes(
    _ correction: SegmentCorrection, _ metadata: AcquisitionMetadata, electronsPerUnit: Double?
  ) -> [Note] {
    var notes: [Note] = []
    switch correction.gainSource {
    case .none:
      notes.append(
        Note(.assumption, "no gain reference: all segments are taken to be equally sensitive"))
    case .vacuum where correction.uncalibratedSegments.isEmpty:
      notes.append(Note(.information, "gains from the vacuum reference"))
    case .vacuum:
      notes.append(
        Note(
          .warning,
          "gains from the vacuum reference, which lights only the inner segments: those of segments"
            + " \(correction.uncalibratedSegments.map(String.init).joined(separator: ", "))"
            + " are unknown and taken as 1"))
    case .flat, .gain:
      notes.append(Note(.information, "gains from the file's \(correction.gainSource.rawValue)"))
    }
    if metadata.references.dark == nil && metadata.signalUnit == .counts {
      notes.append(Note(.assumption, "no dark reference: counts are taken to start at zero"))
    }
    if electronsPerUnit == nil {
      notes.append(
        Note(
          .warning,
          "no electrons_per_pixel in the file: errors only from the scatter of repeated frames"))
    }
    return notes
  }
}
