// Drift between repeated frames against stacks that were moved by a known length.
import DPCReconstruction
import DPCSimulation
import Foundation
import STEMCore
import Testing

/// Repeated frames of a specimen that moves, of four quadrants of which each counts a quarter of the electrons and,
/// for a deflection v, with m the unit vector to its middle, 0.05 v·m of it more.
struct MovingStack: Sendable {
  var shape = GridShape(rows: 96, columns: 128)
  var pixelSize = PixelSize(x: 0.5e-9, y: 0.75e-9)
  var frameCount = 10
  /// Counted at a position of a frame; infinite for none of their noise.
  var electrons = 3e5
  /// Deflection at a place of the specimen, m, of the order of 1.
  var specimen: @Sendable (_ x: Double, _ y: Double) -> SIMD2<Double>
  /// The same at every frame: descan, places from -1 to 1.
  var fixed: @Sendable (_ x: Double, _ y: Double) -> SIMD2<Double> = { _, _ in .zero }
  /// Where the specimen is at a frame, m.
  var place: @Sendable (_ frame: Int) -> SIMD2<Double>
  /// Part of the electrons that a frame counts.
  var brightness: @Sendable (_ frame: Int) -> Double = { _ in 1 }
  /// Shown instead of the specimen.
  var others: [Int: @Sendable (_ x: Double, _ y: Double) -> SIMD2<Double>] = [:]
  var seed: UInt64 = 7

  static let azimuths = [45.0, 135, 225, 315].map { $0 * Double.pi / 180 }

  /// Signals of one frame, segment after segment.
  func frame(_ index: Int) -> [Double] {
    var generator = SeededGenerator(seed: seed, path: [index])
    let place = place(index)
    let content = others[index] ?? specimen
    var deflections: [SIMD2<Double>] = []
    for row in 0..<shape.rows {
      for column in 0..<shape.columns {
        let (u, v) = (
          2 * Double(column) / Double(shape.columns - 1) - 1,
          2 * Double(row) / Double(shape.rows - 1) - 1
        )
        let x = u * Double(shape.columns - 1) / 2 * pixelSize.x - place.x
        let y = v * Double(shape.rows - 1) / 2 * pixelSize.y - place.y
        deflections.append(content(x, y) + fixed(u, v))
      }
    }
    return Self.azimuths.flatMap { azimuth in
      let middle = SIMD2(cos(azimuth), sin(azimuth))
      return deflections.map { deflection in
        let part = 0.25 * (1 + 0.05 * (deflection * middle).sum())
        if electrons.isInfinite { return 1e6 * part * brightness(index) }
        return generator.poisson(mean: electrons * part * brightness(index))
      }
    }
  }

  func findings() throws -> StackFindings {
    let none = SegmentCorrection(
      dark: [0, 0, 0, 0], gain: [1, 1, 1, 1], gainSource: .none)
    var accumulator = FrameAccumulator(
      shape: shape, correction: none, electronsPerUnit: 1,
      sampling: ScatterSampling(shape: shape, frameCount: frameCount),
      thumbnails: ThumbnailGrid(
        shape: shape, frameCount: frameCount, azimuths: Self.azimuths, correction: none,
        pixelSize: pixelSize))
    for index in 0..<frameCount {
      var raw = RawSignals.double(frame(index))
      accumulator.add(&raw, masks: [PixelMask(shape: shape)])
    }
    return try #require(accumulator.thumbnails).findings(frameCount: frameCount)
  }

  /// Of a position's sides, m.
  var side: Double { (pixelSize.x * pixelSize.y).squareRoot() }
}

/// Walls of 12 nm at an azimuth of their normal, rad, alternating.
func walls(_ azimuth: Double) -> @Sendable (Double, Double) -> SIMD2<Double> {
  let normal = SIMD2(cos(azimuth), sin(azimuth))
  return { x, y in
    let along = x * normal.x + y * normal.y
    var height = 0.0
    for (place, sign) in [(-19e-9, 1.0), (1e-9, -1), (16e-9, 1)] {
      height += sign / pow(cosh((along - place) / 3.4e-9), 2)
    }
    return height * normal
  }
}

/// Dots of 5 nm, of which none is like the other.
@Sendable func dots(_ x: Double, _ y: Double) -> SIMD2<Double> {
  let places: [(Double, Double, Double)] = [
    (-24.0, -20.0, 1.0), (-9, -27, -0.7), (13, -15, 0.9), (26, -24, -1.1), (-19, 2, 0.8),
    (2, -4, 1.2), (21, 6, -0.9),
    (-27, 21, -1), (-6, 17, 0.6), (9, 26, 1.1), (25, 22, 0.7), (35, 3, 1), (-36, -8, 0.9),
  ]
  var sum = SIMD2<Double>.zero
  for dot in places {
    let step = (SIMD2(x, y) * 1e9 - SIMD2(dot.0, dot.1)) / 4
    let height: Double = dot.2 * exp(-(step * step).sum() / 2)
    sum += height * step
  }
  return sum
}

struct FrameDriftTests {
  private static let descan: @Sendable (Double, Double) -> SIMD2<Double> = { x, y in
    SIMD2(3 * x + 1.5 * y + x * x, 2 * y - 2 * x * y)
  }

  /// Frames on a straight way, the middle one at the origin.
  private static func steady(_ whole: SIMD2<Double>, of count: Int = 10)
    -> @Sendable (Int) -> SIMD2<Double>
  {
    { frame in whole * (Double(frame) / Double(count - 1) - 0.5) }
  }

  // Descan is ten times as large as the walls, and does not move.
  @Test(
    "Walls tell drift across them in nm, with its error, beside descan that stays",
    arguments: [4.0, 10, 20])
  func walls(length: Double) throws {
    let azimuth = 0.5
    let whole = SIMD2(length, 0.3 * length) * 1e-9
    let stack = MovingStack(
      specimen: DPCReconstructionTests.walls(azimuth), fixed: Self.descan, place: Self.steady(whole)
    )
    let drift = try #require(try stack.findings().drift)
    let direction = try #require(drift.direction)
    // Two degrees: walls of 12 nm, 60 nm long.
    #expect(abs(abs(direction.x * cos(azimuth) + direction.y * sin(azimuth)) - 1) < 6e-4)
    let found: Double = abs((drift.extent * direction).sum()) * stack.side
    let truth: Double = abs((whole * direction).sum())
    let part = drift.covariance(direction.x, direction.y)
    let variance: Double = direction.x * part.x + direction.y * part.y
    let error = variance.squareRoot() * stack.side
    #expect(abs(found - truth) < 4 * error, "\(found) for \(truth) ± \(error)")
    let distance = drift.distance
    #expect(abs(distance.value * stack.side - found) < 1e-9 * found)
    #expect(abs(distance.error * stack.side - error) < 1e-9 * error)
    #expect(error < 0.1e-9 && drift.isSignificant && drift.isMeasured && drift.foreign.isEmpty)
    // Each frame to a fifth of a position, along x and y.
    for frame in 0..<10 {
      let place = stack.place(frame)
      let across: Double = (place * direction).sum()
      let expected = across * direction / SIMD2(stack.pixelSize.x, stack.pixelSize.y)
      #expect(abs(drift.shifts[frame].x - expected.x) < 0.2)
      #expect(abs(drift.shifts[frame].y - expected.y) < 0.2)
    }
  }

  @Test("Dots tell both components, of ways that are not straight as well")
  func dots() throws {
    let coordinates: [(Double, Double)] = [
      (0, 0), (1, -0.5), (1.5, -2), (3, -2.5), (6, -2), (6.5, 0), (7, 2), (9, 3), (10, 3.5),
      (10, 5),
    ]
    let places: [SIMD2<Double>] = coordinates.map { SIMD2($0.0, $0.1) * 1e-9 }
    let stack = MovingStack(
      electrons: 1.6e6, specimen: { DPCReconstructionTests.dots($0, $1) }, fixed: Self.descan,
      place: { places[$0] })
    let drift = try #require(try stack.findings().drift)
    #expect(drift.direction == nil && drift.isSignificant)
    let mean = places.reduce(SIMD2<Double>.zero, +) / 10
    for frame in 0..<10 {
      let expected =
        (places[frame] - mean) / SIMD2(stack.pixelSize.x, stack.pixelSize.y)
      let off = drift.shifts[frame] - expected
      #expect((off * off).sum() < 0.04, "frame \(frame): \(off)")
    }
    // From the first frame to the last, which are furthest apart.
    let extent = (drift.extent * drift.extent).sum().squareRoot() * stack.side
    let error = (drift.covariance.xx + drift.covariance.yy).squareRoot() * stack.side
    #expect(abs(extent - 125.0.squareRoot() * 1e-9) < 4 * error && error < 0.2e-9)
    let along = drift.extent * (stack.side / extent)
    let part = drift.covariance(along.x, along.y)
    let expected: Double = (along.x * part.x + along.y * part.y).squareRoot()
    #expect(abs(drift.distance.value * stack.side - extent) < 1e-9 * extent)
    #expect(abs(drift.distance.error - expected) < 1e-9 * expected)
  }

  @Test("Shifts have no mean in the counts that are added, so that descan stays in its place")
  func unequalDoses() throws {
    // From thrice the counts to half of them, and a frame that is left out.
    let counts = [3, 2.5, 2, 1.5, 1, 1, 0.9, 0.8, 0.7, 0.5]
    let stack = MovingStack(
      electrons: 1.6e6, specimen: { DPCReconstructionTests.dots($0, $1) }, fixed: Self.descan,
      place: Self.steady(SIMD2(12e-9, -6e-9)), brightness: { counts[$0] },
      others: [4: { DPCReconstructionTests.dots($0 + 300e-9, $1 - 200e-9) }])
    let drift = try #require(try stack.findings().drift)
    #expect(drift.isSignificant && drift.foreign == [4])
    var sum = SIMD2<Double>.zero
    for (frame, shift) in drift.shifts.enumerated() where frame != 4 {
      sum += counts[frame] * shift
    }
    // Counts of a frame are known to 1e-5.
    #expect(abs(sum.x) + abs(sum.y) < 1e-3, "\(sum)")
    let plain = drift.shifts.reduce(SIMD2<Double>.zero, +)
    #expect(plain.x / 10 > 2 && plain.y / 10 < -0.5, "\(plain)")
  }

  @Test("Errors are those of repeated measurements, and noise is no drift")
  func errors() throws {
    var squares: [Double] = []
    for seed in 0..<40 {
      for still in [true, false] {
        let whole = still ? SIMD2<Double>.zero : SIMD2(6e-9, 0)
        let stack = MovingStack(
          shape: GridShape(rows: 64, columns: 64), pixelSize: PixelSize(x: 1e-9, y: 1e-9),
          frameCount: 6, electrons: 6e4, specimen: DPCReconstructionTests.walls(0),
          fixed: Self.descan, place: Self.steady(whole, of: 6), seed: UInt64(seed))
        let drift = try #require(try stack.findings().drift)
        #expect(drift.isSignificant != still && drift.foreign.isEmpty)
        #expect(!still || drift.shifts.allSatisfy { $0 == .zero })
        let error: Double = drift.covariance.xx.squareRoot()
        let pull: Double = (abs(drift.extent.x) - whole.x / 1e-9) / error
        if !still { squares.append(pull * pull) }
      }
    }
    let rms = (squares.reduce(0, +) / Double(squares.count)).squareRoot()
    // The standard error of the root mean square of 40 is 0.11; four of them, on either side.
    #expect(rms > 0.55 && rms < 1.45, "\(rms)")
  }

  @Test("Without structure, or with too few counts, nothing is said", arguments: [1e6, 60])
  func nothing(electrons: Double) throws {
    var stack = MovingStack(
      specimen: DPCReconstructionTests.walls(0.5), fixed: Self.descan,
      place: Self.steady(SIMD2(10e-9, 0)))
    stack.electrons = electrons
    if electrons > 1000 { stack.specimen = { _, _ in SIMD2<Double>.zero } }
    #expect(try stack.findings().drift == nil)
  }

  @Test("Few counts a frame are enough where neighbors are taken together")
  func coarse() throws {
    let stack = MovingStack(
      frameCount: 24, electrons: 5000, specimen: DPCReconstructionTests.walls(0),
      fixed: Self.descan, place: Self.steady(SIMD2(10e-9, 0), of: 24))
    let drift = try #require(try stack.findings().drift)
    let error = drift.covariance.xx.squareRoot() * stack.side
    let found = abs(drift.extent.x) * stack.side
    #expect(drift.isSignificant && abs(found - 10e-9) < 4 * error && error < 1.2e-9)
  }

  @Test("A frame of another place, and one without a beam, are named")
  func foreign() throws {
    var stack = MovingStack(
      specimen: DPCReconstructionTests.walls(0.5), fixed: Self.descan,
      place: Self.steady(SIMD2(8e-9, 0)), brightness: { $0 == 7 ? 0.01 : 1 },
      others: [3: { DPCReconstructionTests.dots(2 * $1, 2 * $0) }])
    let findings = try stack.findings()
    #expect(findings.drift?.foreign == [3] && findings.drift?.isForeignEach == true)
    #expect(findings.dim.map(\.frame) == [7])
    #expect(abs(try #require(findings.dim.first).part - 0.01) < 0.001)
    let drift = try #require(findings.drift)
    let extent: Double = (drift.extent * drift.extent).sum().squareRoot() * stack.side
    #expect(abs(extent - 8e-9 * cos(0.5)) < 0.3e-9)
    // Every frame another.
    for frame in 0..<10 {
      let turn = Double(frame)
      stack.others[frame] = { x, y in
        DPCReconstructionTests.dots(x * cos(turn) - y * sin(turn), x * sin(turn) + y * cos(turn))
      }
    }
    #expect(try stack.findings().drift?.isMeasured == false)
  }

  @Test("A lattice tells at what distance it repeats itself")
  func lattice() throws {
    let stack = MovingStack(
      pixelSize: PixelSize(x: 0.5e-9, y: 0.5e-9),
      specimen: { x, y in SIMD2(sin(2 * Double.pi * x / 8e-9), sin(2 * Double.pi * y / 8e-9)) },
      place: Self.steady(SIMD2(10e-9, 0)))
    let drift = try #require(try stack.findings().drift)
    // To a position.
    #expect(abs(drift.repeatDistance - 16) <= 1.5, "\(drift.repeatDistance)")
    let few = MovingStack(
      specimen: DPCReconstructionTests.walls(0.5), place: Self.steady(SIMD2(8e-9, 0)))
    #expect(try few.findings().drift?.repeatDistance == .infinity)
  }
}
