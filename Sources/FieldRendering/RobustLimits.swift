// The end of a color scale: where nearly all measured values lie, whatever the outliers.
internal import STEMCore

enum RobustLimits {
  /// The part of the measured pixels that lies within the limit.
  static let fraction = 0.995

  /// The magnitude that 99.5 % of the measured pixels do not exceed, rounded up to two digits.
  ///
  /// Zero where nothing is measured or all is zero.
  static func magnitude(of map: VectorMap) -> Double { magnitude(of: [(map, 1)]) }

  /// The magnitude that 99.5 % of the measured pixels of all maps do not exceed, rounded up to two digits.
  ///
  /// - Parameter maps: Each with the factor from its unit to that of the magnitude.
  static func magnitude(of maps: [(map: VectorMap, scale: Double)]) -> Double {
    let step = sampleStep(maps.reduce(0) { $0 + $1.map.shape.count })
    var values: [Double] = []
    // Pixels are counted through all maps, as if they were one.
    var start = 0
    for (map, scale) in maps {
      for index in stride(from: start, to: map.shape.count, by: step)
      where map.mask.isUsable(index) {
        let (x, y) = (scale * map.field.x[index], scale * map.field.y[index])
        if isDrawable(x) && isDrawable(y) { values.append((x * x + y * y).squareRoot()) }
      }
      start += (max(0, map.shape.count - start) + step - 1) / step * step - map.shape.count
    }
    return RoundNumbers.rounded(quantile(values, fraction), significant: 2, .up)
  }

  /// The magnitude that 99.5 % of the measured pixels do not exceed, rounded up to two digits.
  ///
  /// One where nothing is measured or all is zero: a color bar has two ends.
  static func magnitude(of map: ScalarMap) -> Double {
    let positions = stride(from: 0, to: map.shape.count, by: sampleStep(map.shape.count))
    let values = positions.compactMap { index in
      map.mask.isUsable(index) && map.isDrawn(index) ? abs(map.field.values[index]) : nil
    }
    let limit = RoundNumbers.rounded(quantile(values, fraction), significant: 2, .up)
    return limit > 0 ? limit : 1
  }

  /// Of a large map every n-th value: n is odd, so that it walks over all columns.
  private static func sampleStep(_ count: Int) -> Int { count / 262_144 | 1 }

  /// The smallest value that a fraction of the values does not exceed; 0 where there is none.
  private static func quantile(_ values: [Double], _ fraction: Double) -> Double {
    guard !values.isEmpty else { return 0 }
    let rank = Int((fraction * Double(values.count)).rounded(.up)) - 1
    return orderStatistic(min(max(rank, 0), values.count - 1), of: values)
  }
}

/// The measured pixels whose values lie beyond the end of a color scale, and look like those at its end.
struct OutOfScale {
  /// Of the measured pixels; zero where there are none.
  let share: Double
  /// The least and the largest measured value where it lies beyond the scale.
  private(set) var least: Double?
  private(set) var largest: Double?

  /// - Parameters:
  ///   - scale: The values at its ends.
  ///   - value: Of a pixel; NaN where nothing is measured.
  @inline(__always)
  init(count: Int, scale: (lower: Double, upper: Double), _ value: (Int) -> Double) {
    var (measured, beyond) = (0, 0)
    var (least, largest) = (scale.lower, scale.upper)
    for index in 0..<count {
      let value = value(index)
      measured += value.isNaN ? 0 : 1
      beyond += value < scale.lower || value > scale.upper ? 1 : 0
      least = value < least ? value : least
      largest = value > largest ? value : largest
    }
    share = measured > 0 ? Double(beyond) / Double(measured) : 0
    self.least = least < scale.lower ? least : nil
    self.largest = largest > scale.upper ? largest : nil
  }

  /// The same of numbers of which these are the squares.
  var roots: OutOfScale {
    var roots = self
    roots.least = least?.squareRoot()
    roots.largest = largest?.squareRoot()
    return roots
  }

  /// What a figure says of them below the map.
  ///
  /// - Parameters:
  ///   - unit: Of the values.
  ///   - scale: In which the legend has them.
  func footer(unit: String, scale: DisplayUnit) -> [String] {
    if share == 0 { return [] }
    let percent = NumberText.significant(100 * share, 2)
    let ends = [least, largest].compactMap(\.self).map { value in
      // What is far beyond the scale would be a row of zeros in its unit.
      abs(scale.number(value)) < 10_000
        ? scale.text(value) : DisplayUnit(unit: unit, magnitude: value).text(value)
    }
    return [
      "beyond the color scale: \(percent)\u{A0}% of the pixels, drawn as its end; they reach"
        + "\u{A0}\(ends.joined(separator: " and "))"
    ]
  }
}
