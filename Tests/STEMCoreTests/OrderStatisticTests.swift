// Selection against sorting.
import STEMCore
import Testing

struct OrderStatisticTests {
  /// Numbers in [0, 1) of a linear congruence.
  private func numbers(_ count: Int) -> [Double] {
    var state: UInt64 = 5
    return (0..<count).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Double(state >> 11) * 0x1p-53
    }
  }

  @Test(
    "The number of every rank is that of the sorted numbers",
    arguments: [1, 2, 5, 4095, 4096, 4097, 30_000])
  func ranks(count: Int) {
    let plain = numbers(count)
    let kinds = [
      plain, plain.map { ($0 * 8).rounded() }, plain.map { 1 / ($0 * $0 * $0 + 1e-12) },
      plain.map { $0 - 0.5 }, plain.map { _ in 3 }, plain.map { $0 < 0.3 ? -.infinity : $0 },
      plain.map { $0 < 0.01 ? 1e300 : ($0 - 0.5) * 1e-300 }, plain.map { ($0 - 0.5) * 1.7e308 * 2 },
    ]
    for values in kinds {
      let sorted = values.sorted()
      for rank in [0, count / 3, count / 2, Int(0.995 * Double(count)), count - 1] {
        #expect(orderStatistic(rank, of: values) == sorted[rank])
      }
    }
  }
}
