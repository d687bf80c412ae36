// Which diameters split a segmented detector into two halves without cutting a segment.
internal import Glibc
public import STEMCore

/// A straight line through the detector's center along which every ring is divided.
public struct DetectorDiameter: Sendable, Equatable {
  /// Azimuth of the diameter in the detector frame, rad.
  public var azimuth: Double
  /// Per segment +1 on the side of azimuth + 90°, -1 on the other.
  public var sides: [Double]
  /// Unit vector towards the side counted as +1: (-sin azimuth, cos azimuth).
  public var normal: (x: Double, y: Double)

  public static func == (first: DetectorDiameter, second: DetectorDiameter) -> Bool {
    first.azimuth == second.azimuth && first.sides == second.sides
  }
}

extension DetectorDiameter {
  /// The mean of the product of both diameters' sides over a centered disc: -1 in two sectors of the angle between
  /// the normals, 1 elsewhere.
  func centeredProduct(with other: DetectorDiameter) -> Double {
    let cosine = normal.x * other.normal.x + normal.y * other.normal.y
    return 1 - 2 * acos(max(-1, min(1, cosine))) / Double.pi
  }
}

extension SegmentedDetector {
  /// The diameters common to all rings, by azimuth in 0..<π of the detector frame.
  ///
  /// The difference of the two halves of the detector is a smooth function of the shift of the
  /// disc across their diameter, in which ring boundaries play no part: an electron that crosses
  /// from the inner to the outer ring stays in its half. This is what summing the rings of equal
  /// azimuth is for.
  ///
  /// - Throws: `DetectorGeometryError` for an invalid geometry; ``EstimatorError`` where the
  ///   rings share fewer than two diameters.
  public func commonDiameters() throws -> [DetectorDiameter] {
    let rings = try self.rings()
    guard let coarsest = rings.min(by: { $0.segmentIndices.count < $1.segmentIndices.count }) else {
      throw DetectorGeometryError.noSegments
    }
    let candidates = coarsest.segmentIndices.map { segments[$0].start }
    let azimuths = candidates.filter { azimuth in
      rings.allSatisfy { hasBoundary($0, at: azimuth) && hasBoundary($0, at: azimuth + Double.pi) }
    }
    let diameters = uniqueHalfTurns(azimuths.map { $0 + orientation }).map(diameter(at:))
    guard diameters.count >= 2 else {
      throw EstimatorError.noCommonDiameters(
        rings: rings.map(\.segmentIndices.count), common: diameters.count)
    }
    return diameters
  }

  /// The azimuths, ascending in 0..<2π of the detector frame, at which every ring is divided.
  func commonLines() throws(DetectorGeometryError) -> [Double] {
    let rings = try self.rings()
    guard let coarsest = rings.min(by: { $0.segmentIndices.count < $1.segmentIndices.count }) else {
      throw DetectorGeometryError.noSegments
    }
    let turn = 2 * Double.pi
    return coarsest.segmentIndices.map { segments[$0].start }.filter { azimuth in
      rings.allSatisfy { hasBoundary($0, at: azimuth) }
    }.map { azimuth in
      let turned = azimuth + orientation
      return turned - turn * (turned / turn).rounded(.down)
    }.sorted()
  }

  private func hasBoundary(_ ring: DetectorRing, at azimuth: Double) -> Bool {
    ring.segmentIndices.contains { index in
      let turns = (segments[index].start - azimuth) / (2 * Double.pi)
      return abs(turns - turns.rounded()) * 2 * Double.pi < Self.azimuthTolerance
    } && ring.segmentIndices.count > 1
  }

  /// Folds azimuths into 0..<π, ascending, each diameter once.
  private func uniqueHalfTurns(_ azimuths: [Double]) -> [Double] {
    let folded = azimuths.map { azimuth in
      let remainder = azimuth - Double.pi * (azimuth / Double.pi).rounded(.down)
      return Double.pi - remainder < Self.azimuthTolerance ? 0 : remainder
    }.sorted()
    var unique: [Double] = []
    for azimuth in folded where azimuth - (unique.last ?? -1) > Self.azimuthTolerance {
      unique.append(azimuth)
    }
    return unique
  }

  private func diameter(at azimuth: Double) -> DetectorDiameter {
    let normal = (x: -sin(azimuth), y: cos(azimuth))
    let sides = segments.map { segment in
      let middle = segment.middle + orientation
      return cos(middle) * normal.x + sin(middle) * normal.y > 0 ? 1.0 : -1.0
    }
    return DetectorDiameter(azimuth: azimuth, sides: sides, normal: normal)
  }
}

/// Why an estimator of the deflection cannot be used.
public enum EstimatorError: Error, Sendable, CustomStringConvertible {
  /// The rings are not divided along the same lines.
  case noCommonDiameters(rings: [Int], common: Int)
  /// The disc is not surrounded by detector.
  case discReachesEdge(probeSemiAngle: Double, outerAngle: Double)
  /// The hole in the detector's middle is not covered by the disc.
  case holeReachesDiscEdge(hole: Double, probeSemiAngle: Double)
  /// Opposite segments differ and a ring ends at the rim: the response has a part even in the shift.
  case responseHasKink(method: String)
  /// The segments that the rim crosses do not tell both components of a shift.
  case noSplitRim(method: String)

  /// In words, without the method that was asked for where any of them would be refused.
  public var description: String { text(subject: nil) }

  /// In words for the user of a method.
  public func text(for method: DeflectionMethod) -> String { text(subject: method.rawValue) }

  private func text(subject: String?) -> String {
    func mrad(_ angle: Double) -> String { "\((angle * 1e5).rounded() / 100) mrad" }
    let margin = DiscShiftEstimator.requiredMargin
    let percent = "\(Int((margin * 100).rounded())) %"
    switch self {
    case .noCommonDiameters(let rings, let common):
      let counts = rings.map(String.init).joined(separator: " and ")
      return
        "\(subject ?? "disc-shift") needs two straight lines through the center that divide every"
        + " ring, and the rings of \(counts) segments share \(common): summed by azimuth they would mix"
        + " the two sides of the disc"
    case .discReachesEdge(let probe, let outer):
      return "\(subject ?? "a deflection") needs detector all around the disc: it must reach"
        + " \(mrad((1 + margin) * probe)), \(percent) beyond the disc of \(mrad(probe)), and it ends at"
        + " \(mrad(outer)); electrons beyond it are not counted, and the response depends on the specimen"
    case .holeReachesDiscEdge(let hole, let probe):
      return
        "\(subject ?? "a deflection") needs the disc to cover the hole in the detector's middle: the"
        + " hole may reach \(mrad((1 - margin) * probe)), \(percent) within the disc of \(mrad(probe)), and"
        + " it reaches \(mrad(hole))"
    case .responseHasKink(let method):
      return
        "\(method) needs segments that are alike on opposite sides where a ring ends at the rim of"
        + " the disc: with others opposite shifts do not give opposite signals"
    case .noSplitRim(let method):
      return
        "\(method) needs the rim of the disc on segments that divide it in at least three parts"
    }
  }
}
