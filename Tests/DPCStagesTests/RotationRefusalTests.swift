// What leaves a scan rotation unresolved, and what a user who knows better can state.
@testable import DPCStages
import DPCReconstruction
import Foundation
import Pipeline
import STEMCore
import STEMData
import Testing

struct RotationRefusalTests {
  private static let shape = GridShape(rows: 64, columns: 80)
  private static let pixel = PixelSize(x: 1e-9, y: 1e-9)

  /// Deflection by hills of potential, as a detector turned by `angle` (and mirrored) records it.
  ///
  /// θ = grad V_proj/(pv/e): towards a hill, which is a positive charge.
  private static func recorded(
    angle: Double, handedness: Handedness = .asRecorded, pixelSize: PixelSize? = pixel,
    direction: FieldDirection? = nil, stated: Double? = nil,
    _ deflection: (Double, Double) -> (x: Double, y: Double) = hills
  ) -> DeflectionValue {
    var field = VectorField(shape: shape)
    for index in 0..<shape.count {
      (field.x[index], field.y[index]) = deflection(
        Double(index % shape.columns), Double(index / shape.columns))
    }
    let variance = [Double](repeating: 1e-12, count: shape.count)
    let map = VectorMap(
      field: field,
      covariance: VectorCovariance(
        shape: shape, xx: variance, yy: variance, xy: [Double](repeating: 0, count: shape.count)),
      mask: PixelMask(shape: shape), pixelSize: pixelSize)
    let m = scanFrameMatrix(rotation: angle, handedness: handedness)
    let sector = DetectorSegment(inner: 0, outer: 24e-3, start: 0, stop: 2 * Double.pi)
    let metadata = AcquisitionMetadata(
      frameCount: 1, shape: shape, pixelSize: pixelSize, beam: ElectronBeam(voltage: 200e3),
      probeSemiAngle: 24e-3, detector: SegmentedDetector(segments: [sector], orientation: 0),
      scanRotation: stated, signalUnit: .electrons,
      specimen: Specimen(fieldDirection: direction))
    return DeflectionValue(
      map: transformed(map, by: Matrix2(xx: m.xx, xy: m.yx, yx: m.xy, yy: m.yy)),
      frame: .detector, vacuum: .none, context: MapContext(metadata: metadata))
  }

  /// A hill at (25, 40) and a pit at (56, 22), of 7 pixels.
  private static func hills(_ x: Double, _ y: Double) -> (x: Double, y: Double) {
    var sum = (x: 0.0, y: 0.0)
    for (height, centerX, centerY) in [(1.0, 25.0, 40.0), (-0.8, 56, 22)] {
      let (dx, dy) = (x - centerX, y - centerY)
      let strength = -height * 1e-5 * exp(-(dx * dx + dy * dy) / 98)
      sum = (sum.x + dx * strength, sum.y + dy * strength)
    }
    return sum
  }

  /// Walls across walls, each with its field along it.
  private static func grid(_ x: Double, _ y: Double) -> (x: Double, y: Double) {
    func profile(_ u: Double) -> Double { 4e-5 / (cosh(u / 4) * cosh(u / 4)) }
    return (profile(y - 16) - profile(y - 48), profile(x - 20) - profile(x - 58))
  }

  private static func estimate(
    _ value: DeflectionValue, _ parameters: [String: ParameterValue] = [:]
  ) throws -> ScanRotationValue {
    let context = StageContext(
      stageName: "rotation",
      parameters: EstimateRotation().defaultParameters.merging(parameters) { $1 },
      inputs: ["deflection": value])
    return try #require(
      try EstimateRotation().run(context).outputs["rotation"] as? ScanRotationValue)
  }

  private static func turning(_ given: [String: ParameterValue]) -> [String: ParameterValue] {
    RotateToScan().defaultParameters.merging(given) { $1 }
  }

  @Test("What the transfer function made of a detector as recorded is not mirrored")
  func mirroredTransfer() throws {
    var value = Self.recorded(angle: 0.4, stated: 0.4)
    func turn(_ handedness: Handedness) throws {
      _ = try RotateToScan().run(
        StageContext(
          stageName: "aligned",
          parameters: Self.turning(["handedness": .text(handedness.rawValue)]),
          inputs: ["deflection": value]))
    }
    try turn(.mirrored)
    value.context.attributes["transfer_rotation"] = "0.4 rad"
    try turn(.asRecorded)
    let failure = try #require(throws: StageFailure.self) { try turn(.mirrored) }
    #expect(
      failure.message.hasPrefix("stage aligned: the deflection is by phase-contrast-transfer"))
    #expect(failure.remedy?.contains("use method disc-shift") == true)
  }

  @Test("What the transfer function made at some angle tells no angle")
  func transferTellsNoAngle() throws {
    var value = Self.recorded(angle: 0.4, stated: 0.4)
    #expect(try Self.estimate(value).angle != nil)
    value.context.attributes["transfer_rotation"] = "0.4 rad"
    let estimate = try Self.estimate(value)
    #expect(estimate.angle == nil && estimate.handedness.mirroredAngle == nil)
    #expect(
      estimate.unresolvedBecause?.hasPrefix("a deflection by phase-contrast-transfer") == true)
  }

  private static func turned(
    _ value: DeflectionValue, _ estimate: ScanRotationValue,
    _ parameters: [String: ParameterValue] = [:]
  ) throws -> DeflectionValue {
    let context = StageContext(
      stageName: "aligned", parameters: turning(parameters),
      inputs: ["deflection": value, "rotation": estimate])
    return try #require(
      try RotateToScan().run(context).outputs["deflection"] as? DeflectionValue)
  }

  @Test("Without a pixel size the answer is unresolved, and a stated rotation is still applied")
  func pixelSize() throws {
    let input = Self.recorded(angle: 0.3, pixelSize: nil, stated: 0.3)
    let value = try Self.estimate(input)
    #expect(value.angle == nil)
    #expect(value.unresolvedBecause?.contains("states no pixel size") == true)
    let aligned = try Self.turned(input, value)
    // Right of the hill, at (32, 40), the beam is drawn to the left.
    #expect(aligned.map.field.x[40 * 80 + 32] < -3e-5)
    #expect(abs(aligned.map.field.x[40 * 80 + 32] - Self.hills(32, 40).x) < 1e-15)
    #expect(aligned.context.commonErrors.rotation == nil)
  }

  @Test(
    "Walls with a field along them, as the file states, are not evaluated unless charges are known")
  func statedWalls() throws {
    let input = Self.recorded(angle: 0.3, direction: .perp)
    let value = try Self.estimate(input)
    #expect(value.angle == nil && value.unresolvedBecause?.contains("field_direction perp") == true)
    #expect(throws: StageFailure.self) { try Self.turned(input, value) }
    let forced = try Self.estimate(input, ["structure": .text("charges")])
    // 1 µrad of noise to 4000 pixels of some 30 µrad: 1e-3 rad is many deviations.
    #expect(abs(try #require(forced.angle) - 0.3) < 1e-3)
  }

  @Test("Parallel walls are unresolved without a number for their curl, unless charges are known")
  func parallelWalls() throws {
    let input = Self.recorded(angle: 0.2) { x, _ in (0, Self.grid(x, 100).y) }
    let value = try Self.estimate(input)
    #expect(value.angle == nil && value.curl == nil)
    #expect(value.unresolvedBecause?.contains("varies along one direction only") == true)
    #expect(try #require(value.structure).twoDimensionalShare < 0.25)
    let numbers = value.group("rotation").datasets.filter {
      ["contrast", "noise_contrast", "scan_rotation", "curl_free_share_mirrored"].contains($0.name)
    }
    #expect(numbers.count == 4)
    for dataset in numbers {
      guard case .float64(let number) = dataset.values else {
        Issue.record("\(dataset.name) is no number")
        continue
      }
      #expect(number[0].isNaN, "\(dataset.name)")
    }
    let forced = try Self.estimate(input, ["structure": .text("charges")])
    // A field along its wall has nothing but curl: least a quarter turn from the truth.
    #expect(abs(abs(try #require(forced.angle) - 0.2) - Double.pi / 2) < 1e-3)
    #expect(try #require(forced.curl).contrast > 0.99)
  }

  @Test("Walls across walls leave a mirrored detector as free of curl: unresolved")
  func grid() throws {
    let value = try Self.estimate(Self.recorded(angle: 0.2, Self.grid))
    #expect(value.angle == nil)
    #expect(value.unresolvedBecause?.contains("perpendicular directions only") == true)
    #expect(value.handedness.favored == nil)
  }

  @Test(
    "What is known of the sign counts for a detector seen from behind, too", arguments: [0.6, -2.5])
  func mirrored(angle: Double) throws {
    let input = Self.recorded(angle: angle, handedness: .mirrored)
    let polarity: [String: ParameterValue] = [
      "polarity": .text("positive-charge"),
      "region_nm": .list([14, 29, 36, 51].map { .number($0) }),
    ]
    let value = try Self.estimate(input, polarity)
    #expect(value.handedness.favored == "mirrored" && value.handedness.isMirroredSignKnown)
    #expect(value.angle == nil)
    let shown = value.group("rotation").datasets.first { $0.name == "scan_rotation_mirrored" }
    guard case .float64(let degrees)? = shown?.values else {
      Issue.record("no angle for a detector seen from behind")
      return
    }
    #expect(abs(degrees[0] - angle * 180 / Double.pi) < 0.06)
    let aligned = try Self.turned(input, value, ["handedness": .text("estimated")])
    #expect(aligned.context.attributes["sign"] == nil)
    #expect(abs(try #require(aligned.context.metadata.scanRotation) - angle) < 1e-3)
    // Unknown, it is said so, and the angle is given in half a turn.
    let open = try Self.turned(
      input, try Self.estimate(input), ["handedness": .text("estimated")])
    #expect(open.context.attributes["sign"]?.hasPrefix("unresolved") == true)
    // Never mirrored unasked.
    #expect(throws: StageFailure.self) { try Self.turned(input, value) }
  }

  @Test("A handedness against the data is refused with what they say")
  func wrongHandedness() throws {
    let input = Self.recorded(angle: 0.3)
    let value = try Self.estimate(input)
    let failure = #expect(throws: StageFailure.self) {
      try Self.turned(input, value, ["handedness": .text("mirrored")])
    }
    #expect(failure?.message.contains("the data speak for a detector as-recorded") == true)
  }

  private static func warnings(
    of value: DeflectionValue, _ parameters: [String: ParameterValue] = [:]
  ) throws -> [String] {
    let context = StageContext(
      stageName: "aligned", parameters: turning(parameters),
      inputs: ["deflection": value, "rotation": try estimate(value)])
    return try RotateToScan().run(context).notes.filter { $0.kind == .warning }.map(\.text)
  }

  @Test("A side of the detector that the data speak against is told, whichever it is")
  func wrongSide() throws {
    let angle = 35 * Double.pi / 180
    let mirrored = Self.recorded(angle: angle, handedness: .mirrored, stated: angle)
    let found = try Self.warnings(of: mirrored)
    #expect(found.count { $0.hasPrefix("the data speak for a detector seen from behind") } == 1)
    #expect(found.contains { $0.contains("set handedness to mirrored") })
    let asRecorded = Self.recorded(angle: angle, stated: angle)
    let other = try Self.warnings(of: asRecorded, ["handedness": .text("mirrored")])
    #expect(other.contains { $0.contains("set handedness to as-recorded") })
    #expect(try Self.warnings(of: asRecorded).isEmpty)
    #expect(
      try Self.warnings(of: mirrored, ["handedness": .text("mirrored")]).filter {
        !$0.hasPrefix("the sign")
      }.isEmpty)
  }

  @Test("A detector seen from behind has its angle checked as well")
  func checkedFromBehind() throws {
    let mirrored = Self.recorded(
      angle: 35 * Double.pi / 180, handedness: .mirrored, stated: 50 * Double.pi / 180)
    let found = try Self.warnings(of: mirrored, ["handedness": .text("mirrored")])
    #expect(
      found.contains {
        $0.hasPrefix("a scan rotation of 50° is applied, the data speak for")
          && $0.contains("seen from behind")
      }, "\(found)")
    let context = StageContext(
      stageName: "aligned", parameters: Self.turning(["handedness": .text("mirrored")]),
      inputs: ["deflection": mirrored, "rotation": try Self.estimate(mirrored)])
    let facts = try RotateToScan().run(context).facts.map(\.text)
    #expect(!facts.contains { $0.contains("could not check it") })
  }
}
