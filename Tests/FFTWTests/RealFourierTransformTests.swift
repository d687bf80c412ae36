// The plane's transform against the sum that defines it: exponent, scale, axes and odd sizes.
import FFTW
import Foundation
import Testing

/// Reproducible numbers in -1 ..< 1 (a linear congruential generator).
func seededNumbers(_ count: Int, seed: UInt64 = 7) -> [Double] {
  var state = seed
  return (0..<count).map { _ in
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Double(state >> 11) / Double(1 << 52) - 1
  }
}

/// Sizes with odd and even sides, lines, points and a large prime.
let planeSizes = [
  [1, 1], [1, 7], [6, 1], [2, 2], [3, 3], [4, 6], [5, 8], [8, 5], [9, 7], [2, 31],
]

@Suite("Fourier transform of a real plane")
struct RealFourierTransformTests {
  /// Σ f exp(-2πi k·r), term by term.
  func directSum(_ plane: [Double], rows: Int, columns: Int) -> [Complex] {
    var result: [Complex] = []
    for p in 0..<rows {
      for q in 0...(columns / 2) {
        var sum = Complex(0, 0)
        for r in 0..<rows {
          for c in 0..<columns {
            let turns = Double(p * r) / Double(rows) + Double(q * c) / Double(columns)
            let value = plane[r * columns + c]
            sum.real += value * cos(2 * Double.pi * turns)
            sum.imaginary -= value * sin(2 * Double.pi * turns)
          }
        }
        result.append(sum)
      }
    }
    return result
  }

  @Test("The forward transform is the unnormalized sum with exp(-2πi k·r)", arguments: planeSizes)
  func forwardIsTheDirectSum(size: [Int]) {
    let (rows, columns) = (size[0], size[1])
    let plane = seededNumbers(rows * columns)
    let transform = RealFourierTransform(rows: rows, columns: columns)
    let input = TransformBuffer(copying: plane)
    var spectrum = TransformBuffer<Complex>(count: transform.spectrumCount)
    transform.forward(input, into: &spectrum)
    let expected = directSum(plane, rows: rows, columns: columns)
    let computed = spectrum.array()
    #expect(computed.count == expected.count)
    // Rounding of at most 72 terms below one.
    for (a, b) in zip(computed, expected) {
      #expect(abs(a.real - b.real) < 1e-12 && abs(a.imaginary - b.imaginary) < 1e-12)
    }
    #expect(input.array() == plane)
  }

  @Test("Forward and inverse multiply by rows times columns", arguments: planeSizes)
  func roundTrip(size: [Int]) {
    let (rows, columns) = (size[0], size[1])
    let plane = seededNumbers(rows * columns)
    let transform = RealFourierTransform(rows: rows, columns: columns)
    var buffer = TransformBuffer(copying: plane)
    var spectrum = TransformBuffer<Complex>(count: transform.spectrumCount)
    transform.forward(buffer, into: &spectrum)
    transform.inverse(&spectrum, into: &buffer)
    for (a, b) in zip(buffer.array(), plane) {
      #expect(abs(a - b * Double(rows * columns)) < 1e-12)
    }
  }

  @Test("A plane moved to the right turns its phase backwards along the columns only")
  func signOfTheExponent() {
    let (rows, columns) = (4, 6)
    var buffer = TransformBuffer<Double>(count: rows * columns)
    buffer.withMutableSpan { $0[1] = 1 }  // row 0, column 1
    let transform = RealFourierTransform(rows: rows, columns: columns)
    var spectrum = TransformBuffer<Complex>(count: transform.spectrumCount)
    transform.forward(buffer, into: &spectrum)
    let values = spectrum.array()
    // exp(-2πi/6) at one cycle per row, and one at one cycle per column.
    #expect(abs(values[1].real - 0.5) < 1e-15)
    #expect(abs(values[1].imaginary + 3.0.squareRoot() / 2) < 1e-15)
    #expect(values[transform.spectrumColumns] == Complex(1, 0))
  }

  @Test("One plan serves many threads, and plans may be made in any of them")
  func concurrentUse() async {
    let reference = transformedLine(seed: 3)
    let results = await withTaskGroup(of: [Double].self) { group in
      for _ in 0..<16 { group.addTask { transformedLine(seed: 3) } }
      return await group.reduce(into: []) { $0.append($1) }
    }
    #expect(results.count == 16 && results.allSatisfy { $0 == reference })
  }

  @Test("Buffers are aligned to 64 bytes and start as zeros")
  func buffers() {
    for count in [0, 1, 3, 1000] {
      let buffer = TransformBuffer<Double>(count: count)
      #expect(buffer.array() == [Double](repeating: 0, count: count))
      buffer.withSpan { span in
        span.withUnsafeBufferPointer { numbers in
          #expect(Int(bitPattern: numbers.baseAddress) % 64 == 0)
        }
      }
    }
  }

  @Test("The library says its version")
  func version() {
    #expect(fftwVersion().hasPrefix("fftw-3."))
  }
}

private func transformedLine(seed: UInt64) -> [Double] {
  let transform = TrigonometricTransform(count: 97, kind: .cosine2)
  var buffer = TransformBuffer(copying: seededNumbers(97, seed: seed))
  transform.transform(&buffer)
  return buffer.array()
}
