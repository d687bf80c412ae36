// Work that takes long and is given up half-way.

import DPCReconstruction
import DPCSimulation
import STEMCore
import Synchronization
import Testing

/// Says so from the n-th time on that it is asked.
private final class Patience: Sendable {
  private let asked = Atomic(0)
  private let limit: Int

  init(_ limit: Int) { self.limit = limit }

  var count: Int { asked.load(ordering: .relaxed) }

  var isOver: @Sendable () -> Bool {
    { self.asked.add(1, ordering: .relaxed).newValue > self.limit }
  }
}

struct InterruptionTests {
  private static let walls = [
    TestWall(field: 3e8, w: 9e-9, position: -60e-9),
    TestWall(field: -2e8, w: 8e-9, position: 52e-9),
  ]

  private static func geometry() throws -> InclinationGeometry {
    try InclinationGeometry(thickness: 60e-9, inclination: 45 * degree, direction: .parallel)
  }

  private static func profile() throws -> LineProfile {
    wallProfileSamples(walls, geometry: try geometry(), sigma: 2e7, seed: 1)
  }

  @Test("A fit is given up wherever it is, and asks often", arguments: [0, 1, 5, 20])
  func fit(limit: Int) throws {
    let whole = Patience(.max)
    let fit = try fitWalls(
      profile: Self.profile(), geometry: Self.geometry(), isInterrupted: whole.isOver)
    #expect(fit.walls.count == 2 && whole.count > 100)
    let patience = Patience(limit)
    #expect(throws: WallError.interrupted) {
      try fitWalls(
        profile: Self.profile(), geometry: Self.geometry(), isInterrupted: patience.isOver)
    }
  }

  @Test("So is a fit of the inclination", arguments: [0, 30, 300])
  func inclination(limit: Int) throws {
    let patience = Patience(limit)
    #expect(throws: WallError.interrupted) {
      try fitInclinedWalls(
        profile: Self.profile(), start: Self.geometry(), isInterrupted: patience.isOver)
    }
  }

  @Test("maximum-likelihood leaves the positions that are left")
  func likelihood() throws {
    let detector = SegmentedDetector.annular(
      rings: [(0, 0.024, 4), (0.024, 0.048, 4)], start: 0, orientation: 0)
    let shape = GridShape(rows: 4, columns: 50)
    let counts = [250_000, 249_000, 251_000, 250_000, 60, 20, 10, 40].map(Double.init)
    let signals = SegmentSignals(
      shape: shape, segmentCount: 8,
      values: counts.flatMap { [Double](repeating: $0, count: shape.count) },
      mask: PixelMask(shape: shape), electronsPerUnit: 1)
    let patience = Patience(60)
    let map = try deflectionEstimator(
      .maximumLikelihood, detector: detector, probeSemiAngle: 24e-3, isInterrupted: patience.isOver
    ).deflection(of: signals, calibration: .identity, pixelSize: nil).map
    #expect(map.mask.count(of: .outsideModel) == shape.count - 60)
  }
}
