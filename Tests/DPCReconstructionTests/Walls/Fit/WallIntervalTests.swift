// Widths of inclined walls at low doses: intervals by profile likelihood, and errors that hold.

@testable import DPCReconstruction
import Glibc
import STEMCore
import Testing

struct WallIntervalTests {
  private let pair = [
    TestWall(field: 3e8, w: 11.35e-9, position: -80e-9),
    TestWall(field: -3e8, w: 11.35e-9, position: 80e-9),
  ]

  private func geometry(_ degrees: Double, thickness: Double = 60e-9) throws -> InclinationGeometry
  {
    try InclinationGeometry(
      thickness: thickness, inclination: degrees * degree, direction: .parallel)
  }

  /// Least χ² over E0, the offset and X0 of a profile with one wall of given w: linear in the first two,
  /// by golden section in the last.
  private func leastMisfit(
    _ profile: LineProfile, _ geometry: InclinationGeometry, w: Double, near position: Double
  ) -> Double {
    let sigma = profile.error?[0] ?? 1
    func misfit(_ x0: Double) -> Double {
      let shape = profile.distance.map {
        geometry.meanField(at: $0, amplitude: 1, sechWidth: w, position: x0).value
      }
      let n = Double(shape.count)
      let (s, y) = (shape.reduce(0, +) / n, profile.value.reduce(0, +) / n)
      var (ss, sy, yy) = (0.0, 0.0, 0.0)
      for (a, b) in zip(shape, profile.value) {
        ss += (a - s) * (a - s)
        sy += (a - s) * (b - y)
        yy += (b - y) * (b - y)
      }
      return (yy - sy * sy / ss) / (sigma * sigma)
    }
    var (low, high) = (position - 12e-9, position + 12e-9)
    let ratio = (5.0.squareRoot() - 1) / 2
    while high - low > 1e-12 {
      let (a, b) = (high - ratio * (high - low), low + ratio * (high - low))
      if misfit(a) < misfit(b) { high = b } else { low = a }
    }
    return misfit((low + high) / 2)
  }

  @Test(
    "At both bounds of the width χ² has risen by one, everything else fitted anew", arguments: 1...6
  )
  func likelihood(seed: Int) throws {
    let geometry = try geometry(45)
    // Some 25 % for the width: far from a parabola.
    let profile = wallProfileSamples(
      [TestWall(field: 3e8, w: 11.35e-9, position: 4e-9)], geometry: geometry, sigma: 4e7,
      seed: UInt64(seed))
    let fit = try fitWalls(profile: profile, geometry: geometry)
    let wall = try #require(fit.reported.first)
    #expect(fit.reported.count == 1)
    let least = leastMisfit(
      profile, geometry, w: wall.sechWidth.value, near: wall.wall.position.value)
    // What is one standard deviation is widened by the misfit, as all errors are.
    let rise = max(1, try #require(fit.reducedChiSquare))
    for bound in [wall.widthInterval.lower, wall.widthInterval.upper] {
      let w = try #require(bound) / InclinationGeometry.widthFactor
      let found = leastMisfit(profile, geometry, w: w, near: wall.wall.position.value)
      // Interpolated between fits half a deviation apart.
      #expect(abs((found - least) / rise - 1) < 0.1, "\((found - least) / rise)")
    }
    let sides = [
      wall.wall.width.value - (wall.widthInterval.lower ?? 0),
      (wall.widthInterval.upper ?? 0) - wall.wall.width.value,
    ]
    #expect(try #require(wall.wall.width.error) > 0.999 * max(sides[0], sides[1]))
  }

  @Test("At high doses both sides are the linearized error")
  func parabola() throws {
    let geometry = try geometry(45)
    // 4 % for the width: just above where the likelihood is followed at all.
    let profile = wallProfileSamples(
      pair, geometry: geometry, sigma: 5e6, seed: 3)
    for wall in try fitWalls(profile: profile, geometry: geometry).reported {
      let width = wall.wall.width
      let linear = wall.covariance[4].squareRoot() * InclinationGeometry.widthFactor
      #expect(linear / width.value > 0.03 && linear / width.value < 0.06)
      // The likelihood of ln w is skew by some part of its own width.
      for bound in [wall.widthInterval.lower, wall.widthInterval.upper] {
        #expect(abs(abs(try #require(bound) - width.value) / linear - 1) < 0.15)
      }
      for bound in [wall.fieldInterval.lower, wall.fieldInterval.upper] {
        let side = abs(try #require(bound) - wall.wall.field.value)
        #expect(abs(side / (try #require(wall.wall.field.error)) - 1) < 0.15)
      }
    }
  }

  @Test(
    "Where three walls fill the frame the widths' pulls are those of noise: they share a baseline")
  func filledFrame() throws {
    let geometry = try geometry(45)
    let walls = [-80e-9, 0, 80e-9].enumerated().map {
      TestWall(field: $0 == 1 ? -2e8 : 2e8, w: 10e-9, position: $1)
    }
    var pulls: [Double] = []
    for seed in 1...60 {
      let profile = wallProfileSamples(
        walls, geometry: geometry, count: 250, sigma: 3e6, seed: UInt64(900 + seed))
      for wall in try fitWalls(profile: profile, geometry: geometry).reported
      where abs(wall.wall.position.value) > 60e-9 {
        let error = try #require(wall.sechWidth.error)
        #expect(error >= 0.999 * wall.covariance[4].squareRoot())
        pulls.append((wall.sechWidth.value - 10e-9) / error)
      }
    }
    #expect(pulls.count > 100)
    let rms = (pulls.reduce(0) { $0 + $1 * $1 } / Double(pulls.count)).squareRoot()
    // The rms of n pulls of unit variance scatters by 1/√(2n), here 0.07: three of them.
    #expect(abs(rms - 1) < 0.21, "\(rms)")
  }

  @Test("A width below the box at a low dose has no lower bound: its error reaches to zero")
  func undetermined() throws {
    let geometry = try geometry(45, thickness: 80e-9)
    var open = 0
    for seed in 1...12 {
      let profile = wallProfileSamples(
        [TestWall(field: 3e8, w: 4e-9, position: 0)], geometry: geometry, sigma: 2.5e7,
        seed: UInt64(seed))
      let fit = try fitWalls(profile: profile, geometry: geometry)
      for wall in fit.reported where wall.widthInterval.lower == nil {
        open += 1
        #expect(try #require(wall.wall.width.error) >= wall.wall.width.value)
        // E0 w is known all the same.
        #expect(abs(try #require(wall.product.error) / wall.product.value) < 0.3)
      }
    }
    #expect(open >= 3, "\(open)")
  }

  @Test(
    "At 1e5 electrons on 48 rows: pulls of field, width, product and position of inclined pairs",
    arguments: [(45.0, -80e-9, 80e-9), (60, -70e-9, 75e-9)])
  func lowDose(degrees: Double, first: Double, second: Double) throws {
    let geometry = try geometry(degrees)
    let walls = [
      TestWall(field: 3e8, w: 11.35e-9, position: first),
      TestWall(field: -3e8, w: 11.35e-9, position: second),
    ]
    // 6480 V/(t √(N rows)).
    let sigma = 6480 / (60e-9 * (1e5 * 48).squareRoot())
    var pulls = [[Double]](repeating: [], count: 4)
    let runs = 30
    for run in 0..<runs {
      let profile = wallProfileSamples(
        walls, geometry: geometry, sigma: sigma, seed: UInt64(500 + run))
      let fit = try fitWalls(profile: profile, geometry: geometry)
      for truth in walls {
        let near = fit.reported.first { abs($0.wall.position.value - truth.position) < 25e-9 }
        // A field whose error exceeds it is left out of every table.
        guard let wall = near, (wall.wall.field.error ?? 0) < abs(wall.wall.field.value) else {
          continue
        }
        let measured = [wall.wall.field, wall.sechWidth, wall.product, wall.wall.position]
        let expected = [truth.field, truth.w, truth.field * truth.w, truth.position]
        for q in 0..<4 {
          let error = try #require(measured[q].error)
          pulls[q].append((measured[q].value - expected[q]) / error)
        }
      }
    }
    for (q, name) in ["field", "width", "product", "position"].enumerated() {
      let count = Double(pulls[q].count)
      #expect(count > 50, "\(name): \(count) of \(2 * runs) found")
      let mean = pulls[q].reduce(0, +) / count
      let within = [1.0, 2].map { limit in Double(pulls[q].count { abs($0) < limit }) / count }
      // 60 walls: a share of 0.68 scatters by 0.06, one of 0.95 by 0.028, a mean by 0.13; three of these.
      // A symmetric error that reaches into the tail of a skew likelihood holds the field more often.
      let most = name == "field" ? 0.95 : 0.86
      #expect(within[0] > 0.5 && within[0] < most, "\(name): \(within)")
      #expect(within[1] > 0.86, "\(name): \(within)")
      #expect(abs(mean) < 0.4, "\(name): \(mean)")
    }
    // The scatter of the width's pull, which linearized errors make 1.5 and more; 60 walls know it to 9 %.
    let squares = pulls[1].reduce(0) { $0 + $1 * $1 } / Double(pulls[1].count)
    #expect(squares.squareRoot() < 1.3, "\(squares.squareRoot())")
  }

  @Test(
    "Where a width came out too large the field's error holds, and the wall says that it is loose",
    arguments: [(54.0, 58e-9), (45, 62e-9)])
  func tooWide(degrees: Double, thickness: Double) throws {
    let geometry = try geometry(degrees, thickness: thickness)
    let w = 13e-9 / InclinationGeometry.widthFactor
    let width = geometry.projectedWidth(sechWidth: w)
    // The height of a wall of known shape to some 9 %: 11 standard deviations.
    let sigma =
      0.09 * 3e8 * geometry.projectedHeight(sechWidth: w) * (0.6 * width / 1e-9).squareRoot()
    var (squares, covered, count, far) = (0.0, 0, 0, 0)
    for seed in 1...80 {
      let profile = wallProfileSamples(
        [TestWall(field: 3e8, w: w, position: 3e-9)], geometry: geometry, count: 420, sigma: sigma,
        seed: UInt64(7000 + seed))
      let fit = try fitWalls(profile: profile, geometry: geometry)
      guard let wall = fit.reported.first, fit.reported.count == 1 else { continue }
      let field = wall.wall.field
      let error = try #require(field.error)
      if error > field.value { continue }
      count += 1
      squares += pow((field.value - 3e8) / error, 2)
      let interval = wall.fieldInterval
      if (interval.lower ?? 0) < 3e8 && (interval.upper ?? .infinity) > 3e8 { covered += 1 }
      guard field.value + 2 * wall.covariance[0].squareRoot() < 3e8 else { continue }
      // What the linearized error excludes by more than two of it.
      far += 1
      #expect(wall.flags.contains(.widthIllDetermined), "seed \(seed)")
      #expect(wall.fieldReach > 0.1 * field.value, "seed \(seed)")
      #expect(wall.fieldReach >= error)
    }
    #expect(count > 60 && far > 2, "\(far) of \(count)")
    // 70 walls know their scatter to 9 % or more, and a share of 0.68 to 0.056; three of these.
    #expect(
      (squares / Double(count)).squareRoot() < 1.4, "\((squares / Double(count)).squareRoot())")
    #expect(abs(Double(covered) / Double(count) - 0.68) < 0.17, "\(covered) of \(count)")
  }

  @Test("The field's error contains what width, position and the free offset share with it")
  func correlations() throws {
    let geometry = try geometry(45)
    let profile = wallProfileSamples(
      [TestWall(field: 3e8, w: 20e-9 / InclinationGeometry.widthFactor, position: 0)],
      geometry: geometry, count: 241,
      sigma: 1e5)
    let wall = try #require(try fitWalls(profile: profile, geometry: geometry).reported.first)
    let plan = try wallPlan(
      of: WallExperiment(
        geometry: geometry, amplitude: 3e8, width: 20e-9, spacing: 1e-9,
        reach: -120.4e-9...120.4e-9, pixelsPerSample: 1), fieldErrorOfOneElectron: 1e5)
    // The Fisher information of (offset, E0, ln w, X0), inverted, over the same 241 samples.
    #expect(abs(try #require(wall.wall.field.error) / plan.fieldError - 1) < 1e-6)
    #expect(abs(try #require(wall.wall.width.error) / plan.widthError - 1) < 1e-6)
    #expect(abs(try #require(wall.product.error) / plan.productError - 1) < 1e-6)
    #expect(plan.fieldError > 2 * plan.fieldErrorAtKnownShape)
  }
}
