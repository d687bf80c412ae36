// What the stages say of walls that are not straight.
@testable import DPCReconstruction
import DPCSimulation
@testable import DPCStages
import Foundation
import Pipeline
import STEMCore
import Testing

struct WallBendNoteTests {
  private static let shape = GridShape(rows: 120, columns: 90)

  /// Walls of 20 nm, edge-on, that bow alike, in pixels of 2 nm.
  ///
  /// - Parameter end: Of the walls along themselves, of half the frame.
  private static func map(
    bow: Double, positions: [Double], sigma: Double, end: Double = 1
  ) -> VectorMap {
    var generator = SeededGenerator(seed: 5)
    var field = VectorField(shape: shape)
    for i in 0..<shape.count {
      let x = (Double(i % shape.columns) - Double(shape.columns - 1) / 2) * 2e-9
      let t = (Double(i / shape.columns) - Double(shape.rows - 1) / 2) / (Double(shape.rows) / 2)
      field.x[i] = sigma * generator.normal()
      field.y[i] = sigma * generator.normal()
      for position in positions where t < end {
        let u = (x - position - bow * (1 - t * t)) * InclinationGeometry.widthFactor / 20e-9
        field.y[i] += 2e8 / pow(cosh(u), 2)
      }
    }
    let variance = [Double](repeating: sigma * sigma, count: shape.count)
    return VectorMap(
      field: field,
      covariance: VectorCovariance(
        shape: shape, xx: variance, yy: variance,
        xy: [Double](repeating: 0, count: shape.count)),
      mask: PixelMask(shape: shape), pixelSize: PixelSize(x: 2e-9, y: 2e-9))
  }

  /// The table of their profile.
  private static func table(
    bow: Double, positions: [Double], sigma: Double, end: Double = 1
  ) throws -> WallTable {
    let map = map(bow: bow, positions: positions, sigma: sigma, end: end)
    let profile = try wallProfile(of: map, direction: .perp, normalAzimuth: 0)
    let fit = try fitImageWalls(profile: profile, options: WallFitOptions())
    let orientation = WallOrientation(
      normalAzimuth: 0, direction: .perp, normalOrigin: .given, directionOrigin: .given,
      coherence: nil, statedAzimuth: nil)
    let table = WallTable(fit, normalAzimuth: 0, errorScale: 1)
    let courses = table.courses(
      in: map, geometry: .imagePlane, orientation, CorrelationLength())
    return table.remarking(courses, geometry: .imagePlane)
  }

  @Test("A bow is a fact in meters, and a warning tells how wide the wall is by itself")
  func bent() throws {
    let table = try Self.table(bow: -12e-9, positions: [3e-9], sigma: 6e7)
    let fact = try #require(table.facts(prefix: "wall").first { $0.key == "wall_bow" })
    let error = try #require(fact.error)
    #expect(abs((fact.value ?? 0) + 12e-9) < 4 * error && error < 1e-9 && fact.unit == "m")
    #expect(fact.text.hasPrefix("the wall bows by -1") && fact.text.contains("over 240 nm"))
    let bent = try #require(table.rows.first?.bent)
    let width = table.rows[0].wall.width
    let own = width.value / (try #require(bent.widening))
    // √(4/45) of 12 nm is 0.32 of w: 9 % of the width.
    #expect(abs(own - 20e-9) < 4 * (try #require(width.error)))
    #expect(abs((bent.widening ?? 0) - 1.09) < 0.02)
    let note = try #require(table.notes.first)
    #expect(note.kind == .warning && note.text.hasPrefix("wall 1 is not straight"))
    let text = Format.quantity(own, error: width.error, unit: "m")
    #expect(note.text.contains("where the wall itself is about \(text) wide;"))
  }

  @Test("Two walls that bow alike share one fact; straight ones have none")
  func several() throws {
    let bent = try Self.table(bow: 8e-9, positions: [-40e-9, 35e-9], sigma: 6e7)
    let facts = bent.facts(prefix: "profile").filter { $0.key.hasSuffix("bow") }
    #expect(facts.map(\.key) == ["profile_bow"])
    #expect(facts.first?.text.hasPrefix("the walls bow alike by") == true)
    let straight = try Self.table(bow: 0, positions: [-40e-9, 35e-9], sigma: 6e7)
    #expect(straight.rows.count == 2 && straight.notes.isEmpty)
    #expect(straight.rows.allSatisfy { $0.bent == nil })
  }

  @Test("What hardly adds to the width's error is a fact without a warning")
  func slight() throws {
    let table = try Self.table(bow: 1.8e-9, positions: [0], sigma: 3e7)
    #expect(table.facts(prefix: "wall").contains { $0.key == "wall_bow" })
    let widening = try #require(table.rows.first?.bent?.widening) - 1
    let width = table.rows[0].wall.width
    #expect(widening < (try #require(width.error)) / width.value / 3)
    #expect(table.notes.isEmpty)
  }

  @Test("Of a wall that ends within the frame a remark says that, and nothing of how it bends")
  func ends() throws {
    let table = try Self.table(bow: 8e-9, positions: [0], sigma: 4e7, end: 0.3)
    let row = try #require(table.rows.first)
    #expect(row.bent == nil && row.remarks.contains { $0.hasPrefix("its field varies along it") })
    #expect(!table.facts(prefix: "wall").contains { $0.key.hasSuffix("bow") })
  }

  @Test("A found wall has its bow as a fact, and no warning: the fit has followed it")
  func foundWall() throws {
    let map = Self.map(bow: -12e-9, positions: [3e-9], sigma: 6e7)
    let geometry = try InclinationGeometry(thickness: 50e-9, inclination: 0, direction: .perp)
    let findings = try findWalls(in: map, geometry: geometry)
    let table = WallTable(findings: findings, errorScale: findings.errorScale)
    try #require(table.rows.count == 1)
    let fact = try #require(table.facts(prefix: "wall").first { $0.key == "wall_1_bow" })
    let error = try #require(fact.error)
    #expect(abs((fact.value ?? 0) + 12e-9) < 4 * error && error < 1e-9 && fact.unit == "m")
    #expect(fact.text.hasPrefix("wall 1: bows by -1"))
    #expect(table.notes.isEmpty && findings.notes(hasErrors: true).isEmpty)
    let wall = table.rows[0].wall
    #expect(abs(wall.field.value - 2e8) < 4 * (try #require(wall.field.error)))
    #expect(abs(wall.width.value - 20e-9) < 4 * (try #require(wall.width.error)))
  }
}
