// Two planes whose spectra or modes are changed side by side, against their transforms one after the other.
import FFTW
import Testing

struct SpectraFilterTests {
  // One column, one row, groups of columns with and without a rest, and more than threads share.
  private static let shapes = [(1, 5), (5, 1), (2, 2), (2, 16), (7, 33), (130, 150)]

  private static func samples(_ rows: Int, _ columns: Int, _ step: Int) -> [Double] {
    (0..<(rows * columns)).map { Double(($0 * step) % 1000) / 7 - 60 }
  }

  private static func fill(_ plane: [Double], _ columns: Int) -> PlaneFill {
    { rows, lines in
      for place in 0..<(rows.count * columns) {
        lines[place] = plane[rows.lowerBound * columns + place]
      }
    }
  }

  private static func expect(_ found: [Double], _ expected: [Double]) {
    // Sums of up to 4·150·130 terms in another order.
    let worst = zip(found, expected).reduce(0) { max($0, abs($1.0 - $1.1)) }
    let largest = expected.reduce(0) { max($0, abs($1)) }
    #expect(found.count == expected.count && worst <= 1e-14 * largest, "\(worst) of \(largest)")
  }

  /// What the filters below make of two waves.
  private static func changed(_ x: Complex, _ y: Complex, _ row: Int, _ column: Int) -> (
    Complex, Complex
  ) {
    let (a, b) = (1 / (3 + Double(row)), 0.5 + Double(column))
    return (
      Complex(a * x.real - b * y.real, a * x.imaginary - b * y.imaginary),
      Complex(b * x.real + a * y.real, b * x.imaginary + a * y.imaginary)
    )
  }

  @Test("Spectra of two planes", arguments: shapes)
  func spectra(shape: (rows: Int, columns: Int)) {
    let (rows, columns) = shape
    let (first, second) = (Self.samples(rows, columns, 7919), Self.samples(rows, columns, 104_729))
    let transform = RealFourierTransform(rows: rows, columns: columns)
    let width = transform.spectrumColumns
    var spectra = [first, second].map { plane in
      var spectrum = TransformBuffer<Complex>(count: transform.spectrumCount)
      transform.forward(TransformBuffer(copying: plane), into: &spectrum)
      return spectrum.array()
    }
    for index in spectra[0].indices {
      (spectra[0][index], spectra[1][index]) = Self.changed(
        spectra[0][index], spectra[1][index], index / width, index % width)
    }
    let expected = spectra.map { spectrum in
      var buffer = TransformBuffer(copying: spectrum)
      var plane = TransformBuffer<Double>(count: rows * columns)
      transform.inverse(&buffer, into: &plane)
      return plane.array()
    }

    let fills = (Self.fill(first, columns), Self.fill(second, columns))
    let found = transform.filtered(fills.0, fills.1) { x, y, column in
      for row in x.indices { (x[row], y[row]) = Self.changed(x[row], y[row], row, column) }
    }
    Self.expect(found.first, expected[0])
    Self.expect(found.second, expected[1])
    let combined = transform.combined(fills.0, fills.1) { x, y, column in
      for row in x.indices { x[row] = Self.changed(x[row], y[row], row, column).0 }
    }
    Self.expect(combined, expected[0])
  }

  @Test("Cosines by sines and sines by cosines", arguments: shapes.filter { $0.0 > 1 && $0.1 > 1 })
  func cosinesBySines(shape: (rows: Int, columns: Int)) {
    let (rows, columns) = shape
    let planes = [Self.samples(rows, columns, 7919), Self.samples(rows, columns, 104_729)]
    func transformed(_ plane: [Double], _ x: TrigonometricKind, _ y: TrigonometricKind) -> [Double]
    {
      var plane = plane
      TrigonometricTransform(rows: rows, columns: columns, alongX: x, alongY: y).transform(&plane)
      return plane
    }
    let modes = (
      transformed(planes[0], .cosine2, .sine2), transformed(planes[1], .sine2, .cosine2)
    )
    @Sendable func factor(_ m: Int, _ n: Int) -> Double { 1 / (1 + Double(m) + 0.7 * Double(n)) }
    // The mode of m and n half periods: cosines have it at that index, sines one before.
    var (first, second) = (modes.0.map { _ in 0.0 }, modes.1.map { _ in 0.0 })
    for m in 1..<columns {
      for n in 1..<rows {
        let (a, b) = ((n - 1) * columns + m, n * columns + m - 1)
        first[a] = factor(m, n) * (modes.0[a] + 2 * modes.1[b])
        second[b] = factor(m, n) * (3 * modes.0[a] - modes.1[b])
      }
    }

    let filter = CosineSineFilter(rows: rows, columns: columns)
    var (x, y) = (planes[0].map { _ in Double.nan }, planes[1].map { _ in Double.nan })
    let fills = (Self.fill(planes[0], columns), Self.fill(planes[1], columns))
    filter.apply(&x, &y, filling: fills.0, fills.1) { first, second, m in
      for index in first.indices {
        let (a, b, scale) = (first[index], second[index], factor(m, index + 1))
        first[index] = scale * (a + 2 * b)
        second[index] = scale * (3 * a - b)
      }
    }
    Self.expect(x, transformed(first, .cosine3, .sine3))
    Self.expect(y, transformed(second, .sine3, .cosine3))
    #expect(filter.roundTripFactor == Double(4 * rows * columns))
  }
}
