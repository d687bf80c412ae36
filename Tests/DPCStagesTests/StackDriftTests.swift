// Stacks whose specimen drifts, from files: what is added, what is masked, and what is said.
import DPCReconstruction
@testable import DPCStages
import Foundation
import HDF5
import Pipeline
import STEMCore
import STEMData
import Testing

struct StackDriftTests {
  private static let shape = GridShape(rows: 80, columns: 96)

  /// One quadrant's counts of a frame in which the specimen is some positions to the right and further down.
  private static func quadrant(_ segment: Int, _ right: Int, _ down: Int, frame: Int) -> [UInt16] {
    var state = UInt64(frame * 4 + segment + 1) &* 0x9E37_79B9_7F4A_7C15
    let (vx, vy) = [(1.0, 1.0), (-1, 1), (-1, -1), (1, -1)][segment]
    return (0..<shape.count).map { position in
      let x = Double(position % shape.columns - right)
      let y = Double(position / shape.columns - down)
      let (a, b) = ((x - 30) / 6, (y - 45) / 6)
      let (c, d) = ((x - 66) / 7, (y - 28) / 7)
      let (near, far) = (exp(-(a * a + b * b) / 2), exp(-(c * c + d * d) / 2))
      let deflection = vx * (a * near - c * far) + vy * (b * near - d * far)
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return UInt16(2000 + 150 * deflection + Double(state >> 59))
    }
  }

  /// Frames moved by whole positions: 0, 0, 2, 4, ... to the right, half as much down.
  private static func moves(_ frame: Int) -> (right: Int, down: Int) {
    (2 * max(0, frame - 1), max(0, frame - 1))
  }

  private static func write(
    _ frameCount: Int, layout: HDF5Layout = .contiguous, swapping swapped: Int? = nil,
    blocking blocked: Int? = nil, to path: String
  ) throws {
    var numbers: [UInt16] = []
    for frame in 0..<frameCount {
      for segment in 0..<4 {
        let (right, down) = moves(frame)
        var plane = quadrant(segment, right, down, frame: frame)
        // Left and right change places; deflections do not.
        if frame == swapped {
          plane = (0..<shape.count).map { plane[$0 - 2 * ($0 % shape.columns) + shape.columns - 1] }
        }
        if frame == blocked { plane = plane.map { $0 / 100 } }
        numbers += plane
      }
    }
    try WrittenAcquisition(
      inner: [0, 0, 0, 0], outer: [48, 48, 48, 48], start: [0, 90, 180, 270],
      stop: [90, 180, 270, 360], pixelSize: 0.5, frameCount: frameCount, shape: shape
    ).write(numbers, layout: layout, to: path)
  }

  private static func average(_ path: String) throws -> StageProduct {
    let metadata = try AcquisitionFile(path: path).metadata
    let frames = FramesValue(
      acquisition: AcquisitionValue(
        metadata: metadata, file: InputFile(name: "scan", path: path, digest: "none")),
      correction: SegmentCorrection(
        dark: [0, 0, 0, 0], gain: [1, 1, 1, 1], gainSource: .none), electronsPerUnit: 1,
      spikeThreshold: nil, window: ScanWindow(wholeOf: metadata.shape))
    return try AverageFrames().run(
      StageContext(stageName: "mean", parameters: [:], inputs: ["frames": frames]))
  }

  private static func signals(_ product: StageProduct) throws -> SegmentSignals {
    guard case SegmentsValue.averaged(let signals, _, _)? = product.outputs["segments"] else {
      throw StageFailure(.failed, "no signals")
    }
    return signals
  }

  /// What is said of a frame that is left out, counted from 0.
  private static func warning(of frame: Int, in product: StageProduct) throws -> String {
    try #require(
      product.notes.first {
        $0.kind == .warning && $0.text.contains("counted from 0: \(frame)")
      }, "\(product.notes)"
    ).text
  }

  private static func expectSumOfTheFirstTwo(_ signals: SegmentSignals) {
    for segment in 0..<4 {
      let (a, b) = (
        Self.quadrant(segment, 0, 0, frame: 0), Self.quadrant(segment, 0, 0, frame: 1)
      )
      for position in 0..<Self.shape.count {
        let found = signals.values[segment * Self.shape.count + position]
        if found != Double(a[position]) + Double(b[position]) { Issue.record("\(position)") }
      }
    }
  }

  // Six frames: 0, 0, 2, 4, 6, 8 to the right, in the mean 10/3.
  @Test("Counts are added where the specimen was, exactly, and what not all frames show is missing")
  func aligned() throws {
    let laboratory = try Laboratory()
    let path = laboratory.folder + "/stack.h5"
    let shifts = [(-3, -2), (-3, -2), (-1, -1), (1, 0), (3, 1), (5, 2)]
    var first: SegmentSignals?
    for layout in [
      HDF5Layout.contiguous, .compressed(chunk: [1, 1, 80, 96], level: 1),
      .compressed(chunk: [4, 4, 9, 40], level: 1),
    ] {
      try Self.write(6, layout: layout, to: path)
      let product = try Self.average(path)
      let signals = try Self.signals(product)
      #expect(signals == first ?? signals, "\(layout)")
      if first != nil { continue }
      first = signals
      let fact = try #require(product.facts.first { $0.key == "frame_drift" })
      // From (0, 0) to (8, 4) positions of 0.5 nm; √20 nm.
      let value = try #require(fact.value)
      #expect(abs(value - 20.0.squareRoot() * 1e-9) < 0.05e-9 && fact.unit == "m", "\(fact)")
      #expect(fact.text.contains("nm") && fact.text.contains("px"))
      #expect(product.facts.contains { $0.text == "6 frames added" })
      let aligned = try #require(product.facts.first { $0.key == "frames_aligned" })
      // Of 96 columns and 80 rows 88 and 76 are common.
      #expect(aligned.value == Double(96 * 80 - 88 * 76))
      #expect(aligned.text.contains("8 columns and 4 rows"), "\(aligned)")
      let moved = shifts.indices.map { frame in
        let (right, down) = Self.moves(frame)
        return (0..<4).map { segment in
          Self.quadrant(segment, right, down, frame: frame)
        }
      }
      for row in 0..<Self.shape.rows {
        for column in 0..<Self.shape.columns {
          let position = row * Self.shape.columns + column
          // Three columns on the left and five on the right, two rows on either side.
          let isCommon = (3..<91).contains(column) && (2..<78).contains(row)
          #expect(signals.mask.bytes[position] == (isCommon ? 0 : PixelFlags.missing.rawValue))
          for segment in 0..<4 {
            var sum = 0
            if isCommon {
              for (frame, shift) in shifts.enumerated() {
                let place = (row + shift.1) * Self.shape.columns + column + shift.0
                sum += Int(moved[frame][segment][place])
              }
            }
            let found = signals.values[segment * Self.shape.count + position]
            if found != Double(sum) { Issue.record("\(row), \(column): \(found) for \(sum)") }
          }
        }
      }
    }
  }

  @Test("A window of the scan is filled from beyond its rims, where the file has more")
  func window() {
    var plan = StackPlan([SIMD2(-2.6, 0.4), SIMD2(2.4, 1.5)], leavingOut: [])
    let window = ScanWindow(firstRow: 5, firstColumn: 1, shape: GridShape(rows: 10, columns: 20))
    let scan = GridShape(rows: 16, columns: 30)
    // Moved by -3 and 2 columns, by 0 and 2 rows: column 1 - 3 is not there, row 14 + 2 neither.
    #expect(
      plan.common(window, of: scan)
        == ScanWindow(firstRow: 5, firstColumn: 3, shape: GridShape(rows: 9, columns: 18)))
    #expect(
      plan.groups(of: 4) == [
        FrameGroup(frames: 0..<1, shift: PositionShift(rows: 0, columns: -3)),
        FrameGroup(frames: 1..<2, shift: PositionShift(rows: 2, columns: 2)),
      ])
    plan = StackPlan([SIMD2<Double>](repeating: .zero, count: 9), leavingOut: [2])
    #expect(plan.groups(of: 4).map(\.frames) == [0..<2, 3..<4, 4..<8, 8..<9])
    #expect(plan.count == 8 && !plan.isPlain && StackPlan(frameCount: 3).isPlain)
  }

  @Test("A frame of another place is left out by name")
  func foreign() throws {
    let laboratory = try Laboratory()
    let path = laboratory.folder + "/stack.h5"
    try Self.write(6, swapping: 4, to: path)
    let product = try Self.average(path)
    #expect(product.facts.contains { $0.text == "5 of 6 frames added" }, "\(product.facts)")
    #expect(try Self.warning(of: 4, in: product).contains("left out"))
  }

  @Test("A frame with the beam blocked is left out by name, and the others' sum is as without it")
  func blocked() throws {
    let laboratory = try Laboratory()
    let path = laboratory.folder + "/stack.h5"
    // The first two frames, which do not move, and one that does, blocked.
    try Self.write(3, blocking: 2, to: path)
    let product = try Self.average(path)
    #expect(product.facts.contains { $0.text == "2 of 3 frames added" }, "\(product.facts)")
    #expect(
      try Self.warning(of: 2, in: product).hasSuffix("the beam was off or blocked; left out"))
    Self.expectSumOfTheFirstTwo(try Self.signals(product))
  }

  @Test("Frames of a specimen that stays are added as they are")
  func still() throws {
    let laboratory = try Laboratory()
    let path = laboratory.folder + "/stack.h5"
    // The first two frames alone.
    try Self.write(2, to: path)
    let product = try Self.average(path)
    let signals = try Self.signals(product)
    #expect(signals.mask.unusableCount == 0)
    let limit = try #require(product.facts.first { $0.key == "frame_drift_limit" }?.value)
    #expect(limit < 0.1e-9)
    Self.expectSumOfTheFirstTwo(signals)
  }
}
