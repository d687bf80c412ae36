// Signals of a part of the scan, and back: each number at its place.
import DPCReconstruction
import STEMCore
import Testing

struct SegmentWindowTests {
  @Test("A part put back into its window has its numbers where they were, and nothing beside them")
  func spread() {
    let shape = GridShape(rows: 4, columns: 5)
    var mask = PixelMask(shape: shape)
    mask.bytes[12] = PixelFlags.hot.rawValue
    let whole = SegmentSignals(
      shape: shape, segmentCount: 2, values: (0..<40).map(Double.init), mask: mask,
      electronsPerUnit: 3, varianceFactor: 2, exposures: 7)
    // The window itself begins at row 10 and column 20 of the scan; the part at its row 1 and column 2.
    let window = ScanWindow(firstRow: 10, firstColumn: 20, shape: shape)
    let part = GridShape(rows: 2, columns: 3)
    let cut = whole.cropped(to: ScanWindow(firstRow: 1, firstColumn: 2, shape: part))
    let back = cut.spread(
      from: ScanWindow(firstRow: 11, firstColumn: 22, shape: part), to: window)
    let places = [7, 8, 9, 12, 13, 14]
    let (missing, hot) = (PixelFlags.missing.rawValue, PixelFlags.hot.rawValue)
    #expect(back.shape == shape && back.segmentCount == 2)
    for place in 0..<20 {
      let isInside = places.contains(place)
      #expect(back.values[place] == (isInside ? Double(place) : 0))
      #expect(back.values[20 + place] == (isInside ? Double(20 + place) : 0))
      #expect(back.mask.bytes[place] == (isInside ? (place == 12 ? hot : 0) : missing))
    }
    #expect(back.electronsPerUnit == 3 && back.varianceFactor == 2 && back.exposures == 7)
  }
}
