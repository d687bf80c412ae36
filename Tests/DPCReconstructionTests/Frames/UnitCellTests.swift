// Averages over unit cells: what vanishes, what stays, and how well the noise is known.
import DPCReconstruction
import DPCSimulation
import Foundation
import STEMCore
import Testing

struct UnitCellTests {
  private static let aligned = UnitCell(a: LatticeVector(8, 0), b: LatticeVector(0, 6))
  /// No edge is along an axis, nor a whole number of pixels.
  private static let turned = UnitCell(a: LatticeVector(9.3, 2.7), b: LatticeVector(-4.1, 8.2))

  private func plane(
    rows: Int = 30, columns: Int = 33, _ value: (Int, Int) -> Double
  ) -> SegmentSignals {
    let shape = GridShape(rows: rows, columns: columns)
    let values = (0..<shape.count).map { value($0 / shape.columns, $0 % shape.columns) }
    return SegmentSignals(
      shape: shape, segmentCount: 1, values: values, mask: PixelMask(shape: shape),
      electronsPerUnit: 1)
  }

  @Test("The lattice and its harmonics vanish over whole cells, a ramp stays, nothing is shifted")
  func cellAverage() {
    let input = plane { row, column in
      let lattice = Double(column % 8 == 0 ? 70 : 0) + Double(row % 6 == 2 ? 30 : 0)
      return 100 + 2 * Double(column) + lattice
    }
    let result = unitCellAverage(of: input, over: Self.aligned).signals
    // Counts add up over 48 pixels: a mean of 100 + 2 column + 70/8 + 30/6.
    for row in 3..<27 {
      for column in 4..<29 {
        let expected = 48 * (100 + 2 * Double(column) + 70.0 / 8 + 5)
        #expect(abs(result.values[row * 33 + column] - expected) < 1e-9)
        #expect(result.mask.isUsable(row * 33 + column))
      }
    }
    #expect(result.mask.bytes[2 * 33 + 10] == PixelFlags.missing.rawValue)
    #expect(result.mask.bytes[10 * 33 + 29] == PixelFlags.missing.rawValue)
  }

  /// A lattice's waves by their orders, at a pixel.
  private static func lattice(
    _ cell: UnitCell, _ orders: [(h: Double, k: Double, amplitude: Double)], row: Int, column: Int
  ) -> Double {
    let determinant = cell.a.x * cell.b.y - cell.a.y * cell.b.x
    // The pixel in parts of the edges.
    let along = (Double(column) * cell.b.y - Double(row) * cell.b.x) / determinant
    let across = (Double(row) * cell.a.x - Double(column) * cell.a.y) / determinant
    return orders.reduce(0) { sum, order in
      sum + order.amplitude * cos(2 * .pi * (order.h * along + order.k * across) + order.h)
    }
  }

  @Test("So do those of a turned and oblique cell, sampled as they are, and its area is summed")
  func turnedCell() {
    let orders = (0...2).flatMap { h in
      (-2...2).filter { h > 0 || $0 > 0 }.map { (h: Double(h), k: Double($0), amplitude: 50.0) }
    }
    let input = plane(rows: 40, columns: 44) { row, column in
      1000 + 3 * Double(column) - 2 * Double(row)
        + Self.lattice(Self.turned, orders, row: row, column: column)
    }
    let result = unitCellAverage(of: input, over: Self.turned).signals
    let area = 9.3 * 8.2 + 2.7 * 4.1
    #expect(abs(result.exposures - area) < 1e-9)
    var usable = 0
    for position in 0..<input.shape.count where result.mask.isUsable(position) {
      let (row, column) = (position / 44, position % 44)
      let expected = area * (1000 + 3 * Double(column) - 2 * Double(row))
      #expect(abs(result.values[position] / expected - 1) < 1e-12)
      usable += 1
    }
    // Half of (9.3 + 4.1) and of (2.7 + 8.2) are cut off at either side, to whole pixels.
    #expect(usable == (44 - 14) * (40 - 10))
  }

  @Test("A bad pixel masks every cell that holds it, and errors follow the weights")
  func cellMaskAndErrors() {
    var input = plane { _, _ in 100 }
    input.mask.bytes[15 * 33 + 16] = PixelFlags.hot.rawValue
    let average = unitCellAverage(
      of: input, over: UnitCell(a: LatticeVector(4, 0), b: LatticeVector(0, 3)))
    let result = average.signals
    #expect(result.mask.bytes[15 * 33 + 18] == PixelFlags.hot.rawValue)
    #expect(result.values[15 * 33 + 18] == 0)
    #expect(result.mask.bytes[14 * 33 + 14] == PixelFlags.hot.rawValue)
    #expect(result.mask.bytes[15 * 33 + 19] == 0)
    // Four pixels as ½ 1 1 1 ½: Σw²/Σw = 3.5/4; three pixels: 1.
    #expect(abs(result.varianceFactor - 3.5 / 4) < 1e-12)
    // (Σw)²/Σw² along either axis.
    #expect(abs(average.correlation.x - 16 / 3.5) < 1e-9)
    #expect(abs(average.correlation.y - 3) < 1e-9)
  }

  @Test("The noise of means over a turned cell, and of their sums, is as the weights say")
  func noise() {
    var generator = SeededGenerator(seed: 11)
    let shape = GridShape(rows: 300, columns: 300)
    let input = plane(rows: shape.rows, columns: shape.columns) { _, _ in
      generator.poisson(mean: 400)
    }
    let average = unitCellAverage(of: input, over: Self.turned)
    let signals = average.signals
    let inside = 20..<280
    let mean = 400 * signals.exposures
    var (pixel, block, blocks) = (0.0, 0.0, 0.0)
    // Sums over 65 × 65 positions, beside which a cell is small.
    for top in stride(from: inside.lowerBound, to: inside.upperBound, by: 65) {
      for left in stride(from: inside.lowerBound, to: inside.upperBound, by: 65) {
        var sum = 0.0
        for row in top..<(top + 65) {
          for column in left..<(left + 65) {
            let off = signals.values[row * shape.columns + column] - mean
            sum += off
            pixel += off * off
          }
        }
        block += sum * sum
        blocks += 1
      }
    }
    let positions = blocks * 65 * 65
    // 260² positions of which 90 go together: √(2 · 90 / 260²) = 5 % of scatter.
    let expected = mean * signals.varianceFactor
    #expect(abs(pixel / positions / expected - 1) < 0.2)
    // 16 blocks: 35 % of scatter, and a sixth less since windows at their edges reach out.
    let together = average.correlation.x * average.correlation.y
    #expect(abs(block / positions / expected / together - 1) < 1.2)
    #expect(block / positions / expected / together > 0.3)
    // Of a parallelogram all but the cut pixels count alike.
    let area = 9.3 * 8.2 + 2.7 * 4.1
    #expect(together > area && together < 1.2 * area)
  }

  // MARK: What the signals say of the lattice

  /// Four quadrants of a disc that a lattice, a wall and counting act upon.
  private static func scan(
    _ cell: UnitCell, tilt: Double, electrons: Double, seed: UInt64, side: Int = 200,
    wall height: Double = 1e-4
  ) -> (signals: SegmentSignals, detector: SegmentedDetector) {
    let detector = SegmentedDetector.annular(rings: [(0, 0.024, 4)], orientation: 0.3)
    let orders = [(h: 1.0, k: 0.0, amplitude: 1.0), (0, 1, 1), (1, 1, 0.4), (2, 0, 0.2)]
    let shape = GridShape(rows: side, columns: side)
    var generator = SeededGenerator(seed: seed)
    var values = [Double](repeating: 0, count: 4 * shape.count)
    for position in 0..<shape.count {
      let (row, column) = (position / side, position % side)
      let wave = Self.lattice(cell, orders, row: row, column: column)
      let wall = exp(-pow(Double(column - side / 2) / 40, 2))
      for segment in 0..<4 {
        let azimuth = detector.segments[segment].middle + detector.orientation
        // A quadrant gains √2 / (2π) · 2 of the sum a semi-angle along its middle: 0.9 / 2 of all four.
        let gain =
          0.9 / 2 / 0.024
          * (cos(azimuth) * (tilt * wave + height * wall) + sin(azimuth) * tilt * wave)
        values[segment * shape.count + position] = generator.poisson(
          mean: electrons * (0.25 + gain))
      }
    }
    return (
      SegmentSignals(
        shape: shape, segmentCount: 4, values: values, mask: PixelMask(shape: shape),
        electronsPerUnit: 1), detector
    )
  }

  private static func difference(_ one: LatticeVector, _ two: LatticeVector) -> Double {
    hypot(one.x - two.x, one.y - two.y)
  }

  @Test("The cell is found beside another one that was stated, its edges to a hundredth of a pixel")
  func measuredCell() throws {
    let (signals, detector) = Self.scan(Self.turned, tilt: 6e-4, electrons: 1e4, seed: 4)
    let stated = UnitCell(a: LatticeVector(10, 0), b: LatticeVector(0, 9))
    let waves = LatticeWaves.find(in: signals, detector: detector, around: stated)
    let cell = try #require(waves.cell)
    // A bin is half a percent of a wave here; a wave of a hundred times the noise's power is found to a fiftieth of one.
    #expect(
      Self.difference(cell.a, Self.turned.a) < 0.01 && Self.difference(cell.b, Self.turned.b) < 0.01
    )
    #expect(waves.contrast(after: cell).noises < 0.1)
    #expect(waves.contrast(after: stated).noises > 1)
  }

  @Test("What an average over a wrong cell leaves is what is foretold, over its noise and the sum")
  func foretold() {
    let stated = UnitCell(a: LatticeVector(10, 0), b: LatticeVector(0, 9))
    let (signals, detector) = Self.scan(Self.turned, tilt: 6e-4, electrons: 1e4, seed: 5, wall: 0)
    let waves = LatticeWaves.find(in: signals, detector: detector, around: stated)
    let left = waves.contrast(after: stated)
    let average = unitCellAverage(of: signals, over: stated).signals
    let count = average.shape.count
    let cosines = detector.segments.map { cos($0.middle + detector.orientation) }
    let sines = detector.segments.map { sin($0.middle + detector.orientation) }
    var (square, positions, mean) = (0.0, 0.0, 0.0)
    for position in 0..<count where average.mask.isUsable(position) {
      for weights in [cosines, sines] {
        let sum = (0..<4).reduce(0) { $0 + weights[$1] * average.values[$1 * count + position] }
        square += sum * sum / 2
      }
      mean += average.sum(at: position)
      positions += 1
    }
    mean /= positions
    // Of a quadrant's noise half is along each axis; the noise is foretold to be one, the lattice `noises` of it.
    let noise = mean * average.varianceFactor / 2
    let measured = (square / positions / noise - 1).squareRoot()
    // 186² positions, of which 90 go together: √(2 · 90 / 186²) = 7 % of the noise's square, beside some three of the
    // lattice's.
    #expect(abs(left.noises / measured - 1) < 0.05, "\(left.noises), \(measured)")
    let ofSum = (square / positions - noise).squareRoot() / mean
    #expect(abs(left.ofSum / ofSum - 1) < 0.05, "\(left.ofSum), \(ofSum)")
  }

  @Test("No lattice is found in noise, in walls, or where there are too few lines")
  func nothing() {
    for seed in 0..<20 {
      let (signals, detector) = Self.scan(Self.turned, tilt: 0, electrons: 300, seed: UInt64(seed))
      let waves = LatticeWaves.find(in: signals, detector: detector, around: Self.turned)
      #expect(!waves.areFound && waves.cell == nil)
      #expect(waves.contrast(after: Self.turned).noises == 0)
    }
    let (signals, detector) = Self.scan(
      Self.turned, tilt: 2e-4, electrons: 1e4, seed: 1, side: 80)
    #expect(!LatticeWaves.find(in: signals, detector: detector, around: Self.turned).areFound)
  }
}
