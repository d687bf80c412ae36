// The part of a map in a window: rows from the top, columns from the left.
import STEMCore
import Testing

struct ScanWindowTests {
  /// Row 1 and 2 of three, columns 2 and 3 of four.
  private let window = ScanWindow(
    firstRow: 1, firstColumn: 2, shape: GridShape(rows: 2, columns: 2))
  private let shape = GridShape(rows: 3, columns: 4)
  private let numbers = (0..<12).map(Double.init)
  private let part = [6.0, 7, 10, 11]

  @Test("A window keeps whole pixels of field, errors and mask, and the pixel size")
  func vectors() {
    var mask = PixelMask(shape: shape)
    mask.bytes[10] = PixelFlags.hot.rawValue
    let map = VectorMap(
      field: VectorField(shape: shape, x: numbers, y: numbers.map { -$0 }),
      covariance: VectorCovariance(
        shape: shape, xx: numbers, yy: numbers.map { 2 * $0 }, xy: numbers.map { 3 * $0 }),
      mask: mask, pixelSize: PixelSize(x: 1, y: 2))
    let cropped = map.cropped(to: window)
    #expect(cropped.field.x == part && cropped.field.y == part.map { -$0 })
    #expect(cropped.covariance?.xx == part && cropped.covariance?.yy == part.map { 2 * $0 })
    #expect(cropped.covariance?.xy == part.map { 3 * $0 })
    #expect(cropped.mask.bytes == [0, 0, PixelFlags.hot.rawValue, 0])
    #expect(cropped.pixelSize == map.pixelSize && cropped.shape == window.shape)
    #expect(map.cropped(to: ScanWindow(wholeOf: shape)) == map)
  }

  @Test("A scalar map and a slice of planes are cropped alike")
  func scalars() {
    let map = ScalarMap(
      field: ScalarField(shape: shape, values: numbers), variance: numbers,
      mask: PixelMask(shape: shape), pixelSize: nil)
    #expect(map.cropped(to: window).field.values == part)
    #expect(map.cropped(to: window).variance == part)
    #expect(window.part(of: ([-1, -2] + numbers)[2...], shape: shape) == part)
  }

  @Test("A window beyond its plane is a mistake of the program")
  func beyond() async {
    await #expect(processExitsWith: .failure) {
      _ = ScanWindow(firstRow: 2, firstColumn: 0, shape: GridShape(rows: 2, columns: 1))
        .part(of: [0, 1, 2], shape: GridShape(rows: 3, columns: 1))
    }
  }
}
