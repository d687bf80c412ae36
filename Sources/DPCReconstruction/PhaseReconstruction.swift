// From segments to phase and deflection by the Wiener inverse of the transfer function.

internal import FFTW
internal import Glibc
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
  /// (λ/2π) grad φ, scan frame, rad; covariance of counting noise, alike at all pixels.
  public var deflection: VectorMap
  /// Over how many pixels errors go together along each axis.
  public var correlation: Double
  /// Highest frequency at which at least half of the phase is recovered, cycles/m.
  public var resolvedFrequency: Double
  /// Root mean square of the phase at periods below four probe radii (2λ/α), rad: to be small for a weak phase.
  public var finePhase: Double
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
public func reconstructedPhase(
  from signals: SegmentSignals, first: VectorMap, geometry: TransferGeometry,
  pixelSize: PixelSize, boundary: IntegrationBoundary = .neumann,
  regularization: TransferRegularization = .measured
) -> PhaseReconstruction {
  let shape = signals.shape
  let wave = 2 * Double.pi / geometry.wavelength
  var slope = first.field
  for index in 0..<shape.count {
    slope.x[index] *= -wave
    slope.y[index] *= -wave
  }
  let smooth: ScalarField
  switch boundary {
  case .periodic:
    smooth = ramp(
      shape, x: -orderedMean(slope.x) * pixelSize.x, y: -orderedMean(slope.y) * pixelSize.y)
  case .neumann:
    // E = -grad V: the integral of -k θ is the phase. Only what is wider than the probe answers like a
    // shifted disc: jumps are taken so smooth along the rim.
    let width = 2 * geometry.wavelength / geometry.probeSemiAngle
    smooth = smoothComponent(
      of: integratedPotential(of: slope, pixelSize: pixelSize, boundary: .neumann).potential,
      smoothing: (x: width / pixelSize.x, y: width / pixelSize.y))
  }
  let smoothSlope = gradient(of: smooth, pixelSize: pixelSize)
  let solver = PhaseSolver(geometry: geometry, shape: shape, pixelSize: pixelSize)
  let planes = sectorSignals(signals, first, geometry, smoothSlope)
  let electrons = medianElectrons(signals)
  let solution = solver.solve(planes, electrons: electrons, regularization: regularization)

  var phase = solution.phase
  let mean = orderedMean(smooth.values)
  for index in 0..<shape.count { phase[index] += smooth.values[index] - mean }
  var map = first
  for index in 0..<shape.count {
    map.field.x[index] = solution.slope.x[index] / wave + smoothSlope.x[index] / wave
    map.field.y[index] = solution.slope.y[index] / wave + smoothSlope.y[index] / wave
  }
  map.covariance = solution.variance.map { variance in
    func plane(_ value: Double) -> [Double] {
      [Double](repeating: value / (wave * wave), count: shape.count)
    }
    return VectorCovariance(
      shape: shape, xx: plane(variance.xx), yy: plane(variance.yy), xy: plane(variance.xy))
  }
  return PhaseReconstruction(
    phase: ScalarField(shape: shape, values: phase), deflection: map,
    correlation: solution.correlation, resolvedFrequency: solution.resolvedFrequency,
    finePhase: solution.finePhase)
}

/// i_j of every sector without the response to the smooth part's slope, rad/m.
private func sectorSignals(
  _ signals: SegmentSignals, _ first: VectorMap, _ geometry: TransferGeometry,
  _ slope: VectorField
) -> [[Double]] {
  let count = signals.shape.count
  let fractions = geometry.fractions
  let scale = geometry.wavelength / (2 * Double.pi)
  return geometry.sectors.indices.map { sector in
    let (start, stop) = geometry.sectors[sector]
    let middle = (start + stop) / 2
    // A disc shifted by θ gains α θ·m 2 sin h at its rim within the sector, of its area π α².
    let gain = 2 * sin((stop - start) / 2) / (Double.pi * geometry.probeSemiAngle)
    let (mx, my) = (gain * cos(middle), gain * sin(middle))
    return (0..<count).map { position in
      // What the disc-shift of a filled pixel would have made of it.
      let response = mx * first.field.x[position] + my * first.field.y[position]
      let smooth = scale * (mx * slope.x[position] + my * slope.y[position])
      guard signals.mask.isUsable(position) else { return response - smooth }
      var (part, total) = (0.0, 0.0)
      for segment in 0..<signals.segmentCount {
        total += signals.values[segment * count + position]
      }
      for segment in geometry.members[sector] {
        part += signals.values[segment * count + position]
      }
      return total > 0 ? part / total - fractions[sector] - smooth : response - smooth
    }
  }
}

private func medianElectrons(_ signals: SegmentSignals) -> Double? {
  guard let unit = signals.electronsPerUnit else { return nil }
  let sums = (0..<signals.shape.count).filter(signals.mask.isUsable).map(signals.sum(at:)).sorted()
  return sums.isEmpty ? nil : sums[sums.count / 2] * unit / signals.varianceFactor
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

/// The smooth part of an image whose rest is periodic: the solution of a periodic Poisson equation with
/// the jumps across the rim as sources (L. Moisan 2011, eq. 10), mean zero.
///
/// A jump is the difference of what both sides foretell half a step beyond the rim, by a cubic through four
/// samples each, so that a periodic image has none: Moisan's own, between the outermost samples, would
/// take its step for one. Along the rim they are smoothed.
/// - Parameter smoothing: Standard deviation of the Gaussian along either side, pixels; 0 for none.
func smoothComponent(
  of image: ScalarField, smoothing: (x: Double, y: Double) = (0, 0)
) -> ScalarField {
  let (rows, columns) = (image.shape.rows, image.shape.columns)
  let vertical = smoothedLine(
    (0..<columns).map { column in
      beyondRim(rows) { image[rows - 1 - $0, column] } - beyondRim(rows) { image[$0, column] }
    }, sigma: smoothing.x)
  let horizontal = smoothedLine(
    (0..<rows).map { row in
      beyondRim(columns) { image[row, columns - 1 - $0] } - beyondRim(columns) { image[row, $0] }
    }, sigma: smoothing.y)
  var jumps = [Double](repeating: 0, count: image.shape.count)
  for column in 0..<columns {
    jumps[column] += vertical[column]
    jumps[(rows - 1) * columns + column] -= vertical[column]
  }
  for row in 0..<rows {
    jumps[row * columns] += horizontal[row]
    jumps[row * columns + columns - 1] -= horizontal[row]
  }
  let transform = RealFourierTransform(rows: rows, columns: columns)
  var plane = TransformBuffer<Double>(copying: jumps)
  var spectrum = TransformBuffer<Complex>(count: transform.spectrumCount)
  transform.forward(plane, into: &spectrum)
  let width = transform.spectrumColumns
  let scale = 1 / Double(image.shape.count)
  spectrum.withMutableSpan { waves in
    for p in 0..<rows {
      for q in 0..<width {
        let index = p * width + q
        let laplacian =
          2 * cos(2 * Double.pi * Double(p) / Double(rows))
          + 2 * cos(2 * Double.pi * Double(q) / Double(columns)) - 4
        let factor = p + q == 0 ? 0 : scale / laplacian
        waves[index] = Complex(factor * waves[index].real, factor * waves[index].imaginary)
      }
    }
  }
  transform.inverse(&spectrum, into: &plane)
  return ScalarField(shape: image.shape, values: plane.array())
}

/// The value half a step before sample 0.
private func beyondRim(_ count: Int, _ sample: (Int) -> Double) -> Double {
  let weights =
    count >= 4 ? [35.0 / 16, -35.0 / 16, 21.0 / 16, -5.0 / 16] : count > 1 ? [1.5, -0.5] : [1]
  return weights.indices.reduce(0) { $0 + weights[$1] * sample($1) }
}

/// A line convolved with a Gaussian, continued by its mirror image.
private func smoothedLine(_ values: [Double], sigma: Double) -> [Double] {
  if sigma < 0.3 || values.count < 2 { return values }
  let reach = Int((4 * sigma).rounded(.up))
  let weights = (-reach...reach).map { exp(-Double($0 * $0) / (2 * sigma * sigma)) }
  let total = weights.reduce(0, +)
  let period = 2 * values.count
  return values.indices.map { center in
    var sum = 0.0
    for (offset, weight) in weights.enumerated() {
      let place = ((center + offset - reach) % period + period) % period
      sum += weight * values[place < values.count ? place : period - 1 - place]
    }
    return sum / total
  }
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
