// Charge and curl of known fields, and the errors they inherit.
import DPCReconstruction
import Foundation
import STEMCore
import Testing

@Suite("Charge density and curl")
struct ChargeDensityTests {
  let pixelSize = PixelSize(x: 0.4e-9, y: 0.9e-9)

  /// E = (3u⁴ - 2uv + v³, v² + 2u³ - uv) V with u = x/nm, v = y/nm.
  func field(_ shape: GridShape) -> VectorField {
    VectorField(
      shape: shape,
      x: sampled(shape, pixelSize) { x, y in
        let (u, v) = (x * 1e9, y * 1e9)
        return 3 * u * u * u * u - 2 * u * v + v * v * v
      },
      y: sampled(shape, pixelSize) { x, y in
        let (u, v) = (x * 1e9, y * 1e9)
        return v * v + 2 * u * u * u - u * v
      })
  }

  @Test(
    "Polynomials of degree four are exact, the rim included",
    arguments: [[9, 7], [5, 6], [5, 5]])
  func polynomials(size: [Int]) {
    let shape = GridShape(rows: size[0], columns: size[1])
    let density = projectedChargeDensity(of: field(shape), pixelSize: pixelSize).values
    let curlValues = curl(of: field(shape), pixelSize: pixelSize).values
    // ε0 (dEx/dx + dEy/dy) = 8.854e-12 F/m · 1e9/m · (12u³ - 2v + 2v - u)
    let expected = sampled(shape, pixelSize) { x, _ in
      8.854_187_8128e-3 * (12 * x * x * x * 1e27 - x * 1e9)
    }
    // dEy/dx - dEx/dy = (6u² - v) - (-2u + 3v²), per nm
    let expectedCurl = sampled(shape, pixelSize) { x, y in
      let (u, v) = (x * 1e9, y * 1e9)
      return 1e9 * (6 * u * u - v + 2 * u - 3 * v * v)
    }
    for index in 0..<shape.count {
      // Rounding of a few hundred V divided by the pixel.
      #expect(abs(density[index] - expected[index]) < 1e-13)
      #expect(abs(curlValues[index] - expectedCurl[index]) < 1e-2)
    }
  }

  @Test("Short sides are differentiated to the order they allow")
  func smallSizes() {
    for (rows, columns) in [(1, 1), (1, 4), (4, 1), (2, 2), (3, 3), (2, 7)] {
      let shape = GridShape(rows: rows, columns: columns)
      // Linear in x and y: exact as soon as there are two pixels along the axis.
      let linear = VectorField(
        shape: shape, x: sampled(shape, pixelSize) { x, y in 4e9 * x - 3e9 * y },
        y: sampled(shape, pixelSize) { x, y in 2e9 * x + 5e9 * y })
      let (alongX, alongY) = (columns > 1 ? 1.0 : 0, rows > 1 ? 1.0 : 0)
      let density = projectedChargeDensity(of: linear, pixelSize: pixelSize).values
      let turning = curl(of: linear, pixelSize: pixelSize).values
      for index in 0..<shape.count {
        #expect(abs(density[index] - 8.854_187_8128e-3 * (4 * alongX + 5 * alongY)) < 1e-15)
        #expect(abs(turning[index] - 1e9 * (2 * alongX + 3 * alongY)) < 1e-4)
      }
    }
  }

  @Test("A Gaussian cloud of known charge comes back in coulombs")
  func totalCharge() {
    let shape = GridShape(rows: 60, columns: 120)
    let s = 4e-9
    let charge = 3 * 1.602_176_634e-19
    // Two-dimensional Gauss law: E_r = Q (1 - exp(-r²/2s²)) / (2π ε0 r), in volts.
    let radial = sampled(shape, pixelSize) { x, y in
      let r2 = x * x + y * y
      return charge * -expm1(-r2 / (2 * s * s)) / (2 * Double.pi * 8.854_187_8128e-12 * r2)
    }
    let field = VectorField(
      shape: shape, x: zip(radial, sampled(shape, pixelSize) { x, _ in x }).map(*),
      y: zip(radial, sampled(shape, pixelSize) { _, y in y }).map(*))
    let density = projectedChargeDensity(of: field, pixelSize: pixelSize).values
    // 24e-9 m from the center, six s, lies the rim: all the charge is inside.
    let total = density.reduce(0, +) * pixelSize.x * pixelSize.y
    #expect(abs(total / charge - 1) < 1e-4)
    let middle = density[30 * 120 + 60]
    let r2 = (pixelSize.x * pixelSize.x + pixelSize.y * pixelSize.y) / 4
    let expected = charge / (2 * Double.pi * s * s) * exp(-r2 / (2 * s * s))
    // h⁴ f⁽⁵⁾/30 at the larger pixel: 15 (0.9/4)⁴/30 = 1.3e-3.
    #expect(abs(middle / expected - 1) < 2e-3)
  }

  @Test("The variance is the sum of squared weights, with the covariance at the rim")
  func variance() {
    let shape = GridShape(rows: 6, columns: 7)
    let count = shape.count
    let covariance = VectorCovariance(
      shape: shape, xx: reproducibleNumbers(count, seed: 8).map { $0 + 2 },
      yy: reproducibleNumbers(count, seed: 9).map { $0 + 2 },
      xy: reproducibleNumbers(count, seed: 10))
    let computed = projectedChargeDensityVariance(of: covariance, pixelSize: pixelSize)
    // The density is linear: probe it with a unit field at each pixel, component by component.
    var expected = [Double](repeating: 0, count: count)
    for pixel in 0..<count {
      var alongX = VectorField(shape: shape)
      alongX.x[pixel] = 1
      var alongY = VectorField(shape: shape)
      alongY.y[pixel] = 1
      let wx = projectedChargeDensity(of: alongX, pixelSize: pixelSize).values
      let wy = projectedChargeDensity(of: alongY, pixelSize: pixelSize).values
      for index in 0..<count {
        expected[index] += wx[index] * wx[index] * covariance.xx[pixel]
        expected[index] += wy[index] * wy[index] * covariance.yy[pixel]
        expected[index] += 2 * wx[index] * wy[index] * covariance.xy[pixel]
      }
    }
    for (a, b) in zip(computed, expected) { #expect(abs(a / b - 1) < 1e-12) }
  }
}
