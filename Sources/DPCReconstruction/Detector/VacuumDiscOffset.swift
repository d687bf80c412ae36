// How far the empty beam's disc lies from the detector's center, by what reaches the ring beyond its rim.

internal import Glibc
public import STEMCore

/// The offset of the disc in the vacuum reference, from the one-sidedness of the ring that begins at its rim.
///
/// A shift d of a uniform disc of radius α carries d cos ψ/(πα) of its electrons per azimuth over the rim on the
/// side towards which it goes. Their first moment over all electrons is d/(2α), and segments of half-width h
/// see sin h/h of that; what lies evenly around the ring, such as scattering, has none. To first order in d/α.
///
/// - Parameters:
///   - metadata: Geometry and references.
///   - dark: Per segment, subtracted from the reference.
/// - Returns: rad; nil without a vacuum reference, or without a ring that begins at the rim and has three segments at
///   least: fewer show no direction.
public func vacuumDiscOffset(of metadata: AcquisitionMetadata, dark: [Double]) -> Double? {
  let (detector, radius) = (metadata.detector, metadata.probeSemiAngle)
  guard let vacuum = metadata.references.vacuum,
    let rim = try? DiscRim(detector: detector, probeSemiAngle: radius), rim.isOnRingEdge
  else { return nil }
  let signals = zip(meanVacuumSignals(vacuum), dark).map { $0 - $1 }
  let total = signals.reduce(0, +)
  guard total > 0, total.isFinite else { return nil }
  let beyond = detector.segments.indices.filter { rim.isBeyond[$0] && !rim.isWithin[$0] }
  guard beyond.count >= 3 else { return nil }
  var moment = (x: 0.0, y: 0.0)
  for j in beyond {
    let segment = detector.segments[j]
    let middle = (segment.start + segment.stop) / 2 + detector.orientation
    let half = (segment.stop - segment.start) / 2
    let part = signals[j] / total * half / sin(half)
    moment.x += part * cos(middle)
    moment.y += part * sin(middle)
  }
  return 2 * radius * (moment.x * moment.x + moment.y * moment.y).squareRoot()
}
