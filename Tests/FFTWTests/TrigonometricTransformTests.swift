// Cosine and sine transforms against the sums that define them.
import FFTW
import Foundation
import Testing

@Suite("Cosine and sine transforms")
struct TrigonometricTransformTests {
  /// The documented sum, term by term.
  func directSum(_ x: [Double], _ kind: TrigonometricKind) -> [Double] {
    let n = x.count
    return (0..<n).map { m in
      let k = Double(m)
      switch kind {
      case .cosine1:
        let rim = x[0] + (m % 2 == 0 ? 1 : -1) * x[n - 1]
        return (1..<max(1, n - 1)).reduce(rim) {
          $0 + 2 * x[$1] * cos(Double.pi * Double($1) * k / Double(n - 1))
        }
      case .cosine2:
        return x.indices.reduce(0) {
          $0 + 2 * x[$1] * cos(Double.pi * (Double($1) + 0.5) * k / Double(n))
        }
      case .cosine3:
        return (1..<n).reduce(x[0]) {
          $0 + 2 * x[$1] * cos(Double.pi * Double($1) * (k + 0.5) / Double(n))
        }
      case .sine1:
        return x.indices.reduce(0) {
          $0 + 2 * x[$1] * sin(Double.pi * Double($1 + 1) * (k + 1) / Double(n + 1))
        }
      case .sine2:
        return x.indices.reduce(0) {
          $0 + 2 * x[$1] * sin(Double.pi * (Double($1) + 0.5) * (k + 1) / Double(n))
        }
      case .sine3:
        return (0..<(n - 1)).reduce((m % 2 == 0 ? 1 : -1) * x[n - 1]) {
          $0 + 2 * x[$1] * sin(Double.pi * Double($1 + 1) * (k + 0.5) / Double(n))
        }
      }
    }
  }

  @Test("A line becomes the documented sum", arguments: TrigonometricKind.allCases)
  func line(kind: TrigonometricKind) {
    for count in [1, 2, 3, 8, 13, 16] where count > 1 || kind != .cosine1 {
      let x = seededNumbers(count)
      var buffer = TransformBuffer(copying: x)
      TrigonometricTransform(count: count, kind: kind).transform(&buffer)
      // Rounding of at most 32 terms below one.
      for (a, b) in zip(buffer.array(), directSum(x, kind)) { #expect(abs(a - b) < 1e-13) }
    }
  }

  @Test("A kind and its inverse multiply by the stated factor", arguments: planeSizes)
  func roundTrip(size: [Int]) {
    let (rows, columns) = (size[0], size[1])
    for alongX in TrigonometricKind.allCases where columns > 1 || alongX != .cosine1 {
      for alongY in TrigonometricKind.allCases where rows > 1 || alongY != .cosine1 {
        let plane = seededNumbers(rows * columns)
        var buffer = TransformBuffer(copying: plane)
        let forward = TrigonometricTransform(
          rows: rows, columns: columns, alongX: alongX, alongY: alongY)
        let back = TrigonometricTransform(
          rows: rows, columns: columns, alongX: alongX.inverse, alongY: alongY.inverse)
        forward.transform(&buffer)
        back.transform(&buffer)
        for (a, b) in zip(buffer.array(), plane) {
          #expect(abs(a - b * forward.roundTripFactor) < 1e-11)
        }
      }
    }
  }

  @Test("A plane is expanded along x within rows and along y within columns")
  func axesOfAPlane() {
    let (rows, columns) = (3, 5)
    let plane = seededNumbers(rows * columns)
    var buffer = TransformBuffer(copying: plane)
    TrigonometricTransform(rows: rows, columns: columns, alongX: .cosine2, alongY: .sine2)
      .transform(&buffer)
    let alongRows = (0..<rows).map { row in
      directSum(Array(plane[(row * columns)..<((row + 1) * columns)]), .cosine2)
    }
    let result = buffer.array()
    for column in 0..<columns {
      let expected = directSum(alongRows.map { $0[column] }, .sine2)
      for row in 0..<rows {
        #expect(abs(result[row * columns + column] - expected[row]) < 1e-13)
      }
    }
  }
}
