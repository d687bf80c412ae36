// Averages of frames and of unit cells: what they keep, what they cancel, and what the scatter says.
import DPCReconstruction
import DPCSimulation
import Foundation
import STEMCore
import Testing

struct AveragingTests {
  private static let shape = GridShape(rows: 150, columns: 15)
  private static let mean = [2.5e4, 3e4, 2e4, 2.5e4, 200, 3, 250, 300]

  private func frames(
    _ count: Int, flicker: Double = 0, excess: Double = 0
  ) -> [SegmentSignals] {
    (0..<count).map { frame in
      var generator = SeededGenerator(seed: 3, path: [frame])
      let beam = 1 + flicker * generator.normal()
      var values: [Double] = []
      for mean in Self.mean {
        for _ in 0..<Self.shape.count {
          let count = generator.poisson(mean: mean * beam)
          values.append(count + excess * mean.squareRoot() * generator.normal())
        }
      }
      return SegmentSignals(
        shape: Self.shape, segmentCount: 8, values: values, mask: PixelMask(shape: Self.shape),
        electronsPerUnit: 1)
    }
  }

  /// An accumulator of signals that are corrected already.
  private func accumulator(
    _ shape: GridShape, frames: [SegmentSignals], firstRow: Int = 0
  ) -> FrameAccumulator {
    let none = SegmentCorrection(
      dark: [Double](repeating: 0, count: 8), gain: [Double](repeating: 1, count: 8),
      gainSource: .none)
    var accumulator = FrameAccumulator(
      shape: shape, correction: none, electronsPerUnit: frames[0].electronsPerUnit,
      sampling: ScatterSampling(
        shape: frames[0].shape, frameCount: frames.count, firstRow: firstRow))
    for frame in frames {
      var raw = RawSignals.double(frame.values)
      accumulator.add(&raw, masks: [frame.mask], firstRow: firstRow)
    }
    return accumulator
  }

  private func accumulated(
    _ frames: [SegmentSignals]
  ) -> (signals: SegmentSignals, scatter: FrameScatter) {
    accumulator(Self.shape, frames: frames).finished()
  }

  @Test("Counts add up, and Poisson frames scatter as counting says, flicker or not")
  func poissonScatter() throws {
    for flicker in [0, 0.2] {
      let frames = frames(5, flicker: flicker)
      var (signals, scatter) = accumulated(frames)
      let sum = frames.reduce(0) { $0 + $1.values[77] }
      #expect(signals.values[77] == sum)
      let comparison = signals.applyScatter(scatter)
      let ratio = try #require(comparison)
      // Sixteen groups of nine rows in 64, 64 and 22 rows, × 15 columns × 4 × 6 degrees of freedom: √(2/5760) = 1.9 %
      // standard error, four of them. The segment of three counts is left out, with 3e-5 of the signal.
      #expect(abs(scatter.degreesOfFreedom / Double(16 * 15 * 4 * 6) - 1) < 1e-4)
      #expect(abs(ratio - 1) < 0.075, "flicker \(flicker)")
      #expect(signals.varianceFactor == 1)
    }
  }

  @Test(
    "Frames of few electrons, of which some segments have too few to count, scatter as counting says"
  )
  func fewElectrons() throws {
    let frames = (0..<30).map { frame in
      var generator = SeededGenerator(seed: 8, path: [frame])
      // Four of the eight count five on the mean, now above the least and now below.
      let values = (0..<(8 * Self.shape.count)).map { place in
        generator.poisson(mean: place < 4 * Self.shape.count ? 5 : 0.02)
      }
      return SegmentSignals(
        shape: Self.shape, segmentCount: 8, values: values, mask: PixelMask(shape: Self.shape),
        electronsPerUnit: 1)
    }
    var (signals, scatter) = accumulated(frames)
    let comparison = signals.applyScatter(scatter)
    let ratio = try #require(comparison)
    let error = (2 / scatter.degreesOfFreedom).squareRoot()
    #expect(error < 0.03 && abs(ratio - 1) < 4 * error, "\(ratio) ± \(error)")
  }

  @Test("Rows out of a wider band add up to the same bits, mask and scatter as the frame's own")
  func rowsOfABand() {
    let frames = frames(4).enumerated().map { number, frame in
      var frame = frame
      // One position is usable in no frame, others in some.
      for position in [15, 16 + number, 100 + number] {
        frame.mask.bytes[position] = PixelFlags.hot.rawValue
      }
      return frame
    }
    let whole = accumulated(frames)
    let columns = Self.shape.columns
    var scatter = FrameScatter()
    for rows in [0..<64, 64..<128, 128..<150] {
      let part = GridShape(rows: rows.count, columns: columns)
      let band = accumulator(part, frames: frames, firstRow: rows.lowerBound).finished()
      scatter += band.scatter
      let places = (rows.lowerBound * columns)..<(rows.upperBound * columns)
      #expect(band.signals.mask.bytes == Array(whole.signals.mask.bytes[places]))
      for segment in 0..<8 {
        let first = segment * Self.shape.count
        let mine = band.signals.values[(segment * part.count)..<((segment + 1) * part.count)]
        let expected = whole.signals.values[
          (first + places.lowerBound)..<(first + places.upperBound)]
        #expect(mine.elementsEqual(expected), "segment \(segment)")
      }
    }
    #expect(whole.signals.mask.bytes[15] == PixelFlags.hot.rawValue)
    #expect(abs(scatter.degreesOfFreedom / whole.scatter.degreesOfFreedom - 1) < 1e-12)
    // Sums of some 4000 terms in another order.
    #expect(abs(scatter.chiSquare / whole.scatter.chiSquare - 1) < 1e-11)
  }

  /// Frames of two pairs of segments between which a part of 2e6 electrons goes back and forth.
  ///
  /// - Parameter part: By frame, row and column, -1...1.
  private static func frames(
    _ count: Int, _ shape: GridShape, part: (_ frame: Int, _ row: Int, _ column: Int) -> Double
  ) -> [SegmentSignals] {
    (0..<count).map { frame in
      var generator = SeededGenerator(seed: 5, path: [frame])
      var values: [Double] = []
      for segment in 0..<8 {
        for place in 0..<shape.count {
          let part = part(frame, place / shape.columns, place % shape.columns)
          let sign = segment.isMultiple(of: 2) ? 1.0 : -1
          values.append(generator.poisson(mean: 2.5e5 * (1 + 0.1 * sign * part)))
        }
      }
      return SegmentSignals(
        shape: shape, segmentCount: 8, values: values, mask: PixelMask(shape: shape),
        electronsPerUnit: 1)
    }
  }

  private func ratio(_ frames: [SegmentSignals]) throws -> (value: Double, error: Double) {
    let shape = frames[0].shape
    var (signals, scatter) = accumulator(shape, frames: frames).finished()
    let ratio = signals.applyScatter(scatter)
    return (try #require(ratio), (2 / scatter.degreesOfFreedom).squareRoot())
  }

  @Test("A lattice that moves between frames, and a beam that wanders, are no noise")
  func movingStructure() throws {
    // A twentieth of the period a frame: the part of the signal that goes back and forth changes by 30 % of its
    // tenth, 15 deviations of the noise. Differences leave 1.1e-6 of its power.
    let lattice = Self.frames(4, GridShape(rows: 45, columns: 24)) { frame, row, column in
      sin(2 * Double.pi * (Double(row + 2 * column) / 8 + Double(frame) / 20))
    }
    let moved = try ratio(lattice)
    #expect(abs(moved.value - 1) < 4 * moved.error, "\(moved)")
    let wandering = Self.frames(4, GridShape(rows: 45, columns: 24)) { frame, _, _ in
      Double(frame) / 4
    }
    let wandered = try ratio(wandering)
    #expect(abs(wandered.value - 1) < 4 * wandered.error, "\(wandered)")
  }

  @Test("A line that the beam scanned elsewhere is noise, and so is what differs in a single line")
  func displacedLines() throws {
    var generator = SeededGenerator(seed: 6)
    let jitter = (0..<(4 * 45)).map { _ in 0.02 * generator.normal() }
    // Of a deviation of 0.1 × 0.02 × 2.5e5 electrons, as large as that of counting: √2.5e5.
    let lines = try ratio(
      Self.frames(4, GridShape(rows: 45, columns: 24)) { frame, row, _ in jitter[45 * frame + row] }
    )
    // 4 × 45 numbers are known to √(2/135 × 9/5) of their variance; four of that.
    #expect(abs(lines.value - 2) < 0.65, "\(lines)")
    let single = try ratio(
      Self.frames(4, GridShape(rows: 1, columns: 160)) { frame, _, column in
        jitter[(45 * frame + column) % 180]
      })
    #expect(abs(single.value - 2) < 0.65, "\(single)")
  }

  @Test("Noise beyond counting enlarges the errors by as much")
  func excessNoise() throws {
    var (signals, scatter) = accumulated(frames(5, excess: 1))
    let comparison = signals.applyScatter(scatter)
    let ratio = try #require(comparison)
    // √(2/5760) of twice, four of them.
    #expect(abs(ratio - 2) < 0.15)
    #expect(signals.varianceFactor == ratio)
  }

  @Test("Unknown electrons are measured by the scatter: signals of half an electron each")
  func electronsFromScatter() throws {
    let halved = frames(5).map { frame in
      SegmentSignals(
        shape: Self.shape, segmentCount: 8, values: frame.values.map { $0 * 2 }, mask: frame.mask,
        electronsPerUnit: nil)
    }
    var (signals, scatter) = accumulated(halved)
    let comparison = signals.applyScatter(scatter)
    #expect(comparison == nil)
    let electrons = try #require(signals.electronsPerUnit)
    #expect(abs(electrons - 0.5) < 0.05)
  }

  @Test("A pixel bad in one frame is averaged over the others; bad in all, it keeps its reason")
  func masksPerFrame() {
    var frames = frames(3)
    frames[1].mask.bytes[4] = PixelFlags.hot.rawValue
    for frame in 0..<3 { frames[frame].mask.bytes[9] = PixelFlags.missing.rawValue }
    let (signals, _) = accumulated(frames)
    #expect(signals.mask.bytes[4] == 0)
    #expect(signals.values[4] == frames[0].values[4] + frames[2].values[4])
    #expect(signals.mask.bytes[9] == PixelFlags.missing.rawValue)
    #expect(signals.values[9] == 0)
  }
}
