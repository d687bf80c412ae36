// The first frame of an acquisition as a run would judge it, for whoever only looks at the file.
internal import DPCReconstruction
public import Pipeline
internal import STEMCore
public import STEMData

/// What a run would say of the first frame of an acquisition, if it were the only one.
public struct FirstFrameVerdict: Sendable {
  /// Why it would be refused; nil where it would be taken.
  public fileprivate(set) var refusal: StageFailure?
  /// What in it contradicts what the file states; of a frame that is refused, what had been seen until then.
  public fileprivate(set) var doubts: [String] = []

  /// - Parameter file: As it was read.
  public init(of file: AcquisitionFile) {
    do { try judge(file) } catch {
      // What the machine or the file cannot give is told where it is read for its own sake.
      if let failure = error as? StageFailure, failure.category == .inputRefused {
        refusal = failure
      }
    }
  }

  private mutating func judge(_ file: AcquisitionFile) throws {
    var metadata = file.metadata
    // What one count stands for is formed of all frames, and says nothing of this one.
    if metadata.frameCount > 1 { metadata.electronsPerPixel = nil }
    let acquisition = AcquisitionValue(
      metadata: metadata, file: InputFile(name: "acquisition", path: file.path, digest: ""))
    let normalize = NormalizeSegments()
    let context = StageContext(
      stageName: normalize.name, parameters: normalize.defaultParameters,
      inputs: ["acquisition": acquisition])
    let product = try normalize.run(context)
    guard let frames = product.outputs["frames"] as? FramesValue else { return }
    add(product.notes.filter { $0 != NormalizeSegments.withoutElectrons })
    try checkDisc(frames)
    let (statistics, mask) = try FrameReader(frames).statistics(context)
    let check = SignalCheck(frames)
    try check.check(mask)
    try check.check(statistics)
    add(try check.notes(statistics, exposures: 1, context))
  }

  private mutating func add(_ notes: [Note]) {
    doubts += notes.filter { $0.kind == .warning }.map(\.text)
  }
}

/// - Throws: `inputRefused` where the disc and the detector give no deflection by the usual method.
private func checkDisc(_ frames: FramesValue) throws {
  let method = DeflectionMethod.discShift
  do { _ = try DeflectionEstimation(method, frames) { false } } catch {
    let reason = (error as? EstimatorError)?.text(for: method) ?? "\(error)"
    throw StageFailure(.inputRefused, "\(frames.acquisition.file.path): \(reason)")
  }
}
