// The shape of a trial wall from a table: a search tries many thousand places for each width.

internal import STEMCore

/// g P of ``InclinationGeometry`` for one w, interpolated.
///
/// Good to 1e-4 of the height, and cut where it is below 3e-5 of it: enough to tell where a fit should start.
struct TrialShape: Sendable {
  /// Beyond this distance the wall is left out, m.
  let reach: Double
  private let heights: [Double]
  private let perMeter: Double

  /// Straight lines between 64 points to the width differ from sech² by up to 1/(4 · 64²) of its height.
  private static let pointsPerWidth = 64.0

  init(_ geometry: InclinationGeometry, sechWidth: Double) {
    let shape = ProjectedWall(geometry: geometry, sechWidth: sechWidth)
    reach = Self.reach(geometry, sechWidth: sechWidth, widths: 6)
    perMeter = Self.pointsPerWidth * geometry.cosine / sechWidth
    let spacing = 1 / perMeter
    heights = (0...Int(reach * perMeter) + 2).map { shape.unitHeight(at: Double($0) * spacing) }
  }

  /// The distance from the wall at which its edges end and so many widths more.
  static func reach(_ geometry: InclinationGeometry, sechWidth: Double, widths: Double) -> Double {
    (geometry.thickness * geometry.sine / 2 + widths * sechWidth) / geometry.cosine
  }

  /// - Parameter distance: From the wall, m, at most ``reach`` but for rounding.
  @inline(__always)
  func height(at distance: Double) -> Double {
    let place = abs(distance) * perMeter
    let index = min(Int(place), heights.count - 2)
    let below = heights[index]
    return below + (place - Double(index)) * (heights[index + 1] - below)
  }
}
