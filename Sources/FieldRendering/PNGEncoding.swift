// Images to PNG bytes by libpng, at a compression level made for large maps.
internal import CPNG

/// An image that becomes a PNG file row by row.
///
/// Level 1 with the row above as the prediction: several times faster than the default level, and
/// repeated rows cost nothing.
final class PNGEncoder {
  private let encoder: UnsafeMutablePointer<CPNG_Encoder>
  private let width: Int
  private let height: Int

  /// - Parameter pointsPerPixel: Size of a pixel on paper, 1/72 inch; nil is not stated.
  init(width: Int, height: Int, pointsPerPixel: Double? = nil) throws(RenderingError) {
    (self.width, self.height) = (width, height)
    encoder = .allocate(capacity: 1)
    let density = pointsPerPixel.map { UInt32((1 / $0 * 72 / 0.0254).rounded()) } ?? 0
    try check(CPNG_begin(encoder, UInt32(width), UInt32(height), 1, density))
  }

  deinit {
    CPNG_release(encoder)
    encoder.deallocate()
  }

  /// Adds the next row.
  ///
  /// - Parameter row: Its pixels, 0x00RRGGBB; whatever stands in place of the zeros is left out.
  func add(_ row: UnsafeBufferPointer<UInt32>) throws(RenderingError) {
    precondition(row.count >= width, "a row has all of its pixels")
    guard let start = row.baseAddress else { return }
    try check(CPNG_add(encoder, start))
  }

  /// The file, once all rows were added.
  func finish() throws(RenderingError) -> [UInt8] {
    try check(CPNG_end(encoder))
    let buffer = encoder.pointee.buffer
    return [UInt8](UnsafeBufferPointer(start: buffer.bytes, count: buffer.count))
  }

  private func check(_ status: Int32) throws(RenderingError) {
    if status != 0 { throw .png(width: width, height: height) }
  }
}

extension PixelImage {
  /// The image as a PNG file; see ``PNGEncoder``.
  func png() throws(RenderingError) -> [UInt8] {
    let encoder = try PNGEncoder(width: width, height: height)
    for row in 0..<height {
      // SAFETY: the rows are within the pixels, of which there are width times height.
      try pixels.withUnsafeBufferPointer { pixels throws(RenderingError) in
        try encoder.add(UnsafeBufferPointer(rebasing: pixels[row * width..<(row + 1) * width]))
      }
    }
    return try encoder.finish()
  }
}
