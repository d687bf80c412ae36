// Surfaces of descan against known ones: exact without noise, with errors that hold where there is some.
import DPCReconstruction
import DPCSimulation
import Foundation
import STEMCore
import Testing

struct DescanFitTests {
  private let shape = GridShape(rows: 36, columns: 50)
  private let truth = DescanSurface(
    degree: .quadratic, shape: GridShape(rows: 36, columns: 50),
    x: [3e-6, 20e-6, -5e-6, 4e-6, -6e-6, 1e-6], y: [-8e-6, 1e-6, 12e-6, -2e-6, 3e-6, 7e-6],
    covariance: nil)

  private func map(
    _ surface: DescanSurface, sigma: Double, seed: UInt64, walls: Bool = false
  ) -> VectorMap {
    var field = surface.field()
    var generator = SeededGenerator(seed: seed, path: [3])
    for position in 0..<shape.count {
      field.x[position] += sigma * generator.normal()
      field.y[position] += sigma * generator.normal()
      let column = position % shape.columns
      // Two walls of one sign, six columns each: a quarter of the scan.
      if walls && (column % 25 < 6) { field.y[position] += 60e-6 }
    }
    let variances = [Double](repeating: sigma * sigma, count: shape.count)
    let zeros = [Double](repeating: 0, count: shape.count)
    return VectorMap(
      field: field,
      covariance: VectorCovariance(shape: shape, xx: variances, yy: variances, xy: zeros),
      mask: PixelMask(shape: shape), pixelSize: nil)
  }

  @Test func quadraticIsExactWithoutNoise() throws {
    let fit = try fitDescan(to: map(truth, sigma: 0, seed: 0), degree: .quadratic)
    for index in 0..<6 {
      #expect(abs(fit.surface.x[index] - truth.x[index]) < 1e-18)
      #expect(abs(fit.surface.y[index] - truth.y[index]) < 1e-18)
    }
    var rest = map(truth, sigma: 0, seed: 0)
    rest.remove(fit.surface)
    #expect(rest.field.x.allSatisfy { abs($0) < 1e-18 })
    #expect(rest.field.y.allSatisfy { abs($0) < 1e-18 })
  }

  /// s is +1 in the last column, t in the last row: the coefficients are the change to the rim.
  @Test func coefficientsAreAnglesAtTheRim() {
    let plane = DescanSurface(
      degree: .plane, shape: shape, x: [1e-6, 2e-6, 0], y: [0, 0, 5e-6], covariance: nil)
    let field = plane.field()
    #expect(abs(field.x[shape.columns - 1] - 3e-6) < 1e-20)
    #expect(abs(field.x[0] + 1e-6) < 1e-20)
    #expect(abs(field.y[shape.count - 1] - 5e-6) < 1e-20)
    #expect(abs(plane.perColumn.x - 2e-6 * 2 / 49) < 1e-20)
    #expect(abs(plane.perRow.y - 5e-6 * 2 / 35) < 1e-20)
  }

  /// 68.3 % of the residuals of the coefficients: 200 trials × 6 terms × 2 components, three standard
  /// errors; plain and robust.
  @Test(arguments: [DescanWeights.noStructure, .equal, .robust])
  func errorsCoverTheTruth(weights: DescanWeights) throws {
    var pulls: [Double] = []
    for trial in 0..<200 {
      let fit = try fitDescan(
        to: map(truth, sigma: 20e-6, seed: UInt64(trial)), degree: .quadratic, weights: weights)
      let covariance = try #require(fit.surface.covariance)
      for index in 0..<6 {
        let error = covariance[7 * index].squareRoot()
        pulls.append((fit.surface.x[index] - truth.x[index]) / error)
        pulls.append((fit.surface.y[index] - truth.y[index]) / error)
      }
    }
    let covered = Double(pulls.count { abs($0) < 1 }) / Double(pulls.count)
    #expect(abs(covered - 0.683) < 0.029, "\(covered)")
  }

  /// Walls on a quarter of the scan pull the mean by 15 µrad; the robust plane keeps within its own
  /// error, three standard deviations.
  @Test func robustPlaneIgnoresWalls() throws {
    let plane = DescanSurface(
      degree: .plane, shape: shape, x: [3e-6, 20e-6, -5e-6], y: [-8e-6, 1e-6, 12e-6],
      covariance: nil)
    let data = map(plane, sigma: 5e-6, seed: 4, walls: true)
    let plain = try fitDescan(to: data, degree: .plane)
    #expect(plain.surface.y[0] - plane.y[0] > 12e-6)
    let robust = try fitDescan(to: data, degree: .plane, weights: .robust)
    let error = try #require(robust.surface.error(s: 0, t: 0))
    #expect(abs(robust.surface.y[0] - plane.y[0]) < 3 * error)
    #expect(error < 0.5e-6)
    // Six columns of each wall, two on either side of it that are in the scan, and of noise less than a sixth.
    #expect(robust.rejectedShare > 0.36 && robust.rejectedShare < 0.36 + 0.64 / 6)
    // The same by naming what is free of walls.
    let selection = (0..<shape.count).map { $0 % shape.columns % 25 >= 6 }
    let chosen = try fitDescan(to: data, degree: .plane, selection: selection)
    #expect(abs(chosen.surface.y[0] - plane.y[0]) < 3 * error)
  }

  /// A map of 160 × 192 pixels with noise and a wall along its columns, on a plane.
  private func wall(
    at center: Double, width: Double, height: Double, sigma: Double, seed: UInt64
  ) -> (map: VectorMap, plane: DescanSurface) {
    let shape = GridShape(rows: 160, columns: 192)
    let plane = DescanSurface(
      degree: .plane, shape: shape, x: [30e-6, 200e-6, -50e-6], y: [-80e-6, 10e-6, 120e-6],
      covariance: nil)
    var field = plane.field()
    var generator = SeededGenerator(seed: seed, path: [5])
    for position in 0..<shape.count {
      let u = (Double(position % shape.columns) - center) / width
      field.x[position] += sigma * generator.normal()
      field.y[position] += sigma * generator.normal() + height / (cosh(u) * cosh(u))
    }
    let variances = [Double](repeating: sigma * sigma, count: shape.count)
    let zeros = [Double](repeating: 0, count: shape.count)
    return (
      VectorMap(
        field: field,
        covariance: VectorCovariance(shape: shape, xx: variances, yy: variances, xy: zeros),
        mask: PixelMask(shape: shape), pixelSize: nil), plane
    )
  }

  /// The tails of a wall pull the surface, where single pixels hide them in noise of a third of the wall.
  @Test(arguments: [(20.0, 10.0), (96, 14), (140, 10)])
  func wallsLeaveTheirTails(center: Double, width: Double) throws {
    for seed in 0..<3 {
      let (map, plane) = wall(
        at: center, width: width, height: 30e-6, sigma: 10e-6, seed: UInt64(seed))
      let fit = try fitDescan(to: map, degree: .plane, weights: .robust)
      let error = try #require(fit.surface.error(s: 0, t: 0))
      let off = abs(fit.surface.y[0] - plane.y[0])
      #expect(off < 30e-6 / 50, "\(off)")
      #expect(off < 3 * error, "\(off), \(error)")
      // The other component holds no wall.
      #expect(abs(fit.surface.x[0] - plane.x[0]) < 3 * error)
    }
  }

  /// Of a wall that keeps its weight the mean over the scan is lost, and told as uncertain.
  @Test func equalWeightsTellOfWalls() throws {
    let (map, plane) = wall(at: 60, width: 10, height: 30e-6, sigma: 1e-6, seed: 3)
    let fit = try fitDescan(to: map, degree: .plane, weights: .equal)
    let off = abs(fit.surface.y[0] - plane.y[0])
    #expect(off > 3e-6)
    let error = try #require(fit.surface.error(s: 0, t: 0))
    #expect(off < 3 * error && error < off, "\(off), \(error)")
    let hidden = try fitDescan(to: map, degree: .plane, weights: .noStructure)
    #expect(try #require(hidden.surface.error(s: 0, t: 0)) < off / 30)
  }

  /// A region in one corner determines the plane there, and hardly in the opposite one.
  @Test func errorGrowsOutsideTheRegion() throws {
    let selection = (0..<shape.count).map {
      $0 % shape.columns < 15 && $0 / shape.columns < 12
    }
    let fit = try fitDescan(
      to: map(truth, sigma: 10e-6, seed: 9), degree: .plane, selection: selection)
    let near = try #require(fit.surface.error(s: -0.7, t: -0.7))
    let far = try #require(fit.surface.cornerError)
    #expect(far > 10 * near)
    #expect(throws: DescanFitError.self) {
      try fitDescan(
        to: map(truth, sigma: 1e-6, seed: 1), degree: .plane,
        selection: (0..<shape.count).map { $0 % shape.columns == 3 })
    }
  }

  /// The chance is uniform for planes (a third of 300 below 1/3, three standard errors) and vanishes
  /// for a clear quadratic.
  @Test func fTestKnowsPlanesFromQuadratics() throws {
    var plane = truth
    plane.x = Array(plane.x.prefix(3)) + [0, 0, 0]
    plane.y = Array(plane.y.prefix(3)) + [0, 0, 0]
    func chance(_ data: VectorMap) throws -> Double {
      chanceOfQuadratic(
        plane: try fitDescan(to: data, degree: .plane),
        quadratic: try fitDescan(to: data, degree: .quadratic))
    }
    let chances = try (0..<300).map { try chance(map(plane, sigma: 10e-6, seed: UInt64($0))) }
    let third = Double(chances.count { $0 < 1.0 / 3 }) / 300
    #expect(abs(third - 1.0 / 3) < 0.082)
    #expect(try chance(map(truth, sigma: 10e-6, seed: 1)) < 1e-8)
  }
}
