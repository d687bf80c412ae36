// What is told of maps that are smoothed: the verdict on the map that was measured, and what smoothing takes away.
@testable import DPCStages
import DPCReconstruction
import Foundation
import Pipeline
import STEMCore
import STEMData
import Testing

struct SmoothedVerdictTests {
  private static func context(_ shape: GridShape, _ size: Double) -> MapContext {
    MapContext(
      metadata: AcquisitionMetadata(
        frameCount: 1, shape: shape, pixelSize: PixelSize(x: size, y: size),
        beam: ElectronBeam(voltage: 200_000), probeSemiAngle: 0.024,
        detector: SegmentedDetector(segments: [], orientation: 0), scanRotation: 0,
        signalUnit: .electrons))
  }

  /// A wave of a period in pixels along x with independent noise of unit deviation, never drawn.
  private static func map(_ shape: GridShape, period: Double, height: Double, _ size: Double)
    -> VectorMap
  {
    let ones = [Double](repeating: 1, count: shape.count)
    let wave = (0..<shape.count).map {
      height * sin(2 * Double.pi * Double($0 % shape.columns) / period)
    }
    return VectorMap(
      field: VectorField(shape: shape, x: wave, y: wave),
      covariance: VectorCovariance(
        shape: shape, xx: ones, yy: ones, xy: [Double](repeating: 0, count: shape.count)),
      mask: PixelMask(shape: shape), pixelSize: PixelSize(x: size, y: size))
  }

  @Test("A figure of what a program outside dpc left names it by what decides its output")
  func outsideProgram() {
    var context = Self.context(GridShape(rows: 4, columns: 6), 1e-9)
    context.attributes["external_program"] =
      "program SHA-256 3f2a9c41d0, script SHA-256 77ab01cde2, arguments [\"a, SHA-256 b\"]"
    let caption = Figures.footer(context).joined(separator: "\n")
    let words = "changed outside dpc by program 3f2a9c41, script 77ab01cd"
    #expect(caption.replacingOccurrences(of: "\u{A0}", with: " ").contains(words), "\(caption)")
    #expect(!caption.contains("arguments"))
  }

  @Test("A figure of a smoothed map states what was detected before, in its own unit or not at all")
  func verdict() throws {
    let shape = GridShape(rows: 40, columns: 60)
    let map = Self.map(shape, period: 20, height: 4, 1e-9)
    var context = Self.context(shape, 1e-9)
    let own = MapVerdict.smallPrint(map, context, kind: .projectedField, scale: 1e6, unit: "V/m")
    let verdict = try #require(MapVerdict(map, context))
    #expect(own == verdict.scaled(by: 1e6).smallPrint(unit: "V/m"))
    // rms of both components of a sine of 4: 4; less the noise's 2, which was not drawn: √(16 - 2).
    #expect(own[1].hasSuffix("rms 3.742 MV/m"), "\(own)")
    #expect(own[0].hasPrefix("5σ of one pixel 5 MV/m"), "\(own)")

    let blurred = smoothed(map, sigma: (x: 2, y: 2))
    context.attributes["smoothing"] = "Gaussian, sigma 2 nm"
    #expect(
      MapVerdict.smallPrint(blurred, context, kind: .projectedField, scale: 1, unit: "V").isEmpty)
    context.unsmoothed = UnsmoothedVerdict(kind: PortKind.projectedField.name, verdict: verdict)
    #expect(
      MapVerdict.smallPrint(blurred, context, kind: .projectedField, scale: 1e6, unit: "V/m")
        == ["before smoothing"] + own)
    // Another kind of value has another unit.
    #expect(
      MapVerdict.smallPrint(blurred, context, kind: .intrinsicField, scale: 1, unit: "V/m").isEmpty)
  }

  @Test("The small print of a figure breaks no line between a number and its unit")
  func unbroken() {
    var context = Self.context(GridShape(rows: 4, columns: 6), 1e-9)
    context.attributes = [
      "smoothing": "Gaussian, sigma 2 nm", "removed_descan": "plane fitted to the vacuum scan",
    ]
    let lines = Figures.footer(context, noise: ["5σ of one pixel 3 MV/m"])
    let numbers = lines.joined(separator: "\n").matches(of: /[0-9.]+(.)[a-zA-Z\/]+/).map(\.1)
    #expect(numbers == Array(repeating: "\u{A0}", count: 4), "\(lines)")
  }

  @Test("A frame that cannot hold a wall of 20 nm has no detection limit for one")
  func smallFrame() throws {
    for (pixels, isGiven) in [(21, true), (19, false)] {
      let shape = GridShape(rows: 60, columns: pixels)
      let map = Self.map(shape, period: 7, height: 1, 1e-9)
      let verdict = try #require(MapVerdict(map, Self.context(shape, 1e-9)))
      #expect((verdict.wallDeviation != nil) == isGiven, "\(pixels)")
    }
  }

  @Test("Smoothing that takes the structure away says so")
  func losses() {
    let shape = GridShape(rows: 40, columns: 60)
    func notes(period: Double, sigma: Double) -> [String] {
      var map = Self.map(shape, period: period, height: 8, 1e-9)
      var context = Self.context(shape, 1e-9)
      let before = MapVerdict(map, context)
      map = smoothed(map, sigma: (x: sigma, y: sigma))
      context.correlationLength = CorrelationLength(
        x: 2 * Double.pi.squareRoot() * sigma, y: 2 * Double.pi.squareRoot() * sigma)
      return Smooth().losses(
        sigma * 1e-9, map, PixelSize(x: 1e-9, y: 1e-9), before, MapVerdict(map, context)
      ).map(\.text)
    }
    // A wave keeps exp(-(2πσ/period)²/2) of its height: 0.94, 0.36 and 0.0001.
    #expect(notes(period: 36, sigma: 2).isEmpty)
    let half = notes(period: 8.8, sigma: 2)
    #expect(
      half.count == 1 && half[0].contains("of the signal: most of the structure is finer"),
      "\(half)")
    let none = notes(period: 3, sigma: 2)
    #expect(none.count == 1 && none[0].contains("leaves nothing of the signal"), "\(none)")
    let wide = notes(period: 36, sigma: 7)
    #expect(wide.count == 1 && wide[0].contains("a third as wide as the frame (40 nm)"), "\(wide)")
  }

  @Test(
    "A line scan is smoothed along its line: only that side can be too short",
    arguments: [true, false])
  func line(alongX: Bool) {
    let shape = GridShape(rows: alongX ? 1 : 101, columns: alongX ? 101 : 1)
    let map = Self.map(shape, period: 40, height: 8, 1.5e-9)
    func notes(_ sigma: Double) -> [String] {
      Smooth().losses(sigma, map, PixelSize(x: 1.5e-9, y: 1.5e-9), nil, nil).map(\.text)
    }
    #expect(notes(2e-9).isEmpty)
    #expect(notes(26e-9).count == 1 && notes(26e-9)[0].contains("frame (151.5 nm)"))
  }
}
