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
}
