// From the detector's axes to the scan's: handedness first, then the rotation.
internal import Glibc
public import STEMCore

/// Whether the detector is seen from the side that the scan axes assume.
public enum Handedness: String, Sendable, CaseIterable {
  /// Azimuths run from +x towards +y in both frames.
  case asRecorded = "as-recorded"
  /// The detector is seen from behind: its y axis is reversed before the rotation.
  case mirrored
}

/// The matrix that takes a vector from the detector frame to the scan frame.
///
/// R(a)(vx, vy) = (cos a vx - sin a vy, sin a vx + cos a vy); y points down, so a positive angle
/// turns clockwise on the screen. A mirrored detector has its y component reversed first.
///
/// - Parameters:
///   - rotation: Scan rotation a, rad.
///   - handedness: Whether the detector is seen from behind.
public func scanFrameMatrix(rotation: Double, handedness: Handedness) -> Matrix2 {
  let matrix = Matrix2.rotation(cosine: cos(rotation), sine: sin(rotation))
  switch handedness {
  case .asRecorded: return matrix
  case .mirrored:
    return Matrix2(xx: matrix.xx, xy: -matrix.xy, yx: matrix.yx, yy: -matrix.yy)
  }
}
