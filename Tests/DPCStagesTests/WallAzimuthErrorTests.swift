// What a measured normal leaves open of where walls are.
@testable import DPCStages
import DPCReconstruction
import Foundation
import Pipeline
import STEMCore
import Testing

struct WallAzimuthErrorTests {
  // In a frame of 100 nm across and 600 nm along its rows a wall at p whose normal is 30° off the rows runs from rim to
  // rim; its middle, on the line y = 0, lies -p tan 30° along it.
  @Test("A wall far along a frame owes its position to the normal, by its place along itself")
  func positions() async throws {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(
      """
      schema: dpc-pipeline/1
      name: walls
      stages:
        walls: { uses: phantom-walls, with: { positions_nm: [-170, 0, 180], field_V_per_m: 3e8, fwhm_nm: 20, thickness_nm: 60, normal_azimuth_deg: 30 } }
        scan:
          uses: simulate-acquisition
          from: walls
          with: { columns_px: 300, rows_px: 50, pixel_size_nm: 2, electrons_per_pixel: 1e6, seed: 5 }
      results: [scan]
      """)
    let outcome = try await laboratory.run(
      Laboratory.fieldChain(path) + """
          measured: { uses: wall-profile, from: field, with: { normal_azimuth_deg: measured, field_direction: perp } }
          walls:    { uses: correct-inclination, from: field, with: { model: finite-wall, normal_azimuth_deg: measured, field_direction: perp } }
          given:    { uses: wall-profile, from: field, with: { normal_azimuth_deg: 30, field_direction: perp } }
        results: [measured, walls, given]
        """)
    let measured = try outcome.value("measured", as: WallProfileValue.self)
    let given = try #require(try outcome.value("given", as: WallProfileValue.self).table).rows
    let azimuthError = try #require(measured.orientation.seen?.error)
    let fitted = try outcome.value("walls", as: WallsValue.self).table.rows
    for rows in [try #require(measured.table).rows, fitted] {
      try #require(rows.count == 3 && given.count == 3)
      for (row, plain) in zip(rows, given) {
        let (position, own) = (row.wall.position, try #require(plain.wall.position.error))
        let owed = -position.value * tan(Double.pi / 6) * azimuthError
        let change = try #require(row.changes?["normal_azimuth"])
        #expect(abs(change.position - owed) < 0.05 * abs(owed) + 1e-12)
        #expect(abs((try #require(position.error)) / hypot(own, owed) - 1) < 0.1)
        #expect(plain.changes == nil)
      }
      // Outer walls: far more than what their own profile leaves open.
      let errors = try rows.map { try #require($0.wall.position.error) }
      #expect(errors[0] > 1.5 * errors[1] && errors[2] > 1.5 * errors[1])
    }
  }
}
