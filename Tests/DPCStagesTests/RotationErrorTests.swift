// What an error of the scan rotation does to what is formed of a field, against fields that are turned.
@testable import DPCStages
import Foundation
import Pipeline
import STEMCore
import STEMData
import Testing

struct RotationErrorTests {
  /// One wall with its field along it: a whirl, of which a turn makes charges and a potential.
  private static let scan = Laboratory.scan(
    of:
      "{ uses: phantom-walls, with: { positions_nm: [5], field_V_per_m: 2e8, fwhm_nm: 24, thickness_nm: 60, normal_azimuth_deg: 30, field_direction: perp } }",
    "columns_px: 60, rows_px: 44, electrons_per_pixel: 1e7, noise: none")

  /// The field of the wall with an error of its rotation, and turned by a small angle without one.
  private static func fields() async throws -> (
    known: ProjectedFieldValue, turned: ProjectedFieldValue
  ) {
    let laboratory = try Laboratory()
    let path = try await laboratory.file(scan)
    var known = try await laboratory.run(Laboratory.fieldChain(path) + "results: [field]\n")
      .value("field", as: ProjectedFieldValue.self)
    var turned = known
    known.context.commonErrors.rotation = 0.02
    let (c, s) = (cos(angle), sin(angle))
    let (xs, ys) = (known.map.field.x, known.map.field.y)
    turned.map.field.x = zip(xs, ys).map { c * $0 - s * $1 }
    turned.map.field.y = zip(xs, ys).map { s * $0 + c * $1 }
    return (known, turned)
  }

  private static func product<Value: StageValue>(
    _ stage: any StageType, _ field: ProjectedFieldValue, _ port: String, as type: Value.Type
  ) throws -> Value {
    let context = StageContext(
      stageName: "stage", parameters: stage.defaultParameters, inputs: ["field": field])
    return try #require(try stage.run(context).outputs[port] as? Value)
  }

  private static let angle = 1e-4

  /// (b - a) / angle, and the largest of its size.
  private static func change(_ a: [Double], _ b: [Double]) -> (values: [Double], largest: Double) {
    let values = zip(a, b).map { ($1 - $0) / angle }
    return (values, values.reduce(0) { max($0, abs($1)) })
  }

  @Test("What a potential and a charge density lose or gain by a turn is kept for their errors")
  func scalars() async throws {
    let (known, turned) = try await Self.fields()
    let potential = try Self.product(Integrate(), known, "potential", as: PotentialValue.self)
    let other = try Self.product(Integrate(), turned, "potential", as: PotentialValue.self)
    let charge = try Self.product(ChargeDensity(), known, "charge", as: ChargeDensityValue.self)
    let otherCharge = try Self.product(
      ChargeDensity(), turned, "charge", as: ChargeDensityValue.self)
    #expect(other.turned == nil && otherCharge.turned == nil)
    for (map, after, kept) in [
      (potential.map, other.map, potential.turned), (charge.map, otherCharge.map, charge.turned),
    ] {
      let change = Self.change(map.field.values, after.field.values)
      let kept = try #require(kept).values
      // The second order of the turn is half of it.
      for (found, expected) in zip(kept, change.values) {
        #expect(abs(found - expected) < 1e-3 * change.largest)
      }
      // A whirl has neither charge nor potential but what differences of its steps leave.
      #expect(change.largest > 0.5 * (map.field.values.map(abs).max() ?? 0))
    }
    let common = CommonScalarErrors(
      charge.context.commonErrors.withoutOffset, of: charge.map, about: nil, turned: charge.turned)
    let place = 22 * 60 + 20
    let expected = 0.02 * (try #require(charge.turned)).values[place]
    #expect(abs(common.variance(at: place) / (expected * expected) - 1) < 1e-12)
  }

  @Test("Each of Helmholtz's parts has the error that a turn of the other one makes")
  func parts() async throws {
    let (known, turned) = try await Self.fields()
    let before = try Self.product(Helmholtz(), known, "parts", as: HelmholtzValue.self)
    let after = try Self.product(Helmholtz(), turned, "parts", as: HelmholtzValue.self)
    let change = Self.change(before.curlFree.field.x, after.curlFree.field.x)
    for (found, expected) in zip(before.divergenceFree.field.y, change.values) {
      #expect(abs(-found - expected) < 1e-3 * change.largest)
    }
    let group = before.group("parts")
    let dataset = try #require(group.datasets.first { $0.name == "curl_free_x_errors" })
    let errors = try MapDatasetTests.numbers(dataset)
    let own = try #require(before.curlFree.variance).x
    let place = 22 * 60 + 33
    let added = 0.02 * before.divergenceFree.field.y[place]
    #expect(abs(Double(errors[place]) / (own + added * added).squareRoot() - 1) < 1e-6)
    #expect(group.attributes["errors_common"] == .text("scan rotation: 0.02 rad"))
  }

  @Test("A constant error of the field is volts of the field with a potential too, and tilts it")
  func constants() async throws {
    var field = try await Self.fields().known
    field.context.commonErrors = CommonErrors(offset: ["gain": 0.25])
    let potential = try Self.product(Integrate(), field, "potential", as: PotentialValue.self)
    let group = potential.group("potential")
    #expect(
      group.attributes["errors_common"]
        == .text(
          "gain: 0.25 V in each component of the field, a ramp of the potential about the scan's center"
        ))
    let dataset = try #require(group.datasets.first { $0.name == "projected_potential_errors" })
    #expect(dataset.unit == "V m")
    let errors = try MapDatasetTests.numbers(dataset)
    let own = try #require(potential.map.variance)
    let pixel = try #require(potential.map.pixelSize)
    // In the first pixel, which lies (29.5, 21.5) pixels from the center.
    let (x, y) = (29.5 * pixel.x * 0.25, 21.5 * pixel.y * 0.25)
    #expect(abs(Double(errors[0]) / (own[0] + x * x + y * y).squareRoot() - 1) < 1e-6)
  }
}
