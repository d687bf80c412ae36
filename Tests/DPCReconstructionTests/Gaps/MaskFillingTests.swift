// Filling against harmonic functions and against the plain relaxation of the same equations.
import DPCReconstruction
import Foundation
import STEMCore
import Testing

@Suite("Filling of masked pixels")
struct MaskFillingTests {
  /// A map of the given vectors in which the pixels of `isHole` are masked and zero.
  func map(
    _ shape: GridShape, pixelSize: PixelSize?, _ field: VectorField,
    isHole: (_ row: Int, _ column: Int) -> Bool
  ) -> VectorMap {
    var masked = field
    var mask = PixelMask(shape: shape)
    for index in 0..<shape.count where isHole(index / shape.columns, index % shape.columns) {
      masked.x[index] = 0
      masked.y[index] = 0
      mask.bytes[index] = PixelFlags.saturated.rawValue
    }
    return VectorMap(field: masked, covariance: nil, mask: mask, pixelSize: pixelSize)
  }

  @Test("A map without masked pixels comes back unchanged")
  func nothingMasked() throws {
    let shape = GridShape(rows: 3, columns: 4)
    let field = VectorField(shape: shape, repeating: (x: 1, y: -2))
    let complete = map(shape, pixelSize: nil, field) { _, _ in false }
    #expect(try filled(complete) == complete)
  }

  @Test("A map without a usable pixel is refused", arguments: [[1, 1], [3, 5]])
  func nothingUsable(size: [Int]) {
    let shape = GridShape(rows: size[0], columns: size[1])
    let empty = map(shape, pixelSize: nil, VectorField(shape: shape)) { _, _ in true }
    #expect(throws: ReconstructionError.noUsablePixels) { try filled(empty) }
  }

  @Test("Linear and saddle-shaped fields are restored in space, not in pixels")
  func harmonicFields() throws {
    let shape = GridShape(rows: 40, columns: 50)
    let size = PixelSize(x: 0.5e-9, y: 0.8e-9)
    // x² - y² and xy solve the difference equation exactly, in true lengths only.
    let field = VectorField(
      shape: shape,
      x: sampled(shape, size) { x, y in 3 + 2e9 * x - 1e9 * y + 1e18 * (x * x - y * y) },
      y: sampled(shape, size) { x, y in -7 + 5e17 * x * y })
    let holes = map(shape, pixelSize: size, field) { row, column in
      (5..<30).contains(row) && (8..<37).contains(column) && (row + column) % 9 != 0
        || row == 35 && column == 45
    }
    let result = try filled(holes)
    for index in 0..<shape.count {
      #expect(abs(result.field.x[index] - field.x[index]) < 1e-8)
      #expect(abs(result.field.y[index] - field.y[index]) < 1e-8)
    }
  }

  @Test("Reasons and covariance stay, and only filled pixels are marked as filled")
  func bookkeeping() throws {
    let shape = GridShape(rows: 1, columns: 4)
    var line = map(
      shape, pixelSize: nil, VectorField(shape: shape, x: [2, 0, 0, 5], y: [1, 0, 0, -2])
    ) { _, column in column == 1 || column == 2 }
    line.mask.bytes[2] = PixelFlags.hot.rawValue
    line.covariance = VectorCovariance(
      shape: shape, xx: [1, 0, 0, 1], yy: [1, 0, 0, 1], xy: [0, 0, 0, 0])
    let result = try filled(line)
    let expected: [(Double, Double)] = [(2, 1), (3, 0), (4, -1), (5, -2)]
    for (index, value) in expected.enumerated() {
      #expect(abs(result.field.x[index] - value.0) < 1e-10)
      #expect(abs(result.field.y[index] - value.1) < 1e-10)
    }
    let saturated = PixelFlags.saturated.union(.filledIn).rawValue
    let hot = PixelFlags.hot.union(.filledIn).rawValue
    #expect(result.mask.bytes == [0, saturated, hot, 0])
    #expect(result.covariance == line.covariance)
    #expect(!result.mask.isUsable(1))
  }

  @Test("Beyond the last measurement the field goes on level")
  func naturalRim() throws {
    let shape = GridShape(rows: 6, columns: 7)
    let field = VectorField(shape: shape, repeating: (x: 4, y: -3))
    let corner = map(shape, pixelSize: nil, field) { row, column in row > 0 || column > 0 }
    let result = try filled(corner)
    for index in 0..<shape.count {
      #expect(abs(result.field.x[index] - 4) < 1e-9 && abs(result.field.y[index] + 3) < 1e-9)
    }
  }

  @Test("Ragged holes agree with plain relaxation", arguments: [UInt64(1), 2, 3])
  func relaxationOracle(seed: UInt64) throws {
    let shape = GridShape(rows: 17, columns: 23)
    let size = PixelSize(x: 1e-9, y: 1.5e-9)
    let field = VectorField(
      shape: shape, x: reproducibleNumbers(shape.count, seed: seed),
      y: reproducibleNumbers(shape.count, seed: seed + 10))
    let dice = reproducibleNumbers(shape.count, seed: seed + 20)
    let ragged = map(shape, pixelSize: size, field) { row, column in
      dice[row * 23 + column] > -0.6 || row == 0
    }
    let result = try filled(ragged)
    let oracle = relaxed(ragged, weightY: 1 / 2.25)
    for index in 0..<shape.count {
      #expect(abs(result.field.x[index] - oracle.x[index]) < 1e-9)
      #expect(abs(result.field.y[index] - oracle.y[index]) < 1e-9)
    }
  }

  /// Each masked pixel becomes the weighted mean of its neighbors until nothing moves.
  func relaxed(_ map: VectorMap, weightY: Double) -> VectorField {
    let (rows, columns) = (map.shape.rows, map.shape.columns)
    var field = map.field
    for _ in 0..<1200 {
      for row in 0..<rows {
        for column in 0..<columns where !map.mask.isUsable(row * columns + column) {
          var (x, y, weight) = (0.0, 0.0, 0.0)
          for (dr, dc, w) in [(0, -1, 1.0), (0, 1, 1.0), (-1, 0, weightY), (1, 0, weightY)]
          where (0..<rows).contains(row + dr) && (0..<columns).contains(column + dc) {
            let neighbor = (row + dr) * columns + column + dc
            x += w * field.x[neighbor]
            y += w * field.y[neighbor]
            weight += w
          }
          field.x[row * columns + column] = x / weight
          field.y[row * columns + column] = y / weight
        }
      }
    }
    return field
  }

  @Test("A hole of a hundred thousand pixels is filled")
  func largeHole() throws {
    let shape = GridShape(rows: 360, columns: 380)
    let field = VectorField(
      shape: shape,
      x: sampled(shape, PixelSize(x: 1, y: 1)) { x, y in x - 2 * y },
      y: sampled(shape, PixelSize(x: 1, y: 1)) { x, y in x * y / 100 })
    let hole = map(shape, pixelSize: nil, field) { row, column in
      (row - 180) * (row - 180) + (column - 190) * (column - 190) < 179 * 179
    }
    let result = try filled(hole)
    #expect(hole.mask.unusableCount > 100_000)
    let worst = field.x.indices.reduce(0) {
      max($0, abs(result.field.x[$1] - field.x[$1]), abs(result.field.y[$1] - field.y[$1]))
    }
    // Values of some hundreds, solved to 1e-11 in the energy norm.
    #expect(worst < 1e-6)
  }
}
