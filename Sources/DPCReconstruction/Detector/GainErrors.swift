// How well the gains of the segments are known, and what that does to the deflection.
public import STEMCore

/// Relative error of each gain by the counting noise of its reference.
///
/// A reference of n exposures holds n times the electrons of one: its relative error is 1/√(n N), N of
/// one exposure. Where the file does not state n the error is unknown. That of the dark reference is
/// neglected.
///
/// - Parameters:
///   - correction: The gains in use.
///   - metadata: With the references from which they came.
///   - electronsPerUnit: Electrons for one unit of the corrected signal; nil where unknown.
///   - stated: Exposures of the reference; nil takes what the file states.
/// - Returns: Per segment, nil where that gain is unknown (not lit by the reference); nil as a whole where
///   nothing is known of the errors: stated gains, unstated exposures, unknown electrons.
public func relativeGainErrors(
  of correction: SegmentCorrection, metadata: AcquisitionMetadata, electronsPerUnit: Double?,
  exposures stated: Double? = nil
) -> [Double?]? {
  guard let electronsPerUnit else { return nil }
  let references = metadata.references
  let signals: [Double]
  /// Of each segment.
  let exposures: [Double]
  switch correction.gainSource {
  case .flat:
    guard let flat = references.flat, let number = stated ?? references.flatExposures
    else { return nil }
    (signals, exposures) = (flat, flat.map { _ in number })
  case .vacuum:
    guard let vacuum = references.vacuum, let number = stated ?? references.vacuumExposures
    else { return nil }
    signals = meanVacuumSignals(vacuum)
    switch vacuum {
    case .single: exposures = signals.map { _ in number }
    case .scan(let planes):
      exposures = planes.map { number * Double($0.values.count(where: \.isFinite)) }
    }
  case .gain, .calibration, .none: return nil
  }
  return signals.indices.map { segment in
    if correction.uncalibratedSegments.contains(segment) { return nil }
    let electrons =
      (signals[segment] - correction.dark[segment]) / correction.gain[segment] * electronsPerUnit
    return electrons > 0 ? 1 / (electrons * exposures[segment]).squareRoot() : nil
  }
}

/// Covariance of the deflection that errors of the gains cause, alike at every position, rad².
///
/// The deflection is a function of the signals; dividing the signal of one segment by a gain that is
/// wrong by the part ε changes it by -ε ∂θ/∂ln I. The derivatives are taken at the mean signals, so this
/// is the constant part. What is left is an error of the scale: ``relativeScaleError(ofGainErrors:signals:changes:estimate:)``.
///
/// - Parameters:
///   - errors: One relative standard deviation per segment, independent of each other; nil counts as 0.
///   - signals: Mean corrected signal of each segment.
///   - estimate: The deflection for one set of signals, rad; nil where they are outside the model.
/// - Returns: nil where the mean signals are outside the model.
public func deflectionCovariance(
  ofGainErrors errors: [Double?], signals: [Double],
  estimate: ([Double]) -> (x: Double, y: Double)?
) -> (xx: Double, yy: Double, xy: Double)? {
  precondition(errors.count == signals.count, "one error per segment")
  // Half a part in a thousand: far above rounding, and far below where the response bends.
  let step = 5e-4
  var covariance = (xx: 0.0, yy: 0.0, xy: 0.0)
  for (segment, error) in errors.enumerated() {
    guard let error, error > 0, signals[segment] != 0 else { continue }
    var (up, down) = (signals, signals)
    up[segment] *= 1 + step
    down[segment] *= 1 - step
    guard let above = estimate(up), let below = estimate(down) else { return nil }
    let x = (above.x - below.x) / (2 * step) * error
    let y = (above.y - below.y) / (2 * step) * error
    covariance.xx += x * x
    covariance.yy += y * y
    covariance.xy += x * y
  }
  return covariance
}

/// One relative standard deviation of the deflection's scale that errors of the gains cause.
///
/// A gain that is wrong by the part ε changes the signal of its segment by that part, and what a shift of the disc
/// changes of it. How far the deflection follows the shift, b = (θ(s) - θ(0))/s, is differentiated by each gain;
/// ∂ln b/∂ln I times the gain's error is added up in quadrature. Where the disc's rim lies on that of a ring, shifts of
/// opposite senses change other segments.
///
/// - Parameters:
///   - errors: One relative standard deviation per segment, independent of each other; nil counts as 0.
///   - signals: Mean corrected signal of each segment.
///   - changes: Of each signal by a small shift of the disc.
///   - estimate: The component of the deflection along the shift for one set of signals, in any unit; nil where they
///     are outside the model.
/// - Returns: nil where the signals are outside the model, or the deflection does not follow.
public func relativeScaleError(
  ofGainErrors errors: [Double?], signals: [Double], changes: [Double],
  estimate: ([Double]) -> Double?
) -> Double? {
  precondition(
    errors.count == signals.count && changes.count == signals.count, "one number per segment")
  func following(_ segment: Int? = nil, by factor: Double = 1) -> Double? {
    func estimated(_ share: Double) -> Double? {
      estimate(
        signals.indices.map {
          (signals[$0] + share * changes[$0]) * ($0 == segment ? factor : 1)
        })
    }
    guard let there = estimated(1), let here = estimated(0) else { return nil }
    return there - here
  }
  // A part in a hundred: far above rounding, and far below where the response bends.
  let step = 1e-2
  guard let whole = following(), whole != 0 else { return nil }
  var variance = 0.0
  for (segment, error) in errors.enumerated() {
    guard let error, error > 0 else { continue }
    guard let above = following(segment, by: 1 + step),
      let below = following(segment, by: 1 - step)
    else { return nil }
    let part = (above - below) / (2 * step * whole) * error
    variance += part * part
  }
  return variance.squareRoot()
}
