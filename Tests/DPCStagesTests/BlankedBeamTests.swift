// Rows at which the beam was blanked: some electrons of the dark's noise are all that is there.
@testable import DPCStages
import DPCReconstruction
import Foundation
import Pipeline
import STEMCore
import Testing

struct BlankedBeamTests {
  private static let shape = GridShape(rows: 24, columns: 40)
  private static let blankedRows = 20..<24

  /// 1e6 electrons over four quadrants within the disc, a tenth more on the right in column 20; in blanked rows 0 to
  /// 12 electrons in each.
  private static func write(to path: String) throws {
    var numbers: [Double] = []
    for segment in 0..<8 {
      for row in 0..<shape.rows {
        for column in 0..<shape.columns {
          let isBlanked = blankedRows.contains(row)
          let noise = Double((row * 7 + column * 5 + segment * 11) % 13)
          let tilt = column == 20 ? (segment == 0 ? 25_000.0 : segment == 2 ? -25_000 : 0) : 0
          numbers.append(segment < 4 ? (isBlanked ? noise : 250_000 + tilt) : 0)
        }
      }
    }
    try WrittenAcquisition(
      inner: [0, 0, 0, 0, 24, 24, 24, 24], outer: [24, 24, 24, 24, 48, 48, 48, 48],
      start: [-45, 45, 135, 225, -45, 45, 135, 225], stop: [45, 135, 225, 315, 45, 135, 225, 315],
      electronsPerPixel: 1e6, pixelSize: 2, frameCount: 1, shape: shape
    ).write(numbers, to: path)
  }

  @Test("They are masked as having no counts, and leave the others alone")
  func masked() async throws {
    let laboratory = try Laboratory()
    let path = laboratory.folder + "/blanked.h5"
    try Self.write(to: path)
    let outcome = try await laboratory.run(
      """
      schema: dpc-pipeline/1
      name: blanked
      inputs: { acquisition: "\(path)" }
      stages:
        frames: { uses: read-acquisition, with: { file: $acquisition } }
        clean:  { uses: normalize-segments, from: frames, with: { spike_sigma: none } }
        tilt:   { uses: deflection, from: clean }
      results: [tilt]
      """)
    let map = try outcome.value("tilt", as: DeflectionValue.self).map
    let expected = (0..<Self.shape.count).map { index in
      Self.blankedRows.contains(index / Self.shape.columns) ? PixelFlags.noCounts.rawValue : 0
    }
    #expect(map.mask.bytes == expected)
    let masked = Self.blankedRows.count * Self.shape.columns
    #expect(
      outcome.report["tilt"]?.facts.contains { $0.text == "masked pixels: \(masked) no counts" }
        == true)
  }
}
