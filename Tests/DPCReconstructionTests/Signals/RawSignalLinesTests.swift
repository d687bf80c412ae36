// Lines of raw signals of every stored type: the bits of a plain loop, whatever the width of vectors and the length.
import DPCSimulation
import Testing

@testable import DPCReconstruction

struct RawSignalLinesTests {
  /// Lengths on either side of a vector, of a tile, and of what is worked on at once.
  static let lengths = [1, 2, 3, 4, 5, 15, 16, 17, 63, 64, 65, 131, 511, 512, 513, 1025]

  private let widths = KernelWidth.allCases.filter { $0 <= .widest }

  private func expectPlain<Raw: RawNumber>(_ length: Int, _ next: () -> Raw) {
    let lines = (0..<4).map { _ in (0..<length).map { _ in next() } }
    for width in widths {
      expectCorrected(lines[0], width)
      expectExtremes(lines, width)
    }
  }

  private func expectCorrected<Raw: RawNumber>(_ line: [Raw], _ width: KernelWidth) {
    let (dark, scale) = (3.7, 1 / 1.013)
    var found = [Double](repeating: .nan, count: line.count)
    found.withUnsafeMutableBufferPointer {
      Raw.correct(line.span, dark: dark, scale: scale, to: $0, width: width)
    }
    let expected = line.map { (($0.double - dark) * scale).bitPattern }
    #expect(found.map(\.bitPattern) == expected, "\(Raw.self) \(width)")
  }

  private func expectExtremes<Raw: RawNumber>(_ lines: [[Raw]], _ width: KernelWidth) {
    let tiles = (lines[0].count + 3) / 4
    // A place before and one behind are to stay as they are.
    var low = [Float](repeating: 7, count: tiles + 2)
    var high = low
    let (a, b, c, d) = (lines[0], lines[1], lines[2], lines[3])
    Raw.gather(
      a.span, b.span, c.span, d.span, &low, &high, at: 1..<(tiles + 1), width: width)
    #expect(low[0] == 7 && low[tiles + 1] == 7 && high[0] == 7 && high[tiles + 1] == 7)
    for tile in 0..<tiles {
      let signals = lines.flatMap { $0[(4 * tile)..<min(4 * tile + 4, $0.count)] }
      if signals.allSatisfy({ $0.double.isFinite }) {
        #expect(low[tile + 1] == signals.min()?.single, "\(Raw.self) \(width) tile \(tile)")
        #expect(high[tile + 1] == signals.max()?.single, "\(Raw.self) \(width) tile \(tile)")
      } else {
        #expect(low[tile + 1].isNaN, "\(Raw.self) \(width) tile \(tile)")
      }
    }
  }

  @Test("Integers of every size, with their largest and smallest", arguments: lengths)
  func integers(length: Int) {
    var generator = SeededGenerator(seed: 5)
    expectPlain(length) { UInt8.random(in: .min ... .max, using: &generator) }
    expectPlain(length) { UInt16.random(in: .min ... .max, using: &generator) }
    expectPlain(length) { Int16.random(in: .min ... .max, using: &generator) }
    expectPlain(length) { UInt32.random(in: .min ... .max, using: &generator) }
    expectPlain(length) { Int32.random(in: .min ... .max, using: &generator) }
    for ends in [[Int16.min, -1], [Int16.max, 0]] {
      expectPlain(length) { ends[Int(generator.next() % 2)] }
    }
    for ends in [[UInt16.min, 0x7FFF], [UInt16.max, 0x8000]] {
      expectPlain(length) { ends[Int(generator.next() % 2)] }
    }
  }

  @Test("Real numbers, with NaN and infinity among them", arguments: lengths)
  func reals(length: Int) {
    var generator = SeededGenerator(seed: 6)
    expectPlain(length) { Float(generator.uniform() * 2e4 - 10) }
    expectPlain(length) { generator.uniform() * 2e4 - 10 }
    let wrong = [Double.nan, .infinity, -.infinity]
    func spoiled() -> Double {
      generator.uniform() < 0.03 ? wrong[Int(generator.next() % 3)] : generator.uniform() * 2e4
    }
    expectPlain(length) { Float(spoiled()) }
    expectPlain(length) { spoiled() }
  }
}
