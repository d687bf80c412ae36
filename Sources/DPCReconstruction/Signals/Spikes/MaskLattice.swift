// Whether masked positions repeat along two directions, as atoms do and defects of a detector do not.
internal import Glibc
public import STEMCore

/// A step from one scan position to another, pixels.
public struct PixelStep: Sendable, Equatable {
  public var x: Int
  public var y: Int

  /// - Parameters:
  ///   - x: Columns to the right.
  ///   - y: Rows down.
  public init(x: Int, y: Int) {
    self.x = x
    self.y = y
  }
}

/// Two steps, not along one line, by which flagged positions repeat.
public struct MaskLattice: Sendable, Equatable {
  public var first: PixelStep
  public var second: PixelStep
}

/// Finds the lattice on which flagged positions stand.
///
/// Defects and cosmic rays fall anywhere: of n positions out of N, n²/N pairs lie one step apart on average,
/// whatever the step. A step counts where more pairs do than by chance, and than at any of the steps two pixels
/// from it, which a blot, a line and a row of defects have in like number. With m the larger of the two
/// numbers, k pairs have a probability below exp(k - m) (m/k)^k (Chernoff's bound of the Poisson distribution);
/// one map of defects in a thousand is let through, over all steps together.
///
/// - Parameters:
///   - mask: Of a scan, row after row.
///   - flag: The reason that is looked at.
///   - reach: Largest step along either axis, pixels.
/// - Returns: The two steps with the most pairs, 30° or more between them; nil where there are none.
public func lattice(of mask: PixelMask, flag: PixelFlags, reach: Int) -> MaskLattice? {
  let counts = StepCounts(mask, flag, reach: reach + 2)
  guard counts.total > 2 else { return nil }
  var steps: [(step: PixelStep, count: Int)] = []
  let limit = log(1e-3 / Double(2 * reach * (reach + 1)))
  for y in 0...reach {
    for x in (y == 0 ? 1 : -reach)...reach {
      let count = counts[x, y]
      let expected = max(counts.chance, Double(counts.mostBeside(x, y)))
      let k = Double(count)
      guard k > expected, k - expected + k * log(expected / k) < limit else { continue }
      steps.append((PixelStep(x: x, y: y), count))
    }
  }
  steps.sort { first, second in
    func order(_ item: (step: PixelStep, count: Int)) -> (Int, Int, Int, Int) {
      let (x, y) = (item.step.x, item.step.y)
      return (-item.count, x * x + y * y, y, x)
    }
    return order(first) < order(second)
  }
  guard let first = steps.first?.step else { return nil }
  let second = steps.first { item in
    let cross = first.x * item.step.y - first.y * item.step.x
    let squares =
      (first.x * first.x + first.y * first.y)
      * (item.step.x * item.step.x + item.step.y * item.step.y)
    return 4 * cross * cross >= squares
  }
  return second.map { MaskLattice(first: first, second: $0.step) }
}

/// How many pairs of flagged positions lie each step apart.
private struct StepCounts {
  /// Flagged positions.
  private(set) var total = 0
  /// Pairs by chance, at any step.
  private(set) var chance = 0.0
  private let reach: Int
  /// Of steps downwards or to the right, `[y][x + reach]`.
  private var counts: [Int]

  /// Rows below those with so many flagged positions tell nothing new.
  private static let enough = 20_000

  init(_ mask: PixelMask, _ flag: PixelFlags, reach: Int) {
    self.reach = reach
    counts = [Int](repeating: 0, count: (reach + 1) * (2 * reach + 1))
    let columns = mask.shape.columns
    var seen = 0
    // Columns of the flagged positions of the last rows, the present one first.
    var rows: [[Int]] = []
    for row in 0..<mask.shape.rows where total < Self.enough {
      rows.insert(
        flagged(mask.bytes.span.extracting((row * columns)..<((row + 1) * columns)), flag), at: 0)
      if rows.count > reach + 1 { rows.removeLast() }
      count(rows)
      seen += columns
    }
    chance = Double(total) * Double(total) / Double(max(1, seen))
  }

  private mutating func count(_ rows: [[Int]]) {
    guard let present = rows.first, !present.isEmpty else { return }
    total += present.count
    for (y, above) in rows.enumerated() {
      // Both lists rise: what is too far to the left of one column is so of the next.
      var first = 0
      for column in present {
        while first < above.count, above[first] < column - reach { first += 1 }
        var place = first
        while place < above.count, above[place] <= column + reach {
          counts[y * (2 * reach + 1) + column - above[place] + reach] += 1
          place += 1
        }
      }
    }
  }

  subscript(x: Int, y: Int) -> Int {
    let (x, y) = y < 0 ? (-x, -y) : (x, y)
    return counts[y * (2 * reach + 1) + x + reach]
  }

  /// The most pairs at a step that differs by two pixels along either axis, or both.
  func mostBeside(_ x: Int, _ y: Int) -> Int {
    var most = 0
    for dy in -2...2 {
      for dx in -2...2 where max(abs(dx), abs(dy)) == 2 { most = max(most, self[x + dx, y + dy]) }
    }
    return most
  }
}

/// The columns that carry a flag; most lines have none, which is seen at once.
private func flagged(_ line: Span<UInt8>, _ flag: PixelFlags) -> [Int] {
  var any: UInt8 = 0
  for column in 0..<line.count { any |= line[column] }
  if any & flag.rawValue == 0 { return [] }
  return (0..<line.count).filter { line[$0] & flag.rawValue != 0 }
}
