// What integrate says of masked areas: wide ones make its errors a lower bound beside them.
@testable import DPCStages
import Pipeline
import STEMCore
import Testing

struct MaskedAreaNoteTests {
  /// A disc of 24 mrad, 1000 electrons on each of four segments and none on those around, but for some positions.
  private static func notes(where isMissing: (_ row: Int, _ column: Int) -> Bool) async throws
    -> [String]
  {
    let laboratory = try Laboratory()
    let path = laboratory.folder + "/scan.h5"
    let shape = GridShape(rows: 40, columns: 48)
    let starts = [0.0, 90, 180, 270]
    let frames = [Float](repeating: 1000, count: 4) + [Float](repeating: 0, count: 4)
    let numbers = frames.flatMap { number in
      (0..<shape.count).map { position -> Float in
        isMissing(position / shape.columns, position % shape.columns) ? .nan : number
      }
    }
    try WrittenAcquisition(
      inner: [0, 0, 0, 0, 24, 24, 24, 24], outer: [24, 24, 24, 24, 48, 48, 48, 48],
      start: starts + starts, stop: (starts + starts).map { $0 + 90 }, electronsPerPixel: 4000,
      pixelSize: 2, frameCount: 1, shape: shape
    ).write(numbers, to: path)
    let outcome = try await laboratory.run(
      """
      schema: dpc-pipeline/1
      name: potential
      inputs: { acquisition: \(path) }
      stages:
        read: { uses: read-acquisition, with: { file: $acquisition } }
        clean: { uses: normalize-segments, from: read }
        tilt: { uses: deflection, from: clean }
        turned: { uses: rotate-to-scan, from: tilt }
        field: { uses: electric-field, from: turned }
        potential: { uses: integrate, from: field }
      results: [potential]

      """)
    #expect(outcome.report.failures.isEmpty, "\(outcome.report.failures)")
    let notes = outcome.report["potential"]?.notes ?? []
    #expect(notes.contains { $0.text.contains("filled in from their neighbors") })
    return notes.filter { $0.kind != .information }.map(\.text)
  }

  @Test("A square of eight pixels makes the errors beside it a lower bound, and that is told")
  func wide() async throws {
    let notes = try await Self.notes { (10..<18).contains($0) && (20..<28).contains($1) }
    #expect(notes.contains { $0.hasPrefix("stated errors are a lower bound beside masked areas") })
  }

  @Test("A ring that cuts an area off is told, a dead column is not")
  func ring() async throws {
    let notes = try await Self.notes { row, column in
      (8...10).contains(max(abs(row - 20), abs(column - 24)))
    }
    #expect(
      notes.contains {
        $0.hasPrefix("masked pixels cut the scan into 2 areas (the second one of 285 pixels)")
      }, "\(notes)")
    let column = try await Self.notes { $1 == 20 }
    #expect(!column.contains { $0.contains("cut the scan") }, "\(column)")
  }

  @Test("Single positions, a tenth of all, do not")
  func single() async throws {
    let notes = try await Self.notes { (7 * $0 + 3 * $1) % 10 == 0 }
    #expect(!notes.contains { $0.contains("lower bound") }, "\(notes)")
  }
}
