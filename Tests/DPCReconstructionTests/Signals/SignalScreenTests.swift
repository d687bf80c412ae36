// Raw signals of every type, hostile ones among them: masks and corrected numbers of the plain rules, to the bit.
import DPCReconstruction
import DPCSimulation
import Foundation
import STEMCore
import Testing

struct SignalScreenTests {
  /// Dark signals and gains that leave some sums at zero, some signals below it.
  private static let correction = SegmentCorrection(
    dark: [0, 3.5, 20.25], gain: [1.07, 0.91, 1.3], gainSource: .flat)

  private static let shapes = [
    GridShape(rows: 1, columns: 1), GridShape(rows: 3, columns: 11),
    GridShape(rows: 4, columns: 4), GridShape(rows: 13, columns: 5),
    GridShape(rows: 19, columns: 26),
  ]

  /// Thresholds, and electrons for one unit.
  private static let rules: [(threshold: Double?, electrons: Double?)] = [
    (nil, 1), (3, 1), (9, 37.5), (1000, 0.25), (4, nil), (9, nil),
  ]

  /// Counts on a ramp and a wall, with drop-outs, spikes, clusters of them, dark corners and full wells.
  private static func counts(
    _ shape: GridShape, mean: Double, limit: Double, seed: UInt64
  ) -> [Double] {
    var generator = SeededGenerator(seed: seed)
    var values = (0..<(3 * shape.count)).map { index -> Double in
      let (row, column) = (index % shape.count / shape.columns, index % shape.columns)
      let wall = column % 50 > 43 ? 1.6 : 1
      return generator.poisson(mean: mean * wall * (1 + 0.01 * Double(row)) + 20)
    }
    func some() -> Int { min(values.count - 1, Int(generator.uniform() * Double(values.count))) }
    for _ in 0..<(1 + values.count / 150) {
      let (deviation, place) = ((mean + 30).squareRoot(), some())
      values[place] += (generator.uniform() - 0.3) * 40 * deviation
      values[some()] = 0
      if generator.uniform() < 0.3 { values[some()] = limit }
      // A streak, and the same position in every segment.
      for next in place..<min(place + 4, values.count) where generator.uniform() < 0.4 {
        values[next] = 3 * values[next] + 100
      }
      let dark = some() % shape.count
      if generator.uniform() < 0.5 {
        for segment in 0..<3 { values[segment * shape.count + dark] = 0 }
      }
    }
    return values.map { min(limit, max(0, $0.rounded())) }
  }

  private func check(
    _ raw: RawSignals, _ plain: [Double], _ shape: GridShape, saturation: Double?,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    for (threshold, electrons) in Self.rules {
      let screen = SignalScreen(
        Self.correction, saturationLevel: saturation, electronsPerUnit: electrons,
        spikeThreshold: threshold)
      let expected = PlainScreen(
        correction: Self.correction, saturationLevel: saturation ?? .infinity,
        electronsPerUnit: electrons, threshold: threshold
      ).corrected(plain, shape)
      let found = screen.corrected(raw, shape: shape)
      let sums = (0..<shape.count).filter(expected.mask.isUsable).map(expected.sum(at:))
      #expect(screen.usableSums(of: raw, shape: shape) == sums, sourceLocation: sourceLocation)
      #expect(found.mask == expected.mask, "\(shape)", sourceLocation: sourceLocation)
      #expect(
        found.values.map(\.bitPattern) == expected.values.map(\.bitPattern), "\(shape)",
        sourceLocation: sourceLocation)
    }
  }

  @Test(
    "Integers of every type: the plain rules' masks and numbers", arguments: [0.3, 4.0, 60, 150])
  func integers(mean: Double) {
    for shape in Self.shapes {
      let counts = Self.counts(shape, mean: mean, limit: 255, seed: 7)
      check(.uint8(counts.map { UInt8($0) }), counts, shape, saturation: 255)
      let wide = Self.counts(shape, mean: 300 * mean, limit: 65_535, seed: 8)
      check(.uint16(wide.map { UInt16($0) }), wide, shape, saturation: 65_535)
      let signed = Self.counts(shape, mean: 100 * mean, limit: 32_767, seed: 9).map {
        $0 < 200 ? $0 - 60 : $0
      }
      check(.int16(signed.map { Int16($0) }), signed, shape, saturation: 32_767)
      let long = Self.counts(shape, mean: 2e7 * mean, limit: 4_294_967_295, seed: 10)
      check(.uint32(long.map { UInt32($0) }), long, shape, saturation: 4_294_967_295)
      let half = Self.counts(shape, mean: 9e6 * mean, limit: 2_147_483_647, seed: 11)
      check(.int32(half.map { Int32($0) }), half, shape, saturation: 2_147_483_647)
    }
  }

  @Test("A few rows at a time: the signals and masks of the whole", arguments: [3, 700, 9000])
  func pieces(columns: Int) throws {
    let shape = GridShape(rows: 27, columns: columns)
    let counts = Self.counts(shape, mean: 60, limit: 65_535, seed: 17)
    let raw = RawSignals.uint16(counts.map { UInt16($0) })
    let screen = SignalScreen(
      Self.correction, saturationLevel: 65_535, electronsPerUnit: 1, spikeThreshold: 5)
    let rows = 4..<25
    let whole = screen.corrected(raw, shape: shape, rows: rows)
    #expect(whole.mask.unusableCount > 0)
    var next = rows.lowerBound
    screen.forEachPiece(of: raw, shape: shape, rows: rows) { piece, first in
      #expect(first == next)
      next = first + piece.shape.rows
      let start = (first - rows.lowerBound) * columns
      let places = start..<(start + piece.shape.count)
      #expect(piece.mask.bytes == Array(whole.mask.bytes[places]))
      for segment in 0..<piece.segmentCount {
        let (own, all) = (segment * piece.shape.count, segment * whole.shape.count)
        #expect(
          piece.values[own..<(own + piece.shape.count)]
            == whole.values[(all + places.lowerBound)..<(all + places.upperBound)])
      }
    }
    #expect(next == rows.upperBound)
  }

  @Test(
    "Floating point, with NaN, infinities and negative signals among it",
    arguments: [0.3, 40, 2.5e5])
  func floats(mean: Double) {
    for shape in Self.shapes {
      var generator = SeededGenerator(seed: 12)
      let counts = Self.counts(shape, mean: mean, limit: 1e30, seed: 13).map { count -> Double in
        switch generator.uniform() {
        case ..<0.02: .nan
        case ..<0.024: .infinity
        case ..<0.028: -.infinity
        case ..<0.06: -count
        case ..<0.066: 1e36
        default: count + generator.uniform()
        }
      }
      let singles = counts.map { Float($0) }
      check(.float(singles), singles.map { Double($0) }, shape, saturation: nil)
      check(.double(counts), counts, shape, saturation: nil)
      check(.double(counts), counts, shape, saturation: 1e30)
    }
  }

  @Test("More tiles in a row than are searched at once")
  func wideFrames() {
    let shape = GridShape(rows: 14, columns: 139)
    let counts = Self.counts(shape, mean: 3e4, limit: 65_535, seed: 18)
    check(.uint16(counts.map { UInt16($0) }), counts, shape, saturation: 65_535)
  }

  @Test("Rows of a band with four rows on either side are the frame's own rows")
  func rowsOfABand() {
    let shape = GridShape(rows: 41, columns: 50)
    let plain = Self.counts(shape, mean: 900, limit: 65_535, seed: 15)
    let raw = RawSignals.uint16(plain.map { UInt16($0) })
    let screen = SignalScreen(
      Self.correction, saturationLevel: 65_535, electronsPerUnit: 1, spikeThreshold: 5)
    let whole = screen.corrected(raw, shape: shape)
    for rows in [0..<7, 7..<20, 20..<21, 21..<41] {
      let wide = max(0, rows.lowerBound - 4)..<min(41, rows.upperBound + 4)
      let band = raw.part(ofPlanes: shape, rows: wide, columns: 0..<50)
      let part = screen.corrected(
        band, shape: GridShape(rows: wide.count, columns: 50),
        rows: (rows.lowerBound - wide.lowerBound)..<(rows.upperBound - wide.lowerBound))
      #expect(
        part.mask.bytes
          == Array(whole.mask.bytes[(rows.lowerBound * 50)..<(rows.upperBound * 50)]))
      for segment in 0..<3 {
        let first = segment * shape.count + rows.lowerBound * 50
        let count = rows.count * 50
        #expect(
          part.values[(segment * count)..<((segment + 1) * count)].elementsEqual(
            whole.values[first..<(first + count)]))
      }
    }
    #expect(whole.mask.unusableCount > 20)
  }

  @Test("A gain that is negative is looked at one by one")
  func negativeGain() {
    let shape = GridShape(rows: 20, columns: 21)
    let correction = SegmentCorrection(
      dark: [0, 40, 0], gain: [1, -1, 2], gainSource: .calibration)
    let plain = Self.counts(shape, mean: 50, limit: 65_535, seed: 16)
    let expected = PlainScreen(
      correction: correction, saturationLevel: 65_535, electronsPerUnit: 1, threshold: 4
    ).corrected(plain, shape)
    let found = SignalScreen(
      correction, saturationLevel: 65_535, electronsPerUnit: 1, spikeThreshold: 4
    ).corrected(.uint16(plain.map { UInt16($0) }), shape: shape)
    #expect(found == expected)
  }
}
