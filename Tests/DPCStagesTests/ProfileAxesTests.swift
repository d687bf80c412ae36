// What a profile's figure says is positive, held against the profile itself.
@testable import DPCStages
import DPCReconstruction
import Foundation
import STEMCore
import Testing

struct ProfileAxesTests {
  @Test(
    "A field towards the azimuth that the figure names is positive in the profile",
    arguments: [(FieldDirection.perp, 115.0), (.parallel, 25), (.normal, 25)])
  func positive(direction: FieldDirection, azimuth: Double) throws {
    let normal = 25 * Double.pi / 180
    let orientation = WallOrientation(
      normalAzimuth: normal, direction: direction, normalOrigin: .given,
      directionOrigin: .given, coherence: nil, statedAzimuth: nil)
    func text(hasWalls: Bool) -> String {
      ProfilePlotStage().axes(orientation, hasWalls: hasWalls)
    }
    #expect(
      text(hasWalls: true)
        .hasPrefix("distance along 25°, the walls' normal; positive towards \(Int(azimuth))° "))
    #expect(
      text(hasWalls: false)
        .hasPrefix("distance along 25°; no wall was fitted; positive towards \(Int(azimuth))° "))
    let shape = GridShape(rows: 20, columns: 24)
    func plane(_ value: Double) -> [Double] { [Double](repeating: value, count: shape.count) }
    let angle = azimuth * Double.pi / 180
    let map = VectorMap(
      field: VectorField(shape: shape, x: plane(3e8 * cos(angle)), y: plane(3e8 * sin(angle))),
      covariance: nil, mask: PixelMask(shape: shape), pixelSize: PixelSize(x: 1e-9, y: 1e-9))
    let profile = try wallProfile(of: map, direction: direction, normalAzimuth: normal)
    #expect(profile.value.allSatisfy { abs($0 / 3e8 - 1) < 1e-12 }, "\(profile.value)")
  }
}
