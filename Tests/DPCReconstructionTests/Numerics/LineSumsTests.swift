// Sums of shifted lines: the bits of a plain loop, whatever the width of vectors and the length of the lines.
import DPCSimulation
import Testing

@testable import DPCReconstruction

struct LineSumsTests {
  @Test(
    "Sums of lines are those of a plain loop, and nothing else is written",
    arguments: [0, 1, 7, 31, 32, 33, 70, 128], [0, 1, 2, 17])
  func plain(count: Int, taps: Int) {
    var generator = SeededGenerator(seed: 9)
    let source = (0..<2000).map { _ in generator.uniform() - 0.5 }
    let kernel = (0..<taps).map { _ in generator.uniform() }
    for (from, step, at) in [(0, 1, 0), (3, 1, 5), (11, 101, 2)] {
      var expected = [Double](repeating: 7, count: count + 10)
      for i in 0..<count {
        expected[at + i] = 0
        for t in 0..<taps { expected[at + i] += kernel[t] * source[from + t * step + i] }
      }
      for width in KernelWidth.allCases where width <= .widest {
        var sums = [Double](repeating: 7, count: count + 10)
        var span = sums.mutableSpan
        formLineSums(
          kernel.span, source.span, from: from, step: step, to: &span, at: at, count: count,
          width: width)
        #expect(sums.map(\.bitPattern) == expected.map(\.bitPattern))
      }
    }
  }
}
