// A contact sheet that is drawn while its maps come: the bytes of one that is drawn at the end.
import STEMCore
import Testing

@testable import DPCStages

struct ContactSheetDrawingTests {
  /// An entry with a projected field of one strength, in V.
  private static func entry(
    _ index: Int, strength: Double, thickness: Double?
  ) -> ContactSheetDrawing.Entry {
    let shape = GridShape(rows: 12, columns: 10)
    var field = VectorField(shape: shape)
    for position in 0..<shape.count {
      field.x[position] = strength * Double((position * 7 + index) % 11) / 11
      field.y[position] = strength * Double((position * 5 + index) % 13) / 13
    }
    let size = PixelSize(x: 1e-9, y: 1e-9)
    let map = VectorMap(
      field: field, covariance: nil, mask: PixelMask(shape: shape), pixelSize: size)
    let sector = DetectorSegment(inner: 0, outer: 24e-3, start: 0, stop: 2 * Double.pi)
    let metadata = AcquisitionMetadata(
      frameCount: 1, shape: shape, pixelSize: size, beam: ElectronBeam(voltage: 200e3),
      probeSemiAngle: 24e-3, detector: SegmentedDetector(segments: [sector], orientation: 0),
      scanRotation: 0, signalUnit: .electrons)
    let value = ProjectedFieldValue(
      map: map, thickness: thickness, context: MapContext(metadata: metadata))
    return ContactSheetDrawing.Entry(
      key: "scan \(index)", map: ContactMap(value), remark: index == 3 ? "odd" : "")
  }

  private static func entries(
    strengths: [Double], thicknesses: [Double?]
  ) -> [ContactSheetDrawing.Entry] {
    zip(strengths, thicknesses).enumerated().map {
      entry($0, strength: $1.0, thickness: $1.1)
    }
  }

  /// The sheet drawn at the end, and the one drawn while its entries come, which are added in this order.
  private static func files(
    _ entries: [ContactSheetDrawing.Entry], order: [Int]
  ) throws -> (late: [UInt8]?, early: [UInt8]?, drawnCounts: [Int]) {
    let early = ContactSheetDrawing(title: "many", count: entries.count)
    var counts: [Int] = []
    for index in order {
      early.add(entries[index], at: index)
      early.advance()
      counts.append(early.drawnCount)
    }
    let late = ContactSheetDrawing(title: "many", count: entries.count)
    return (try late.png(entries), try early.png(entries), counts)
  }

  @Test("Rows are drawn from the middle on, as they are complete, and the bytes do not tell")
  func ahead() throws {
    // Four in a row.
    let entries = Self.entries(
      strengths: [Double](repeating: 2, count: 11),
      thicknesses: [Double?](repeating: 5e-8, count: 11))
    let files = try Self.files(entries, order: [0, 1, 2, 4, 5, 3, 6, 7, 8, 9, 10])
    #expect(files.drawnCounts == [0, 0, 0, 0, 0, 4, 4, 8, 8, 8, 11])
    #expect(files.late != nil && files.early == files.late)
  }

  @Test("A scale, a quantity or a unit that the last map changes changes all of them")
  func changed() throws {
    let even = [Double](repeating: 2, count: 12)
    let known = [Double?](repeating: 5e-8, count: 12)
    let stronger = Self.entries(strengths: even.dropLast() + [9], thicknesses: known)
    let unknown = Self.entries(strengths: even, thicknesses: known.dropLast() + [nil])
    let thinner = Self.entries(strengths: even, thicknesses: known.dropLast() + [1e-8])
    let whole = try ContactSheetDrawing(title: "many", count: 12).png(
      Self.entries(strengths: even, thicknesses: known))
    for entries in [stronger, unknown, thinner] {
      let files = try Self.files(entries, order: Array(0..<12))
      // What was drawn is thrown away with the last one.
      #expect(files.drawnCounts[10] == 8 && files.drawnCounts[11] == 0)
      #expect(files.early == files.late && files.late != whole)
    }
    // Maps that are a little stronger: the scale is nearly the same, but not quite.
    let rising = Self.entries(
      strengths: even.prefix(6) + [Double](repeating: 2.1, count: 6), thicknesses: known)
    let files = try Self.files(rising, order: Array(0..<12))
    #expect(files.drawnCounts.last == 12 && files.early == files.late)
  }

  @Test("Entries without a map have their places; of none there is no sheet")
  func missing() throws {
    var entries = Self.entries(
      strengths: [Double](repeating: 2, count: 8), thicknesses: [Double?](repeating: nil, count: 8))
    for index in [0, 5] { entries[index].map = nil }
    let files = try Self.files(entries, order: Array(0..<8))
    #expect(files.drawnCounts.last == 8 && files.late != nil && files.early == files.late)
    for index in entries.indices { entries[index].map = nil }
    let none = try Self.files(entries, order: Array(0..<8))
    #expect(none.late == nil && none.early == nil && none.drawnCounts.last == 0)
  }
}
