// Planes of many lines, transformed group by group on all threads, against one line after the other.
import FFTW
import Testing

@Suite("Planes larger than one group of lines")
struct PlaneTests {
  private static let sizes = [[130, 170], [257, 96], [16, 1100], [33, 129], [1100, 17]]

  private func transposed(_ plane: [Double], rows: Int, columns: Int) -> [Double] {
    (0..<(rows * columns)).map { plane[$0 % rows * columns + $0 / rows] }
  }

  private func lines(_ plane: [Double], length: Int, _ kind: TrigonometricKind) -> [Double] {
    let transform = TrigonometricTransform(count: length, kind: kind)
    return stride(from: 0, to: plane.count, by: length).flatMap { first in
      var line = TransformBuffer(copying: Array(plane[first..<(first + length)]))
      transform.transform(&line)
      return line.array()
    }
  }

  @Test("Rows, then columns", arguments: sizes)
  func trigonometric(size: [Int]) {
    let (rows, columns) = (size[0], size[1])
    let plane = seededNumbers(rows * columns)
    let byRows = lines(plane, length: columns, .cosine2)
    let expected = transposed(
      lines(transposed(byRows, rows: rows, columns: columns), length: rows, .sine3),
      rows: columns, columns: rows)
    let transform = TrigonometricTransform(
      rows: rows, columns: columns, alongX: .cosine2, alongY: .sine3)
    var buffer = TransformBuffer(copying: plane)
    transform.transform(&buffer)
    var array = plane
    transform.transform(&array)
    #expect(array == buffer.array())
    // Sums of up to 1100 × 1100 terms below one, in an order of FFTW's own.
    let worst = zip(array, expected).reduce(0) { max($0, abs($1.0 - $1.1)) }
    #expect(worst < 1e-9)
  }

  @Test("A real plane comes back", arguments: sizes)
  func real(size: [Int]) {
    let (rows, columns) = (size[0], size[1])
    let plane = seededNumbers(rows * columns)
    let transform = RealFourierTransform(rows: rows, columns: columns)
    var spectrum = TransformBuffer<Complex>(count: transform.spectrumCount)
    transform.forward(TransformBuffer(copying: plane), into: &spectrum)
    var back = TransformBuffer<Double>(count: plane.count)
    transform.inverse(&spectrum, into: &back)
    let scale = 1 / Double(plane.count)
    let worst = zip(back.array(), plane).reduce(0) { max($0, abs($1.0 * scale - $1.1)) }
    #expect(worst < 1e-13)
  }

  @Test("A complex plane comes back, and agrees with the real one", arguments: sizes)
  func complex(size: [Int]) {
    let (rows, columns) = (size[0], size[1])
    let plane = seededNumbers(rows * columns)
    let real = RealFourierTransform(rows: rows, columns: columns)
    var half = TransformBuffer<Complex>(count: real.spectrumCount)
    real.forward(TransformBuffer(copying: plane), into: &half)
    let transform = ComplexFourierTransform(rows: rows, columns: columns)
    var buffer = TransformBuffer(copying: plane.map { Complex($0, 0) })
    transform.forward(&buffer)
    let (spectrum, kept) = (buffer.array(), half.array())
    var worst = 0.0
    for row in 0..<rows {
      for column in 0..<real.spectrumColumns {
        let (a, b) = (
          spectrum[row * columns + column], kept[row * real.spectrumColumns + column]
        )
        worst = max(worst, abs(a.real - b.real), abs(a.imaginary - b.imaginary))
      }
    }
    #expect(worst < 1e-10)
    transform.inverse(&buffer)
    let scale = 1 / Double(plane.count)
    let back = zip(buffer.array(), plane).reduce(0) { max($0, abs($1.0.real * scale - $1.1)) }
    #expect(back < 1e-13)
  }
}
