// What `integrate` tells of larger masked areas, from acquisitions with missing numbers.
@testable import DPCReconstruction
@testable import DPCStages
import DPCSimulation
import Foundation
import Pipeline
import STEMCore
import Testing

struct MaskedAreaNoteTests {
  /// Notes of the potential of counts that scatter by a few percent, some positions without numbers.
  private static func potential(
    _ shape: GridShape, boundary: IntegrationBoundary = .neumann,
    isMissing: (_ row: Int, _ column: Int) -> Bool
  ) async throws -> (notes: [Note], value: PotentialValue) {
    let laboratory = try Laboratory()
    let path = laboratory.folder + "/areas.h5"
    var generator = SeededGenerator(seed: 17)
    var numbers = (0..<(4 * shape.count)).map { _ in Float(950 + 100 * generator.uniform()) }
    for position in 0..<shape.count
    where isMissing(position / shape.columns, position % shape.columns) {
      numbers[position] = .nan
    }
    try WrittenAcquisition(
      inner: [0, 0, 0, 0], outer: [48, 48, 48, 48], start: [0, 90, 180, 270],
      stop: [90, 180, 270, 360], pixelSize: 2, frameCount: 1, shape: shape
    ).write(numbers, to: path)
    let outcome = try await laboratory.run(
      Laboratory.fieldChain(path) + """
          potential: { uses: integrate, from: field, with: { boundary: \(boundary.rawValue) } }
        results: [potential]
        """)
    let stage = try #require(outcome.report["potential"])
    return (stage.notes, try outcome.value("potential", as: PotentialValue.self))
  }

  private static func isInBlock(_ row: Int, _ column: Int) -> Bool {
    (10..<14).contains(row) && (12..<17).contains(column)
  }

  @Test("Masked areas that had no weight are told, with what that means for the numbers there")
  func told() async throws {
    let shape = GridShape(rows: 30, columns: 40)
    let (notes, value) = try await Self.potential(shape) {
      Self.isInBlock($0, $1) || ($0 == 20 && $1 == 30)
    }
    #expect(value.map.mask.count(of: .filledIn) == 21)
    #expect(
      notes.contains { $0.kind == .information && $0.text.hasPrefix("21 pixels without") },
      "\(notes)")
    let note = try #require(notes.first { $0.text.contains("masked areas") })
    #expect(note.kind == .information)
    #expect(note.text.hasPrefix("20 of them lie in masked areas of 3 by 3 pixels or more"))
    #expect(note.text.contains("no measurement") && note.text.contains("noise"))
    #expect(!notes.contains { $0.text.contains("not settled") })
    #expect(
      value.context.attributes["left_out"] == "20 pixels in masked areas of 3 by 3 or more")
  }

  @Test("Single gaps, and frames that repeat themselves, have no such areas")
  func untold() async throws {
    let shape = GridShape(rows: 30, columns: 40)
    let single = try await Self.potential(shape) { $0 == 20 && $1 == 30 }
    let periodic = try await Self.potential(shape, boundary: .periodic, isMissing: Self.isInBlock)
    for (notes, value) in [single, periodic] {
      #expect(value.map.mask.count(of: .filledIn) > 0)
      #expect(!notes.contains { $0.text.contains("masked areas") }, "\(notes)")
      #expect(value.context.attributes["left_out"] == nil)
    }
  }

  // Long strips joined at alternate ends by a single pixel take some 200 steps.
  @Test("A potential around areas that is not settled is warned of, with how far it still moved")
  func unsettled() async throws {
    let (notes, value) = try await Self.potential(GridShape(rows: 24, columns: 300)) {
      row, column in
      let strip = (row - 2) / 6
      return row >= 2 && row < 20 && (row - 2) % 6 < 4 && column != (strip % 2 == 0 ? 0 : 299)
    }
    #expect(value.map.mask.count(of: .filledIn) == 12 * 299)
    let warning = try #require(notes.first { $0.text.contains("not settled") }, "\(notes)")
    #expect(warning.kind == .warning && warning.text.contains(" % of its range"), "\(warning)")
    #expect(value.context.attributes["left_out"]?.contains("not settled") ?? false)
    #expect(value.map.field.values.allSatisfy { $0.isFinite })
  }
}
