// The field of an inclined wall at one distance, as tests ask for it.
@testable import DPCReconstruction

extension InclinationGeometry {
  /// The mean field over the thickness at a distance along the image wall normal, V/m, and its derivatives.
  ///
  /// - Parameters:
  ///   - distance: X along the wall normal's azimuth, m.
  ///   - amplitude: E0, V/m.
  ///   - w: Of sech²(u/w), m.
  ///   - position: X0 of the wall, m.
  func meanField(
    at distance: Double, amplitude: Double, sechWidth w: Double, position: Double
  ) -> WallFieldSample {
    ProjectedWall(geometry: self, sechWidth: w).sample(
      at: distance - position, amplitude: amplitude)
  }
}
