// Numbers of every type and byte order as the numbers that their bytes mean.
@testable import HDF5
import Testing

struct PlainNumberTests {
  @Test("Numbers of every width are turned round in place")
  func order() {
    for (type, width) in [(HDF5NumberType.uint16, 2), (.int32, 4), (.double, 8), (.uint8, 1)] {
      var bytes = (0..<(3 * width)).map { UInt8($0) }
      let isSwapped = bytes.withUnsafeMutableBytes { raw -> Bool in
        guard let base = raw.baseAddress else { return false }
        PlainNumber(type: type, isBigEndian: true).order(base, count: 3)
        return (0..<3).allSatisfy { number in
          (0..<width).allSatisfy { raw[number * width + $0] == number * width + width - 1 - $0 }
        }
      }
      #expect(isSwapped)
    }
  }

  @Test("A number of every type and byte order is the number that its bytes mean")
  func conversions() {
    func converted(_ type: HDF5NumberType, _ isBigEndian: Bool, _ bytes: [UInt8]) -> Double {
      var padded = bytes
      if !isBigEndian { padded.reverse() }
      var result = 0.0
      padded.withUnsafeBytes { raw in
        guard let base = raw.baseAddress else { return }
        PlainNumber(type: type, isBigEndian: isBigEndian).convert(base, to: &result, count: 1)
      }
      return result
    }
    // Bytes from the highest to the lowest.
    for order in [false, true] {
      #expect(converted(.int8, order, [0xFE]) == -2)
      #expect(converted(.uint8, order, [0xFE]) == 254)
      #expect(converted(.int16, order, [0xFF, 0x38]) == -200)
      #expect(converted(.uint16, order, [0xFF, 0x38]) == 65_336)
      #expect(converted(.int32, order, [0xFF, 0xFE, 0x79, 0x60]) == -100_000)
      #expect(converted(.uint32, order, [0x80, 0, 0, 1]) == 2_147_483_649)
      #expect(converted(.int64, order, [0xFF, 0, 0, 0, 0, 0, 0, 0]) == -72_057_594_037_927_936)
      #expect(converted(.uint64, order, [0x80, 0, 0, 0, 0, 0, 0, 0]) == 9_223_372_036_854_775_808)
      #expect(converted(.float, order, [0x40, 0x49, 0x0F, 0xDA]) == Double(Float.pi))
      #expect(converted(.double, order, [0x40, 0x09, 0x21, 0xFB, 0x54, 0x44, 0x2D, 0x18]) == .pi)
    }
  }
}
