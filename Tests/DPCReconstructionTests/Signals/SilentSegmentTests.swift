// Segments around the disc that are dead, and others that the disc never lights.
import DPCReconstruction
import DPCSimulation
import Foundation
import STEMCore
import Testing

struct SilentSegmentTests {
  /// Two rings that meet at the rim of the stated disc; the outer one has the later half of the segments.
  private static func detector(sectors: Int) -> SegmentedDetector {
    .annular(
      rings: [
        (inner: 0, outer: 0.024, sectors: sectors), (inner: 0.024, outer: 0.048, sectors: sectors),
      ], start: 0, orientation: 0)
  }

  /// Stripes of 16 columns: one with the disc at its place, one with the disc shifted, and so on.
  private struct Scan {
    /// In turn: azimuth in degrees, and length in radii of the disc.
    var shifts: [(azimuth: Double, length: Double)]
    var sectors = 4
    /// Of the disc everywhere, in mrad.
    var offset = (x: 0.0, y: 0.0)
    var radius = 0.024
    /// Counts this much readout noise, in electrons, and nothing else.
    var dead: (segment: Int, noise: Double)?

    private func mean(_ column: Int, on detector: SegmentedDetector) -> [Double] {
      let stripe = column / 16
      let shift = shifts[stripe / 2 % shifts.count]
      let length = stripe.isMultiple(of: 2) ? 0 : shift.length * radius
      let (x, y) = (
        offset.x * 1e-3 + length * cos(shift.azimuth * Double.pi / 180),
        offset.y * 1e-3 + length * sin(shift.azimuth * Double.pi / 180)
      )
      return detector.segments.map {
        1e6
          * BrightFieldDisc(radius: radius).fraction(
            on: $0, orientation: 0, displacedBy: x, y)
      }
    }

    /// The silent segment and, where it may be another one, that.
    func found() -> [Int] {
      let detector = SilentSegmentTests.detector(sectors: sectors)
      let shape = GridShape(rows: 16, columns: 192)
      var generator = SeededGenerator(seed: 11)
      var values = [Double](repeating: 0, count: 2 * sectors * shape.count)
      for column in 0..<shape.columns {
        for (segment, mean) in mean(column, on: detector).enumerated() {
          for row in 0..<shape.rows {
            let place = segment * shape.count + row * shape.columns + column
            values[place] = Double(generator.poisson(mean: mean))
            if let dead, dead.segment == segment { values[place] = dead.noise * generator.normal() }
          }
        }
      }
      let signals = SegmentSignals(
        shape: shape, segmentCount: 2 * sectors, values: values, mask: PixelMask(shape: shape),
        electronsPerUnit: 1)
      let silent = SilentSegmentSearch(
        SignalStatistics(signals), detector, probeSemiAngle: 0.024, electronsPerUnit: 1
      )?.segment(in: [signals])
      return [silent?.index, silent?.other].compactMap(\.self)
    }
  }

  // Unequal ones: the segments that are lit differ by more than three times.
  @Test(
    "Of walls of both signs a segment that counts nothing is dead, whatever the walls' direction",
    arguments: [0.0, 20], [100.0, 125, 135, 150])
  func dead(noise: Double, azimuth: Double) {
    var scan = Scan(shifts: [(azimuth, 2e-3), (azimuth + 180, 4e-3)])
    #expect(scan.found() == [])
    // The segment from 90 to 180 degrees.
    scan.dead = (5, noise)
    #expect(scan.found() == [5])
  }

  @Test(
    "So it is in a ring of eight, and where the disc is off the center by less than the walls shift it"
  )
  func others() {
    let shifts = [(azimuth: 120.0, length: 4e-3), (azimuth: 300, length: 3e-3)]
    // From 90 to 135 degrees.
    var scan = Scan(shifts: shifts, sectors: 8, dead: (10, 0))
    #expect(scan.found() == [10])
    scan = Scan(shifts: shifts, offset: (0.01, -0.02), dead: (5, 0))
    #expect(scan.found() == [5])
  }

  @Test("Of walls of one sign one of two segments across from each other is dead")
  func pair() {
    let scan = Scan(shifts: [(125, 3e-3)], dead: (5, 0))
    #expect(scan.found() == [5, 7])
    #expect(Scan(shifts: [(305, 3e-3)], dead: (5, 0)).found() == [])
  }

  @Test(
    "A disc that lies to one side everywhere leaves a segment dark that is not dead",
    arguments: [4, 8], [1e-3, 0.02, 0.3])
  func oneSide(sectors: Int, length: Double) {
    // The rim just reaches the first segment beyond the disc, from 0 to 360/sectors degrees, where the shift is
    // half a sector and 90 degrees off its middle.
    let (across, reach) = (180.0 + 180 / Double(sectors), 90 - 180 / Double(sectors))
    for first in [-1, -0.6, 0, 0.5] {
      let shifts = [
        (azimuth: across + first * reach, length: length),
        (azimuth: across + reach, length: length / 2),
      ]
      #expect(Scan(shifts: shifts, sectors: sectors).found() == [], "\(first)")
      #expect(
        Scan(shifts: shifts, sectors: sectors, offset: (-0.05, -0.05)).found() == [], "\(first)")
    }
  }

  @Test(
    "A disc smaller than stated lights less than half of the ring: what is dark then is not dead"
  )
  func smaller() {
    for azimuth in [30.0, 45, 80] {
      #expect(Scan(shifts: [(azimuth, 0.06)], radius: 0.0228).found() == [], "\(azimuth)")
    }
  }
}
