// The sum of frames as a frame of its own, as tests ask for it.
@testable import DPCReconstruction
import STEMCore

extension FrameAccumulator {
  /// The summed signals and the scatter between frames, of all rows.
  consuming func finished() -> (signals: SegmentSignals, scatter: FrameScatter) {
    let (shape, segments, electrons) = (shape, segmentCount, electronsPerUnit)
    var values = [Double](repeating: 0, count: segments * shape.count)
    var flags = [UInt8](repeating: 0, count: shape.count)
    let scatter = values.share { values in
      flags.share { flags in write(to: values, flags, at: 0) }
    }
    let signals = SegmentSignals(
      shape: shape, segmentCount: segments, values: values,
      mask: PixelMask(shape: shape, bytes: flags), electronsPerUnit: electrons,
      exposures: scatter.medianAdded ?? 1)
    return (signals, scatter)
  }
}
