// From segments to phase and deflection by the Wiener inverse of the transfer function.

internal import FFTW
public import STEMCore

/// How the inverse is kept from amplifying noise.
public enum TransferRegularization: Sendable, Equatable {
  /// N/S with the counting noise N and the power S of the phase measured by frequency; 10⁻¹² of the
  /// largest transfer without counting statistics.
  case measured
  /// A constant relative to the largest transfer.
  case relative(Double)
}

/// A phase map and what follows from it.
public struct PhaseReconstruction: Sendable {
  /// rad, mean zero.
  public var phase: ScalarField
  /// (λ/2π) grad φ, scan frame, rad; covariance of counting noise, larger at an open rim.
  public var deflection: VectorMap
  /// Over how many pixels errors go together along each axis.
  public var correlation: Double
  /// Highest frequency at which at least half of the phase is recovered, cycles/m.
  public var resolvedFrequency: Double
  /// Root mean square of the phase at periods below four probe radii (2λ/α), rad: to be small for a weak phase.
  public var finePhase: Double
  /// The same at periods below ten λ/α, where a lattice lies: a frame that ends within it is cut.
  public var latticePhase: Double
}

/// Solves for the phase of a thin specimen, weak where it is fine.
///
///     φ(q) = Σ w_j T_j* i_j / (Σ w_j |T_j|² + ε),   i_j = I_j/ΣI - f_j,   w_j = 1/f_j
///
/// Rings are summed by azimuth first: the transfer function is the same, and strong phases that vary
/// slowly come out right as well. What is not periodic about the frame is taken off beforehand: the phase
/// integrated from a disc-shift deflection is split into a periodic part and a smooth one
/// (L. Moisan, J. Math. Imaging Vis. 39 (2011) 161), the sectors' response to the smooth part's slope, which is
/// that of a shifted disc, is subtracted, and the smooth part is added to the solution.
///
/// Frequencies beyond 2α/λ are not transferred and remain zero.
/// - Parameters:
///   - signals: Corrected signals of one frame; unusable positions are filled from their neighbors.
///   - first: Deflection by disc-shift in the scan frame, filled where masked.
///   - geometry: The transfer function.
///   - pixelSize: m.
///   - boundary: `periodic` for a frame that repeats itself, as a simulated cell does: then nothing but the
///     mean slope is taken off. `neumann` for a frame that ends at its rim.
///   - regularization: ε.
///   - descan: What shifts the disc beside the specimen, scan frame, rad; not in `first` nor in the result.
public func reconstructedPhase(
  from signals: SegmentSignals, first: VectorMap, geometry: TransferGeometry,
  pixelSize: PixelSize, boundary: IntegrationBoundary = .neumann,
  regularization: TransferRegularization = .measured, descan: VectorField? = nil
) -> PhaseReconstruction {
  let problem = PhaseProblem(
    signals: signals, first: first, geometry: geometry, pixelSize: pixelSize,
    regularization: regularization, descan: descan)
  let solution: PhaseProblem.Solution
  switch boundary {
  case .periodic: solution = problem.solvedPeriodically()
  case .neumann: solution = problem.solvedToRim()
  }
  return problem.reconstruction(solution)
}

/// What a phase is solved from.
private struct PhaseProblem {
  let signals: SegmentSignals
  let first: VectorMap
  let geometry: TransferGeometry
  let pixelSize: PixelSize
  let regularization: TransferRegularization
  let descan: VectorField?
  private let solver: PhaseSolver
  private let electrons: Double?
  /// 2π/λ.
  private let wave: Double
  /// grad φ of `first`, rad/m.
  private let slope: VectorField

  /// A phase in two parts.
  struct Solution {
    /// Taken off before and added after, and its slope.
    var smooth: ScalarField
    var smoothSlope: VectorField
    /// The periodic rest.
    var solved: PhaseSolution
    var rim: RimNoise?
  }

  init(
    signals: SegmentSignals, first: VectorMap, geometry: TransferGeometry, pixelSize: PixelSize,
    regularization: TransferRegularization, descan: VectorField?
  ) {
    (self.signals, self.first, self.geometry, self.pixelSize) = (
      signals, first, geometry, pixelSize
    )
    (self.regularization, self.descan) = (regularization, descan)
    let wave = 2 * Double.pi / geometry.wavelength
    var slope = first.field
    for index in 0..<signals.shape.count {
      slope.x[index] *= -wave
      slope.y[index] *= -wave
    }
    (self.wave, self.slope) = (wave, slope)
    solver = PhaseSolver(geometry: geometry, shape: signals.shape, pixelSize: pixelSize)
    electrons = medianElectrons(signals)
  }

  /// Nothing but the mean slope taken off.
  func solvedPeriodically() -> Solution {
    solved(
      around: ramp(
        signals.shape, x: -orderedMean(slope.x) * pixelSize.x,
        y: -orderedMean(slope.y) * pixelSize.y))
  }

  /// What is not periodic about the frame taken off.
  func solvedToRim() -> Solution {
    // E = -grad V: the integral of -k θ is the phase.
    let open = integratedPotential(of: slope, pixelSize: pixelSize, boundary: .neumann).potential
    // Only what is wider than the probe answers like a shifted disc: jumps are taken so smooth along the rim.
    var width = 2 * geometry.wavelength / geometry.probeSemiAngle
    func smooth() -> ScalarField {
      smoothComponent(of: open, smoothing: (x: width / pixelSize.x, y: width / pixelSize.y))
    }
    var solution = solved(around: smooth())
    if electrons != nil, solution.solved.resolvedFrequency > 0 {
      // Jumps finer than what stands out of the noise are noise.
      width = max(width, 0.2 / solution.solved.resolvedFrequency)
      solution = solved(around: smooth())
    }
    solution.rim = first.covariance.map { covariance in
      RimNoise(
        slopeVariance: wave * wave * (orderedMean(covariance.xx) + orderedMean(covariance.yy)) / 2,
        pixelSize: pixelSize, smoothing: width)
    }
    return solution
  }

  private func solved(around smooth: ScalarField) -> Solution {
    let smoothSlope = gradient(of: smooth, pixelSize: pixelSize)
    var known = smoothSlope
    for index in 0..<signals.shape.count {
      known.x[index] += wave * (descan?.x[index] ?? 0)
      known.y[index] += wave * (descan?.y[index] ?? 0)
    }
    let planes = sectorSignals(signals, first, geometry, smooth: smoothSlope, known: known)
    return Solution(
      smooth: smooth, smoothSlope: smoothSlope,
      solved: solver.solve(planes, electrons: electrons, regularization: regularization))
  }

  /// Both parts together, as phase and deflection.
  func reconstruction(_ solution: Solution) -> PhaseReconstruction {
    let shape = signals.shape
    let solved = solution.solved
    var phase = solved.phase
    let mean = orderedMean(solution.smooth.values)
    for index in 0..<shape.count { phase[index] += solution.smooth.values[index] - mean }
    var map = first
    for index in 0..<shape.count {
      map.field.x[index] = solved.slope.x[index] / wave + solution.smoothSlope.x[index] / wave
      map.field.y[index] = solved.slope.y[index] / wave + solution.smoothSlope.y[index] / wave
    }
    map.covariance = solved.variance.map { variance in
      let added = solution.rim?.variance(shape) ?? [Double](repeating: 0, count: shape.count)
      let scale = 1 / (wave * wave)
      return VectorCovariance(
        shape: shape, xx: added.map { scale * (variance.xx + $0) },
        yy: added.map { scale * (variance.yy + $0) },
        xy: added.map { _ in scale * variance.xy })
    }
    return PhaseReconstruction(
      phase: ScalarField(shape: shape, values: phase), deflection: map,
      correlation: solved.correlation, resolvedFrequency: solved.resolvedFrequency,
      finePhase: solved.finePhase, latticePhase: solved.latticePhase)
  }
}

private func medianElectrons(_ signals: SegmentSignals) -> Double? {
  guard let unit = signals.electronsPerUnit else { return nil }
  let sums = (0..<signals.shape.count).filter(signals.mask.isUsable).map(signals.sum(at:))
  if sums.isEmpty { return nil }
  return orderStatistic(sums.count / 2, of: sums) * unit / signals.varianceFactor
}

/// Differences of fourth order, one-sided at the rim.
private func gradient(of field: ScalarField, pixelSize: PixelSize) -> VectorField {
  let shape = field.shape
  var result = VectorField(shape: shape)
  let (alongX, alongY) = (
    DifferenceStencil.along(shape.columns), DifferenceStencil.along(shape.rows)
  )
  for row in 0..<shape.rows {
    for column in 0..<shape.columns {
      let index = row * shape.columns + column
      for (k, weight) in alongX[column].weights.enumerated() {
        result.x[index] +=
          weight / pixelSize.x * field.values[row * shape.columns + alongX[column].start + k]
      }
      for (k, weight) in alongY[row].weights.enumerated() {
        result.y[index] +=
          weight / pixelSize.y * field.values[(alongY[row].start + k) * shape.columns + column]
      }
    }
  }
  return result
}

/// A plane about the middle, by its steps per pixel.
private func ramp(_ shape: GridShape, x: Double, y: Double) -> ScalarField {
  var field = ScalarField(shape: shape)
  for row in 0..<shape.rows {
    for column in 0..<shape.columns {
      field[row, column] =
        x * (Double(column) - Double(shape.columns - 1) / 2)
        + y * (Double(row) - Double(shape.rows - 1) / 2)
    }
  }
  return field
}
