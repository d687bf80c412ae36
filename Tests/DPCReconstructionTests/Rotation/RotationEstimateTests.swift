// The scan rotation from curl: exact angles and signs, errors that hold, and what must not be believed.
import DPCReconstruction
import DPCSimulation
import Foundation
import STEMCore
import Testing

struct RotationEstimateTests {
  private static let degree = Double.pi / 180
  private static let shape = GridShape(rows: 56, columns: 72)

  /// Minus the gradient of two hills and a ramp: neither periodic nor symmetric, in rad.
  private static func hills(pixel: PixelSize) -> VectorField {
    var field = VectorField(shape: shape)
    // amplitude times width, column, row, width in m
    let list = [(3e-4, 24.0, 20.0, 7e-9), (-2e-4, 49, 37, 10e-9)]
    for row in 0..<shape.rows {
      for column in 0..<shape.columns {
        var (x, y) = (4e-6, -2e-6)
        for (height, centerX, centerY, width) in list {
          let dx = (Double(column) - centerX) * pixel.x
          let dy = (Double(row) - centerY) * pixel.y
          let slope = height * exp(-(dx * dx + dy * dy) / (2 * width * width)) / width
          x += slope * dx
          y += slope * dy
        }
        field.x[row * shape.columns + column] = x
        field.y[row * shape.columns + column] = y
      }
    }
    return field
  }

  /// What a detector records from which the scan is turned by `angle`.
  private static func recorded(
    _ field: VectorField, angle: Double, handedness: Handedness = .asRecorded,
    pixel: PixelSize, deviation: Double = 0, seed: UInt64 = 0
  ) -> VectorMap {
    // The inverse of the matrix to the scan frame; it is orthogonal.
    let m = scanFrameMatrix(rotation: angle, handedness: handedness)
    var map = VectorMap(
      field: field, covariance: nil, mask: PixelMask(shape: field.shape), pixelSize: pixel)
    map = transformed(map, by: Matrix2(xx: m.xx, xy: m.yx, yx: m.xy, yy: m.yy))
    guard deviation > 0 else { return map }
    var generator = SeededGenerator(seed: seed, path: [7])
    for index in 0..<field.shape.count {
      map.field.x[index] += deviation * generator.normal()
      map.field.y[index] += deviation * generator.normal()
    }
    let variance = [Double](repeating: deviation * deviation, count: field.shape.count)
    map.covariance = VectorCovariance(
      shape: field.shape, xx: variance, yy: variance,
      xy: [Double](repeating: 0, count: field.shape.count))
    return map
  }

  /// Folded into (-90°, 90°].
  private static func folded(_ angle: Double) -> Double {
    angle - Double.pi * ((angle / Double.pi - 0.5).rounded(.up))
  }

  @Test("Without noise the angle is right to 0.01°, in any quadrant and with pixels of any shape")
  func exact() throws {
    for pixel in [PixelSize(x: 1e-9, y: 1e-9), PixelSize(x: 1.3e-9, y: 0.8e-9)] {
      for degrees in [31.0, -57, 90, 113, -160] {
        let map = Self.recorded(
          Self.hills(pixel: pixel), angle: degrees * Self.degree, pixel: pixel)
        let estimate = try #require(CurlModes(of: map).estimate(.asRecorded))
        let error = Self.folded(estimate.angle - degrees * Self.degree)
        // The midpoint sums err by (κ h)²/24 at the rim, where these fields have fallen to a percent.
        #expect(abs(error) < 0.01 * Self.degree, "\(degrees): \(error / Self.degree)")
        #expect(estimate.contrast > 0.9999 && estimate.angle > -Double.pi / 2)
        #expect(estimate.angle <= Double.pi / 2)
      }
    }
  }

  @Test("A linear deflection, as descan leaves, changes nothing")
  func descan() throws {
    let pixel = PixelSize(x: 1e-9, y: 1e-9)
    var map = Self.recorded(Self.hills(pixel: pixel), angle: 0.4, pixel: pixel)
    let clean = try #require(CurlModes(of: map).estimate(.asRecorded))
    for row in 0..<Self.shape.rows {
      for column in 0..<Self.shape.columns {
        let index = row * Self.shape.columns + column
        // As large as the fields themselves at the rim.
        map.field.x[index] += 5e-6 - 3e-6 * Double(row) + 1e-6 * Double(column)
        map.field.y[index] += 2e-6 * Double(row) + 4e-6 * Double(column)
      }
    }
    let ramped = try #require(CurlModes(of: map).estimate(.asRecorded))
    // The sums over pixels see the ramp's coefficients to some parts in a thousand of themselves.
    #expect(abs(ramped.angle - clean.angle) < 0.2 * Self.degree)
  }

  @Test("Errors hold: 60 draws of noise, 65-71 % within the bounds of 60 draws, spread as stated")
  func coverage() throws {
    let pixel = PixelSize(x: 1e-9, y: 1e-9)
    let field = Self.hills(pixel: pixel)
    let power = zip(field.x, field.y).reduce(0) { $0 + $1.0 * $1.0 + $1.1 * $1.1 }
    for deviation in [30e-6, 100e-6] {
      let pulls = try (0..<60).map { seed -> Double in
        let map = Self.recorded(
          field, angle: 0.7, pixel: pixel, deviation: deviation, seed: UInt64(seed))
        let estimate = try #require(CurlModes(of: map).estimate(.asRecorded))
        // The bound on what any estimator can do, σ²/Σ|θ|².
        let bound = deviation / power.squareRoot()
        #expect(estimate.error > 0.9 * bound && estimate.error < 1.8 * bound)
        return Self.folded(estimate.angle - 0.7) / estimate.error
      }
      let within = pulls.count { abs($0) < 1 }
      // 41 of 60 expected with a deviation of 3.6: three of them.
      #expect((30...52).contains(within), "\(within) of 60 at \(deviation)")
      let spread = (pulls.reduce(0) { $0 + $1 * $1 } / 60).squareRoot()
      #expect(spread > 0.73 && spread < 1.27, "\(spread)")
    }
  }

  @Test("A detector seen from behind is told by its curl, and its angle found")
  func handedness() throws {
    let pixel = PixelSize(x: 1e-9, y: 1e-9)
    let map = Self.recorded(
      Self.hills(pixel: pixel), angle: 0.5, handedness: .mirrored, pixel: pixel, deviation: 20e-6)
    let wrong = try #require(CurlModes(of: map).estimate(.asRecorded))
    let right = try #require(CurlModes(of: map).estimate(.mirrored))
    #expect(right.curlFreeness > 0.95 && wrong.curlFreeness < 0.7)
    #expect(abs(Self.folded(right.angle - 0.5)) < 4 * right.error)
  }

  @Test("Without counting statistics the noise is measured by the curl that is left")
  func unknownNoise() throws {
    let pixel = PixelSize(x: 1e-9, y: 1e-9)
    var map = Self.recorded(
      Self.hills(pixel: pixel), angle: 0.2, pixel: pixel, deviation: 40e-6, seed: 3)
    let known = try #require(CurlModes(of: map).estimate(.asRecorded))
    map.covariance = nil
    let unknown = try #require(CurlModes(of: map).estimate(.asRecorded))
    #expect(abs(unknown.error / known.error - 1) < 0.2)
  }

  @Test("Walls of any direction have no two-dimensional structure, charges have")
  func dimension() throws {
    let pixel = PixelSize(x: 1e-9, y: 1e-9)
    let charges = Self.recorded(
      Self.hills(pixel: pixel), angle: 0, pixel: pixel, deviation: 10e-6)
    #expect(try #require(structureDimension(of: charges)).twoDimensionalShare > 0.4)
    var field = VectorField(shape: Self.shape)
    for row in 0..<Self.shape.rows {
      for column in 0..<Self.shape.columns {
        // A field along a wall whose normal stands at 35°.
        let (c, s) = (cos(35 * Self.degree), sin(35 * Self.degree))
        let u = (c * (Double(column) - 36) + s * (Double(row) - 28)) / 5
        let strength = 1e-4 / (cosh(u) * cosh(u))
        field.x[row * Self.shape.columns + column] = -s * strength
        field.y[row * Self.shape.columns + column] = c * strength
      }
    }
    let wall = Self.recorded(field, angle: 0, pixel: pixel, deviation: 5e-6)
    #expect(try #require(structureDimension(of: wall)).twoDimensionalShare < 0.15)
    // The trap: the curl of this field is least 90° from the truth, with full contrast.
    let trap = try #require(CurlModes(of: wall).estimate(.asRecorded))
    #expect(abs(abs(trap.angle) - Double.pi / 2) < 0.05 && trap.contrast > 0.5)
  }
}
