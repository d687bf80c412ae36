// Stated errors of fitted walls against many simulated acquisitions, from counts to the table.
@testable import DPCStages
import DPCReconstruction
import Foundation
import Pipeline
import STEMCore
import STEMData
import Testing

struct WallCoverageTests {
  /// Walls and a scan, as a manifest states them.
  struct Scene: Sendable, CustomTestStringConvertible {
    var positions: [Double]
    var field = 3e8
    var width: Double
    var thickness = 60.0
    var inclination: Double
    var azimuth = 0.0
    var rotation = 0.0
    var columns: Int
    var rows: Int
    var pixel: Double
    var electrons: Double
    var direction: String { inclination == 0 ? "perp" : "parallel" }
    var testDescription: String { "\(inclination)° inclined, \(electrons) electrons" }

    var manifest: String {
      """
      schema: dpc-pipeline/1
      name: walls
      stages:
        walls:
          uses: phantom-walls
          with: { positions_nm: \(positions), field_V_per_m: \(field), fwhm_nm: \(width), thickness_nm: \(thickness), inclination_deg: \(inclination), normal_azimuth_deg: \(azimuth), field_direction: \(direction) }
        scan:
          uses: simulate-acquisition
          from: walls
          with: { columns_px: \(columns), rows_px: \(rows), pixel_size_nm: \(pixel), electrons_per_pixel: \(electrons), scan_rotation_deg: \(rotation), orientation_deg: 17, view: cross-section }
      results: [scan]
      """
    }
  }

  private static let scenes = [
    Scene(
      positions: [-80, 80], width: 20, inclination: 45, rotation: 23, columns: 320, rows: 32,
      pixel: 1, electrons: 2e5),
    Scene(
      positions: [-50, 46], width: 16, inclination: 38, azimuth: 90, rotation: -40, columns: 28,
      rows: 260, pixel: 1, electrons: 6e5),
    Scene(
      positions: [12], width: 26, thickness: 45, inclination: 57, azimuth: 20, rotation: 75,
      columns: 130, rows: 50, pixel: 2, electrons: 3e5),
    Scene(
      positions: [-60, 0, 55], field: 1.5e8, width: 18, inclination: 0, azimuth: -30, rotation: 8,
      columns: 96, rows: 80, pixel: 2, electrons: 1e5),
  ]

  /// Deviations over stated errors, by quantity.
  private struct Pulls {
    var values: [String: [Double]] = [:]

    mutating func add(_ name: String, _ measured: STEMCore.Measurement, _ truth: Double) throws {
      values[name, default: []].append((measured.value - truth) / (try #require(measured.error)))
    }

    func share(_ name: String, within limit: Double) -> Double {
      let list = values[name] ?? []
      return Double(list.count { abs($0) < limit }) / Double(max(1, list.count))
    }
  }

  @Test(
    "Fields, widths, products and positions of walls lie within their errors as often as they should"
  )
  func coverage() async throws {
    let laboratory = try Laboratory()
    let draws = 7
    var pulls = Pulls()
    var (found, truths) = (0, 0)
    for scene in Self.scenes {
      for seed in 1...draws {
        let path = try await laboratory.file(scene.manifest, set: ["scan.seed=\(seed)"])
        let table = try await laboratory.reconstruction(of: path, fitsWalls: true)
          .value("walls", as: WallsValue.self).table
        truths += scene.positions.count
        for (index, position) in scene.positions.enumerated() {
          let sign = index.isMultiple(of: 2) ? 1.0 : -1
          guard
            let row = table.rows.first(where: {
              abs($0.wall.position.value - position * 1e-9) < 25e-9
            })
          else { continue }
          found += 1
          try pulls.add("field", row.wall.field, sign * scene.field)
          try pulls.add("width", row.wall.width, scene.width * 1e-9)
          try pulls.add("position", row.wall.position, position * 1e-9)
          try pulls.add(
            "product", row.product,
            sign * scene.field * scene.width * 1e-9 / InclinationGeometry.widthFactor)
        }
        #expect(table.rows.count <= scene.positions.count, "\(scene) seed \(seed)")
      }
    }
    #expect(Double(found) > 0.95 * Double(truths), "\(found) of \(truths)")
    // 56 walls: shares of 0.68 and 0.95 scatter by 0.062 and 0.029; three of these.
    for name in ["field", "width", "product", "position"] {
      let (one, two) = (pulls.share(name, within: 1), pulls.share(name, within: 2))
      #expect(abs(one - 0.68) < 0.19, "\(name): \(one)")
      #expect(two > 0.86, "\(name): \(two)")
    }
  }

  @Test("Intervals, errors and what is left out are written, and said in words")
  func statements() async throws {
    let laboratory = try Laboratory()
    var scene = Self.scenes[0]
    scene.width = 9
    scene.thickness = 80
    scene.electrons = 1.2e5
    var (skew, left) = (0, 0)
    for seed in 1...6 {
      let path = try await laboratory.file(scene.manifest, set: ["scan.seed=\(seed)"])
      let outcome = try await laboratory.reconstruction(of: path, fitsWalls: true)
      let value = try outcome.value("walls", as: WallsValue.self)
      let names = value.group("walls").datasets.map(\.name)
      for name in ["wall_field_lower", "wall_field_upper", "wall_width_lower", "wall_width_upper"] {
        #expect(names.contains(name))
      }
      let notes = outcome.report["walls"]?.notes.map(\.text) ?? []
      for row in value.table.rows where row.widthInterval.lower == nil {
        skew += 1
        #expect(row.remarks.contains { $0.contains("its width is not determined") })
        #expect(notes.contains { $0.contains("any width below") })
      }
      left += value.table.unmeasured.count
      for row in value.table.unmeasured {
        #expect(abs(row.product.value) > 3 * (try #require(row.product.error)))
        #expect(notes.contains { $0.contains("E0·w, which needs no width, is") })
      }
    }
    // A wall of 9 nm in a box of 80 nm with some 10 sigma: one or the other happens in most scans.
    #expect(skew + left > 0)
  }
}
