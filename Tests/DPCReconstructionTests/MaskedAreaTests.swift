// Potentials of known fields with masked areas, in volt meters, with pixels of unequal sides.
import DPCReconstruction
import Foundation
import STEMCore
import Testing

struct MaskedAreaTests {
  /// First row and column, rows, columns.
  struct Block: CustomTestStringConvertible, Sendable {
    var row: Int, column: Int, rows: Int, columns: Int
    var testDescription: String { "\(rows) × \(columns) from row \(row), column \(column)" }
  }

  private let shape = GridShape(rows: 64, columns: 80)
  private let pixelSize = PixelSize(x: 0.5e-9, y: 0.4e-9)

  /// Wells and hills: height in V m, center and width in meters from the center of the frame.
  private let hills: [(Double, Double, Double, Double)] = [
    (4e-9, -9e-9, -4e-9, 4e-9), (-3e-9, 2e-9, 3e-9, 3e-9), (5e-9, 11e-9, -7e-9, 5e-9),
    (2e-9, -14e-9, 9e-9, 3.5e-9), (-6e-9, -17e-9, -10e-9, 6e-9),
  ]

  private func hill(
    _ hill: (Double, Double, Double, Double), _ x: Double, _ y: Double
  ) -> (value: Double, x: Double, y: Double) {
    let (dx, dy) = (x - hill.1, y - hill.2)
    let square = hill.3 * hill.3
    let value = hill.0 * exp(-(dx * dx + dy * dy) / (2 * square))
    return (value, value * dx / square, value * dy / square)
  }

  private var truth: [Double] {
    sampled(shape, pixelSize) { x, y in hills.reduce(0) { $0 + hill($1, x, y).value } }
  }

  private func map(without block: Block) -> VectorMap {
    var map = VectorMap(
      field: VectorField(
        shape: shape,
        x: sampled(shape, pixelSize) { x, y in hills.reduce(0) { $0 + hill($1, x, y).x } },
        y: sampled(shape, pixelSize) { x, y in hills.reduce(0) { $0 + hill($1, x, y).y } }),
      covariance: nil, mask: PixelMask(shape: shape), pixelSize: pixelSize)
    for row in block.row..<(block.row + block.rows) {
      for column in block.column..<(block.column + block.columns) {
        let position = row * shape.columns + column
        (map.field.x[position], map.field.y[position]) = (40, -70)
        map.mask.bytes[position] = PixelFlags.hot.rawValue
      }
    }
    return map
  }

  private func integrated(_ map: VectorMap) throws -> IntegratedPotential {
    integratedPotential(
      of: map.field, gaps: try gapFilling(of: map), pixelSize: pixelSize, boundary: .neumann)
  }

  /// Largest difference over the range of the truth, at some positions whose mean is taken out.
  private func error(_ found: [Double], _ positions: [Int]) -> Double {
    let truth = truth
    let mean =
      positions.reduce(0) { $0 + found[$1] - truth[$1] } / Double(positions.count)
    let worst = positions.reduce(0) { max($0, abs(found[$1] - truth[$1] - mean)) }
    return worst / ((truth.max() ?? 0) - (truth.min() ?? 0))
  }

  /// The links of measured pixels fix the potential around an area to their own order: hills of seven pixels'
  /// sigma and more leave 1e-4 of the range, the link next to an area, which takes 1/24 of a filled
  /// number, some times that. The filled field errs by 1e-3 to 0.1.
  @Test(
    "A masked area leaves the potential around it as it is, to 1e-3 of its range",
    arguments: [
      Block(row: 20, column: 30, rows: 8, columns: 8),
      Block(row: 20, column: 12, rows: 20, columns: 20),
      Block(row: 0, column: 0, rows: 20, columns: 20),
      Block(row: 30, column: 60, rows: 20, columns: 20),
      Block(row: 56, column: 20, rows: 8, columns: 8),
    ])
  func surroundings(block: Block) throws {
    let map = map(without: block)
    let result = try integrated(map)
    let usable = (0..<shape.count).filter { map.mask.isUsable($0) }
    #expect(error(result.potential.values, usable) < 1e-3)
    #expect(result.leftOutPixels == block.rows * block.columns)
    // By the filled field, for comparison: no better.
    let filledIn = integratedPotential(
      of: try filled(map).field, pixelSize: pixelSize, boundary: .neumann)
    #expect(
      error(result.potential.values, usable) < 0.5 * error(filledIn.potential.values, usable))
    // Inside nothing is measured; at a corner of the frame either guess is off by a third.
    let all = Array(0..<shape.count)
    #expect(
      error(result.potential.values, all) < 1.1 * error(filledIn.potential.values, all))
  }

  @Test("Parts of the frame that an area cuts apart keep the step of the filled field")
  func severed() throws {
    let map = map(without: Block(row: 0, column: 40, rows: shape.rows, columns: 4))
    let result = try integrated(map)
    let parts = [0..<40, 44..<80].map { columns in
      (0..<shape.count).filter { columns.contains($0 % shape.columns) }
    }
    for part in parts { #expect(error(result.potential.values, part) < 1e-3) }
    // Four pixels of a field whose filling errs by a part of its range.
    #expect(error(result.potential.values, parts[0] + parts[1]) < 0.02)
  }

  @Test("Gaps narrower than three pixels keep the links of the filled field, to the bit")
  func narrow() throws {
    let map = map(without: Block(row: 10, column: 10, rows: 2, columns: 40))
    let result = try integrated(map)
    let expected = integratedPotential(
      of: try filled(map).field, pixelSize: pixelSize, boundary: .neumann)
    #expect(result.potential == expected.potential)
    #expect(result.leftOutPixels == 0)
  }

  @Test("An area's rows must be its own: runs on either side of the rim are no block")
  func acrossRim() throws {
    var map = map(without: Block(row: 10, column: 0, rows: 3, columns: 2))
    for row in 9..<12 { map.mask.bytes[row * shape.columns + 79] = PixelFlags.hot.rawValue }
    #expect(try integrated(map).leftOutPixels == 0)
  }
}
