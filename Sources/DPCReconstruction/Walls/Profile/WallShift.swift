// By how far walls leave their straight lines: polynomials along them, and the equations for those.

internal import Glibc
internal import STEMCore

/// How far a wall lies along its normal from its line, as a polynomial of the place along it.
struct WallShift: Sendable, Equatable {
  /// Of Legendre's polynomials on `range`, m: an offset, a tilt, and ``BendEquations/orders`` orders of bending.
  /// The places behind them stay zero.
  var coefficients = SIMD16<Double>.zero
  /// Of places along the walls, m.
  private(set) var range: ClosedRange<Double>

  init(range: ClosedRange<Double>) { self.range = range }

  /// In m; beyond the range as at its end.
  func value(at v: Double) -> Double {
    var (before, term) = (0.0, 1.0)
    var sum = coefficients[0]
    let t = min(1, max(-1, Self.unit(v, range)))
    for k in 1..<BendEquations.size {
      (before, term) = (term, Self.next(k, t, before, term))
      sum += coefficients[k] * term
    }
    return sum
  }

  /// No shift is larger: Legendre's polynomials are not above 1, m.
  var bound: Double { (0..<BendEquations.size).reduce(0) { $0 + abs(coefficients[$1]) } }

  /// The same shift of a wall whose middle along itself has got another place.
  func moved(to middle: Double) -> WallShift {
    let half = (range.upperBound - range.lowerBound) / 2
    var copy = self
    copy.range = middle - half...middle + half
    return copy
  }

  /// The same shift along the opposite normal, where places along the wall have the opposite sign too.
  var turnedRound: WallShift {
    var copy = self
    copy.range = -range.upperBound ... -range.lowerBound
    for k in stride(from: 0, to: BendEquations.size, by: 2) {
      copy.coefficients[k] = -coefficients[k]
    }
    return copy
  }

  /// All polynomials at one place.
  static func terms(at v: Double, _ range: ClosedRange<Double>) -> [Double] {
    let t = unit(v, range)
    var terms = [1.0]
    for k in 1..<BendEquations.size {
      terms.append(next(k, t, k > 1 ? terms[k - 2] : 0, terms[k - 1]))
    }
    return terms
  }

  /// What each order of bending adds to the bow of the best parabola along a part of the range.
  ///
  /// Legendre's polynomial of the second degree, 1 at the ends and -1/2 in the middle, is at right angles to all others
  /// on the whole range only.
  static func bowing(
    along line: ClosedRange<Double>, of range: ClosedRange<Double>, orders: Int
  ) -> [Double] {
    let count = 256
    var sums = [Double](repeating: 0, count: orders)
    for k in 0..<count {
      let s = (2 * Double(k) + 1) / Double(count) - 1
      let v = line.lowerBound + (s + 1) / 2 * (line.upperBound - line.lowerBound)
      let terms = terms(at: v, range)
      for order in 0..<orders {
        sums[order] += (3 * s * s - 1) / 2 * terms[BendEquations.straight + order]
      }
    }
    return sums.map { -1.5 * 5 * $0 / Double(count) }
  }

  private static func unit(_ v: Double, _ range: ClosedRange<Double>) -> Double {
    let half = (range.upperBound - range.lowerBound) / 2
    return half > 0 ? (v - range.lowerBound) / half - 1 : 0
  }

  /// Bonnet's recursion: k P(k) = (2k - 1) t P(k-1) - (k - 1) P(k-2).
  @inline(__always)
  private static func next(_ k: Int, _ t: Double, _ before: Double, _ term: Double) -> Double {
    (Double(2 * k - 1) * t * term - Double(k - 1) * before) / Double(k)
  }
}

/// Least squares for the coefficients of a wall's shift.
struct BendEquations: Sendable {
  /// Offset and tilt, which position and azimuth of a wall answer for.
  static let straight = 2
  /// Of bending: the second to the ninth degree.
  static let orders = 8
  static let size = straight + orders

  private(set) var matrix = [Double](repeating: 0, count: size * size)
  private(set) var right = [Double](repeating: 0, count: size)
  /// Pieces that tell anything.
  private(set) var pieces = 0

  /// A piece of a wall whose shift is known with this information, 1/m².
  mutating func add(terms: [Double], score: Double, information: Double) {
    pieces += 1
    for i in terms.indices {
      right[i] += score * terms[i]
      for j in terms.indices { matrix[i * Self.size + j] += information * terms[i] * terms[j] }
    }
  }

  /// Σ of the information of all pieces, 1/m².
  var information: Double { matrix[0] }

  /// What is left for the orders of bending where offset and tilt are free.
  var bending: BendSystem {
    let n = Self.straight
    var system = BendSystem()
    let block = (0..<n * n).map { matrix[$0 / n * Self.size + $0 % n] }
    let free = LeastSquares.inverse(of: block, size: n)
    for i in n..<Self.size {
      let share = (0..<n).map { k in
        (0..<n).reduce(0) { $0 + free[k * n + $1] * matrix[i * Self.size + $1] }
      }
      system.right[i - n] = right[i] - (0..<n).reduce(0) { $0 + share[$1] * right[$1] }
      for j in n..<Self.size {
        system.matrix[(i - n) * Self.orders + j - n] =
          matrix[i * Self.size + j]
          - (0..<n).reduce(0) { $0 + share[$1] * matrix[j * Self.size + $1] }
      }
    }
    return system
  }

  /// Offset and tilt beside a known bending.
  func straightPart(beside bending: [Double]) -> [Double] {
    let n = Self.straight
    let rest = (0..<n).map { i in
      right[i]
        - bending.indices.reduce(0) { $0 + matrix[i * Self.size + n + $1] * bending[$1] }
    }
    return LeastSquares.solve((0..<n * n).map { matrix[$0 / n * Self.size + $0 % n] }, rest)
  }
}

/// Normal equations of the orders of bending, lowest first.
struct BendSystem: Sendable {
  var matrix = [Double](repeating: 0, count: BendEquations.orders * BendEquations.orders)
  var right = [Double](repeating: 0, count: BendEquations.orders)

  static func + (a: Self, b: Self) -> Self {
    var sum = a
    for k in sum.matrix.indices { sum.matrix[k] += b.matrix[k] }
    for k in sum.right.indices { sum.right[k] += b.right[k] }
    return sum
  }

  /// The matrix of so many orders.
  func block(_ count: Int) -> [Double] {
    (0..<count * count).map { matrix[$0 / count * BendEquations.orders + $0 % count] }
  }

  func solution(_ count: Int) -> [Double] {
    LeastSquares.solve(block(count), Array(right.prefix(count)))
  }

  /// What so many orders take off χ².
  func gain(_ count: Int) -> Double {
    zip(solution(count), right).reduce(0) { $0 + $1.0 * $1.1 }
  }

  /// cᵀ M d.
  func product(_ c: [Double], _ d: [Double]) -> Double {
    c.indices.reduce(0) { sum, i in
      sum
        + c[i] * d.indices.reduce(0) { $0 + matrix[i * BendEquations.orders + $1] * d[$1] }
    }
  }
}

/// ln of the chance that χ² of an even number of degrees of freedom exceeds a value: exp(-x/2) Σ (x/2)^k/k!.
func logChance(ofChiSquare x: Double, freedom: Int) -> Double {
  precondition(freedom > 0 && freedom.isMultiple(of: 2), "an even number of degrees of freedom")
  let half = x / 2
  guard half > 0 else { return 0 }
  var (term, sum) = (0.0, 0.0)
  // Relative to the largest term, so that none overflows.
  let logs = (0..<freedom / 2).map { k in
    if k > 0 { term += log(half / Double(k)) }
    return term
  }
  let largest = logs.max() ?? 0
  for value in logs { sum += exp(value - largest) }
  return min(0, largest + log(sum) - half)
}
