// The mean field along the links between neighboring pixels, and its divergence on the pixels.
internal import STEMCore

/// Weights by which the samples around a link give the field's mean along it.
///
/// Integrals of the Lagrange polynomial through the samples, from 0 to 1 between the two ends:
/// cubic inside, parabola at the rim (F. B. Hildebrand, Introduction to Numerical Analysis, ch. 5).
struct LinkAverage {
  /// Index of the first sample, and the weights of the samples from there on.
  var start: Int
  var weights: [Double]

  /// The averages along all links of a side of `count` samples, from its first pixel on.
  static func along(_ count: Int) -> [LinkAverage] {
    guard count > 1 else { return [] }
    guard count > 2 else { return [LinkAverage(start: 0, weights: [0.5, 0.5])] }
    return (0..<(count - 1)).map { link in
      if link == 0 { return LinkAverage(start: 0, weights: [5 / 12, 8 / 12, -1 / 12]) }
      if link == count - 2 {
        return LinkAverage(start: count - 3, weights: [-1 / 12, 8 / 12, 5 / 12])
      }
      return LinkAverage(start: link - 1, weights: [-1 / 24, 13 / 24, 13 / 24, -1 / 24])
    }
  }
}

/// Adds -DᵀL(E - mean), summed over both axes, to `divergence`: the divergence of the mean field
/// along the links, with no field beyond the rim.
///
/// - Parameters:
///   - field: V.
///   - divergence: One value per pixel, row after row, V/m.
func addLinkDivergence(
  of field: VectorField, minus mean: (x: Double, y: Double), _ pixelSize: PixelSize,
  to divergence: inout MutableSpan<Double>
) {
  let (rows, columns) = (field.shape.rows, field.shape.columns)
  let (x, y) = (field.x.span, field.y.span)
  let linksX = LinkAverage.along(columns)
  // Only the first and the last link differ from the rule inside.
  let rim = linksX.count > 2 ? [0, linksX.count - 1] : Array(linksX.indices)
  for row in 0..<rows {
    let first = row * columns
    for link in rim {
      var sum = 0.0
      for (offset, weight) in linksX[link].weights.enumerated() {
        sum += weight * (x[first + linksX[link].start + offset] - mean.x)
      }
      sum /= pixelSize.x
      divergence[first + link] += sum
      divergence[first + link + 1] -= sum
    }
    guard columns > 3 else { continue }
    let inner = 13 / (24 * pixelSize.x)
    let outer = -1 / (24 * pixelSize.x)
    for left in (first + 1)..<(first + columns - 2) {
      let sum =
        inner * (x[left] + x[left + 1] - 2 * mean.x)
        + outer * (x[left - 1] + x[left + 2] - 2 * mean.x)
      divergence[left] += sum
      divergence[left + 1] -= sum
    }
  }
  for (link, average) in LinkAverage.along(rows).enumerated() {
    let (above, below) = (link * columns, (link + 1) * columns)
    for (offset, weight) in average.weights.enumerated() {
      let source = (average.start + offset) * columns
      let scaled = weight / pixelSize.y
      for column in 0..<columns {
        let term = scaled * (y[source + column] - mean.y)
        divergence[above + column] += term
        divergence[below + column] -= term
      }
    }
  }
}
