// A map against its counting noise, on maps whose powers can be added up by hand.
import DPCReconstruction
import STEMCore
import Testing

struct MapVerdictTests {
  /// 40 rows and 60 columns of 1 nm, every vector (x, y), with variances of 1 in each component.
  private static func map(_ x: Double, _ y: Double, xy: Double = 0) -> VectorMap {
    let shape = GridShape(rows: 40, columns: 60)
    let ones = [Double](repeating: 1, count: shape.count)
    return VectorMap(
      field: VectorField(shape: shape, repeating: (x, y)),
      covariance: VectorCovariance(
        shape: shape, xx: ones, yy: ones, xy: [Double](repeating: xy, count: shape.count)),
      mask: PixelMask(shape: shape), pixelSize: PixelSize(x: 1e-9, y: 1e-9))
  }

  @Test("Significance is the power beyond the noise's over the deviation of the noise's power")
  func significance() throws {
    // Power 25 a pixel, noise 2, variance 4: 23 · 2400 / √(4 · 2400).
    let verdict = try #require(MapVerdict(of: Self.map(3, 4), noiseFactor: 1))
    #expect(abs(verdict.significance - 23 * 2400 / 9600.0.squareRoot()) < 1e-9)
    #expect(verdict.isDetected && !verdict.scattersTooLittle)
    #expect(abs(verdict.signal - 23.0.squareRoot()) < 1e-12)
    // Noise that goes together over four pixels deviates twice as much, and as a whole correlated pair by √(3/2).
    let shared = try #require(MapVerdict(of: Self.map(3, 4), noiseFactor: 4))
    #expect(abs(shared.significance - verdict.significance / 2) < 1e-9)
    let pair = try #require(MapVerdict(of: Self.map(3, 4, xy: 0.5), noiseFactor: 1))
    #expect(abs(pair.significance - verdict.significance / 1.25.squareRoot()) < 1e-9)
  }

  @Test(
    "Below the threshold the signal is a limit: the surplus and 1.645 deviations of the noise's power"
  )
  func limit() throws {
    // The power of the noise itself: no surplus.
    let verdict = try #require(MapVerdict(of: Self.map(1, 1), noiseFactor: 1))
    #expect(verdict.significance == 0 && !verdict.isDetected)
    #expect(abs(verdict.signal - (1.645 * 9600.0.squareRoot() / 2400).squareRoot()) < 1e-12)
    let none = try #require(MapVerdict(of: Self.map(0, 0), noiseFactor: 1))
    #expect(none.scattersTooLittle && none.signal == verdict.signal)
  }

  @Test(
    "Deviations are of one pixel, and of the mean over 20 nm times the longer side, in the unit asked for"
  )
  func deviations() throws {
    let verdict = try #require(MapVerdict(of: Self.map(3, 4), noiseFactor: 1, scale: 1e6))
    #expect(verdict.pixelDeviation == 1e6)
    let deviation = try #require(verdict.wallDeviation)
    let expected = 1e6 / 1200.0.squareRoot()
    #expect(abs(deviation / expected - 1) < 1e-12)
    let plain = try #require(MapVerdict(of: Self.map(3, 4), noiseFactor: 1))
    #expect(plain.scaled(by: 1e6).pixelDeviation == 1e6)
    #expect(abs(plain.scaled(by: 1e6).signal / verdict.signal - 1) < 1e-12)
    #expect(plain.scaled(by: 1e6).significance == verdict.significance)
  }

  @Test("A constant is a signal from five errors of the zero on; below that it widens the limit")
  func zero() throws {
    // The mean's length of 5 over the error of one component: of the zero, and of noise averaged over 2400 pixels.
    var map = Self.map(3, 4)
    for i in map.field.x.indices {
      // As much scatter as noise has.
      map.field.x[i] += i % 2 == 0 ? 1 : -1
      map.field.y[i] += i % 2 == 0 ? 1 : -1
    }
    for (zeroError, isDetected) in [(0.9, true), (1.1, false)] {
      let verdict = try #require(MapVerdict(of: map, noiseFactor: 1, zeroError: zeroError))
      let error = (zeroError * zeroError + 1 / 2400.0).squareRoot()
      #expect(abs(verdict.significance - 5 / error) < 1e-9)
      #expect(verdict.isDetected == isDetected)
      // 5 + 1.645 errors, 1.645 deviations of the noise's power, and what the mean takes away from noise, 2/2400.
      let most = 5 + 1.645 * error
      let limit = (most * most + (2 + 1.645 * 9600.0.squareRoot()) / 2400).squareRoot()
      let signal = isDetected ? (25 - 2 * error * error).squareRoot() : limit
      #expect(abs(verdict.signal - signal) < 1e-12)
    }
  }

  @Test("What differs from pixel to pixel is held against noise alone, whatever the zero's error")
  func structure() throws {
    var map = Self.map(3, 4)
    for i in map.field.x.indices where i % 2 == 0 { map.field.x[i] = -3 }
    let verdict = try #require(MapVerdict(of: map, noiseFactor: 1, zeroError: 100))
    // About the mean (0, 4) the power is 9 a pixel; noise has 2, but for the part that the mean takes away.
    let surplus: Double = (9 - 2 * (1 - 1 / 2400.0)) * 2400
    #expect(abs(verdict.significance - surplus / 9600.0.squareRoot()) < 1e-9)
    #expect(abs(verdict.signal - (surplus / 2400).squareRoot()) < 1e-12)
  }

  @Test("Without errors, or without a usable pixel, there is no verdict")
  func none() {
    var map = Self.map(3, 4)
    map.mask = PixelMask(
      shape: map.shape, bytes: [UInt8](repeating: PixelFlags.hot.rawValue, count: map.shape.count))
    #expect(MapVerdict(of: map, noiseFactor: 1) == nil)
    map = Self.map(3, 4)
    map.covariance = nil
    #expect(MapVerdict(of: map, noiseFactor: 1) == nil)
  }
}
