// Figures of what is left of a deflection map once the truth is taken off.
internal import FieldRendering
internal import STEMCore

/// Result minus truth, rad, in the axes of the scan.
struct ResidualMap {
  var map: VectorMap
  /// rms of the residual over rms of the truth.
  var relative: Double

  init(_ found: ResultVectors, truth: VectorField, pixelSize: PixelSize?) {
    let shape = truth.shape
    var field = VectorField(shape: shape)
    var bytes = [UInt8](repeating: PixelFlags.missing.rawValue, count: shape.count)
    for pixel in 0..<shape.count where found.isUsable[pixel] {
      field.x[pixel] = found.field.x[pixel] - truth.x[pixel]
      field.y[pixel] = found.field.y[pixel] - truth.y[pixel]
      bytes[pixel] = 0
    }
    map = VectorMap(
      field: field, covariance: nil, mask: PixelMask(shape: shape, bytes: bytes),
      pixelSize: pixelSize)
    relative = relativeError(of: found.field, against: truth, where: found.isUsable)
  }

  /// A vector map as PNG: noise has all hues at random, a systematic error a pattern.
  func png(name: String, method: EstimationMethod) throws -> [UInt8] {
    try VectorFigure(
      title: "\(name), \(method.rawValue): result - truth",
      footer: ["rms \(Layout.percent(relative)) of the true deflection's"], map: map,
      quantityLabel: "Deflection, residual", unit: "rad", showsArrows: false
    ).drawing().render(.png)
  }
}
