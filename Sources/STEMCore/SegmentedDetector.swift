// The geometry of a segmented annular detector, and what makes one usable.

/// One annular sector: inner <= radius < outer, start <= azimuth < stop.
public struct DetectorSegment: Sendable, Equatable, Codable {
  /// Inner collection semi-angle, rad.
  public var inner: Double
  /// Outer collection semi-angle, rad.
  public var outer: Double
  /// First azimuth, from +x towards +y (clockwise on the screen), rad; `orientation` not yet added.
  public var start: Double
  /// Last azimuth, rad; greater than `start`, by at most 2π.
  public var stop: Double

  public init(inner: Double, outer: Double, start: Double, stop: Double) {
    self.inner = inner
    self.outer = outer
    self.start = start
    self.stop = stop
  }

  /// Solid angle (outer² - inner²)(stop - start)/2, rad².
  public var area: Double { (outer * outer - inner * inner) * (stop - start) / 2 }
  /// What of it a centered disc of this semi-angle (rad) lights, rad².
  public func litArea(disc: Double) -> Double {
    let edge = min(outer, disc)
    return max(0, edge * edge - inner * inner) * (stop - start) / 2
  }
  /// The azimuth in the middle of the sector, rad.
  public var middle: Double { (start + stop) / 2 }
}

/// Annular sectors in any order, and how the detector is turned.
///
/// ```
///          -y (up on the screen)          The order of the segments means nothing:
///        \  3 | 0'                        geometry decides. Azimuths run from +x
///     ----\---+---/---- +x                towards +y, clockwise on the screen.
///        / 2  | 1 \
///          +y (down)
/// ```
public struct SegmentedDetector: Sendable, Equatable, Codable {
  public var segments: [DetectorSegment]
  /// Added to every azimuth: detector frame azimuth = start + orientation, rad.
  public var orientation: Double

  public init(segments: [DetectorSegment], orientation: Double) {
    self.segments = segments
    self.orientation = orientation
  }

  /// The largest collection semi-angle, rad.
  public var outerAngle: Double { segments.map(\.outer).max() ?? 0 }

  /// Two semi-angles closer than this are one; files in mrad carry rounding errors, rad.
  public static let angleTolerance = 1e-7
  /// Two azimuths closer than this are one, rad: files hold them in single precision, or rounded to a tenth of a
  /// degree. A sector's edge that is off by this turns a deflection by less.
  public static let azimuthTolerance = 1e-3

  /// The rings from the inside out, each with its segments by azimuth.
  ///
  /// - Throws: ``DetectorGeometryError`` where a value is absurd, a ring leaves a gap or counts
  ///   an azimuth twice, or two rings overlap.
  public func rings() throws(DetectorGeometryError) -> [DetectorRing] {
    try validateSegments()
    var rings: [DetectorRing] = []
    let ordered = segments.indices.sorted {
      (segments[$0].inner, segments[$0].start, $0) < (segments[$1].inner, segments[$1].start, $1)
    }
    for index in ordered {
      let segment = segments[index]
      if let last = rings.last,
        abs(last.inner - segment.inner) < Self.angleTolerance,
        abs(last.outer - segment.outer) < Self.angleTolerance
      {
        rings[rings.count - 1].segmentIndices.append(index)
      } else {
        rings.append(
          DetectorRing(inner: segment.inner, outer: segment.outer, segmentIndices: [index]))
      }
    }
    for ring in rings { try validateCoverage(of: ring) }
    for (inner, outer) in zip(rings, rings.dropFirst()) {
      if outer.inner < inner.outer - Self.angleTolerance {
        throw .ringsOverlap(inner: (inner.inner, inner.outer), outer: (outer.inner, outer.outer))
      }
      if outer.inner > inner.outer + Self.angleTolerance {
        throw .gapBetweenRings(from: inner.outer, to: outer.inner)
      }
    }
    return rings
  }

  private func validateSegments() throws(DetectorGeometryError) {
    if segments.isEmpty { throw .noSegments }
    for (index, segment) in segments.enumerated() {
      let numbers = [segment.inner, segment.outer, segment.start, segment.stop]
      if !numbers.allSatisfy(\.isFinite) { throw .notFinite(segment: index) }
      if segment.inner < 0 || segment.outer <= segment.inner {
        throw .badRadii(segment: index, inner: segment.inner, outer: segment.outer)
      }
      let width = segment.stop - segment.start
      if width <= 0 || width > 2 * Double.pi + Self.azimuthTolerance {
        throw .badAzimuths(segment: index, start: segment.start, stop: segment.stop)
      }
    }
  }

  /// Walks once around the ring: each sector must begin where the one before it ends.
  private func validateCoverage(of ring: DetectorRing) throws(DetectorGeometryError) {
    let turn = 2 * Double.pi
    let sectors = ring.segmentIndices.map { index in
      let start = segments[index].start - turn * (segments[index].start / turn).rounded(.down)
      return (
        index: index, start: start, stop: start + segments[index].stop - segments[index].start
      )
    }.sorted { $0.start < $1.start }
    for (position, sector) in sectors.enumerated() {
      let isLast = position + 1 == sectors.count
      let next = sectors[isLast ? 0 : position + 1]
      let nextStart = next.start + (isLast ? turn : 0)
      let gap = nextStart - sector.stop
      if gap > Self.azimuthTolerance { throw .gap(from: sector.stop, to: nextStart) }
      if gap < -Self.azimuthTolerance { throw .overlap(sector.index, next.index) }
    }
  }
}

/// A ring of sectors of equal radii.
public struct DetectorRing: Sendable, Equatable, Codable {
  /// Radius of its inner edge, rad.
  public var inner: Double
  /// Radius of its outer edge, rad.
  public var outer: Double
  /// Indices into ``SegmentedDetector/segments``.
  public var segmentIndices: [Int]
}

/// Why a set of segments is not a detector.
public enum DetectorGeometryError: Error, Sendable {
  case noSegments
  case notFinite(segment: Int)
  case badRadii(segment: Int, inner: Double, outer: Double)
  case badAzimuths(segment: Int, start: Double, stop: Double)
  case gap(from: Double, to: Double)
  case overlap(Int, Int)
  case ringsOverlap(inner: (Double, Double), outer: (Double, Double))
  case gapBetweenRings(from: Double, to: Double)
}

extension DetectorGeometryError: CustomStringConvertible {
  public var description: String {
    func deg(_ angle: Double) -> String { "\((angle * 180 / Double.pi * 100).rounded() / 100)°" }
    func mrad(_ angle: Double) -> String { "\((angle * 1e5).rounded() / 100) mrad" }
    switch self {
    case .noSegments: return "the detector has no segments"
    case .notFinite(let segment): return "segment \(segment) has an angle that is not a number"
    case .badRadii(let segment, let inner, let outer):
      return "segment \(segment) runs from \(mrad(inner)) to \(mrad(outer))"
    case .badAzimuths(let segment, let start, let stop):
      return "segment \(segment) runs from \(deg(start)) to \(deg(stop))"
    case .gap(let from, let to):
      return "no segment covers the azimuths from \(deg(from)) to \(deg(to))"
    case .overlap(let first, let second): return "segments \(first) and \(second) overlap"
    case .ringsOverlap(let inner, let outer):
      return "rings \(mrad(inner.0))-\(mrad(inner.1)) and \(mrad(outer.0))-\(mrad(outer.1)) overlap"
    case .gapBetweenRings(let from, let to):
      return "no segment covers the angles from \(mrad(from)) to \(mrad(to))"
    }
  }
}
