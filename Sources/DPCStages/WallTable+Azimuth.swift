// What the error of a measured normal does to the positions of walls.
internal import DPCReconstruction
internal import STEMCore

extension WallTable {
  /// The table with the error of the normal in the positions, where it was measured.
  ///
  /// A wall is seen where it is in the frame, and its position is where its line is nearest to the frame's center: by
  /// the place v of its middle along the line farther away, a turn δ of the normal moves it by v δ.
  func withAzimuthError(_ orientation: WallOrientation, in map: VectorMap) -> WallTable {
    guard let error = orientation.measuredError else { return self }
    var copy = self
    copy.rows = rows.map { row in
      let middle = middleOfWall(
        at: row.wall.position.value, in: map, normalAzimuth: orientation.normalAzimuth)
      return row.widened(
        by: WallChange(field: 0, sechWidth: 0, position: error * middle, product: 0),
        cause: "normal_azimuth")
    }
    return copy
  }
}

extension WallOrientation {
  /// Of the normal, rad; nil for one that is stated, and where a measured one has none.
  fileprivate var measuredError: Double? {
    switch normalOrigin {
    case .measured, .found: seen?.error
    default: nil
    }
  }
}
