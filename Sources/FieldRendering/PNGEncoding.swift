// Images to PNG bytes by libpng, at a compression level made for large maps.
internal import CPNG

extension PixelImage {
  /// The image as a PNG file.
  ///
  /// Level 1 with the row above as the prediction: several times faster than the default level, and
  /// repeated rows cost nothing.
  /// - Parameter pointsPerPixel: Size of a pixel on paper, 1/72 inch; nil is not stated.
  func png(pointsPerPixel: Double? = nil) throws(RenderingError) -> [UInt8] {
    let density = pointsPerPixel.map { UInt32((1 / $0 * 72 / 0.0254).rounded()) } ?? 0
    var buffer = CPNG_Buffer()
    let status = pixels.withUnsafeBufferPointer { source in
      CPNG_encode(source.baseAddress, UInt32(width), UInt32(height), 1, density, &buffer)
    }
    guard status == 0 else { throw .png(width: width, height: height) }
    defer { free(buffer.bytes) }
    return [UInt8](UnsafeBufferPointer(start: buffer.bytes, count: buffer.count))
  }
}
