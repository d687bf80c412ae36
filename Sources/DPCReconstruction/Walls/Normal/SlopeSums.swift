// Sums over a map at each distance across walls: of its values, and of how they change along the walls.

internal import Glibc
internal import STEMCore

/// Weighted sums over the places at one distance across walls.
struct SlopeSums: Sendable {
  var count = 0.0
  var along = 0.0
  var alongSquared = 0.0
  /// Of both components, and of their products with the place along the walls.
  var value = SIMD2(0.0, 0)
  var product = SIMD2(0.0, 0)

  @inline(__always)
  mutating func add(along t: Double, _ v: SIMD2<Double>, weight: Double) {
    let first = weight * t
    count += weight
    along += first
    alongSquared += first * t
    value += weight * v
    product += first * v
  }

  static func += (a: inout Self, b: Self) {
    a.count += b.count
    a.along += b.along
    a.alongSquared += b.alongSquared
    a.value += b.value
    a.product += b.product
  }

  /// Σ (t - mean)², and Σ (t - mean)(v - level), about a mean and a level of more than these places.
  func moments(
    about mean: Double, level: SIMD2<Double>
  ) -> (square: Double, product: SIMD2<Double>) {
    let first = along - count * mean
    return (
      alongSquared - 2 * mean * along + count * mean * mean,
      product - mean * value - first * level
    )
  }
}

extension WallGradientLevel {
  /// From the center to the farthest place, m.
  var reach: Double {
    hypot(Double(shape.columns - 1) / 2 * pixel.x, Double(shape.rows - 1) / 2 * pixel.y)
  }

  /// Sums over some usable places at each distance along an azimuth, counted from ``reach`` before the center.
  ///
  /// A place is shared between two distances, so that the sums change steadily with the azimuth.
  ///
  /// - Parameters:
  ///   - azimuth: Of the walls' normal, from +x towards +y, rad.
  ///   - spacing: Of the distances, m.
  ///   - unit: In which places along the walls are counted, m.
  ///   - value: Both components at an index into the map.
  @inline(__always)
  func slopeSums(
    at azimuth: Double, spacing: Double, unit: Double, rows: Range<Int>, columns: Range<Int>,
    _ value: (_ index: Int) -> SIMD2<Double>
  ) -> [SlopeSums] {
    let (c, s, reach) = (cos(azimuth), sin(azimuth), reach)
    let (centerX, centerY) = (Double(shape.columns - 1) / 2, Double(shape.rows - 1) / 2)
    let count = 2 * Int((reach / spacing).rounded(.up)) + 2
    var sums = [SlopeSums](repeating: SlopeSums(), count: count)
    for row in rows {
      let y = (Double(row) - centerY) * pixel.y
      for column in columns {
        let index = row * shape.columns + column
        guard mask.isUsable(index) else { continue }
        let x = (Double(column) - centerX) * pixel.x
        let distance = (x * c + y * s + reach) / spacing
        let bin = min(max(Int(distance), 0), count - 2)
        let upper = min(max(distance - Double(bin), 0), 1)
        let (t, v) = ((y * c - x * s) / unit, value(index))
        sums[bin].add(along: t, v, weight: 1 - upper)
        sums[bin + 1].add(along: t, v, weight: upper)
      }
    }
    return sums
  }
}
