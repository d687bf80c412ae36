// Says where a step between two levels explains a profile better than the walls that were fitted to it.
internal import DPCReconstruction
internal import Foundation
internal import Pipeline
internal import STEMCore

extension WallTable {
  /// χ² that walls must gain on a step of as many parameters: 2 ln 20.
  private static let leastGain = 6.0

  /// A warning where fewer parameters, those of a step, describe the profile as well as the walls do.
  ///
  /// - Parameter profile: To which the walls were fitted.
  func stepNotes(_ profile: LineProfile, unit: String) -> [Note] {
    guard !rows.isEmpty, curveDistance == profile.distance, let errors = profile.error,
      let step = bestStep(in: profile, on: slope == nil ? .constant : .linear)
    else { return [] }
    let misfit = curve.indices.reduce(0.0) {
      let rest = (profile.value[$1] - curve[$1]) / errors[$1]
      return $0 + rest * rest
    }
    // Each wall costs what a fit asks for one; a step costs as much as one wall.
    let cost = WallFitOptions.costOfWall(samples: curve.count)
    let walls = rows.count + unmeasured.count + nearRim.count
    guard step.chiSquare + cost + Self.leastGain < misfit + Double(walls) * cost else { return [] }
    let height = Format.quantity(abs(step.height.value), error: step.height.error, unit: unit)
    let place = Format.quantity(step.position, unit: "m")
    let those = rows.count == 1 ? "this wall" : "these walls"
    return [
      Note(
        .warning,
        "a step of \(height) between two levels, at \(place), explains the profile better than \(those):"
          + " levels that differ across a boundary (mistilt, charging, thickness) are no walls;"
          + " find-walls tells them apart")
    ]
  }
}
