// Profiles across a line: what polynomials leave of them.
@testable import DPCReconstruction
import Glibc
import STEMCore
import Testing

struct CrossSectionTests {
  @Test("A section keeps nothing of a polynomial of its degree, also where it has one side only")
  func polynomials() throws {
    let pixel = PixelSize(x: 2e-9, y: 2e-9)
    var map = try wallMap(
      [], rows: 8, columns: 40, pixel: pixel, azimuth: 0, sigma: 1, seed: 1)
    let reach = 150e-9
    let line = WallLine(
      azimuth: 0, position: -110e-9, start: -.infinity, end: .infinity, sechWidth: 20e-9)
    for i in 0..<map.shape.count {
      let t = ((Double(i % 40) - 19.5) * pixel.x - line.position) / reach
      map.field.y[i] = 1 - 2 * t + 3 * pow(t, 6)
    }
    let strip = WallStrip(WallPixels(map), line, reach: reach, direction: .perp)
    let fits = CrossSection(strip, reach: reach, bin: 1e-9).polynomials(upTo: 6)
    // 320 values of at most 2 and a weight of 1, each to some ten roundings.
    #expect(fits[6].chiSquare < 320 * 4 * 1e-30 * 100)
    // 3 t⁶ less its best approximation at N places h apart: the monic Gram polynomial, whose mean square is
    // (6!)⁴/(12! 13!) Π(N² - k²) h¹², k = 1...6.
    let factorials = pow(720.0, 4) / (479_001_600 * 6_227_020_800)
    let product = (1...6).reduce(1.0) { product, k -> Double in product * Double(1600 - k * k) }
    let scale: Double = pow(pixel.x / reach, 12)
    let expected: Double = 320 * 9 * factorials * product * scale
    #expect(fits[5].chiSquare.deviation(from: expected) < 1e-6)
  }
}
