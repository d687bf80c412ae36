// A series of known beam tilts, and a disc that moves otherwise than the file says.
internal import DPCSimulation
internal import Glibc
internal import Pipeline
internal import STEMCore

extension SimulationRequest {
  /// Frames that the file is to hold: repeated ones, or one for each tilt.
  func frameCount() throws -> Int {
    try context.numbers("beam_tilts_mrad").map { $0.count / 2 } ?? context.value("frames")
  }

  /// - Throws: `StageFailure` where the lists do not make tilts or a matrix.
  func addTilts(to specification: inout SimulationSpecification) throws {
    let series = try context.reading { try SeriesRequest(context) }
    specification.response = series.response
    specification.beamTilts = series.tilts
  }

  /// The largest tilt of a series, as a displacement of the disc, rad.
  func largestTilt(_ specification: SimulationSpecification) -> Double {
    specification.beamTilts.reduce(0) { largest, tilt in
      let moved = specification.response(tilt.x, tilt.y)
      return max(largest, hypot(moved.x, moved.y))
    }
  }
}

/// Tilts and response as a manifest lists them.
struct SeriesRequest {
  let response: Matrix2
  let tilts: [BeamTilt]

  /// - Throws: `ParameterProblem` where the lists do not make tilts or a matrix.
  init(_ context: StageContext) throws {
    let response = context.numbers("response") ?? [1, 0, 0, 1]
    let determinant =
      response.count == 4 ? response[0] * response[3] - response[1] * response[2] : 0
    if abs(determinant) < 1e-3 {
      throw ParameterProblem(
        "response", "response \(response) is no invertible 2×2 matrix",
        suggestion: "list xx, xy, yx, yy, such as [0.95, 0, 0, 0.95]")
    }
    self.response = Matrix2(xx: response[0], xy: response[1], yx: response[2], yy: response[3])
    let tilts = context.numbers("beam_tilts_mrad") ?? []
    let frames: Int = try context.value("frames")
    let isListed = context.numbers("beam_tilts_mrad") != nil
    if isListed,
      tilts.count < 2 || tilts.count % 2 != 0 || frames != 1 && frames != tilts.count / 2
    {
      throw ParameterProblem(
        "beam_tilts_mrad", "beam_tilts_mrad lists \(tilts.count) numbers, and frames is \(frames)",
        suggestion: "list x and y of each frame's tilt, and leave frames out")
    }
    self.tilts = stride(from: 0, to: tilts.count, by: 2).map {
      BeamTilt(x: tilts[$0] / 1e3, y: tilts[$0 + 1] / 1e3)
    }
  }
}
