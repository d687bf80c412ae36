// What one pass over the signals tells: sums, electrons, segments that do not count, and what rounding adds.
import DPCReconstruction
import DPCSimulation
import STEMCore
import Testing

struct SignalStatisticsTests {
  /// A disc of 24 mrad on two rings of four segments, one within the disc, one beyond it.
  private static let disc = 0.024
  private static let detector = SegmentedDetector.annular(
    rings: [(inner: 0, outer: 0.024, sectors: 4), (inner: 0.024, outer: 0.048, sectors: 4)],
    start: 0, orientation: 0)

  /// One position with the signals of each segment.
  private static func statistics(_ signals: [Double], electronsPerUnit: Double? = 1)
    -> SignalStatistics
  {
    let shape = GridShape(rows: 1, columns: 1)
    return SignalStatistics(
      SegmentSignals(
        shape: shape, segmentCount: signals.count, values: signals, mask: PixelMask(shape: shape),
        electronsPerUnit: electronsPerUnit))
  }

  @Test(
    "Sums are those of the segments, electrons those of the positions; a masked position counts for neither"
  )
  func sums() {
    let shape = GridShape(rows: 1, columns: 3)
    var mask = PixelMask(shape: shape)
    mask.bytes[1] = PixelFlags.hot.rawValue
    // Five segments: one more than are summed side by side.
    let values: [Double] = [1, 0, 10, 2, 0, 20, 3, 0, 30, 4, 0, 40, 5, 0, 50]
    var signals = SegmentSignals(
      shape: shape, segmentCount: 5, values: values, mask: mask, electronsPerUnit: 2)
    let whole = SignalStatistics(signals)
    #expect(whole.segmentSums == [11, 22, 33, 44, 55] && whole.usableCount == 2)
    // 30 and 300 electrons.
    #expect(whole.medianElectrons == 165)
    signals.electronsPerUnit = nil
    #expect(SignalStatistics(signals).medianElectrons == nil)
  }

  @Test("A map in parts has the statistics of the whole")
  func parts() {
    let columns = 1500
    let values = (0..<4 * 2 * columns).map { Double($0 % 17) }
    func signals(_ rows: Range<Int>) -> SegmentSignals {
      let shape = GridShape(rows: rows.count, columns: columns)
      var part: [Double] = []
      for segment in 0..<4 {
        let (first, last) = (segment * 2 + rows.lowerBound, segment * 2 + rows.upperBound)
        part += values[first * columns..<last * columns]
      }
      return SegmentSignals(
        shape: shape, segmentCount: 4, values: part, mask: PixelMask(shape: shape),
        electronsPerUnit: 3)
    }
    let whole = SignalStatistics(signals(0..<2))
    var electrons = [Double](repeating: 0, count: 2 * columns)
    let parts = electrons.withUnsafeMutableBufferPointer { buffer in
      (0..<2).map {
        SignalStatistics.Part(
          signals($0..<$0 + 1),
          electrons: UnsafeMutableBufferPointer(rebasing: buffer[$0 * columns..<($0 + 1) * columns])
        )
      }
    }
    let joined = SignalStatistics(joining: parts, electrons: electrons, segmentCount: 4)
    // Whole numbers are added without rounding.
    #expect(joined.segmentSums == whole.segmentSums)
    #expect(joined.medianElectrons == whole.medianElectrons)
    #expect(joined.usableCount == whole.usableCount)
  }

  @Test(
    "A segment with less than a hundredth of its quarter of the disc is dead, one beyond the disc below zero"
  )
  func dead() throws {
    func dead(_ signals: [Double]) -> DeadSegment? {
      Self.statistics(signals).deadSegment(of: Self.detector, probeSemiAngle: Self.disc)
    }
    #expect(dead([100, 100, 100, 100, 0, 0, 0, 0]) == nil)
    let found = try #require(dead([100, 0.7, 100, 100, 0, 0, 0, 0]))
    #expect(found.index == 1 && found.isLit && abs(found.litShare - 0.25) < 1e-12)
    #expect(abs(found.share - 0.7 / 300.7) < 1e-15)
    #expect(dead([100, 0.8, 100, 100, 0, 0, 0, 0]) == nil)
    // A hundredth of the mean of all eight is 1/800 of the sum.
    #expect(dead([100, 100, 100, 100, 0, 0, 0, -0.4]) == nil)
    let below = try #require(dead([100, 100, 100, 100, 0, 0, 0, -0.6]))
    #expect(below.index == 7 && !below.isLit && below.share < 0)
    #expect(!found.isOneOfAll && !below.isOneOfAll)
    #expect(try #require(dead([0.1, 0.2, 0, 0, 100, 90, 95, 80])).isOneOfAll)
    #expect(dead([0, 0, 0, 0, 0, 0, 0, 0]) == nil)
  }

  @Test("A segment beyond the disc that counts nothing where the others of its ring do is dark")
  func dark() throws {
    func dark(_ outer: [Double]) -> [DarkSegment] {
      Self.statistics([1e6, 1e6, 1e6, 1e6] + outer).darkSegments(
        of: Self.detector, probeSemiAngle: Self.disc, electronsPerUnit: 2)
    }
    let found = dark([900, 600, 600, 0.5])
    #expect(found.map(\.index) == [7] && found.map(\.part) == [0.5 / 900])
    #expect(dark([900, 600, 600, -5]).map(\.part) == [0])
    // A hundredth of the others is a signal; others that differ, or count little, tell nothing.
    #expect(dark([900, 600, 600, 9]).isEmpty)
    #expect(dark([1900, 600, 600, 0]).isEmpty)
    #expect(dark([600, 499, 600, 0]).isEmpty)
  }

  @Test("Rounding adds a twelfth of a squared count a segment to the variance of counting")
  func rounding() {
    // (6² + 3²) / 12 over 5 electrons.
    #expect(roundingVarianceShare(electronsPerCount: 6, gain: [1, 2], electrons: 5) == 0.75)
  }
}
