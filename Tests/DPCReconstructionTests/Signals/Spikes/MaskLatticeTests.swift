// Masked positions on a lattice, and the ways in which a detector's defects are none.
import DPCReconstruction
import STEMCore
import Testing

struct MaskLatticeTests {
  private static let shape = GridShape(rows: 60, columns: 90)

  private static func mask(_ isHot: (_ row: Int, _ column: Int) -> Bool) -> PixelMask {
    let columns = shape.columns
    return PixelMask(
      shape: shape,
      bytes: (0..<shape.count).map {
        isHot($0 / columns, $0 % columns) ? PixelFlags.hot.rawValue : PixelFlags.missing.rawValue
      })
  }

  /// Each position with a chance, of a seed.
  private static func scattered(_ share: Double, seed: UInt64) -> PixelMask {
    var generator = WallTestGenerator(seed: seed)
    // A normal number above 2 in one case of 44, and so on: any fixed part will do.
    let limit = share == 0.02 ? 2.054 : share == 0.1 ? 1.282 : 0.0
    var isHot: [Bool] = []
    for _ in 0..<shape.count { isHot.append(generator.normal() > limit) }
    return mask { isHot[$0 * shape.columns + $1] }
  }

  private static func found(_ mask: PixelMask) -> MaskLattice? {
    lattice(of: mask, flag: .hot, reach: 20)
  }

  @Test("Atoms on a rectangle: its sides come out, x to the right and y down")
  func rectangle() throws {
    let lattice = try #require(Self.found(Self.mask { $0 % 7 == 2 && $1 % 11 == 4 }))
    let steps = [lattice.first, lattice.second]
    #expect(steps.contains(PixelStep(x: 11, y: 0)) && steps.contains(PixelStep(x: 0, y: 7)))
  }

  @Test("Atoms on an oblique lattice, each marked on both of its sides")
  func oblique() throws {
    let lattice = try #require(
      Self.found(
        Self.mask { row, column in
          let shifted = column - 3 * (row / 8)
          return row % 8 == 1 && [2, 4].contains((shifted % 12 + 12) % 12)
        }))
    #expect([lattice.first, lattice.second].contains(PixelStep(x: 12, y: 0)))
    #expect([lattice.first, lattice.second].contains(PixelStep(x: 3, y: 8)))
  }

  @Test("A lattice is seen among defects, and with a third of its atoms unmarked")
  func incomplete() throws {
    let defects = Self.scattered(0.02, seed: 3)
    let gaps = Self.scattered(0.1, seed: 4)
    let mask = Self.mask { row, column in
      let index = row * Self.shape.columns + column
      let isAtom = row % 9 == 0 && column % 9 == 5 && (row + column) % 27 != 5
      return isAtom && gaps.bytes[index] != PixelFlags.hot.rawValue
        || defects.bytes[index] == PixelFlags.hot.rawValue
    }
    #expect(Self.found(mask) != nil)
  }

  @Test(
    "Defects anywhere are no lattice, be they few or many", arguments: 1...20 as ClosedRange<UInt64>
  )
  func defects(seed: UInt64) {
    for share in [0.02, 0.1, 0.5] {
      #expect(Self.found(Self.scattered(share, seed: seed)) == nil, "\(share)")
    }
  }

  @Test("Lines, rows of defects, blots, a frame of nothing else and one of none are no lattice")
  func patterns() {
    #expect(Self.found(Self.mask { row, _ in row == 20 }) == nil)
    #expect(Self.found(Self.mask { row, column in row == 20 || column == 33 }) == nil)
    #expect(Self.found(Self.mask { row, _ in row % 10 == 0 }) == nil)
    #expect(Self.found(Self.mask { row, column in row == 20 && column % 6 == 0 }) == nil)
    #expect(
      Self.found(
        Self.mask { row, column in
          (row - 30) * (row - 30) + (column - 40) * (column - 40) < 300
        }) == nil)
    #expect(Self.found(Self.mask { _, _ in true }) == nil)
    #expect(Self.found(Self.mask { _, _ in false }) == nil)
  }

  @Test("Other reasons for a mask do not count")
  func otherFlags() {
    var mask = Self.mask { _, _ in false }
    for row in stride(from: 0, to: 60, by: 6) {
      for column in stride(from: 0, to: 90, by: 6) {
        mask.bytes[row * 90 + column] = PixelFlags.saturated.rawValue
      }
    }
    #expect(Self.found(mask) == nil)
    #expect(lattice(of: mask, flag: .saturated, reach: 20) != nil)
  }
}
