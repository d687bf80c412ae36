// Trial walls of one width at all places of a profile: after a fit only those are tried that can have become best.

internal import STEMCore

/// What a fit leaves of a profile, and by how much that differs from what the fit before it left.
struct WallResidual: Sendable {
  let values: [Double]
  /// w = 1/σ² of each sample, and w r; r stands for the values.
  let precision: [Double]
  let weighted: [Double]
  /// Σ w and Σ w r over all samples.
  let totals: (w: Double, r: Double)
  /// √(Σ w r²).
  private let norm: Double
  /// Σ w Δ² over the samples before each, Δ being the change.
  fileprivate let changes: [Double]
  /// By how much Σ w t r/√(Σ w t²) may have changed by rounding, for any t.
  fileprivate let rounding: Double
  /// |Σ w Δ|, rounding included.
  fileprivate let totalChange: Double

  /// - Parameter before: What was left when trials were last made; nil for the first time.
  init(_ values: [Double], _ samples: ProfileSamples, after before: WallResidual?) {
    self.values = values
    precision = samples.weight.map { $0 * $0 }
    weighted = zip(precision, values).map { $0 * $1 }
    var (total, squares) = ((w: 0.0, r: 0.0), 0.0)
    var (changes, changeOfTotal) = ([0.0], 0.0)
    changes.reserveCapacity(samples.count + 1)
    for i in 0..<samples.count {
      let weight = precision[i]
      total.w += weight
      total.r += weighted[i]
      squares += weighted[i] * values[i]
      let change = before.map { values[i] - $0.values[i] } ?? 0
      changeOfTotal += weight * change
      changes.append(changes[i] + weight * change * change)
    }
    totals = total
    norm = squares.squareRoot()
    self.changes = changes
    // A sum of n products is good to n ulp of the sum of their magnitudes, at most √(Σ w t²) √(Σ w r²).
    rounding = 8 * Double(samples.count) * .ulpOfOne * (norm + (before?.norm ?? 0))
    totalChange = abs(changeOfTotal) + total.w.squareRoot() * rounding
  }

  /// The most by which Σ w t r/√(Σ w t²) can differ, t being zero but at these samples (Cauchy and Schwarz).
  fileprivate func change(_ samples: Range<Int>) -> Double {
    let last = changes[changes.count - 1]
    let lost = Double(changes.count) * .ulpOfOne * last
    return (max(0, changes[samples.upperBound] - changes[samples.lowerBound]) + lost).squareRoot()
      + rounding
  }
}

/// Places at which no other wall is sought: within the core of a wall the residual shows that wall's misfit.
struct WallCores: Sendable {
  private let cores: [(position: Double, reach: Double)]

  init(_ walls: [WallParameters], _ geometry: InclinationGeometry) {
    cores = walls.map { ($0.position, 0.7 * geometry.projectedWidth(sechWidth: $0.sechWidth)) }
  }

  func contain(_ position: Double) -> Bool {
    cores.contains { abs(position - $0.position) < $0.reach }
  }
}

/// Trial walls of one width.
///
/// The root of what a trial gains in χ² is |Σ w t′ r|/√(Σ w t′²), where t is the wall and t′ what of it no
/// offset explains. As residuals change by Δ, it changes by no more than √(Σ w Δ²), over the samples that the
/// wall reaches, times √(Σ w t²/Σ w t′²), and what the offset adds. A bound kept for each place
/// rises by that much after a fit: only places whose bound reaches the best trial are tried again.
struct WallTrials: Sendable {
  /// w, m.
  let sechWidth: Double
  private let shape: ProjectedWall
  /// Beyond this distance the wall is left out, m: it is below 3e-5 of its height.
  private let reach: Double
  private let step: Double
  /// For each place the most that the root of its gain can be; infinite where nothing has been tried yet, negative
  /// where nothing can be.
  private var bounds: [Double]
  /// √(Σ w t²/Σ w t′²), and |Σ w t|/(Σ w √(Σ w t′²)).
  private var factors: [(window: Double, offset: Double)]

  init(_ model: WallModel, sechWidth: Double) {
    let samples = model.samples
    self.sechWidth = sechWidth
    shape = ProjectedWall(geometry: model.geometry, sechWidth: sechWidth)
    reach = ProjectedWall.reach(model.geometry, sechWidth: sechWidth, widths: 6)
    step = max(samples.spacing / 2, model.geometry.projectedWidth(sechWidth: sechWidth) / 8)
    let count = max(0, Int(samples.span / step)) + 1
    bounds = [Double](repeating: .infinity, count: count)
    factors = [(window: Double, offset: Double)](repeating: (0, 0), count: count)
  }

  private func position(_ place: Int, _ samples: ProfileSamples) -> Double {
    samples.distance[0] + Double(place) * step
  }

  /// Raises the bounds by what the residual's change can have made of them.
  mutating func allow(for residual: WallResidual, _ samples: ProfileSamples) {
    var (first, last) = (0, 0)
    for place in bounds.indices {
      let position = position(place, samples)
      while first < samples.count, samples.distance[first] < position - reach { first += 1 }
      while last < samples.count, samples.distance[last] <= position + reach { last += 1 }
      if bounds[place] < 0 || bounds[place] == .infinity { continue }
      bounds[place] +=
        factors[place].window * residual.change(first..<max(first, last))
        + factors[place].offset * residual.totalChange
    }
  }

  /// The place at which a wall of this width lowers χ² most, the first of equal ones; nil where it does nowhere.
  mutating func best(
    _ residual: WallResidual, outside cores: WallCores, _ samples: ProfileSamples,
    holdsBaseline: Bool
  ) -> (gain: Double, wall: WallParameters)? {
    var best: (place: Int, match: WallMatch)?
    // The place that may be best rules most others out.
    var (likely, highest) = (-1, -1.0)
    for place in bounds.indices where bounds[place] > highest {
      if cores.contain(position(place, samples)) { continue }
      (likely, highest) = (place, bounds[place])
    }
    guard likely >= 0 else { return nil }
    var least = 0.0
    for place in [likely] + Array(bounds.indices) where bounds[place] >= least {
      let position = position(place, samples)
      if cores.contain(position) { continue }
      let match = WallMatch(
        shape, at: position, reach: reach, samples, precision: residual.precision,
        weighted: residual.weighted, totals: residual.totals, holdsBaseline: holdsBaseline)
      guard match.information > 0 else {
        bounds[place] = -1
        continue
      }
      let root = match.information.squareRoot()
      factors[place] = (
        match.power.squareRoot() / root, abs(match.area) / (residual.totals.w * root)
      )
      bounds[place] = match.gain.squareRoot()
      let isFirst = match.gain == best?.match.gain && place < best?.place ?? 0
      if match.gain > best?.match.gain ?? 0 || isFirst {
        best = (place, match)
        least = bounds[place] * (1 - 1e-9)
      }
    }
    return best.map { place, match in
      (
        match.gain,
        WallParameters(
          amplitude: match.amplitude, sechWidth: sechWidth, position: position(place, samples))
      )
    }
  }
}
