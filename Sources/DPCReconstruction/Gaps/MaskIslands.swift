// Areas of a map that masked pixels cut off from each other.
public import STEMCore

/// The sizes of the areas that hang together along rows and columns, the largest first, pixels.
///
/// What lies between two areas was not measured anywhere: a potential goes from one to the other through numbers that
/// were filled in. Masked pixels beside a usable one count as part of its area: lines of one or two, as dead columns
/// leave, are filled in from both sides and cut nothing.
public func islandSizes(of mask: PixelMask) -> [Int] {
  var areas = Areas()
  var above: [(columns: Range<Int>, area: Int)] = []
  for row in 0..<mask.shape.rows {
    var next = 0
    let labeled = runs(mask, row).map { run -> (columns: Range<Int>, area: Int) in
      let area = areas.add(size: run.count)
      while next < above.count, above[next].columns.upperBound <= run.lowerBound { next += 1 }
      var touching = next
      while touching < above.count, above[touching].columns.lowerBound < run.upperBound {
        areas.join(area, above[touching].area)
        touching += 1
      }
      return (run, area)
    }
    above = labeled
  }
  return areas.sizes.sorted(by: >)
}

/// The pixels of a row that belong to an area and follow each other, by their columns.
private func runs(_ mask: PixelMask, _ row: Int) -> [Range<Int>] {
  var runs: [Range<Int>] = []
  var first: Int?
  for column in 0..<mask.shape.columns {
    let cuts = isMasked(mask, row, column) && isSurrounded(mask, row, column)
    if !cuts, first == nil { first = column }
    if cuts, let start = first {
      runs.append(start..<column)
      first = nil
    }
  }
  if let first { runs.append(first..<mask.shape.columns) }
  return runs
}

/// Whether a pixel has no usable neighbor; what lies beyond the rim is none.
private func isSurrounded(_ mask: PixelMask, _ row: Int, _ column: Int) -> Bool {
  let (rows, columns) = (mask.shape.rows, mask.shape.columns)
  return (row == 0 || isMasked(mask, row - 1, column))
    && (row == rows - 1 || isMasked(mask, row + 1, column))
    && (column == 0 || isMasked(mask, row, column - 1))
    && (column == columns - 1 || isMasked(mask, row, column + 1))
}

private func isMasked(_ mask: PixelMask, _ row: Int, _ column: Int) -> Bool {
  mask.bytes[row * mask.shape.columns + column] & PixelFlags.unusable.rawValue != 0
}

/// Areas that grow together, each known by one of its parts.
private struct Areas {
  private var parents: [Int] = []
  private var counts: [Int] = []

  mutating func add(size: Int) -> Int {
    parents.append(parents.count)
    counts.append(size)
    return parents.count - 1
  }

  mutating func join(_ a: Int, _ b: Int) {
    let (first, second) = (root(a), root(b))
    if first == second { return }
    // The smaller one hangs under the larger, so that no chain grows long.
    let (small, large) = counts[first] < counts[second] ? (first, second) : (second, first)
    parents[small] = large
    counts[large] += counts[small]
  }

  private func root(_ part: Int) -> Int {
    var part = part
    while parents[part] != part { part = parents[part] }
    return part
  }

  var sizes: [Int] { parents.indices.filter { parents[$0] == $0 }.map { counts[$0] } }
}
