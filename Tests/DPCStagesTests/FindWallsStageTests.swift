// find-walls on simulated acquisitions: the table, its columns, its statements, and what it refuses.
@testable import DPCStages
import DPCReconstruction
import DPCSimulation
import Foundation
import Pipeline
import STEMCore
import STEMData
import TestText
import Testing

struct FindWallsStageTests {
  private static func scan(
    _ azimuth: Double, field: String = "2e8", noise: String = "poisson", thickness: Int = 60
  ) -> String {
    """
    schema: dpc-pipeline/1
    name: walls
    stages:
      walls:
        uses: phantom-walls
        with: { positions_nm: [-60, 10, 80], field_V_per_m: \(field), fwhm_nm: 20, thickness_nm: \(thickness), normal_azimuth_deg: \(azimuth) }
      scan:
        uses: simulate-acquisition
        from: walls
        with: { columns_px: 128, rows_px: 112, pixel_size_nm: 2, electrons_per_pixel: 1e6, noise: \(noise), seed: 7, states_walls: false }
    results: [scan]
    """
  }

  private static func chain(_ path: String, _ parameters: String = "") -> String {
    Laboratory.fieldChain(path) + """
        walls:   { uses: find-walls, from: field, with: { \(parameters) } }
        plot:    { uses: profile-plot, from: walls, with: { format: [png] } }
      results: [walls]
      """
  }

  @Test("Walls that nobody states are found, alternate, and leave every column")
  func found() async throws {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(Self.scan(25))
    let outcome = try await laboratory.run(Self.chain(path))
    let value = try outcome.value("walls", as: WallsValue.self)
    let found = try #require(value.found)
    #expect(value.table.rows.count == 3)
    for (row, truth) in zip(value.table.rows, [(-60e-9, 2e8), (10e-9, -2e8), (80e-9, 2e8)]) {
      let wall = row.wall
      #expect(abs(wall.position.value - truth.0) < 4 * (try #require(wall.position.error)))
      #expect(abs(wall.field.value - truth.1) < 4 * (try #require(wall.field.error)))
    }
    for azimuth in found.normalAzimuth {
      #expect(
        abs(azimuth.value - 25 * Double.pi / 180) < 4 * (try #require(azimuth.error)))
    }
    #expect(value.context.attributes["alternation"]?.contains("alternate in all 2 pairs") == true)
    let group = value.group("walls")
    #expect(group.quantity == "walls")
    for name in [
      "wall_position", "wall_field", "wall_width", "wall_field_errors", "wall_normal_azimuth",
      "wall_normal_azimuth_errors", "wall_start_x", "wall_end_y", "wall_significance",
      "wall_family",
    ] {
      #expect(group.datasets.contains { $0.name == name }, "\(name)")
    }
    #expect(value.tableOfProfile.rows.count == 3)
    // Found one by one, they share no offset.
    #expect(!group.attributes.keys.contains { $0.hasPrefix("offset") })
    let again = try await laboratory.run(Self.chain(path)).value("walls", as: WallsValue.self)
    #expect(again.table == value.table && again.found == value.found)
  }

  @Test("Of a wall wider in the image than the strip is, the azimuth is told without an error")
  func strip() async throws {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(
      Self.scan(12).changing("rows_px: 112", to: "rows_px: 20")
        .changing("columns_px: 128", to: "columns_px: 240")
        .changing("[-60, 10, 80]", to: "[10]"))
    let outcome = try await laboratory.run(Self.chain(path, "inclination_deg: 45"))
    let report = try #require(outcome.report["walls"])
    #expect(
      report.notes.contains {
        $0.kind == .warning && $0.text.hasPrefix("wall 1 is wider in the image")
          && $0.text.contains("cannot be told from this map")
      }, "\(report.notes)")
    #expect(report.facts.contains { $0.text.hasSuffix("(without an error)") })
  }

  @Test("A map without walls says so, with what a wall could have without showing")
  func nothing() async throws {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(Self.scan(0, field: "0"))
    let outcome = try await laboratory.run(Self.chain(path))
    let value = try outcome.value("walls", as: WallsValue.self)
    #expect(value.table.rows.isEmpty)
    let keys = outcome.report["walls"]?.facts.map(\.key) ?? []
    #expect(keys == ["wall_count", "wall_upper_limit"])
    let text = try #require(outcome.report["walls"]?.facts.last?.text)
    // A profile along another direction was not looked at.
    #expect(
      text.hasPrefix("not detected: a wall 20 nm wide with its normal at 0° has less than"),
      "\(text)")
    #expect(value.orientation.normalOrigin == .unknown)
  }

  @Test("Where no line is a wall the clearest one is told, with what it is")
  func refused() throws {
    let shape = GridShape(rows: 96, columns: 128)
    var generator = SeededGenerator(seed: 5)
    let sigma = 1e7
    func plane(_ level: (Int) -> Double) -> [Double] {
      (0..<shape.count).map { level($0 % shape.columns) + sigma * generator.normal() }
    }
    let variance = [Double](repeating: sigma * sigma, count: shape.count)
    let map = VectorMap(
      field: VectorField(
        shape: shape, x: plane { _ in 0 }, y: plane { 1e8 * tanh(Double($0 - 70) / 4) }),
      covariance: VectorCovariance(
        shape: shape, xx: variance, yy: variance, xy: [Double](repeating: 0, count: shape.count)),
      mask: PixelMask(shape: shape), pixelSize: PixelSize(x: 2e-9, y: 2e-9))
    let geometry = try InclinationGeometry(thickness: 60e-9, inclination: 0, direction: .perp)
    let findings = try findWalls(in: map, geometry: geometry)
    #expect(findings.walls.isEmpty)
    let table = WallTable(findings: findings, errorScale: 1)
    let facts = findings.facts(table).map(\.text)
    #expect(facts.count == 1)
    #expect(
      facts[0].wholeMatch(
        of:
          /no wall found; the clearest line at [0-9]+ sigma was refused: a step between two levels, not a wall/
      )
        != nil, "\(facts)")
    let note = try #require(findings.notes(hasErrors: true).first { $0.kind == .warning })
    #expect(note.text.contains("sigma: a step between two levels, not a wall"), "\(note.text)")
  }

  @Test(
    "A search that ends at its largest number of walls says that there may be more",
    arguments: [2, 3, 4])
  func cutShort(largest: Int) throws {
    let shape = GridShape(rows: 96, columns: 128)
    var generator = SeededGenerator(seed: 6)
    let sigma = 1e7
    var plane: [Double] { (0..<shape.count).map { _ in sigma * generator.normal() } }
    let variance = [Double](repeating: sigma * sigma, count: shape.count)
    var map = VectorMap(
      field: VectorField(shape: shape, x: plane, y: plane),
      covariance: VectorCovariance(
        shape: shape, xx: variance, yy: variance, xy: [Double](repeating: 0, count: shape.count)),
      mask: PixelMask(shape: shape), pixelSize: PixelSize(x: 2e-9, y: 2e-9))
    for (center, sign) in [(30, 1.0), (64, -1), (98, 1)] {
      for place in 0..<shape.count {
        let u = cosh(Double(place % shape.columns - center) / 4)
        map.field.y[place] += sign * 1e8 / (u * u)
      }
    }
    let geometry = try InclinationGeometry(thickness: 60e-9, inclination: 0, direction: .perp)
    var options = WallFindingOptions()
    options.maximumWalls = largest
    let findings = try findWalls(in: map, geometry: geometry, options: options)
    // A wall that the search did not come to may still be seen by the fit.
    #expect(findings.walls.count == 3)
    #expect(findings.isCutShort == (largest <= 3))
    let notes = findings.notes(hasErrors: true).map(\.text)
    #expect(notes.contains { $0.contains("more than these 3 walls") } == (largest <= 3), "\(notes)")
  }

  @Test("Walls that run otherwise than the file states are told")
  func stated() async throws {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(
      Self.scan(23.25).changing("states_walls: false", to: "states_walls: true"))
    func warnings(stated: Double) async throws -> [String] {
      let file = URL(fileURLWithPath: path)
      var bytes = try Data(contentsOf: file)
      let known = withUnsafeBytes(of: (23.25).bitPattern.littleEndian) { Data($0) }
      let place = try #require(bytes.range(of: known))
      bytes.replaceSubrange(
        place, with: withUnsafeBytes(of: stated.bitPattern.littleEndian) { Data($0) })
      try #require(bytes.range(of: known) == nil || stated == 23.25)
      let changed = laboratory.folder + "/stated-\(stated).h5"
      try bytes.write(to: URL(fileURLWithPath: changed))
      let outcome = try await laboratory.run(Self.chain(changed))
      return try #require(outcome.report["walls"]).notes.filter { $0.kind == .warning }.map(\.text)
    }
    #expect(try await warnings(stated: 23.25).allSatisfy { !$0.contains("wall_normal_azimuth") })
    // The opposite normal is the same wall's.
    #expect(try await warnings(stated: -156.75).allSatisfy { !$0.contains("wall_normal_azimuth") })
    #expect(
      try await warnings(stated: 60).contains {
        $0.hasPrefix(
          "the file states the walls' normal at 60°, and no wall is found there, but at 23.")
      })
  }

  @Test("Each parameter gives another key")
  func parameters() async throws {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(Self.scan(25))
    var seen: Set<String> = []
    for parameters in [
      "", "false_walls_per_map: 1e-6", "shortest_length: 5", "inclination_deg: 20",
      "field_direction: perp",
    ] {
      let outcome = try await laboratory.run(Self.chain(path, parameters))
      seen.insert(outcome.report["walls"]?.key?.description ?? "")
    }
    #expect(seen.count == 5)
  }

  @Test(
    "The wrong component shows no wall, and the result says where they are", arguments: [0, 25])
  func wrongDirection(azimuth: Double) async throws {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(Self.scan(azimuth))
    let outcome = try await laboratory.run(Self.chain(path, "field_direction: normal"))
    let value = try outcome.value("walls", as: WallsValue.self)
    #expect(value.table.rows.isEmpty)
    let notes = outcome.report["walls"]?.notes.map(\.text) ?? []
    #expect(
      notes.contains {
        $0.hasPrefix(
          "no wall in the component that field_direction names (normal, given), but 3 in the component"
            + " along the walls")
      }, "\(notes)")
    // Nothing of the kind where nothing is wrong, and where there are no walls at all.
    let right = try await laboratory.run(Self.chain(path, "field_direction: perp"))
    #expect(
      !(right.report["walls"]?.notes ?? []).contains { $0.text.contains("check field_direction") })
    let empty = try await laboratory.file(Self.scan(azimuth, field: "0"))
    let none = try await laboratory.run(Self.chain(empty, "field_direction: perp"))
    #expect(
      !(none.report["walls"]?.notes ?? []).contains { $0.text.contains("check field_direction") })
  }
}
