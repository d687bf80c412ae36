// The detector that a manifest asks for: rings by their edges, sectors by their number.
internal import DPCSimulation
internal import Pipeline
internal import STEMCore

struct DetectorRequest {
  let context: StageContext

  /// Segments that a detector may have; more are a mistake.
  private static let segmentLimit = 256

  /// - Throws: `ParameterProblem` where the lists do not make a detector.
  func detector() throws -> SegmentedDetector {
    let edges: [Double] = try context.value("ring_edges_mrad")
    let sectors: [Double] = try context.value("ring_sectors")
    try check(edges, sectors)
    let rings = sectors.indices.map { ring in
      (inner: edges[ring] / 1000, outer: edges[ring + 1] / 1000, sectors: Int(sectors[ring]))
    }
    let natural = SegmentedDetector.annular(
      rings: rings, start: try context.radians("detector_start_deg"),
      orientation: try context.radians("orientation_deg"))
    return try reordered(natural)
  }

  private func check(_ edges: [Double], _ sectors: [Double]) throws {
    let edgeText = shown(edges)
    // Edges closer than the tolerance of angles, 1e-7 rad, would be one.
    if zip(edges, edges.dropFirst()).contains(where: { $1 - $0 < 1e-3 }) {
      throw ParameterProblem(
        "ring_edges_mrad", "ring_edges_mrad \(edgeText) does not rise from the inside out",
        suggestion: "list each edge once, such as [0, 24, 48]")
    }
    if edges.count != sectors.count + 1 {
      throw ParameterProblem(
        "ring_edges_mrad",
        "ring_edges_mrad \(edgeText) bounds \(edges.count - 1) rings, but ring_sectors"
          + " \(shown(sectors)) is for \(sectors.count)",
        suggestion: "give one number of sectors for each ring, between two edges")
    }
    if let part = sectors.first(where: { $0 != $0.rounded() }) {
      throw ParameterProblem(
        "ring_sectors", "ring_sectors lists \(part), but sectors are whole",
        suggestion: "give whole numbers")
    }
    let total = sectors.reduce(0, +)
    if total > Double(Self.segmentLimit) {
      throw ParameterProblem(
        "ring_sectors", "a detector of \(Int(total)) segments",
        suggestion: "ask for \(Self.segmentLimit) at most")
    }
  }

  /// The segments in the order in which the file is to list them.
  private func reordered(_ natural: SegmentedDetector) throws -> SegmentedDetector {
    guard let order = context.numbers("segment_order") else { return natural }
    let count = natural.segments.count
    if order.sorted() != (0..<count).map(Double.init) {
      throw ParameterProblem(
        "segment_order",
        "segment_order \(shown(order)) does not list each of the segments 0 to \(count - 1) once",
        suggestion: "list them all, or segment_order: by-ring")
    }
    var detector = natural
    detector.segments = order.map { natural.segments[Int($0)] }
    return detector
  }

  private func shown(_ numbers: [Double]) -> String {
    ParameterValue.list(numbers.map { .number($0) }).description
  }
}
