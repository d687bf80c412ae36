// Remarks on walls whose field is not the same along them.
internal import DPCReconstruction
internal import STEMCore

extension WallTable {
  /// A field that varies along the wall by less of its mean deserves no remark.
  private static let leastVariation = 0.2

  /// The table with a remark for each wall of which a mean along the frame says little.
  ///
  /// - Parameter geometry: Of the fit.
  func remarkingVariation(
    in map: VectorMap, geometry: InclinationGeometry, _ orientation: WallOrientation,
    _ correlation: CorrelationLength
  ) -> WallTable {
    let variations = variationAlongWalls(
      rows.map(\.wall), in: map, geometry: geometry, normalAzimuth: orientation.normalAzimuth,
      noiseFactor: correlation.x * correlation.y)
    var copy = self
    for (index, variation) in variations.enumerated() where variation > Self.leastVariation {
      let size = variation < 1 ? "\(Format.percent(variation)) of its mean" : "more than its mean"
      copy.rows[index].remarks.append(
        "its field varies along it by \(size) (standard deviation),"
          + " and only the mean over the frame is in the table: it may end within the frame, bend, cross"
          + " other walls, or lie in foil of uneven thickness; find-walls fits walls between their ends"
      )
    }
    return copy
  }
}
