// Numbers lent to several threads, and rewritten: elsewhere only where another array holds them.
import STEMCore
import Testing

@testable import DPCReconstruction

struct SharedNumbersTests {
  // Several pieces of work, the last of them shorter.
  private static let count = 100_001

  private func address(_ numbers: [Double]) -> Int {
    numbers.withUnsafeBufferPointer { Int(bitPattern: $0.baseAddress) }
  }

  /// Twice every number.
  private func double(_ numbers: inout [Double]) {
    numbers.rewrite { old, new in
      for place in 0..<old.count { new[place] = 2 * old[place] }
    }
  }

  @Test("Numbers that nobody else holds are rewritten where they are")
  func alone() {
    var numbers = (0..<Self.count).map(Double.init)
    let place = address(numbers)
    double(&numbers)
    #expect(address(numbers) == place)
    #expect(numbers == (0..<Self.count).map { 2 * Double($0) })
  }

  @Test(
    "Numbers that another array holds are rewritten elsewhere, and the other's stay as they are")
  func held() {
    var numbers = (0..<Self.count).map(Double.init)
    let others = numbers
    let place = address(numbers)
    double(&numbers)
    #expect(address(numbers) != place)
    #expect(address(others) == place)
    #expect(others == (0..<Self.count).map(Double.init))
    #expect(numbers == (0..<Self.count).map { 2 * Double($0) })
  }

  @Test(
    "A map's planes that another map holds are rewritten elsewhere, and the others where they are")
  func partlyHeld() {
    let shape = GridShape(rows: 3, columns: 5)
    let ones = { [Double](repeating: 1, count: shape.count) }
    var map = VectorMap(
      field: VectorField(shape: shape, x: ones(), y: ones()),
      covariance: VectorCovariance(shape: shape, xx: ones(), yy: ones(), xy: ones()),
      mask: PixelMask(shape: shape), pixelSize: nil)
    let heldX = map.field.x
    let places = [map.field.x, map.field.y, map.covariance?.xx ?? []].map(address)
    map.transform(by: Matrix2(xx: 2, xy: 0, yx: 0, yy: 3))
    #expect(heldX == ones())
    #expect(map.field == VectorField(shape: shape, repeating: (2, 3)))
    #expect(map.covariance?.xx == ones().map { 4 * $0 })
    #expect(map.covariance?.yy == ones().map { 9 * $0 })
    #expect(map.covariance?.xy == ones().map { 6 * $0 })
    #expect(address(map.field.x) != places[0])
    #expect(address(map.field.y) == places[1])
    #expect(address(map.covariance?.xx ?? []) == places[2])
  }

  @Test("No numbers are lent as none")
  func none() {
    var numbers: [Double] = []
    let count = numbers.share { $0.count }
    #expect(count == 0)
  }
}
