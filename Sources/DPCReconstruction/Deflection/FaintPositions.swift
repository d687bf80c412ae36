// Positions at which hardly a beam was: their deflection is noise without bounds.

public import STEMCore
internal import WorkSharing

extension VectorMap {
  /// Masks the positions of which a component's variance exceeds a limit, as such that have no counts, and takes their
  /// vectors away.
  ///
  /// Where the beam was blanked, some electrons of the dark or of its noise are left, and a deflection of any size.
  /// In a mean along a wall such a position outweighs all others.
  ///
  /// - Parameter limit: Of the mean variance of both components, in the square of the map's unit.
  public mutating func maskFaint(beyond limit: Double) {
    let (count, bytes) = (shape.count, mask.bytes)
    guard let covariance else { return }
    let isFaint = mapPieces(count) { positions in
      positions.contains { index in
        (covariance.xx[index] + covariance.yy[index]) / 2 > limit
          && bytes[index] & PixelFlags.unusable.rawValue == 0
      }
    }
    guard isFaint.contains(true) else { return }
    for index in 0..<count where mask.isUsable(index) {
      guard (covariance.xx[index] + covariance.yy[index]) / 2 > limit else { continue }
      mask.bytes[index] |= PixelFlags.noCounts.rawValue
      (field.x[index], field.y[index]) = (0, 0)
      self.covariance?.xx[index] = 0
      self.covariance?.yy[index] = 0
      self.covariance?.xy[index] = 0
    }
  }
}
