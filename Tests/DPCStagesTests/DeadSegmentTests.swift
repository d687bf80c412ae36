// Segments whose counts cannot be what the disc leaves there, and others that only look so.
import DPCSimulation
@testable import DPCStages
import Foundation
import Pipeline
import STEMCore
import STEMData
import Testing

struct DeadSegmentTests {
  /// A disc of 24 mrad on four segments up to 24 mrad and four around them.
  private static func failure(inner: [Float], outer: [Float]) async throws -> StageFailure? {
    let laboratory = try Laboratory()
    let path = laboratory.folder + "/scan.h5"
    try write(inner: inner, outer: outer, to: path)
    return try await laboratory.reconstruction(of: path).report.failures.first?.failure
  }

  private static func write(inner: [Float], outer: [Float], to path: String) throws {
    let shape = GridShape(rows: 12, columns: 16)
    let starts = [0.0, 90, 180, 270]
    try WrittenAcquisition(
      inner: [0, 0, 0, 0, 24, 24, 24, 24], outer: [24, 24, 24, 24, 48, 48, 48, 48],
      start: starts + starts, stop: (starts + starts).map { $0 + 90 }, frameCount: 1, shape: shape
    ).write((inner + outer).flatMap { [Float](repeating: $0, count: shape.count) }, to: path)
  }

  // What readout noise and rounding leave of a dark reference: 3 of 4000 electrons on the wrong side of zero.
  @Test("A segment that the disc does not reach may count a little less than nothing")
  func belowZero() async throws {
    let failure = try await Self.failure(
      inner: [1000, 1000, 1000, 1000], outer: [-1e-5, 0, -3, 0])
    #expect(failure == nil, "\(failure?.message ?? "")")
  }

  // More than a hundredth of a segment's mean share, 4000/8.
  @Test("Far less than nothing beside the disc is a wrong dark reference")
  func wrongDark() async throws {
    let failure = try #require(
      try await Self.failure(inner: [1000, 1000, 1000, 1000], outer: [0, 0, -10, 0]))
    #expect(failure.category == .inputRefused)
    #expect(failure.message.contains("segment 6 counts -0.25"))
    #expect(failure.message.hasSuffix("lights 0 %: its dark reference is wrong"))
  }

  @Test("A segment in the disc that counts nothing is dead")
  func dead() async throws {
    let failure = try #require(
      try await Self.failure(inner: [1000, 1000, 2, 1000], outer: [0, 0, 0, 0]))
    #expect(failure.category == .inputRefused)
    #expect(failure.message.contains("segment 2 counts 0.066"))
    #expect(failure.message.hasSuffix("it is dead, or its dark reference is wrong"))
  }

  @Test("Where no segment of a ring counts what the disc leaves there, the semi-angle is doubted")
  func wrongSemiAngle() async throws {
    let laboratory = try Laboratory()
    let path = laboratory.folder + "/scan.h5"
    // The segments around begin where a disc of 24 mrad has 31 % of its area left.
    let starts = [0.0, 90, 180, 270]
    let shape = GridShape(rows: 12, columns: 16)
    let numbers: [Float] = [1000, 1000, 1000, 1000, 0.1, 0, 0.2, 0]
    try WrittenAcquisition(
      inner: [0, 0, 0, 0, 20, 20, 20, 20], outer: [20, 20, 20, 20, 48, 48, 48, 48],
      start: starts + starts, stop: (starts + starts).map { $0 + 90 }, frameCount: 1, shape: shape
    ).write(numbers.flatMap { [Float](repeating: $0, count: shape.count) }, to: path)
    let failure = try #require(
      try await laboratory.reconstruction(of: path).report.failures.first?.failure)
    #expect(failure.message.contains("segment 4 counts"))
    #expect(
      failure.message.hasSuffix(
        "all of its ring are like it, and the disc seems to end before them; check semi_convergence_angle (24 mrad is"
          + " stated)"), "\(failure.message)")
  }

  @Test(
    "Segments without a number anywhere are named where they leave no position",
    arguments: [
      ([5], "segment 5 is missing at every position"),
      ([1, 6], "segments 1, 6 are missing at every position"),
    ])
  func missing(segments: [Int], words: String) async throws {
    var numbers = [Float](repeating: 1000, count: 4) + [Float](repeating: 20, count: 4)
    for segment in segments { numbers[segment] = .nan }
    let failure = try #require(
      try await Self.failure(inner: Array(numbers[..<4]), outer: Array(numbers[4...])))
    #expect(failure.category == .inputRefused)
    #expect(failure.message.hasSuffix("no usable pixel (192 missing): \(words)"))
  }

  @Test("Where all segments are missing none is named")
  func allMissing() async throws {
    let nothing = [Float](repeating: .nan, count: 4)
    let failure = try #require(try await Self.failure(inner: nothing, outer: nothing))
    #expect(failure.message.hasSuffix("no usable pixel (192 missing)"))
  }

  private static func warnings(outer: [Float]) async throws -> [String] {
    let laboratory = try Laboratory()
    let path = laboratory.folder + "/scan.h5"
    try write(inner: [1000, 1000, 1000, 1000], outer: outer, to: path)
    let report = try await laboratory.reconstruction(of: path).report
    #expect(report.failures.isEmpty)
    return report.stages.flatMap(\.notes).filter { $0.kind == .warning }.map(\.text)
      .filter { $0.hasPrefix("segment ") }
  }

  @Test("A segment beside the disc that alone counts nothing seems to be dead")
  func deadOutside() async throws {
    let warnings = try await Self.warnings(outer: [30, 36, 0, 29])
    try #require(warnings.count == 1)
    #expect(warnings[0].hasPrefix("segment 6 counts 0 % of what others of its ring do"))
  }

  @Test(
    "Segments that a shifted disc leaves dark are not called dead",
    arguments: [[30, 0, 0, 30], [30, 9, 0, 9], [0, 0, 0, 0], [30, 30, 1, 30]])
  func shifted(outer: [Float]) async throws {
    #expect(try await Self.warnings(outer: outer).isEmpty)
  }

  /// What stripes with the disc shifted to either side by unequal parts of its radius leave, 1e6 electrons a position.
  private static func stripes(on segment: DetectorSegment, columns: Int) -> [Double] {
    let disc = BrightFieldDisc(radius: 0.024)
    let azimuth = 125 * Double.pi / 180
    return (0..<columns).map { column in
      let shift = [0, 5e-5, 0, -1e-4][column / 16 % 4]
      return 1e6
        * disc.fraction(
          on: segment, orientation: 0, displacedBy: shift * cos(azimuth), shift * sin(azimuth))
    }
  }

  @Test("So does one beside walls, which light the others unequally", arguments: [5, nil])
  func deadBesideWalls(dead: Int?) async throws {
    let shape = GridShape(rows: 16, columns: 192)
    let detector = SegmentedDetector.annular(
      rings: [(inner: 0, outer: 0.024, sectors: 4), (inner: 0.024, outer: 0.048, sectors: 4)],
      start: 0, orientation: 0)
    var generator = SeededGenerator(seed: 7)
    var numbers: [Float] = []
    for (index, segment) in detector.segments.enumerated() {
      let means = Self.stripes(on: segment, columns: shape.columns)
      for position in 0..<shape.count {
        let count = generator.poisson(mean: means[position % shape.columns])
        numbers.append(index == dead ? 0 : Float(count))
      }
    }
    let laboratory = try Laboratory()
    let path = laboratory.folder + "/scan.h5"
    let starts = [0.0, 90, 180, 270]
    try WrittenAcquisition(
      inner: [0, 0, 0, 0, 24, 24, 24, 24], outer: [24, 24, 24, 24, 48, 48, 48, 48],
      start: starts + starts, stop: (starts + starts).map { $0 + 90 }, frameCount: 1, shape: shape
    ).write(numbers, to: path)
    let report = try await laboratory.reconstruction(of: path).report
    let warnings = report.stages.flatMap(\.notes).filter { $0.kind == .warning }.map(\.text)
      .filter { $0.contains("to be dead") }
    #expect(warnings.count == (dead == nil ? 0 : 1), "\(warnings)")
    #expect(warnings.allSatisfy { $0.hasPrefix("segment 5 counts nothing also where") })
    let doubts = FirstFrameVerdict(of: try AcquisitionFile(path: path)).doubts
    #expect(warnings.allSatisfy(doubts.contains), "\(doubts)")
  }

  /// Counts of a Poisson distribution, but for one segment that holds a number everywhere.
  private static func report(stuck segment: Int, at level: Double) async throws -> RunReport {
    let shape = GridShape(rows: 12, columns: 16)
    let starts = [0.0, 90, 180, 270]
    var generator = SeededGenerator(seed: 5)
    let numbers = (0..<8).flatMap { index in
      (0..<shape.count).map { _ in
        Float(index == segment ? level : generator.poisson(mean: index < 4 ? 1000 : 60))
      }
    }
    let laboratory = try Laboratory()
    let path = laboratory.folder + "/scan.h5"
    try WrittenAcquisition(
      inner: [0, 0, 0, 0, 24, 24, 24, 24], outer: [24, 24, 24, 24, 48, 48, 48, 48],
      start: starts + starts, stop: (starts + starts).map { $0 + 90 }, frameCount: 1, shape: shape
    ).write(numbers, to: path)
    return try await laboratory.reconstruction(of: path).report
  }

  @Test(
    "A segment that holds one number everywhere is a warning, in the disc and beside it",
    arguments: [(1, 1000.0), (6, 60)])
  func stuck(segment: Int, level: Double) async throws {
    let report = try await Self.report(stuck: segment, at: level)
    #expect(report.failures.isEmpty)
    let warnings = report.stages.flatMap(\.notes).filter { $0.kind == .warning }.map(\.text)
    let said = "segment \(segment) holds \(Int(level)) at every position that was looked at"
    #expect(warnings.filter { $0.hasPrefix(said) }.count == 1, "\(warnings)")
  }
}
