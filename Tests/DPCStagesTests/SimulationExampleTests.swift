// ExampleData: every file is what its manifest makes, and holds what its truth says.
@testable import DPCStages
import Foundation
import Glibc
import Pipeline
import STEMCore
import STEMData
import Testing

@Suite("Example data")
struct SimulationExampleTests {
  let laboratory: Laboratory

  init() throws { laboratory = try Laboratory() }

  /// The random numbers and the packing are integer arithmetic; the field needs sin, exp and cosh of
  /// the C library, which give the same bits on processors of one type.
  @Test(
    "Each file is made again byte for byte from the manifest beside it",
    arguments: ["top-view.yaml", "cross-section.yaml", "cases.yaml", "two-views.yaml"])
  func remake(_ manifest: String) async throws {
    let outcome = try await laboratory.run(try ExampleData.text(manifest))
    #expect(outcome.report.exitCode == 0)
    for name in outcome.report.results {
      let made = try outcome.value(name, as: SimulatedAcquisitionValue.self)
      let isSame = try made.acquisition == ExampleData.bytes("\(name).h5")
      let isTrue = try made.truth == ExampleData.bytes("truth-\(name).h5")
      #expect(isSame && isTrue, "\(name)")
    }
  }

  @Test("No file of the folder is without a manifest")
  func orphans() async throws {
    var made: Set<String> = []
    for manifest in ["top-view.yaml", "cross-section.yaml", "cases.yaml", "two-views.yaml"] {
      for name in try await laboratory.run(try ExampleData.text(manifest)).report.results {
        made.formUnion(["\(name).h5", "truth-\(name).h5"])
      }
    }
    let present = try FileManager.default.contentsOfDirectory(atPath: ExampleData.folder.path)
    #expect(Set(present.filter { $0.hasSuffix(".h5") }) == made)
  }

  /// ∇(A exp(-r²/2σ²)) + slope, negative: the projected field of the cases' hill, V.
  private static func hill(_ x: Double, _ y: Double) -> (x: Double, y: Double) {
    let (dx, dy, sigma) = (x - 4e-9, y + 3e-9, 6e-9)
    let scale = 300e-9 * exp(-(dx * dx + dy * dy) / (2 * sigma * sigma)) / (sigma * sigma)
    return (scale * dx - 12, scale * dy + 5)
  }

  @Test(
    "The hill of the cases comes back to rounding",
    arguments: [
      "case-rotated", "case-si-units", "case-shuffled", "case-4-segments", "case-16-segments",
      "case-anisotropic",
    ])
  func hill(_ name: String) async throws {
    let field = try await laboratory.projectedField(in: ExampleData.path("\(name).h5"))
    let pixelHeight = name == "case-anisotropic" ? 2e-9 : 1e-9
    for row in 0..<24 {
      for column in 0..<32 {
        let (x, y) = Self.hill(
          (Double(column) - 15.5) * 1e-9, (Double(row) - 11.5) * pixelHeight)
        // Signals are exact to 1e-13 of the beam, a volt is 4e-5 of it.
        #expect(abs(field.x[row * 32 + column] - x) < 1e-7)
        #expect(abs(field.y[row * 32 + column] - y) < 1e-7)
      }
    }
  }

  @Test("A shift of 6 mrad comes back to rounding, though the linear formula fails")
  func largeShift() async throws {
    let field = try await laboratory.projectedField(in: ExampleData.path("case-large-shift.h5"))
    let azimuth = 60 * Double.pi / 180
    for row in 0..<24 {
      for column in 0..<32 {
        let along =
          (Double(column) - 15.5) * cos(azimuth) + (Double(row) - 11.5) * sin(azimuth)
        let wave = -300.0 * 2 * Double.pi / 32 * cos(2 * Double.pi * along / 32 + Double.pi / 9)
        let index = row * 32 + column
        #expect(abs(field.x[index] - (-1650 + wave * cos(azimuth))) < 1e-6)
        #expect(abs(field.y[index] - (-1237.5 + wave * sin(azimuth))) < 1e-6)
      }
    }
    // The steady part alone: √(1650² + 1237.5²) V over 343.74 kV are 6.0 mrad.
    #expect(abs(hypot(1650, 1237.5) / 343_741.13 / 6e-3 - 1) < 1e-4)
  }

  @Test("Three frames of whole electrons: their mean is the hill within counting noise")
  func stack() async throws {
    let path = ExampleData.path("case-stack.h5")
    let metadata = try AcquisitionReader(path: path).metadata
    #expect(metadata.frameCount == 3 && metadata.specimen.thickness == nil)
    #expect(metadata.saturationLevel == Double(UInt32.max))
    let field = try await laboratory.projectedField(in: path)
    var sum = 0.0
    for row in 0..<24 {
      for column in 0..<32 {
        let expected = Self.hill((Double(column) - 15.5) * 1e-9, (Double(row) - 11.5) * 1e-9)
        let index = row * 32 + column
        sum += pow(field.x[index] - expected.x, 2) + pow(field.y[index] - expected.y, 2)
      }
    }
    // Two half discs of N/2 electrons each: σ = (πα/4)/√N for N = 3e6, 10.9 µrad or 3.74 V; 1536
    // numbers tell it to 1.8 %.
    let deviation = (sum / 1536).squareRoot()
    #expect(abs(deviation / 3.74 - 1) < 0.06)
  }

  @Test(
    "Inclined walls have 200 MV/m and 10 nm at ±35 nm",
    arguments: ["case-inclined-30", "case-inclined-45"])
  func inclinedWalls(_ name: String) async throws {
    let table = try await walls(in: name)
    try #require(table.rows.count == 2)
    for (row, sign) in zip(table.rows, [1.0, -1]) {
      // The fit integrates over pixels of 1.25 nm with a model of its own.
      #expect(abs(row.wall.field.value / (sign * 2e8) - 1) < 1e-3)
      #expect(abs(row.wall.width.value / 10e-9 - 1) < 1e-3)
      #expect(abs(row.wall.position.value + sign * 35e-9) < 0.01e-9)
    }
  }

  @Test("The walls of both examples come back within three standard errors, many sigma strong")
  func exampleWalls() async throws {
    for (name, field, position) in [("top-view", 1.5e8, 70e-9), ("cross-section", 3e8, 80e-9)] {
      let table = try await walls(in: name)
      try #require(table.rows.count == 2)
      for (row, sign) in zip(table.rows, [1.0, -1]) {
        let measured = row.wall.field
        let error = try #require(measured.error)
        #expect(abs(measured.value - sign * field) < 3 * error)
        #expect(error < 0.05 * field)
        #expect(abs(row.wall.position.value + sign * position) < 1e-9)
      }
    }
  }

  private func walls(in name: String) async throws -> WallTable {
    try await laboratory.reconstruction(
      of: ExampleData.path("\(name).h5"), fitsWalls: true
    ).value("walls", as: WallsValue.self).table
  }
}
