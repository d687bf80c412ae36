// Detectors made of equal sectors: four, eight or sixteen segments in one line.
public import STEMCore

extension SegmentedDetector {
  /// One ring of a detector made of equal sectors.
  public typealias EqualSectors = (inner: Double, outer: Double, sectors: Int)

  /// A detector of rings, each divided into equal sectors.
  ///
  /// Segments follow ring by ring in the order given, in each ring by azimuth from `start` on:
  /// two rings of four give 0-3 (inner) and 4-7 (outer).
  ///
  /// - Parameters:
  ///   - rings: Inner and outer collection semi-angle, rad, and the number of sectors of each ring.
  ///   - start: Azimuth at which the first sector of each ring begins, rad.
  ///   - orientation: How the whole detector is turned, rad.
  public static func annular(
    rings: [EqualSectors], start: Double = 0, orientation: Double = 0
  ) -> SegmentedDetector {
    var segments: [DetectorSegment] = []
    for ring in rings {
      precondition(ring.sectors > 0, "a ring has at least one sector")
      let width = 2 * Double.pi / Double(ring.sectors)
      for sector in 0..<ring.sectors {
        segments.append(
          DetectorSegment(
            inner: ring.inner, outer: ring.outer, start: start + Double(sector) * width,
            stop: start + Double(sector + 1) * width))
      }
    }
    return SegmentedDetector(segments: segments, orientation: orientation)
  }
}
