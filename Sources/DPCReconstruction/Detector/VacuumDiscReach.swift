// Whether the empty beam's disc reaches segments that a disc of the stated semi-angle does not.
internal import Glibc
public import STEMCore

/// A smaller part of the signal is not told from what dark references leave.
private let leastLight = 1e-4
/// Light of a disc's rim lies on the side towards which it is displaced: its first moment over its sum is π/4. That of
/// scattering, which lies evenly around, is 0.
private let leastOneSidedness = 0.4

/// The inner edge of the segments that the disc in the vacuum reference reaches although a disc of the stated semi-angle
/// ends within it: the true semi-angle is about as large, or larger.
///
/// A disc of the stated semi-angle would reach them if it were displaced; then the segments within would differ by
/// more than they do. Unequal gains can pass for such a displacement: a semi-angle stated a few percent too small is not
/// noticed.
///
/// - Parameters:
///   - metadata: Geometry and references.
///   - dark: Per segment, subtracted from the reference.
/// - Returns: rad; nil where nothing contradicts the stated semi-angle, or nothing could.
public func vacuumDiscReach(of metadata: AcquisitionMetadata, dark: [Double]) -> Double? {
  let (detector, radius) = (metadata.detector, metadata.probeSemiAngle)
  guard let vacuum = metadata.references.vacuum else { return nil }
  let signals = zip(meanVacuumSignals(vacuum), dark).map { $0 - $1 }
  let total = signals.reduce(0, +)
  guard total > 0, total.isFinite else { return nil }
  let segments = detector.segments
  let farther = segments.indices.filter { segments[$0].inner > radius * (1 + DiscRim.tolerance) }
  guard let edge = farther.map({ segments[$0].inner }).min() else { return nil }
  let beyond = farther.filter { segments[$0].inner < edge * (1 + DiscRim.tolerance) }
  let within = segments.indices.filter { segments[$0].inner < radius }
  let light = beyond.reduce(0) { $0 + signals[$1] }
  guard beyond.count >= 3, light > leastLight * total,
    moment(signals, beyond, detector) > leastOneSidedness * light
  else { return nil }
  // n sectors weighed by the cosines of their middles show n sin(π/n) / π of a shift, over the semi-angle: 0.9 for four.
  let lit = within.reduce(0) { $0 + signals[$1] }
  let displacement = radius * moment(signals, within, detector) / lit / 0.9
  return displacement < (edge - radius) / 2 ? edge : nil
}

/// The length of Σ signal · unit vector to a segment's middle.
private func moment(
  _ signals: [Double], _ chosen: [Int], _ detector: SegmentedDetector
) -> Double {
  let sum = chosen.reduce(SIMD2<Double>.zero) { sum, index in
    let azimuth = detector.segments[index].middle + detector.orientation
    return sum + signals[index] * SIMD2(cos(azimuth), sin(azimuth))
  }
  return (sum.x * sum.x + sum.y * sum.y).squareRoot()
}
