// The fit of a wall to pixels in wide vectors against sums of one pixel after the other.
import Foundation
import STEMCore
import Testing

@testable import DPCReconstruction

struct ShapeFitTests {
  private static let geometry = try? InclinationGeometry(
    thickness: 60e-9, inclination: 0.3, direction: .perp)

  /// The same by a linear least squares of shape, constant and slope.
  private static func plain(
    _ line: WallLine, _ pixels: WallPixels, _ geometry: InclinationGeometry
  ) -> (amplitude: Double, gain: Double, chiSquare: Double) {
    let shape = ProjectedWall(geometry: geometry, sechWidth: line.sechWidth)
    let width = geometry.projectedWidth(sechWidth: line.sechWidth)
    func fit(_ holdsShape: Bool) -> (solution: [Double], chiSquare: Double) {
      let size = holdsShape ? 3 : 2
      var (design, values) = ([Double](), [Double]())
      for i in 0..<pixels.count {
        let u = pixels.x[i] * line.normal.x + pixels.y[i] * line.normal.y - line.position
        let (value, weight) = pixels.component(i, fieldComponent(.perp, line.normal))
        let terms = [1, u / width] + (holdsShape ? [shape.unitHeight(at: u)] : [])
        design += terms.map { $0 * weight.squareRoot() }
        values.append(value * weight.squareRoot())
      }
      let (matrix, right) = LeastSquares.normalEquations(design, values, size: size)
      let solution = LeastSquares.solve(matrix, right)
      let chiSquare = values.indices.reduce(0.0) { sum, i in
        let model = (0..<size).reduce(0.0) { $0 + design[size * i + $1] * solution[$1] }
        return sum + (values[i] - model) * (values[i] - model)
      }
      return (solution, chiSquare)
    }
    let (with, without) = (fit(true), fit(false))
    return (with.solution[2], without.chiSquare - with.chiSquare, with.chiSquare)
  }

  @Test(
    "Amplitude, gain and misfit are those of plain least squares, the same bits at every width",
    arguments: [9, 16, 83, 997])
  func sums(count: Int) throws {
    let geometry = try #require(Self.geometry)
    let map = try wallMap(
      [TestWall(field: 2e8, w: 8e-9, position: 5e-9)], rows: 32, columns: 32,
      pixel: PixelSize(x: 3e-9, y: 2e-9), azimuth: 0.7, inclination: 0.3, sigma: 5e7, seed: 8)
    var (left, pixels) = (count, WallPixels(map))
    pixels = pixels.where { _, _ in
      left -= 1
      return left >= 0
    }
    let line = WallLine(azimuth: 0.65, position: 3e-9, start: -1, end: 1, sechWidth: 9e-9)
    let expected = Self.plain(line, pixels, geometry)
    let freedom = Double(count - 3)
    let first = ShapeFit(line, pixels, geometry, width: .least).result(freedom: freedom)
    // Normal equations of three terms lose some 1e-12 of sums of a thousand.
    #expect(abs(first.amplitude / expected.amplitude - 1) < 1e-10)
    let misfit = max(1, expected.chiSquare / freedom)
    #expect(abs(first.misfit / misfit - 1) < 1e-10)
    #expect(abs(first.gain * first.misfit / expected.gain - 1) < 1e-9)
    for width in KernelWidth.allCases where width <= .widest {
      let fit = ShapeFit(line, pixels, geometry, width: width).result(freedom: freedom)
      #expect(fit.gain == first.gain && fit.amplitude == first.amplitude)
      #expect(fit.misfit == first.misfit)
    }
  }
}
