// One test for each sentence of Conventions.md, by its number: axes, frames and corrections.
import DPCReconstruction
import DPCSimulation
import Foundation
import STEMCore
import Testing

/// pv/e at 200 kV, V, and the deflection by 5 V, rad: 5 / 343741.13.
let stiffness = 343_741.13
private let deflectionOf5V = 5 / stiffness
private let square = PixelSize(x: 1e-9, y: 1e-9)

/// Whether two numbers agree to a millionth: far above rounding, far below any factor or sign.
func agree(_ actual: Double, _ expected: Double) -> Bool {
  abs(actual - expected) <= 1e-6 * abs(expected)
}

/// A simulated scan of two rings of quadrants, boundaries on the diagonals.
func scan(
  _ layers: [PhantomLayer], shape: GridShape = GridShape(rows: 3, columns: 4),
  pixelSize: PixelSize = square
) -> SimulationSpecification {
  SimulationSpecification(
    beam: ElectronBeam(voltage: 200e3), probeSemiAngle: 24e-3,
    detector: .annular(rings: [(0, 24e-3, 4), (24e-3, 48e-3, 4)], start: -Double.pi / 4),
    shape: shape, pixelSize: pixelSize, phantom: Phantom(layers), electronsPerPixel: 1e6)
}

/// Corrected signals and deflection (detector frame) of the first frame, by the reconstruction.
func deflection(
  _ specification: SimulationSpecification, calibration: Matrix2 = .identity
) throws -> VectorMap {
  let data = simulate(specification)
  let correction = try segmentCorrection(for: data.metadata, gainSource: nil, usesDark: true)
  let signals = correction.corrected(
    data.frames[0].flatMap(\.values), shape: specification.shape, saturationLevel: nil,
    electronsPerUnit: 1)
  let estimator = try DiscShiftEstimator(
    detector: data.metadata.detector, probeSemiAngle: data.metadata.probeSemiAngle)
  return estimator.deflection(
    of: signals, calibration: calibration, pixelSize: specification.pixelSize
  ).map
}

@Suite("Conventions: axes, frames, corrections")
struct ConventionsTests {
  @Test("1. The value at (row, column) stands at row * columns + column")
  func indexOrder() {
    var field = ScalarField(shape: GridShape(rows: 2, columns: 3))
    field[1, 0] = 7
    #expect(field.values == [0, 0, 0, 7, 0, 0])
  }

  @Test("2. x counts columns to the right, y counts rows downwards")
  func yDown() {
    // A charged inclusion in the upper left: from it the field points right and down.
    let center = PhantomLayer.gaussianPotential(
      centerX: -1e-9, centerY: -1e-9, sigma: 1e-9, amplitude: 1e-9)
    let truth = simulate(scan([center], shape: GridShape(rows: 3, columns: 3))).truth
    let potential = truth.projectedPotential
    #expect(potential?.values.max() == potential?[0, 0])
    #expect(truth.projectedField.x[2] > 0 && abs(truth.projectedField.y[2]) < 1e-12)
    #expect(truth.projectedField.y[6] > 0 && abs(truth.projectedField.x[6]) < 1e-12)
  }

  @Test("3. Azimuths run from +x towards +y")
  func azimuths() {
    let down = DetectorSegment(
      inner: 24e-3, outer: 48e-3, start: Double.pi / 4, stop: 3 * Double.pi / 4)
    let disc = BrightFieldDisc(radius: 24e-3)
    #expect(disc.fraction(on: down, orientation: 0, displacedBy: 0, 5e-3) > 0.05)
    #expect(disc.fraction(on: down, orientation: 0, displacedBy: 0, -5e-3) == 0)
  }

  @Test("4. The curl ∂Ey/∂x - ∂Ex/∂y of a clockwise whirl is positive")
  func curlSign() {
    let shape = GridShape(rows: 6, columns: 7)
    var whirl = VectorField(shape: shape)
    for i in 0..<shape.count { (whirl.x[i], whirl.y[i]) = (-Double(i / 7), Double(i % 7)) }
    #expect(curl(of: whirl, pixelSize: square).values.allSatisfy { agree($0, 2e9) })
  }

  @Test("5. Arrays of vectors hold all of x before all of y")
  func componentOrder() throws {
    let datasets = simulate(scan([.uniform(x: 5, y: -3)])).truth.datasets
    let field = try #require(datasets.first { $0.name == "E_proj" })
    #expect(field.shape == [2, 3, 4])
    #expect(field.values.prefix(12).allSatisfy { $0 == 5 })
    #expect(field.values.suffix(12).allSatisfy { $0 == -3 })
  }

  @Test("6. Positions are counted from the center of the scan")
  func origin() throws {
    let plane = DescanSurface(
      center: .init(x: 0, y: 0), perColumn: .init(x: 1, y: 0), perRow: .init(x: 0, y: 1),
      shape: GridShape(rows: 4, columns: 3)
    ).field()
    #expect(plane.x == [-1, 0, 1, -1, 0, 1, -1, 0, 1, -1, 0, 1])
    #expect(plane.y[0] == -1.5 && plane.y[11] == 1.5)
    let map = try wallMap(
      [TestWall(field: 1e8, w: 3e-9, position: 8e-9)], rows: 8, columns: 65, pixel: square,
      azimuth: 0)
    let profile = try wallProfile(of: map, direction: .perp, normalAzimuth: 0)
    #expect(agree(profile.distance[0], -32e-9) && agree(profile.distance[64], 32e-9))
    #expect(profile.value[40] == profile.value.max())
  }

  @Test("7. Each axis has its own pixel size")
  func pixelSizes() {
    // E = (1 V per column, 1 V per row) on pixels of 1 nm × 2 nm: div E = 1e9 + 0.5e9 V/m.
    let shape = GridShape(rows: 6, columns: 7)
    var field = VectorField(shape: shape)
    for i in 0..<shape.count { (field.x[i], field.y[i]) = (Double(i % 7), Double(i / 7)) }
    let pixel = PixelSize(x: 1e-9, y: 2e-9)
    let charge = projectedChargeDensity(of: field, pixelSize: pixel)
    #expect(charge.values.allSatisfy { agree($0, 8.854_187_8128e-12 * 1.5e9) })
    let ramp = VectorField(shape: shape, repeating: (x: 1, y: 1))
    let potential = integratedPotential(of: ramp, pixelSize: pixel, boundary: .neumann).potential
    #expect(agree(potential[0, 1] - potential[0, 0], -1e-9))
    #expect(agree(potential[1, 0] - potential[0, 0], -2e-9))
  }

  @Test("8. SI units: 1e8 V/m over 50 nm is 5 V, 14.546 µrad, and 5e-9 V m per nm")
  func units() throws {
    let layer = PhantomLayer.uniform(meanX: 1e8, meanY: 0, thickness: 50e-9)
    let map = try deflection(scan([layer]))
    #expect(agree(map.field.x[0], -deflectionOf5V) && abs(map.field.x[0] + 14.546e-6) < 1e-9)
    let field = projectedField(of: map, beam: ElectronBeam(voltage: 200e3))
    #expect(agree(field.field.x[0], 5))
    #expect(agree(meanField(of: field, thickness: 50e-9).field.x[0], 1e8))
    let potential = integratedPotential(
      of: field.field, pixelSize: square, boundary: .neumann
    ).potential
    #expect(agree(potential[0, 0] - potential[0, 1], 5e-9))
  }

  @Test("9. Azimuth is start plus orientation, in any order of the segments")
  func orientation() throws {
    var turned = scan([.uniform(x: 5, y: 0)])
    // The same detector, written as starts of 0° turned by -45°, and shuffled.
    turned.detector = .annular(
      rings: [(0, 24e-3, 4), (24e-3, 48e-3, 4)], start: 0, orientation: -Double.pi / 4)
    turned.detector.segments = [5, 0, 7, 2, 1, 4, 3, 6].map { turned.detector.segments[$0] }
    let straight = simulate(scan([.uniform(x: 5, y: 0)])).frames[0]
    let shuffled = simulate(turned).frames[0]
    for (plane, segment) in zip(shuffled, [5, 0, 7, 2, 1, 4, 3, 6]) {
      #expect(abs(plane.values[0] - straight[segment].values[0]) < 1e-6)
    }
    let map = try deflection(turned)
    #expect(agree(map.field.x[0], -deflectionOf5V) && abs(map.field.y[0]) < 1e-12)
    // An orientation that the reconstruction ignored would leave a vector turned by 45°.
    turned.detector.orientation = Double.pi / 8
    let other = try deflection(turned)
    #expect(agree(other.field.x[0], -deflectionOf5V) && abs(other.field.y[0]) < 1e-12)
  }

  @Test("10. The disc moves by +θ: a deflection to the right lights the segments on the right")
  func discMoves() throws {
    let right = PhantomLayer.uniform(
      x: -1e-3 * ElectronBeam(voltage: 200e3).momentumVelocityPerCharge, y: 0)
    let frame = simulate(scan([right])).frames[0].map { $0.values[0] }
    // Segments 0 and 4 look right, 2 and 6 left.
    #expect(frame[4] > 1e4 && frame[6] == 0 && frame[0] + frame[4] > frame[2] + frame[6])
    #expect(agree(try deflection(scan([right])).field.x[0], 1e-3))
  }

  @Test("11. Signals give the detector frame; the scan rotation enters in the next step only")
  func frames() throws {
    var rotated = scan([.uniform(x: -5, y: 0)])
    rotated.scanRotation = Double.pi / 2
    let map = try deflection(rotated)
    // +x of the scan is R(-90°) of it in the detector: up.
    #expect(abs(map.field.x[0]) < 1e-12 && agree(map.field.y[0], -deflectionOf5V))
    let matrix = scanFrameMatrix(rotation: Double.pi / 2, handedness: .asRecorded)
    let inScan = transformed(map, by: matrix)
    #expect(agree(inScan.field.x[0], deflectionOf5V) && abs(inScan.field.y[0]) < 1e-12)
  }

  @Test("12. R(a)(vx, vy) = (cos a vx - sin a vy, sin a vx + cos a vy)")
  func rotation() {
    let turned = scanFrameMatrix(rotation: Double.pi / 6, handedness: .asRecorded)(1, 2)
    #expect(agree(turned.x, 0.75.squareRoot() - 1) && agree(turned.y, 0.5 + 3.0.squareRoot()))
  }

  @Test("13. A mirrored detector has y reversed before the rotation")
  func mirrored() {
    let turned = scanFrameMatrix(rotation: Double.pi / 6, handedness: .mirrored)(1, 2)
    #expect(agree(turned.x, 0.75.squareRoot() + 1) && agree(turned.y, 0.5 - 3.0.squareRoot()))
  }

  @Test("14. (raw - dark)/gain, dark off the references too, gains of mean 1 from flat/area")
  func correction() throws {
    var flawed = scan([.uniform(x: 5, y: 0)])
    flawed.segmentGain = [1.3, 0.7, 1.1, 0.9, 1.2, 0.8, 1.05, 0.95]
    flawed.dark = [9e3, 1e3, 5e3, 2e3, 7e3, 3e3, 4e3, 6e3]
    flawed.recording = RecordedReferences(dark: true, flat: true, vacuum: .single)
    let map = try deflection(flawed)
    #expect(agree(map.field.x[0], -deflectionOf5V) && abs(map.field.y[0]) < 1e-11)
    let correction = try segmentCorrection(
      for: simulate(flawed).metadata, gainSource: nil, usesDark: true)
    #expect(correction.gainSource == .flat && agree(correction.gain[0], 1.3))
    #expect(agree(correction.gain.reduce(0, +), 8))
  }

  @Test("15. Counts are added before ratios: a frame of ten times the dose counts ten times")
  func countsFirst() {
    let shape = GridShape(rows: 1, columns: 1)
    let none = SegmentCorrection(dark: [0, 0], gain: [1, 1], gainSource: .none)
    var sum = FrameAccumulator(
      shape: shape, correction: none, electronsPerUnit: 1,
      sampling: ScatterSampling(shape: shape, frameCount: 2))
    var raw = RawSignals.uint16([60, 40, 200, 800])
    sum.add(&raw, masks: [PixelMask(shape: shape), PixelMask(shape: shape)])
    #expect(sum.finished().signals.values == [260, 840])
  }

  @Test("16. Calibration, then descan, then rotation: true = matrix · measured")
  func calibrationAndDescan() throws {
    var drifting = scan([])
    drifting.scanRotation = Double.pi / 2
    drifting.descan = Descan(offset: (2e-6, 1e-6), alongX: (0, 0), alongY: (0, 0))
    let matrix = Matrix2(xx: 1, xy: 3, yx: 0, yy: 2)
    var map = try deflection(drifting, calibration: matrix)
    #expect(agree(map.field.x[0], 5e-6) && agree(map.field.y[0], 2e-6))
    map.remove(
      DescanSurface(constant: .init(x: 4e-6, y: 2e-6), variance: nil, shape: map.shape))
    let rest = transformed(
      map, by: scanFrameMatrix(rotation: drifting.scanRotation, handedness: .asRecorded))
    #expect(abs(rest.field.x[0]) < 1e-11 && agree(rest.field.y[0], 1e-6))
  }

  @Test("17. The descan is a plane: at the center, per column and per row")
  func descanPlane() throws {
    var drifting = scan([])
    drifting.descan = Descan(offset: (3e-6, 0), alongX: (1e3, 0), alongY: (0, -2e3))
    let plane = try fitDescan(to: try deflection(drifting), degree: .plane).surface
    #expect(agree(plane.center.x, 3e-6) && abs(plane.center.y) < 1e-12)
    // 1e3 rad/m on pixels of 1 nm.
    #expect(agree(plane.perColumn.x, 1e-6) && agree(plane.perRow.y, -2e-6))
    #expect(abs(plane.perColumn.y) < 1e-12 && abs(plane.perRow.x) < 1e-12)
  }

  @Test("Every sentence of Conventions.md has the test of its number, and every test a sentence")
  func everySentence() throws {
    let root = URL(fileURLWithPath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    /// The numbers of the lines "N. ...", or of the tests named so, in the order of the file.
    func numbers(_ path: String, after marks: [String]) throws -> [Int] {
      try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
        .split(separator: "\n").compactMap { line in
          var rest = line.drop { $0 == " " }
          guard let mark = marks.first(where: { rest.hasPrefix($0) }) else { return nil }
          rest = rest.dropFirst(mark.count)
          let digits = rest.prefix { $0.isNumber }
          return rest.dropFirst(digits.count).hasPrefix(". ") ? Int(digits) : nil
        }
    }
    let sentences = try numbers("Sources/STEMCore/STEMCore.docc/Conventions.md", after: [""])
    let folder = "Tests/DPCReconstructionTests/"
    let tests =
      try numbers(folder + "ConventionsTests.swift", after: ["@Test(\"", "\""])
      + numbers(folder + "FieldConventionsTests.swift", after: ["@Test(\"", "\""])
    #expect(sentences.count > 30 && sentences == Array(1...sentences.count))
    #expect(tests == sentences)
  }
}
