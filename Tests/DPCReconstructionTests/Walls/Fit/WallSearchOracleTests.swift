// The search for walls in a profile against plain ones: every trial at every place, and a full Jacobian.
import Glibc
import STEMCore
import Testing

@testable import DPCReconstruction

@Suite("Search for walls against a plain one")
struct WallSearchOracleTests {
  /// Some walls of both signs with unequal errors and gaps, white noise of a seed; lengths in nm.
  static func samples(
    seed: UInt64, geometry: InclinationGeometry, noise: Double = 0.05
  ) -> ProfileSamples {
    var generator = WallTestGenerator(seed: seed)
    let walls: [(x: Double, height: Double, w: Double)] = [
      (-150, 1, 8), (-60, -0.9, 6), (-48, 0.5, 4), (40, 0.2, 9), (155, -1.1, 12),
    ]
    let shapes = walls.map { ProjectedWall(geometry: geometry, sechWidth: $0.w * 1e-9) }
    var (distance, value, error) = ([Double](), [Double](), [Double]())
    for i in 0..<400 where i % 37 != 5 {
      let x = (Double(i) - 199.5) * 1e-9
      let sigma = noise * (i % 3 == 0 ? 1.5 : 1)
      distance.append(x)
      error.append(sigma)
      value.append(
        zip(walls, shapes).reduce(0.07 + sigma * generator.normal()) {
          $0 + $1.0.height * $1.1.unitHeight(at: x - $1.0.x * 1e-9)
        })
    }
    return ProfileSamples(
      LineProfile(
        distance: distance, value: value, error: error,
        sampleCount: [Int](repeating: 10, count: distance.count)))
  }

  private static var tilted: InclinationGeometry {
    get throws {
      try InclinationGeometry(thickness: 40e-9, inclination: 0.6, direction: .perp)
    }
  }

  struct Trial: Equatable {
    var gain = 0.0
    var wall: WallParameters?
  }

  /// The best wall of one width, each place tried.
  static func plain(
    _ model: WallModel, w: Double, beside fit: WallModelFit, holdsBaseline: Bool
  ) -> Trial {
    let samples = model.samples
    let curve = model.curve(fit.walls, baseline: fit.baseline)
    let weights = samples.weight.map { $0 * $0 }
    let residual = zip(samples.value, curve).map { $0 - $1 }
    let total = weights.reduce(0, +)
    let totalResidual = zip(weights, residual).reduce(0) { $0 + $1.0 * $1.1 }
    let shape = ProjectedWall(geometry: model.geometry, sechWidth: w)
    let reach = ProjectedWall.reach(model.geometry, sechWidth: w, widths: 6)
    let step = max(samples.spacing / 2, model.geometry.projectedWidth(sechWidth: w) / 8)
    var best = Trial()
    for k in 0...Int(samples.span / step) {
      let position = samples.distance[0] + Double(k) * step
      let isShadowed = fit.walls.contains {
        abs(position - $0.position)
          < 0.7 * model.geometry.projectedWidth(sechWidth: $0.sechWidth)
      }
      if isShadowed { continue }
      var (t, tt, tr) = (0.0, 0.0, 0.0)
      for i in 0..<samples.count {
        let x = samples.distance[i]
        guard x >= position - reach, x <= position + reach else { continue }
        let height = shape.unitHeight(at: x - position)
        t += weights[i] * height
        tt += weights[i] * height * height
        tr += weights[i] * height * residual[i]
      }
      let information = holdsBaseline ? tt : tt - t * t / total
      let overlap = holdsBaseline ? tr : tr - t * totalResidual / total
      guard information > (holdsBaseline ? 0 : 1e-6 * tt) else { continue }
      let gain = overlap * overlap / information
      if gain > best.gain {
        best = Trial(
          gain: gain,
          wall: WallParameters(
            amplitude: overlap / information, sechWidth: w, position: position))
      }
    }
    return best
  }

  @Test(
    "Trials that skip what cannot be best find the same wall",
    arguments: [false, true], [1, 2, 3] as [UInt64])
  func trials(holdsBaseline: Bool, seed: UInt64) throws {
    let geometry = try seed == 2 ? Self.tilted : InclinationGeometry.imagePlane
    let model = WallModel(
      samples: Self.samples(seed: seed, geometry: geometry), geometry: geometry,
      baseline: .constant)
    let held = holdsBaseline ? 0..<1 : 0..<0
    for w in [1e-9, 4e-9, 9e-9, 40e-9] {
      var trials = WallTrials(model, sechWidth: w)
      var fit = model.fit(from: [], baseline: [0.05], held: held)
      var before: WallResidual?
      for round in 0..<8 {
        let curve = model.curve(fit.walls, baseline: fit.baseline)
        let residual = WallResidual(
          zip(model.samples.value, curve).map { $0 - $1 }, model.samples, after: before)
        before = residual
        trials.allow(for: residual, model.samples)
        let found = trials.best(
          residual, outside: WallCores(fit.walls, geometry), model.samples,
          holdsBaseline: holdsBaseline)
        let plain = Self.plain(model, w: w, beside: fit, holdsBaseline: holdsBaseline)
        // Heights of trials are good to 2e-7, and what they gain is no larger than what the residual holds.
        let largest = zip(residual.weighted, residual.values).reduce(0) { $0 + $1.0 * $1.1 }
        #expect(abs((found?.gain ?? 0) - plain.gain) <= 1e-6 * largest, "w \(w), round \(round)")
        #expect(found?.wall.position == plain.wall?.position, "w \(w), round \(round)")
        #expect(found?.wall.sechWidth == plain.wall?.sechWidth)
        #expect(
          abs((found?.wall.amplitude ?? 0) - (plain.wall?.amplitude ?? 0))
            <= 1e-6 * abs(plain.wall?.amplitude ?? 0))
        // A wall less now and then, as where another branch of a search goes on.
        guard let wall = plain.wall else { break }
        let walls = round == 3 ? Array(fit.walls.dropFirst()) : fit.walls + [wall]
        fit = model.fit(from: walls, baseline: fit.baseline, held: held)
      }
    }
  }

  @Test(
    "Sums over the samples that walls reach are those of the full Jacobian, and the same bits at every width",
    arguments: [WallBaseline.constant, .linear])
  func normalEquations(baseline: WallBaseline) throws {
    for geometry in [InclinationGeometry.imagePlane, try Self.tilted] {
      let model = WallModel(
        samples: Self.samples(seed: 4, geometry: geometry), geometry: geometry, baseline: baseline)
      // The first reaches beyond the profile, the last nothing of it.
      let walls = [(1.0, 3e-9, -190e-9), (-0.7, 2e-9, 10e-9), (0.4, 9e-9, 40e-9), (1, 1e-9, 1e-6)]
      let constants = baseline == .constant ? [0.1] : [0.1, -0.3]
      let p = constants + walls.flatMap { [$0.0, log($0.1), $0.2] }
      let (residuals, jacobian) = Self.full(model, p)
      let plain = LeastSquares.normalEquations(jacobian, residuals, size: p.count)
      let squares = residuals.reduce(0) { $0 + $1 * $1 }
      var first: (sum: Double, matrix: [Double], gradient: [Double])?
      for width in KernelWidth.allCases where width <= .widest {
        var problem = WallProblem(model, wallCount: walls.count, width: width)
        // Elsewhere before: nothing of it may stay.
        _ = problem.evaluate(at: constants + walls.flatMap { [1, log(20e-9), -$0.2] })
        let sum = problem.evaluate(at: p)
        let (matrix, gradient) = problem.normalEquations()
        // Terms are good to some ulp, and so is a sum of n of them to n ulp of the sum of their magnitudes, which
        // is at most the root of the product of two diagonal elements.
        let ulps = Double(residuals.count + 32) * 0x1p-52
        #expect(abs(sum - squares) <= ulps * squares)
        for i in 0..<p.count {
          let own = plain.matrix[i * p.count + i].squareRoot()
          #expect(abs(gradient[i] - plain.gradient[i]) <= ulps * own * squares.squareRoot())
          for j in 0..<p.count {
            let k = i * p.count + j
            let bound = ulps * own * plain.matrix[j * p.count + j].squareRoot()
            #expect(abs(matrix[k] - plain.matrix[k]) <= bound, "\(i), \(j)")
          }
        }
        #expect(matrix[p.count + 1] > 0 && gradient.prefix(4).allSatisfy { $0 != 0 })
        let known = first ?? (sum, matrix, gradient)
        #expect(sum == known.sum && matrix == known.matrix && gradient == known.gradient)
        first = known
      }
    }
  }

  /// All residuals and derivatives, those of a wall zero where it is below 1e-16 of its height.
  private static func full(_ model: WallModel, _ p: [Double]) -> ([Double], [Double]) {
    let (samples, geometry, base) = (model.samples, model.geometry, model.baselineCount)
    let halfSpan = samples.span / 2
    var (residuals, jacobian) = ([Double](), [Double]())
    for i in 0..<samples.count {
      let (x, weight) = (samples.distance[i], samples.weight[i])
      var value = p[0] + (base == 2 ? p[1] * x / halfSpan : 0)
      jacobian += base == 2 ? [weight, weight * x / halfSpan] : [weight]
      for k in stride(from: base, to: p.count, by: 3) {
        let w = exp(p[k + 1])
        let reach = (geometry.thickness * geometry.sine / 2 + 20 * w) / geometry.cosine
        guard abs(x - p[k + 2]) <= reach else {
          jacobian += [0, 0, 0]
          continue
        }
        let sample = ProjectedWall(geometry: geometry, sechWidth: w).sample(
          at: x - p[k + 2], amplitude: p[k])
        value += sample.value
        jacobian += [
          weight * sample.byAmplitude, weight * sample.byWidth * w, weight * sample.byPosition,
        ]
      }
      residuals.append((value - samples.value[i]) * weight)
    }
    return (residuals, jacobian)
  }
}
