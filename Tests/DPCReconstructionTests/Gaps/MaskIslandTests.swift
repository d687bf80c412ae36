// Areas that masked pixels cut off, against drawings of them.
import DPCReconstruction
import STEMCore
import Testing

struct MaskIslandTests {
  private func sizes(_ drawing: String) -> [Int] {
    let rows = drawing.split(separator: "\n").map(Array.init)
    let shape = GridShape(rows: rows.count, columns: rows[0].count)
    return islandSizes(
      of: PixelMask(
        shape: shape,
        bytes: rows.joined().map { $0 == "#" ? PixelFlags.missing.rawValue : 0 }))
  }

  @Test(
    "A closed ring of three pixels and more cuts off what lies in it; lines of one or two do not")
  func drawings() {
    let ring = (0..<13).map { row in
      (0..<13).map { column in
        let distance = max(abs(row - 6), abs(column - 6))
        return (3...5).contains(distance) ? "#" : "."
      }.joined()
    }
    // Of the ring its middle line is left, 81 - 49 pixels, and its four inner corners.
    #expect(sizes(ring.joined(separator: "\n")) == [169 - 81, 49 - 4])
    #expect(sizes(".##.\n.##.\n.##.") == [12])
    #expect(sizes(".###.\n.###.\n.###.") == [6, 6])
    // Both arms and the bar below are one, found from above as two: one pixel is left of what is masked.
    #expect(sizes(".###.\n.###.\n.....") == [14])
    #expect(sizes("###\n###").isEmpty)
    #expect(sizes("...") == [3])
  }
}
