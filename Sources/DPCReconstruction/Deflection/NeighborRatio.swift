// How one noisy vector map follows another, from products of neighbors: noise that is alike adds nothing.
internal import Glibc
public import STEMCore
internal import WorkSharing

/// The factor by which one map follows another, with its error.
public struct NeighborRatio: Sendable, Equatable {
  /// Of the map that follows over the other, dimensionless.
  public var value: Double
  /// One standard deviation, from the scatter over pieces of rows.
  public var error: Double
  /// The common power over its own noise: below some 5 there is nothing to compare.
  public var significance: Double
  /// Mean square of the second map without noise.
  public var power: Double

  /// Σ a(p)·b(q) over Σ b(p)·b(q), both ways round, q being `lag` pixels from p along the row or the column.
  ///
  /// The noise of a pixel enters products with itself only; pixels `lag` apart have independent noise, so
  /// nothing need be known of it and nothing is left of it but scatter. Structure must be wider than `lag`
  /// pixels. Pieces of rows of at most 64 columns are taken as independent for the error.
  ///
  /// - Parameters:
  ///   - lag: Pixels.
  ///   - alongColumns: Whether rows follow each other in the map too.
  ///   - a: The first factor of the upper sum, by pixel.
  ///   - b: The factor of both sums.
  /// - Returns: nil for fewer than eight pieces with usable pixels.
  public init?(of a: VectorMap, to b: VectorMap, lag: Int, alongColumns: Bool = true) {
    precondition(a.shape == b.shape && lag >= 1, "maps share a shape")
    let height = 32
    let pieces = concurrentMap((b.shape.rows + height - 1) / height) { band in
      let rows = (band * height)..<min((band + 1) * height, b.shape.rows)
      return rows.flatMap { Piece.row($0, a, b, lag: lag, alongColumns: alongColumns) }
    }.flatMap { $0 }
    let count = pieces.reduce(0) { $0 + $1.count }
    let squares = pieces.reduce(0) { $0 + $1.squares }
    let mixed = pieces.reduce(0) { $0 + $1.mixed }
    let own = pieces.reduce(0) { $0 + $1.own }
    if pieces.count < 8 || own == 0 { return nil }
    let ratio = mixed / own
    let scatter = pieces.reduce(0) { sum, piece in
      sum + (piece.mixed - ratio * piece.own) * (piece.mixed - ratio * piece.own)
    }
    let size = Double(pieces.count)
    value = ratio
    error = (scatter * size / (size - 1)).squareRoot() / abs(own)
    significance = own / squares.squareRoot()
    power = own / Double(count)
  }
}

/// Sums of products over part of a row.
private struct Piece: Sendable {
  var mixed = 0.0
  var own = 0.0
  var squares = 0.0
  var count = 0

  /// The pieces of a row that hold usable pixels, in order.
  static func row(
    _ row: Int, _ a: VectorMap, _ b: VectorMap, lag: Int, alongColumns: Bool
  ) -> [Piece] {
    let columns = b.shape.columns
    let hasBelow = alongColumns && row + lag < b.shape.rows
    return stride(from: 0, to: columns, by: 64).compactMap { first in
      var piece = Piece()
      for column in first..<min(first + 64, columns) {
        let p = row * columns + column
        if column + lag < columns { piece.add(a, b, p, p + lag) }
        if hasBelow { piece.add(a, b, p, p + lag * columns) }
      }
      return piece.count > 0 ? piece : nil
    }
  }

  mutating func add(_ a: VectorMap, _ b: VectorMap, _ p: Int, _ q: Int) {
    if !(a.mask.isUsable(p) && b.mask.isUsable(p)) { return }
    if !(a.mask.isUsable(q) && b.mask.isUsable(q)) { return }
    let product = b.field.x[p] * b.field.x[q] + b.field.y[p] * b.field.y[q]
    mixed += (a.field.x[p] * b.field.x[q] + a.field.y[p] * b.field.y[q]) / 2
    mixed += (a.field.x[q] * b.field.x[p] + a.field.y[q] * b.field.y[p]) / 2
    own += product
    squares += product * product
    count += 1
  }
}

/// The outer ring's share of the signal: by how much its part of the deflection follows the whole.
///
/// A plane is taken off both first: descan and mistilt move the disc, and say nothing of the specimen.
///
/// - Parameters:
///   - sample: What was gathered of the map.
///   - obstacle: Why there is no share, where that is known beforehand.
///   - lag: Distance in pixels at which noise is independent.
public func outerShare(
  of sample: consuming RegimeSample, obstacle: OuterShare.Obstacle?, lag: Int
) -> OuterShare {
  if let obstacle { return OuterShare(obstacle: obstacle) }
  let planes = [sample.total, sample.outer]
  let fitted = concurrentMap(planes.count) {
    try? fitDescan(to: planes[$0], degree: .plane).surface
  }
  guard let plane = fitted[0], let outerPlane = fitted[1]
  else { return OuterShare(obstacle: .weakSignal) }
  sample.removePlanes(of: plane, outerPlane)
  guard
    let ratio = NeighborRatio(
      of: sample.outer, to: sample.total, lag: lag, alongColumns: sample.isContiguous),
    ratio.significance > 5, ratio.error < OuterShare.largestError
  else { return OuterShare(obstacle: .weakSignal) }
  let offset = rootMeanSquare(plane)
  let signal = ratio.power.squareRoot()
  // What a first-order formula leaves of a plane is no structure.
  if signal < 1e-3 * offset { return OuterShare(obstacle: .weakSignal) }
  var share = OuterShare(
    value: ratio.value, error: ratio.error, signal: signal, offset: offset)
  // A weak phase scatters by more than it deflects: a disc less off center than the signal does no harm.
  if share.regime != .weakPhase && offset > signal { share.obstacle = .discOffCenter }
  return share
}

/// Whether a deflection found by a rigid model follows the one that holds in every regime.
///
/// - Parameters:
///   - sample: As for ``outerShare(of:obstacle:lag:)``; not meaningful where its obstacle is `noDeflection`.
///   - estimate: The whole map of the model, detector frame.
///   - lag: Distance in pixels at which noise is independent.
/// - Returns: The slope, 1 where the model holds; nil where noise leaves nothing to compare.
public func rigidModelCheck(
  of sample: RegimeSample, estimate: VectorMap, lag: Int
) -> NeighborRatio? {
  let columns = estimate.shape.columns
  let positions = sample.rows.flatMap { ($0 * columns)..<(($0 + 1) * columns) }
  var part = VectorMap(
    field: VectorField(
      shape: sample.total.shape, x: positions.map { estimate.field.x[$0] },
      y: positions.map { estimate.field.y[$0] }), covariance: nil,
    mask: PixelMask(
      shape: sample.total.shape, bytes: positions.map { estimate.mask.bytes[$0] }),
    pixelSize: nil)
  guard let plane = try? fitDescan(to: sample.total, degree: .plane).surface,
    let partPlane = try? fitDescan(to: part, degree: .plane).surface
  else { return nil }
  part.remove(partPlane)
  var total = sample.total
  total.remove(plane)
  guard
    let ratio = NeighborRatio(
      of: part, to: total, lag: lag, alongColumns: sample.isContiguous),
    ratio.significance > 5, ratio.error < 0.1,
    ratio.power.squareRoot() >= 1e-3 * rootMeanSquare(plane)
  else { return nil }
  return ratio
}

private func rootMeanSquare(_ plane: DescanSurface) -> Double {
  // Columns and rows are evenly spaced about the center: their mean squares are (n² - 1)/12.
  let (u, v) = (Double(plane.shape.columns), Double(plane.shape.rows))
  func square(_ vector: Vector2) -> Double { vector.x * vector.x + vector.y * vector.y }
  return
    (square(plane.center) + square(plane.perColumn) * (u * u - 1) / 12
    + square(plane.perRow) * (v * v - 1) / 12).squareRoot()
}
