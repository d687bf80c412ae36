// Links of masked areas, which least squares leaves out: no measurement stands behind them.
internal import FFTW
internal import STEMCore
internal import WorkSharing

/// The links between neighboring pixels that touch a masked area.
///
/// An area is every masked pixel within a masked block of 3 × 3: over smaller gaps the harmonic filling of
/// the field errs by less than some 0.1 % of the potential's range, and keeps its links.
struct MaskedLinks {
  /// Pixels of the areas.
  let pixelCount: Int
  /// Pixels at the left and the right, or at the upper and the lower end, of each link.
  private let ends: [(from: Int, to: Int)]
  /// The first so many links run along x, the others along y.
  private let countX: Int
  private let shape: GridShape
  private let pixelSize: PixelSize

  /// Side of the smallest block that makes an area.
  private static let side = 3
  /// Step of the potential, relative to its range, at which the iteration ends.
  private static let tolerance = 1e-6
  private static let iterationLimit = 100

  /// - Returns: nil where no masked block is as large.
  /// - Complexity: O(gaps), and a search for every run of three of them.
  init?(_ gaps: GapFilling, _ shape: GridShape, _ pixelSize: PixelSize) {
    let isInArea = gaps.isInBlock(side: Self.side, columns: shape.columns)
    pixelCount = isInArea.count { $0 }
    if pixelCount == 0 { return nil }
    let area = zip(gaps.pixels, isInArea).filter { $0.1 }.map { Int($0.0) }
    func links(_ step: Int, _ place: (Int) -> Int, _ count: Int) -> [(from: Int, to: Int)] {
      let starts =
        area.filter { place($0) > 0 }.map { $0 - step }
        + area.filter { place($0) + 1 < count }
      // A link between two pixels of an area is met at both of its ends.
      return Set(starts).sorted().map { ($0, $0 + step) }
    }
    let columns = shape.columns
    let alongX = links(1, { $0 % columns }, columns)
    countX = alongX.count
    ends = alongX + links(columns, { $0 / columns }, shape.rows)
    self.shape = shape
    self.pixelSize = pixelSize
  }

  /// Changes the divergence so that its potential is that of the other links alone.
  ///
  /// With the field δ put onto the masked links, V = P(b + Dᵀδ), P the inverse of DᵀD. Their weight is zero
  /// where they have no residual, δ = D V + L E: (1 - D P Dᵀ) δ = D P b + L E on the masked links,
  /// symmetric and not negative, so conjugate gradients apply; the cosine solution P is their preconditioner
  /// (Hestenes & Stiefel, J. Res. NBS 49 (1952) 409). Started from δ = 0 they change the potential
  /// within an area by the harmonic continuation of its change around it, and leave alone what no link fixes:
  /// the step between parts of the frame that an area cuts apart remains that of the filled field.
  /// They end where a step changes the potential by less than 1e-6 of its range.
  func leaveOut(
    of divergence: inout [Double], _ field: VectorField, _ gaps: GapFilling,
    minus mean: (x: Double, y: Double), _ poisson: borrowing NaturalPoisson
  ) {
    var plane = divergence
    poisson.solve(&plane)
    let goal = Self.tolerance * (span(plane) + abs(mean.x) * width + abs(mean.y) * height)
    var residual = sum(differences(plane), averages(field, gaps, mean), 1)
    var correction = [Double](repeating: 0, count: ends.count)
    var direction = residual
    var power = dot(residual, residual)
    for _ in 0..<Self.iterationLimit {
      plane.share { plane in
        concurrentPieces(plane.count) { plane[$0].update(repeating: 0) }
      }
      add(direction, to: &plane)
      poisson.solve(&plane)
      let image = sum(direction, differences(plane), -1)
      let curvature = dot(direction, image)
      // What is left lies within an area, where nothing fixes it.
      guard curvature > 1e-12 * dot(direction, direction) else { break }
      let step = power / curvature
      correction = sum(correction, direction, step)
      // Away from the ends of the links the change is harmonic, so the extremes are among them.
      if step * endSpan(plane) <= goal { break }
      residual = sum(residual, image, -step)
      let next = dot(residual, residual)
      direction = sum(residual, direction, next / power)
      power = next
    }
    add(correction, to: &divergence)
  }

  private var width: Double { Double(shape.columns) * pixelSize.x }
  private var height: Double { Double(shape.rows) * pixelSize.y }

  private func spacing(_ link: Int) -> Double { link < countX ? pixelSize.x : pixelSize.y }

  /// D on the links.
  private func differences(_ plane: [Double]) -> [Double] {
    ends.indices.map { (plane[ends[$0].to] - plane[ends[$0].from]) / spacing($0) }
  }

  /// Adds Dᵀ of numbers on the links.
  private func add(_ values: [Double], to plane: inout [Double]) {
    for (link, value) in values.enumerated() {
      let share = value / spacing(link)
      plane[ends[link].to] += share
      plane[ends[link].from] -= share
    }
  }

  /// The filled field's mean along the links, less the mean.
  private func averages(
    _ field: VectorField, _ gaps: GapFilling, _ mean: (x: Double, y: Double)
  ) -> [Double] {
    let alongX = LinkAverage.along(shape.columns)
    let alongY = LinkAverage.along(shape.rows)
    return ends.indices.map { link in
      let (row, column) = ends[link].from.quotientAndRemainder(dividingBy: shape.columns)
      let isX = link < countX
      let rule = isX ? alongX[column] : alongY[row]
      return rule.weights.enumerated().reduce(0) { sum, sample in
        let place = rule.start + sample.offset
        let position = isX ? row * shape.columns + place : place * shape.columns + column
        let value = gaps.value(isX ? .x : .y, of: field, at: position)
        return sum + sample.element * (value - (isX ? mean.x : mean.y))
      }
    }
  }

  private func endSpan(_ plane: [Double]) -> Double {
    var (low, high) = (Double.infinity, -Double.infinity)
    for (from, to) in ends {
      low = min(low, plane[from], plane[to])
      high = max(high, plane[from], plane[to])
    }
    return high - low
  }

  private func span(_ plane: [Double]) -> Double { (plane.max() ?? 0) - (plane.min() ?? 0) }

  private func dot(_ a: [Double], _ b: [Double]) -> Double {
    var sum = 0.0
    for index in a.indices { sum += a[index] * b[index] }
    return sum
  }

  /// a + factor b.
  private func sum(_ a: [Double], _ b: [Double], _ factor: Double) -> [Double] {
    a.indices.map { a[$0] + factor * b[$0] }
  }
}
