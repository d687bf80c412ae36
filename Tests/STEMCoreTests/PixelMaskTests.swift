// Which flags make a pixel unusable.
import STEMCore
import Testing

struct PixelMaskTests {
  @Test("A pixel is unusable by every reason of PixelFlags.unusable and by no other")
  func reasons() {
    let shape = GridShape(rows: 1, columns: 256)
    let mask = PixelMask(shape: shape, bytes: (0...255).map { UInt8($0) })
    for index in 0..<256 {
      let flags = PixelFlags(rawValue: UInt8(index))
      #expect(mask.isUsable(index) == flags.isDisjoint(with: .unusable))
    }
    #expect(mask.unusableCount == 256 - 8)
  }

  @Test("Reasons are counted wherever they stand: among good pixels, at their ends, in the rest")
  func counting() {
    let shape = GridShape(rows: 5, columns: 211)
    var mask = PixelMask(shape: shape)
    #expect(mask.unusableCount == 0 && mask.counts.isEmpty)
    for index in [0, 255, 256, 700, 1054] { mask.bytes[index] = PixelFlags.hot.rawValue }
    for index in 300..<303 { mask.bytes[index] = PixelFlags.filledIn.rawValue }
    mask.bytes[301] |= PixelFlags.missing.rawValue
    #expect(mask.unusableCount == 6)
    #expect(mask.count(of: .filledIn) == 3)
    #expect(mask.count(of: [.hot, .filledIn]) == 8)
    #expect(mask.counts.map(\.name) == ["missing", "hot", "filled in"])
    #expect(mask.counts.map(\.count) == [1, 5, 3])
  }
}
