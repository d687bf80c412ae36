// Small questions about maps that several stages ask.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore

/// The median over usable pixels of one component's standard deviation, in the map's unit.
func medianDeviation(_ map: VectorMap) -> Double? {
  guard let covariance = map.covariance else { return nil }
  return median(
    (0..<map.shape.count).filter(map.mask.isUsable).map {
      ((covariance.xx[$0] + covariance.yy[$0]) / 2).squareRoot()
    })
}

/// The root mean square length of the vectors of usable pixels.
func rootMeanSquare(_ map: VectorMap) -> Double {
  var sum = 0.0
  var count = 0
  for position in 0..<map.shape.count where map.mask.isUsable(position) {
    sum += map.field.x[position] * map.field.x[position]
    sum += map.field.y[position] * map.field.y[position]
    count += 1
  }
  return count > 0 ? (sum / Double(count)).squareRoot() : 0
}

/// The median; nil of nothing. No value may be NaN.
/// - Complexity: O(count) on average.
func median(_ values: [Double]) -> Double? {
  if values.isEmpty { return nil }
  var values = values
  let middle = values.count / 2
  let upper = smallest(middle, of: &values)
  if values.count % 2 == 1 { return upper }
  // Everything before the middle is no larger than the number there.
  let lower = values[..<middle].reduce(-.infinity, max)
  return (lower + upper) / 2
}

/// The number that stands at `rank` once sorted; moves no larger ones before it, no smaller ones
/// behind (C. A. R. Hoare, Comm. ACM 4 (1961) 321).
private func smallest(_ rank: Int, of values: inout [Double]) -> Double {
  var (first, last) = (0, values.count - 1)
  while first < last {
    let pivot = values[(first + last) / 2]
    var (low, high) = (first, last)
    while low <= high {
      while values[low] < pivot { low += 1 }
      while values[high] > pivot { high -= 1 }
      if low <= high {
        values.swapAt(low, high)
        low += 1
        high -= 1
      }
    }
    if rank <= high { last = high } else if rank >= low { first = low } else { break }
  }
  return values[rank]
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

/// A warning where a value given in place of the file's differs from it.
func contradictionNotes(
  _ name: String, given: Double?, stated: Double?, tolerance: Double, text: (Double) -> String
) -> [Note] {
  guard let given, let stated, abs(given - stated) > tolerance else { return [] }
  return [Note(.warning, "\(name) \(text(given)) was given; the file states \(text(stated))")]
}
