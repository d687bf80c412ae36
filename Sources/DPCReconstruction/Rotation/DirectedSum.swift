// Which way a vector map points over some of its pixels: evidence for the sign that no curl can tell.
public import STEMCore

/// Where each pixel's vector is held against.
public enum ProbeDirection: Sendable, Equatable {
  /// A unit vector in the axes of the map, the same for all pixels.
  case fixed(x: Double, y: Double)
  /// Away from the middle of the pixels: about a charge there all of its field.
  case outward
}

/// Σ v·n over pixels, and its standard deviation; nil where the map has no covariance.
///
/// - Parameters:
///   - map: Of any unit, which the result has too.
///   - pixels: Indices of usable pixels, at least one.
///   - direction: n of each pixel; none in the middle itself.
///   - noiseFactor: Pixels whose noise goes together.
public func directedSum(
  of map: VectorMap, over pixels: [Int], along direction: ProbeDirection, noiseFactor: Double
) -> (value: Double, error: Double?) {
  let columns = map.shape.columns
  let size = map.pixelSize ?? PixelSize(x: 1, y: 1)
  let count = Double(pixels.count)
  let middle = (
    x: pixels.reduce(0) { $0 + Double($1 % columns) } / count,
    y: pixels.reduce(0) { $0 + Double($1 / columns) } / count
  )
  var (sum, variance) = (0.0, 0.0)
  for index in pixels {
    let n: (x: Double, y: Double)
    switch direction {
    case .fixed(let x, let y): n = (x, y)
    case .outward:
      let x = (Double(index % columns) - middle.x) * size.x
      let y = (Double(index / columns) - middle.y) * size.y
      let length = (x * x + y * y).squareRoot()
      n = length > 0 ? (x / length, y / length) : (0, 0)
    }
    sum += n.x * map.field.x[index] + n.y * map.field.y[index]
    if let covariance = map.covariance {
      variance +=
        n.x * n.x * covariance.xx[index] + n.y * n.y * covariance.yy[index]
        + 2 * n.x * n.y * covariance.xy[index]
    }
  }
  return (sum, map.covariance == nil ? nil : (variance * noiseFactor).squareRoot())
}

extension VectorMap {
  /// Indices of the usable pixels in a rectangle.
  ///
  /// - Parameter corners: left, top, right, bottom, m from the first pixel, in pixels where the map has no pixel size;
  ///   nil for the whole map.
  public func usablePixels(in corners: [Double]?) -> [Int] {
    let size = pixelSize ?? PixelSize(x: 1, y: 1)
    return (0..<shape.count).filter { index in
      guard mask.isUsable(index) else { return false }
      guard let corners else { return true }
      let x = Double(index % shape.columns) * size.x
      let y = Double(index / shape.columns) * size.y
      return x >= corners[0] && x <= corners[2] && y >= corners[1] && y <= corners[3]
    }
  }
}
