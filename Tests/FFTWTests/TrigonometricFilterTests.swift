// A filter in a trigonometric series: a transform, a change of its modes and the inverse.
import FFTW
import Testing

struct TrigonometricFilterTests {
  // One column, one row, groups of columns with and without a rest, and more than threads share.
  @Test(
    "A filter gives what its three steps give",
    arguments: [(1, 5), (5, 1), (2, 16), (7, 33), (130, 150)],
    TrigonometricKind.allCases.filter { $0 != .cosine1 })
  func steps(shape: (rows: Int, columns: Int), kind: TrigonometricKind) {
    let (rows, columns) = shape
    let samples = (0..<(rows * columns)).map { Double(($0 * 7919) % 1000) / 7 - 60 }
    @Sendable func factor(_ row: Int, _ column: Int) -> Double {
      let sum: Double = 3 + Double(row) * 0.7 + Double(column)
      return 1 / sum
    }

    var expected = samples
    TrigonometricTransform(rows: rows, columns: columns, alongX: kind, alongY: .sine2)
      .transform(&expected)
    for index in expected.indices { expected[index] *= factor(index / columns, index % columns) }
    TrigonometricTransform(
      rows: rows, columns: columns, alongX: kind.inverse, alongY: .sine3
    ).transform(&expected)

    var found = samples
    let filter = TrigonometricFilter(rows: rows, columns: columns, alongX: kind, alongY: .sine2)
    filter.apply(to: &found) { modes, column in
      for row in modes.indices { modes[row] *= factor(row, column) }
    }
    // Back go the columns first: sums of up to 2·150 + 2·130 terms in another order.
    let worst = zip(found, expected).map { abs($0 - $1) }.max() ?? 0
    let largest = expected.map { abs($0) }.max() ?? 0
    #expect(worst < 1e-14 * largest, "\(worst) of \(largest)")
    #expect(
      filter.roundTripFactor == kind.roundTripFactor(count: columns) * Double(2 * rows))
  }
}
