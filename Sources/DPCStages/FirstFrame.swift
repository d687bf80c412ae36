// The first frame of an acquisition as a run would judge it, for whoever only looks at the file.
internal import DPCReconstruction
public import Pipeline
internal import STEMCore
public import STEMData

/// Why a run would refuse the first frame of an acquisition, if it were the only one; nil where it would take it.
///
/// - Parameter file: As it was read.
public func refusalOfFirstFrame(of file: AcquisitionFile) -> StageFailure? {
  var metadata = file.metadata
  // What one count stands for is formed of all frames, and says nothing of this one.
  if metadata.frameCount > 1 { metadata.electronsPerPixel = nil }
  let acquisition = AcquisitionValue(
    metadata: metadata, file: InputFile(name: "acquisition", path: file.path, digest: ""))
  let normalize = NormalizeSegments()
  let context = StageContext(
    stageName: normalize.name, parameters: normalize.defaultParameters,
    inputs: ["acquisition": acquisition])
  do {
    guard let frames = try normalize.run(context).outputs["frames"] as? FramesValue else {
      return nil
    }
    try checkDisc(frames)
    let (statistics, mask) = try FrameReader(frames).statistics(context)
    let check = SignalCheck(frames)
    try check.check(mask)
    try check.check(statistics)
    return nil
  } catch {
    // What the machine or the file cannot give is told where it is read for its own sake.
    guard let failure = error as? StageFailure, failure.category == .inputRefused else {
      return nil
    }
    return failure
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
