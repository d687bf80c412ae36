// A line through points that lie far apart, drawn as the smooth curve that they are samples of.

/// Points between those of a curve, so that it turns nowhere by a visible angle.
///
/// Cubic pieces with the slopes of parabolas through three neighbors, through every point. Of a sech² of unit height
/// sampled at a ninth of its full width at half maximum they leave less than 1e-3, where straight lines leave 2e-2.
///
/// - Parameters:
///   - points: At ascending x.
///   - step: What neighbors may lie apart in x, in the unit of the points.
func rounded(_ points: [Point], step: Double) -> [Point] {
  guard points.count > 2, let first = points.first else { return points }
  let slopes = slopes(points)
  var curve = [first]
  for k in 1..<points.count {
    let (start, end) = (points[k - 1], points[k])
    let width = end.x - start.x
    let count = max(1, Int((width / step).rounded(.up)))
    for piece in 1..<count {
      let t = Double(piece) / Double(count)
      let r = 1 - t
      let y =
        r * r * ((1 + 2 * t) * start.y + t * width * slopes[k - 1])
        + t * t * ((3 - 2 * t) * end.y - r * width * slopes[k])
      curve.append(Point(x: start.x + t * width, y: y))
    }
    curve.append(end)
  }
  return curve
}

/// At each point, of the parabola through it and its neighbors; at the ends of the line to the neighbor.
private func slopes(_ points: [Point]) -> [Double] {
  let pieces = zip(points, points.dropFirst()).map { start, end in
    (width: end.x - start.x, slope: (end.y - start.y) / (end.x - start.x))
  }
  let inner = zip(pieces, pieces.dropFirst()).map { before, after in
    (before.slope * after.width + after.slope * before.width) / (before.width + after.width)
  }
  return [pieces.first?.slope ?? 0] + inner + [pieces.last?.slope ?? 0]
}
