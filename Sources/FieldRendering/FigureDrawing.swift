// A figure laid out once and drawn as many files: what is under the pen does not depend on the format.

/// A figure ready to be drawn.
public struct FigureDrawing: Sendable {
  /// Points.
  let width: Double
  let height: Double
  /// Pixels per point of a raster.
  let scale: Double
  let draw: @Sendable (Canvas) throws(RenderingError) -> Void

  /// The figure as the bytes of a file; equal figures give equal bytes.
  ///
  /// Drawings may be rendered on several threads at once, one drawing as well.
  /// - Parameter format: The kind of file.
  /// - Throws: ``RenderingError`` for a page beyond what can be drawn or when Cairo or libpng fail.
  public func render(_ format: FigureFormat) throws(RenderingError) -> [UInt8] {
    try Canvas.draw(format, width: width, height: height, scale: scale, draw)
  }
}
