// One row of a map as a profile takes it: where its pixels lie, and one component with its variance.
internal import STEMCore

/// Where the pixels of a scan lie across and along walls.
struct ProfileFrame: Sendable {
  private let centerY: Double
  private let pixelY: Double
  private let normal: (x: Double, y: Double)
  private let shift: WallShift?
  /// No pixel lies farther from the center along the normal, m.
  private let reach: Double
  /// Of a bin, m: of a row or column where the normal lies along an axis, or half the smaller side of a pixel.
  let width: Double
  /// What the columns add to the distances along the normal and along the wall, m.
  private let across: [Double]
  private let along: [Double]

  init(shape: GridShape, pixel: PixelSize, normal: (x: Double, y: Double), shift: WallShift?) {
    let centerX = Double(shape.columns - 1) / 2
    centerY = Double(shape.rows - 1) / 2
    pixelY = pixel.y
    let isAligned = shift == nil && (normal.x == 0 || normal.y == 0)
    width = isAligned ? (normal.y == 0 ? pixel.x : pixel.y) : min(pixel.x, pixel.y) / 2
    reach =
      abs(normal.x) * centerX * pixel.x + abs(normal.y) * centerY * pixel.y + (shift?.bound ?? 0)
    across = (0..<shape.columns).map { (Double($0) - centerX) * pixel.x * normal.x }
    along = (0..<shape.columns).map { (Double($0) - centerX) * -pixel.x * normal.y }
    (self.normal, self.shift) = (normal, shift)
  }

  var binCount: Int { Int((2 * reach / width).rounded()) + 1 }

  /// The bin that is nearest to a distance along the normal, m.
  @inline(__always)
  func bin(at distance: Double) -> Int { max(0, Int((distance + reach) / width + 0.5)) }

  /// Distances along the normal and along the wall of a row's pixels, m.
  func place(_ row: Int, along v: inout [Double], distance u: inout [Double]) {
    let count = across.count
    precondition(u.count == count && v.count == count && along.count == count, "a row of the map")
    let y = (Double(row) - centerY) * pixelY
    let (offset, advance) = (y * normal.y, y * normal.x)
    let (across, along) = (across.span, along.span)
    var places = v.mutableSpan
    for column in 0..<count { places[column] = along[column] + advance }
    var target = u.mutableSpan
    for column in 0..<count { target[column] = across[column] + offset }
    guard let shift else { return }
    for column in 0..<count { target[column] -= shift.value(at: places[column]) }
  }
}

/// The pixels of one row.
struct ProfileLine {
  /// Along the normal from the walls' line, and along the wall from the scan's center, m.
  private var distance: [Double]
  private var along: [Double]
  private var value: [Double]
  private var variance: [Double]

  init(count: Int) {
    let none = [Double](repeating: 0, count: count)
    (distance, along, value, variance) = (none, none, none, none)
  }

  mutating func place(_ row: Int, in frame: ProfileFrame) {
    frame.place(row, along: &along, distance: &distance)
  }

  /// Takes one component, of these pixels of a map; unusable ones become no number.
  mutating func take(_ component: (x: Double, y: Double), of map: VectorMap, _ pixels: Range<Int>) {
    let count = pixels.count
    precondition(value.count == count && variance.count == count, "a row of the map")
    let (x, y) = (map.field.x.span.extracting(pixels), map.field.y.span.extracting(pixels))
    let flags = map.mask.bytes.span.extracting(pixels)
    var target = value.mutableSpan
    for index in 0..<count {
      let raw = component.x * x[index] + component.y * y[index]
      target[index] = flags[index] & PixelFlags.unusable.rawValue == 0 ? raw : .nan
    }
    if let covariance = map.covariance { takeVariances(component, of: covariance, pixels) }
  }

  private mutating func takeVariances(
    _ component: (x: Double, y: Double), of covariance: VectorCovariance, _ pixels: Range<Int>
  ) {
    let (xx, yy) = (covariance.xx.span.extracting(pixels), covariance.yy.span.extracting(pixels))
    let xy = covariance.xy.span.extracting(pixels)
    let (ofX, ofY) = (component.x * component.x, component.y * component.y)
    let ofBoth = 2 * component.x * component.y
    var target = variance.mutableSpan
    for index in 0..<pixels.count {
      target[index] = ofX * xx[index] + ofY * yy[index] + ofBoth * xy[index]
    }
  }

  /// Adds each pixel that has a number to its bin.
  func add(to bins: inout MutableSpan<ProfileBin>, _ frame: ProfileFrame, tolerance: Double) {
    let (value, variance) = (value.span, variance.span)
    let (distance, along) = (distance.span, along.span)
    let last = bins.count - 1
    for index in 0..<value.count where value[index].isFinite {
      bins[min(frame.bin(at: distance[index]), last)].add(
        distance: distance[index], along: along[index], value: value[index],
        variance: variance[index], tolerance: tolerance)
    }
  }
}
