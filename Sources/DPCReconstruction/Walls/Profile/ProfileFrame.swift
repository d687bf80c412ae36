// Where the pixels of a map lie across and along a wall, and in which sample of its profile.
internal import STEMCore

/// The axes of a profile over a map.
struct ProfileFrame {
  private let columns: Int
  /// Of the scan, pixels from the first row.
  private let centerY: Double
  private let pixel: PixelSize
  private let normal: (x: Double, y: Double)
  private let component: (x: Double, y: Double)
  private let shift: WallShift?
  /// Of a bin, m.
  private let width: Double
  /// From the scan's center to the bin farthest away, m.
  private let reach: Double
  /// What the column of a pixel adds to its distance along the normal and along the wall, m.
  private let across: [Double]
  private let along: [Double]
  /// Distances that differ by less are equal, m.
  let tolerance: Double

  /// - Parameters:
  ///   - component: Of a vector, the one that is gathered.
  ///   - shift: By how far the wall leaves a straight line along its normal.
  init(
    shape: GridShape, pixel: PixelSize, normal: (x: Double, y: Double),
    component: (x: Double, y: Double), shift: WallShift?
  ) {
    let centerX = Double(shape.columns - 1) / 2
    let centerY = Double(shape.rows - 1) / 2
    let isAligned = shift == nil && (normal.x == 0 || normal.y == 0)
    width = isAligned ? (normal.y == 0 ? pixel.x : pixel.y) : min(pixel.x, pixel.y) / 2
    tolerance = 1e-9 * width
    reach =
      abs(normal.x) * centerX * pixel.x + abs(normal.y) * centerY * pixel.y
      + (shift?.bound ?? 0)
    across = (0..<shape.columns).map { (Double($0) - centerX) * pixel.x * normal.x }
    along = (0..<shape.columns).map { (Double($0) - centerX) * -pixel.x * normal.y }
    columns = shape.columns
    (self.centerY, self.pixel, self.normal) = (centerY, pixel, normal)
    (self.component, self.shift) = (component, shift)
  }

  /// All bins, without a pixel.
  var noBins: [ProfileBin] {
    [ProfileBin](repeating: ProfileBin(), count: Int((2 * reach / width).rounded()) + 1)
  }

  /// The usable pixels of some rows, each in its bin.
  func bins(of map: VectorMap, rows: Range<Int>) -> [ProfileBin] {
    var all = noBins
    var variances = [Double](repeating: 0, count: columns)
    all.withUnsafeMutableBufferPointer { bins in
      for row in rows {
        let y = (Double(row) - centerY) * pixel.y
        let line = row * columns..<(row + 1) * columns
        let (vx, vy) = (map.field.x.span.extracting(line), map.field.y.span.extracting(line))
        let flags = map.mask.bytes.span.extracting(line)
        if let covariance = map.covariance {
          fill(&variances, covariance, line, component)
        }
        for column in 0..<columns {
          let raw = component.x * vx[column] + component.y * vy[column]
          guard flags[column] & PixelFlags.unusable.rawValue == 0, raw.isFinite else { continue }
          let v = along[column] + y * normal.x
          let u = across[column] + y * normal.y - (shift?.value(at: v) ?? 0)
          // Half a step on and down to the whole number below: the nearest bin.
          let k = min(max(Int((u + reach) / width + 0.5), 0), bins.count - 1)
          bins[k].add(
            distance: u, along: v, value: raw,
            variance: variances[column], tolerance: tolerance)
        }
      }
    }
    return all
  }
}

/// The variances of a component at some pixels, in their order.
private func fill(
  _ variances: inout [Double], _ covariance: VectorCovariance, _ pixels: Range<Int>,
  _ component: (x: Double, y: Double)
) {
  precondition(variances.count == pixels.count, "one variance per pixel")
  let (xx, yy) = (covariance.xx.span.extracting(pixels), covariance.yy.span.extracting(pixels))
  let xy = covariance.xy.span.extracting(pixels)
  let (ofX, ofY) = (component.x * component.x, component.y * component.y)
  let ofBoth = 2 * component.x * component.y
  var target = variances.mutableSpan
  for index in 0..<pixels.count {
    target[index] = ofX * xx[index] + ofY * yy[index] + ofBoth * xy[index]
  }
}
