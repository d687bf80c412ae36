// The rim of the centered disc on the segments: what a small shift of the disc does to each of them.
internal import Glibc
internal import STEMCore

/// How the rim of the disc lies on a detector.
///
/// A shift d moves the rim outwards where n·d > 0, n the outward normal at azimuth φ, and inwards
/// elsewhere. To first order segment j gains (1/πα) ∫ n·d dφ, over the part of its azimuths where
/// the moving rim is in it. Where a ring ends at the rim, what moves outwards is gained by the outer
/// ring and what moves inwards is lost by the inner one: single segments respond with a kink.
struct DiscRim {
  /// Per segment (1/πα) ∫ n dφ over its azimuths, 1/rad, whether or not the rim touches it.
  let arcs: [(x: Double, y: Double)]
  /// Per segment whether it holds the rim from within: inner < α <= outer.
  let isWithin: [Bool]
  /// Per segment whether it holds the rim from outside: inner <= α < outer.
  let isBeyond: [Bool]
  /// The area of the disc that falls on the detector, as a part of the whole: less than 1 with a hole.
  let litPart: Double
  /// The largest shift for which the disc stays on the detector and covers its hole, rad.
  let range: Double

  /// A ring's edge is at the rim where they differ by less than this part of α: semi-angles are not
  /// stated, nor known, any better.
  static let tolerance = 1e-3

  /// - Throws: `DetectorGeometryError`; ``EstimatorError`` where the disc does not lie on the detector.
  init(detector: SegmentedDetector, probeSemiAngle: Double) throws {
    let disc = try CenteredDisc(on: detector, probeSemiAngle: probeSemiAngle)
    let slack = Self.tolerance * probeSemiAngle
    arcs = detector.segments.map { segment in
      let start = segment.start + detector.orientation
      let stop = segment.stop + detector.orientation
      let scale = 1 / (Double.pi * probeSemiAngle)
      return (x: scale * (sin(stop) - sin(start)), y: scale * (cos(start) - cos(stop)))
    }
    isWithin = detector.segments.map {
      $0.inner < probeSemiAngle - slack && $0.outer >= probeSemiAngle - slack
    }
    isBeyond = detector.segments.map {
      $0.inner <= probeSemiAngle + slack && $0.outer > probeSemiAngle + slack
    }
    let lit = Double.pi * (probeSemiAngle * probeSemiAngle - disc.hole * disc.hole)
    centeredParts = detector.segments.map { $0.litArea(disc: probeSemiAngle) / lit }
    litPart = disc.litPart
    range = disc.range
  }

  /// The part of a centered disc that falls on each segment, over all of it that falls on the detector.
  let centeredParts: [Double]

  /// Whether a ring ends at the rim, so that a shift carries electrons from ring to ring.
  var isOnRingEdge: Bool { zip(isWithin, isBeyond).contains { $0 != $1 } }

  /// The matrix Σ c ⊗ arc with which Σ q c follows a shift, q the signals over their sum.
  ///
  /// - Parameter beyond: The part of the signal that appears in the segments beyond the rim: 1/2 for a
  ///   rigid shift (its even part cancels where opposite segments are alike), 0 for a weak phase.
  func response(of vectors: [(x: Double, y: Double)], beyond: Double) -> Matrix2 {
    var m = Matrix2(xx: 0, xy: 0, yx: 0, yy: 0)
    for j in vectors.indices {
      let weight = (isWithin[j] ? 1 - beyond : 0) + (isBeyond[j] ? beyond : 0)
      m.xx += weight * vectors[j].x * arcs[j].x / litPart
      m.xy += weight * vectors[j].x * arcs[j].y / litPart
      m.yx += weight * vectors[j].y * arcs[j].x / litPart
      m.yy += weight * vectors[j].y * arcs[j].y / litPart
    }
    return m
  }
}
