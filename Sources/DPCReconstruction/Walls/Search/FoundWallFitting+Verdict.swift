// Takes out the walls that the profile across them does not need.

internal import STEMCore

extension FoundWallFitting {
  /// Judges each wall beside all others, and keeps those that are needed as they are.
  ///
  /// - Returns: Those that are not.
  func refuseNeedless(
    _ found: inout [FoundWall], _ findings: inout WallFindings, checkpoint: () throws -> Void
  ) throws -> [FoundWall] {
    guard !found.isEmpty else { return [] }
    let pixels = WallPixels(map)
    let all = found.map { (line: line(of: $0), family: $0.family) }
    var kept: [FoundWall] = []
    var refused: [FoundWall] = []
    for (index, wall) in found.enumerated() {
      try checkpoint()
      let (own, family) = all[index]
      let reach = WallVerdict.reach * geometry.projectedWidth(sechWidth: own.sechWidth)
      let n = own.normal
      var strip = pixels.where { x, y in
        let (u, v) = own.place(x, y, n)
        return abs(u) <= reach && v >= own.start && v <= own.end
      }
      for other in all where other.family != family { strip.subtract(other.line, geometry) }
      let neighbors = all.indices.filter { $0 != index && all[$0].family == family }
      let verdict = WallVerdict(
        pixels: strip, geometry: geometry, wall: own, neighbors: neighbors.map { all[$0].line })
      if let reason = verdict.rejection {
        findings.rejections.append(reason)
        if reason != .misfit {
          findings.strongestRefused.consider(wall.significance, reason)
          refused.append(wall)
        }
      } else {
        kept.append(wall)
      }
    }
    found = kept
    return refused
  }
}
