// The median by a sampled bracket against sorting, on numbers that suit the sample and that mislead it.
import DPCReconstruction
import DPCSimulation
import Testing

struct MedianTests {
  private func sorted(_ values: [Double]) -> Double? {
    let sorted = values.sorted()
    let count = sorted.count
    if count == 0 { return nil }
    return count % 2 == 1 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2
  }

  private func numbers(_ count: Int) -> [Double] {
    var generator = SeededGenerator(seed: 9, path: [count])
    return (0..<count).map { _ in generator.uniform() * generator.uniform() - 0.1 }
  }

  @Test(arguments: [0, 1, 2, 3, 4, 17, 4096, 65_535, 65_536, 100_001, 250_000])
  func random(count: Int) {
    let values = numbers(count)
    #expect(median(values) == sorted(values))
  }

  @Test("What the sample sees need not be what there is", arguments: [150_000, 299_999])
  func misleading(count: Int) {
    // Every fourth or ninth number, as the sample takes them, is far from all others.
    let step = count / 32768
    for outlier in [-5.0, 5.0] {
      var values = numbers(count)
      for index in 0..<32768 { values[index * step + index % step] = outlier + Double(index) }
      #expect(median(values) == sorted(values))
    }
  }

  @Test func equalNumbersAndOrder() {
    #expect(median([Double](repeating: 3, count: 90_000)) == 3)
    let rising = (0..<90_000).map(Double.init)
    #expect(median(rising) == 44_999.5)
    #expect(median(rising.map { $0 < 45_000 ? 1 : 2 }) == 1.5)
    #expect(median([-.infinity, 2, .infinity]) == 2)
  }

  @Test("Places without a number do not count")
  func gaps() {
    let values = numbers(90_000)
    let found = median(values.indices.map { $0 % 3 == 0 ? .nan : values[$0] })
    #expect(found == sorted(values.indices.filter { $0 % 3 != 0 }.map { values[$0] }))
    #expect(median([Double](repeating: .nan, count: 90_000)) == nil)
  }
}
