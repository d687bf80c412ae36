// Small questions about maps that several stages ask.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore
internal import WorkSharing

/// The median over usable pixels of one component's standard deviation, in the map's unit.
func medianDeviation(_ map: VectorMap) -> Double? {
  guard let covariance = map.covariance else { return nil }
  let (xx, yy) = (covariance.xx, covariance.yy)
  return medianDeviation(map.mask) { places, variances in
    let (xx, yy) = (xx.span.extracting(places), yy.span.extracting(places))
    for index in 0..<places.count { variances[index] = (xx[index] + yy[index]) / 2 }
  }
}

/// The median over usable pixels of the root of their variance; nil where there is none.
func medianDeviation(_ mask: PixelMask, of variance: [Double]) -> Double? {
  medianDeviation(mask) { places, variances in
    let values = variance.span.extracting(places)
    for index in 0..<places.count { variances[index] = values[index] }
  }
}

/// The roots of the two variances in the middle: roots are in the order of their squares.
private func medianDeviation(_ mask: PixelMask, _ write: NumberWriter) -> Double? {
  let unusable = PixelFlags.unusable.rawValue
  let variances = middle(count: mask.shape.count) { places, numbers in
    write(places, &numbers)
    let flags = mask.bytes.span.extracting(places)
    for index in 0..<places.count {
      numbers[index] = flags[index] & unusable == 0 ? numbers[index] : .nan
    }
  }
  guard let (lower, upper) = variances else { return nil }
  let (low, high) = (lower.squareRoot(), upper.squareRoot())
  return low == high ? high : (low + high) / 2
}

extension ScalarMap {
  /// The root of the mean variance over usable pixels, in the map's unit; nil where errors are unknown or no pixel is
  /// usable.
  var rootMeanSquareError: Double? {
    variance.flatMap { usableMean($0, mask) }.map { $0.squareRoot() }
  }
}

/// The part of a plane of numbers that lies in a window.
func cropped<Number>(_ values: [Number], of shape: GridShape, to window: ScanWindow) -> [Number] {
  var result: [Number] = []
  result.reserveCapacity(window.shape.count)
  for row in window.firstRow..<(window.firstRow + window.shape.rows) {
    let start = row * shape.columns + window.firstColumn
    result.append(contentsOf: values[start..<(start + window.shape.columns)])
  }
  return result
}

func cropped(_ mask: PixelMask, to window: ScanWindow) -> PixelMask {
  PixelMask(shape: window.shape, bytes: cropped(mask.bytes, of: mask.shape, to: window))
}

func cropped(_ map: VectorMap, to window: ScanWindow) -> VectorMap {
  func part(_ values: [Double]) -> [Double] { cropped(values, of: map.shape, to: window) }
  return VectorMap(
    field: VectorField(shape: window.shape, x: part(map.field.x), y: part(map.field.y)),
    covariance: map.covariance.map {
      VectorCovariance(shape: window.shape, xx: part($0.xx), yy: part($0.yy), xy: part($0.xy))
    }, mask: cropped(map.mask, to: window), pixelSize: map.pixelSize)
}

func cropped(_ map: ScalarMap, to window: ScanWindow) -> ScalarMap {
  func part(_ values: [Double]) -> [Double] { cropped(values, of: map.shape, to: window) }
  return ScalarMap(
    field: ScalarField(shape: window.shape, values: part(map.field.values)),
    variance: map.variance.map(part), mask: cropped(map.mask, to: window),
    pixelSize: map.pixelSize)
}

/// A warning where a value given in place of the file's, or of another source, differs from it.
func contradictionNotes(
  _ name: String, given: Double?, stated: Double?, tolerance: Double,
  source: String = "the file states", text: (Double) -> String
) -> [Note] {
  guard let given, let stated, abs(given - stated) > tolerance else { return [] }
  return [Note(.warning, "\(name) \(text(given)) was given; \(source) \(text(stated))")]
}
