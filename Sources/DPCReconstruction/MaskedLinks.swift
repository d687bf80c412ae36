// Links of masked areas, which least squares leaves out: no measurement stands behind them.
internal import FFTW
internal import Glibc
internal import STEMCore
internal import WorkSharing

/// The links between neighboring pixels that touch a masked area.
///
/// An area is every masked pixel within a masked block of 3 × 3: over smaller gaps the harmonic filling of
/// the field errs by less than some 0.1 % of the potential's range, and keeps its links. Where many pixels are
/// masked one by one, the block is larger than those that such gaps form by chance: N p^(side²) < 1, p the
/// share of gaps among the N pixels outside areas. To leave out chance blocks, whose surroundings are filled
/// as well, lowers the error by a tenth (half of all pixels masked) and takes as long as to leave out an area.
struct MaskedLinks {
  /// Pixels of the areas.
  let pixelCount: Int
  /// Side of the block that makes an area.
  let blockSide: Int
  /// The left or upper pixel of each link, ascending; first the links along x, then those along y.
  private let starts: [Int32]
  private let countX: Int
  private let shape: GridShape
  private let pixelSize: PixelSize

  /// Step of the potential, relative to its range, at which the iteration ends.
  private static let tolerance = 1e-6

  /// - Returns: nil where there is no area.
  /// - Complexity: O(gaps).
  init?(_ gaps: GapFilling, _ shape: GridShape, _ pixelSize: PixelSize) {
    guard let (area, side) = Self.area(gaps, shape) else { return nil }
    (pixelCount, blockSide) = (area.count, side)
    func links(_ step: Int, _ hasPrevious: (Int) -> Bool, _ hasNext: (Int) -> Bool) -> [Int32] {
      // A link between two pixels of an area is met at both of its ends.
      union(
        area.filter { hasPrevious(Int($0)) }.map { $0 - Int32(step) },
        area.filter { hasNext(Int($0)) })
    }
    let columns = shape.columns
    let alongX = links(1, { $0 % columns > 0 }, { $0 % columns + 1 < columns })
    countX = alongX.count
    starts = alongX + links(columns, { $0 >= columns }, { $0 + columns < shape.count })
    self.shape = shape
    self.pixelSize = pixelSize
  }

  /// The pixels of all areas, ascending, and the side of the block that makes one.
  private static func area(
    _ gaps: GapFilling, _ shape: GridShape
  ) -> (pixels: [Int32], side: Int)? {
    var side = 3
    while true {
      let isInArea = gaps.isInBlock(side: side, columns: shape.columns)
      let area = zip(gaps.pixels, isInArea).filter { $0.1 }.map { $0.0 }
      if area.isEmpty { return nil }
      // At least one pixel is measured, so this is below one.
      let share = Double(gaps.pixels.count - area.count) / Double(shape.count - area.count)
      let needed = (log(Double(shape.count)) / -log(share)).squareRoot()
      if Double(side) >= needed { return (area, side) }
      side = Int(needed.rounded(.up))
    }
  }

  /// Changes the divergence so that its potential is that of the other links alone.
  ///
  /// With the field δ put onto the masked links, V = P(b + Dᵀδ), P the inverse of DᵀD. Their weight is zero
  /// where they have no residual, δ = D V + L E: (1 - D P Dᵀ) δ = D P b + L E on the masked links,
  /// symmetric and not negative, so conjugate gradients apply; the cosine solution P is their preconditioner
  /// (Hestenes & Stiefel, J. Res. NBS 49 (1952) 409). Started from δ = 0 they change the potential
  /// within an area by the harmonic continuation of its change around it, and leave alone what no link fixes:
  /// the step between parts of the frame that an area cuts apart remains that of the filled field.
  /// They end where a step changes the potential by less than 1e-6 of its range: after 4 to 30 steps, more where
  /// narrow bridges alone join large parts of the frame. What then remains is less than 1e-6 as well, with bridges of
  /// one pixel some 1e-5.
  /// - Parameter limit: Largest number of steps.
  /// - Returns: What the last step changed, over the range, where the limit came first; else nil.
  func leaveOut(
    of divergence: inout [Double], _ field: VectorField, _ gaps: GapFilling,
    minus mean: (x: Double, y: Double), _ poisson: borrowing NaturalPoisson, limit: Int = 100
  ) -> Double? {
    var plane = divergence
    poisson.solve(&plane)
    let range =
      span(plane) + abs(mean.x) * Double(shape.columns) * pixelSize.x
      + abs(mean.y) * Double(shape.rows) * pixelSize.y
    var residual = averages(field, gaps, mean)
    for link in residual.indices { residual[link] += difference(plane, link) }
    var direction = residual
    var power = orderedSum(residual.count) { residual[$0] * residual[$0] }
    var change = 0.0
    for _ in 0..<limit {
      plane.share { plane in
        concurrentPieces(plane.count) { plane[$0].update(repeating: 0) }
      }
      add(direction, times: 1, to: &plane)
      poisson.solve(&plane)
      let (image, lengths) = products(direction, plane)
      // The image is the part of a direction's power outside the areas: none is left where nothing is measured.
      guard image > 1e-12 * lengths else { return nil }
      let step = power / image
      add(direction, times: step, to: &divergence)
      // Away from the ends of the links the change is harmonic, so the extremes are among them.
      change = step * endSpan(plane)
      if change <= Self.tolerance * range { return nil }
      for link in residual.indices {
        residual[link] -= step * (direction[link] - difference(plane, link))
      }
      let next = orderedSum(residual.count) { residual[$0] * residual[$0] }
      for link in direction.indices {
        direction[link] = residual[link] + next / power * direction[link]
      }
      power = next
    }
    return change / range
  }
}

extension MaskedLinks {
  private func ends(_ link: Int) -> (from: Int, to: Int) {
    let from = Int(starts[link])
    return (from, from + (link < countX ? 1 : shape.columns))
  }

  private func spacing(_ link: Int) -> Double { link < countX ? pixelSize.x : pixelSize.y }

  /// D on a link.
  private func difference(_ plane: [Double], _ link: Int) -> Double {
    let (from, to) = ends(link)
    return (plane[to] - plane[from]) / spacing(link)
  }

  /// Adds Dᵀ of numbers on the links.
  private func add(_ values: [Double], times factor: Double, to plane: inout [Double]) {
    for link in values.indices {
      let share = factor * values[link] / spacing(link)
      let (from, to) = ends(link)
      plane[to] += share
      plane[from] -= share
    }
  }

  /// A direction by its image, which lacks the differences of its plane, and by itself.
  private func products(_ direction: [Double], _ plane: [Double]) -> (image: Double, own: Double) {
    let own = orderedSum(direction.count) { direction[$0] * direction[$0] }
    let image = orderedSum(direction.count) {
      direction[$0] * (direction[$0] - difference(plane, $0))
    }
    return (image, own)
  }

  private func endSpan(_ plane: [Double]) -> Double {
    var (low, high) = (Double.infinity, -Double.infinity)
    for link in starts.indices {
      let (from, to) = ends(link)
      low = min(low, plane[from], plane[to])
      high = max(high, plane[from], plane[to])
    }
    return high - low
  }

  /// The filled field's mean along the links, less the mean.
  private func averages(
    _ field: VectorField, _ gaps: GapFilling, _ mean: (x: Double, y: Double)
  ) -> [Double] {
    averages(.x, 0..<countX, field, gaps, mean.x)
      + averages(.y, countX..<starts.count, field, gaps, mean.y)
  }

  private func averages(
    _ component: GapFilling.Component, _ links: Range<Int>, _ field: VectorField,
    _ gaps: GapFilling,
    _ mean: Double
  ) -> [Double] {
    let columns = shape.columns
    let isX = component == .x
    let rules = LinkAverage.along(isX ? columns : shape.rows)
    // The rows that the links of one row take from, read anew where a row begins.
    return withUnsafeTemporaryAllocation(of: Double.self, capacity: 4 * columns) { lines in
      guard let base = lines.baseAddress else { return [] }
      var current = -1
      return links.map { link in
        let (row, column) = Int(starts[link]).quotientAndRemainder(dividingBy: columns)
        let rule = rules[isX ? column : row]
        if row != current {
          let (first, count) = isX ? (row, 1) : (rule.start, rule.weights.count)
          gaps.copy(component, of: field, rows: first..<(first + count), minus: mean, to: base)
          current = row
        }
        return rule.weights.enumerated().reduce(0) { sum, sample in
          sum + sample.element
            * lines[isX ? rule.start + sample.offset : sample.offset * columns + column]
        }
      }
    }
  }
}

/// The numbers of two ascending arrays, each once.
private func union(_ first: [Int32], _ second: [Int32]) -> [Int32] {
  var result: [Int32] = []
  result.reserveCapacity(first.count + second.count)
  var (a, b) = (0, 0)
  while a < first.count || b < second.count {
    let nextA = a < first.count ? first[a] : .max
    let nextB = b < second.count ? second[b] : .max
    result.append(min(nextA, nextB))
    if nextA <= nextB { a += 1 }
    if nextB <= nextA { b += 1 }
  }
  return result
}

private func span(_ plane: [Double]) -> Double { (plane.max() ?? 0) - (plane.min() ?? 0) }
