// Signs and axes from the detector to the field: one absolute statement each.
import DPCReconstruction
import STEMCore
import Testing

struct FrameOfReferenceTests {
  private func map(x: Double, y: Double) -> VectorMap {
    let shape = GridShape(rows: 1, columns: 1)
    return VectorMap(
      field: VectorField(shape: shape, x: [x], y: [y]),
      covariance: VectorCovariance(shape: shape, xx: [4], yy: [1], xy: [0.5]),
      mask: PixelMask(shape: shape), pixelSize: nil)
  }

  @Test("A rotation by +90° turns right (+x) into down (+y): clockwise on the screen")
  func clockwise() {
    let matrix = scanFrameMatrix(rotation: Double.pi / 2, handedness: .asRecorded)
    let turned = transformed(map(x: 3, y: 0), by: matrix)
    #expect(abs(turned.field.x[0]) < 1e-15 && abs(turned.field.y[0] - 3) < 1e-15)
    #expect(abs((turned.covariance?.xx[0] ?? 0) - 1) < 1e-15)
    #expect(abs((turned.covariance?.yy[0] ?? 0) - 4) < 1e-15)
    #expect(abs((turned.covariance?.xy[0] ?? 0) + 0.5) < 1e-15)
  }

  @Test("R(30°)(vx, vy) = (c vx - s vy, s vx + c vy)")
  func thirtyDegrees() {
    let matrix = scanFrameMatrix(rotation: Double.pi / 6, handedness: .asRecorded)
    let turned = matrix(1, 2)
    #expect(abs(turned.x - (0.75.squareRoot() - 1)) < 1e-15)
    #expect(abs(turned.y - (0.5 + 2 * 0.75.squareRoot())) < 1e-15)
  }

  @Test("A mirrored detector has its y reversed before the rotation")
  func mirrored() {
    let matrix = scanFrameMatrix(rotation: Double.pi / 2, handedness: .mirrored)
    let turned = matrix(0, 2)
    #expect(abs(turned.x - 2) < 1e-15 && abs(turned.y) < 1e-15)
  }

  @Test("1e8 V/m over 50 nm deflects by 14.546 µrad against the field")
  func fieldSign() {
    let beam = ElectronBeam(voltage: 200e3)
    let projected = projectedField(of: map(x: -14.546e-6, y: 0), beam: beam)
    #expect(abs(projected.field.x[0] - 5.0) < 2e-4)
    let mean = meanField(of: projected, thickness: 50e-9)
    #expect(abs(mean.field.x[0] - 1e8) < 4e3)
    let scale = 343_741.13 / 50e-9
    #expect(abs((mean.covariance?.xx[0] ?? 0) / (4 * scale * scale) - 1) < 1e-6)
  }

  @Test("A descan plane is found exactly, by rows and columns, and removed")
  func descanPlane() throws {
    let shape = GridShape(rows: 9, columns: 14)
    let plane = DescanSurface(
      center: .init(x: 3e-4, y: -1e-4), perColumn: .init(x: 2e-6, y: 5e-7),
      perRow: .init(x: -1e-6, y: 4e-6), shape: shape)
    var mask = PixelMask(shape: shape)
    mask.bytes[20] = PixelFlags.hot.rawValue
    var field = plane.field()
    // Right of the center and above it: columns add, rows subtract.
    #expect(abs(field.x[13] - (3e-4 + 6.5 * 2e-6 + 4 * 1e-6)) < 1e-18)
    field.x[20] = 7
    let map = VectorMap(field: field, covariance: nil, mask: mask, pixelSize: nil)
    let fitted = try fitDescan(to: map, degree: .plane).surface
    #expect(abs(fitted.center.x - 3e-4) < 1e-16 && abs(fitted.perColumn.y - 5e-7) < 1e-18)
    #expect(abs(fitted.perRow.x + 1e-6) < 1e-18)
    var rest = map
    rest.remove(fitted)
    #expect((0..<shape.count).allSatisfy { $0 == 20 || abs(rest.field.x[$0]) < 1e-16 })
  }

  @Test("A plane is removed from every row of a tall map, each by its own distance from the center")
  func descanPlaneOfManyRows() {
    let shape = GridShape(rows: 131, columns: 3)
    let plane = DescanSurface(
      center: .init(x: 1e-4, y: 2e-4), perColumn: .init(x: 3e-6, y: -2e-6),
      perRow: .init(x: 5e-7, y: -4e-7), shape: shape)
    var map = VectorMap(
      field: VectorField(shape: shape), covariance: nil, mask: PixelMask(shape: shape),
      pixelSize: nil)
    map.remove(plane)
    for row in 0..<shape.rows {
      for column in 0..<shape.columns {
        let (u, v) = (Double(column - 1), Double(row - 65))
        let place = row * shape.columns + column
        #expect(abs(map.field.x[place] + 1e-4 + 3e-6 * u + 5e-7 * v) < 1e-18)
        #expect(abs(map.field.y[place] + 2e-4 - 2e-6 * u - 4e-7 * v) < 1e-18)
      }
    }
  }

  @Test("Along a side of one pixel a plane has no slope; two usable pixels are too few")
  func degenerateDescan() throws {
    let line = GridShape(rows: 1, columns: 5)
    let map = VectorMap(
      field: VectorField(shape: line, x: [0, 1, 2, 3, 4], y: [0, 0, 0, 0, 0]), covariance: nil,
      mask: PixelMask(shape: line), pixelSize: nil)
    let plane = try fitDescan(to: map, degree: .plane).surface
    #expect(abs(plane.center.x - 2) < 1e-12 && abs(plane.perColumn.x - 1) < 1e-12)
    #expect(plane.perRow == .init(x: 0, y: 0))
    var mask = PixelMask(shape: line)
    for position in 0..<3 { mask.bytes[position] = PixelFlags.missing.rawValue }
    let sparse = VectorMap(field: map.field, covariance: nil, mask: mask, pixelSize: nil)
    #expect(throws: DescanFitError.self) { try fitDescan(to: sparse, degree: .plane) }
  }
}
