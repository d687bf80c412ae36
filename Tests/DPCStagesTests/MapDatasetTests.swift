// Maps as datasets: every number by its formula, NaN where there is no measurement.
import Foundation
import STEMCore
import Testing

@testable import DPCStages
@testable import STEMData

struct MapDatasetTests {
  /// Longer than the runs in which masked pixels are looked for.
  private static let shape = GridShape(rows: 5, columns: 41)

  private static func map(hasCovariance: Bool) -> VectorMap {
    let x = (0..<shape.count).map { 3e-5 * sin(Double($0)) }
    let y = (0..<shape.count).map { 2e-5 * cos(Double(3 * $0)) }
    var mask = PixelMask(shape: shape)
    for index in [0, 63, 64, 130] { mask.bytes[index] = PixelFlags.hot.rawValue }
    for index in [1, 200] {
      mask.bytes[index] = PixelFlags([.missing, .filledIn]).rawValue
    }
    return VectorMap(
      field: VectorField(shape: shape, x: x, y: y),
      covariance: hasCovariance
        ? VectorCovariance(
          shape: shape, xx: x.map { abs($0) * 1e-6 }, yy: y.map { abs($0) * 2e-6 }, xy: x) : nil,
      mask: mask, pixelSize: nil)
  }

  /// All numbers of a dataset, formed in two pieces that divide a run.
  static func numbers(_ dataset: ResultDataset) throws -> [Float] {
    guard case .float32(let formed) = dataset.values else {
      Issue.record("\(dataset.name) is no map of float32")
      return []
    }
    let total = dataset.shape.reduce(1, *)
    return [Float](unsafeUninitializedCapacity: total) { target, count in
      formed.form(0..<101, UnsafeMutableBufferPointer(rebasing: target[..<101]))
      formed.form(101..<total, UnsafeMutableBufferPointer(rebasing: target[101..<total]))
      count = total
    }
  }

  private static let errors = CommonErrors(
    scale: ["thickness": 0.1], offset: ["descan": 3e-4], rotation: 0.2)

  private func expect(
    _ found: [Float], keepsFilledIn: Bool, _ number: (Int) -> Double
  ) {
    let mask = Self.map(hasCovariance: false).mask
    for index in found.indices {
      let isShown = mask.isUsable(index) || (keepsFilledIn && [1, 200].contains(index))
      #expect(isShown ? found[index] == Float(number(index)) : found[index].isNaN, "\(index)")
    }
  }

  @Test("Components, errors, magnitude and direction in another unit")
  func field() throws {
    let map = Self.map(hasCovariance: true)
    let (x, y, scale) = (map.field.x, map.field.y, 250.0)
    let covariance = try #require(map.covariance)
    let datasets = ShownVectorMap(map, scale: scale, errors: Self.errors).fieldDatasets("e")
    #expect(
      datasets.map(\.name) == [
        "e_x", "e_x_errors", "e_y", "e_y_errors", "e_magnitude", "e_direction",
      ])
    let numbers = try datasets.map(Self.numbers)
    let (relative, turned, constant) = (0.1 * 0.1, 0.2 * 0.2, 3e-4 * 3e-4)
    func error(_ variance: Double, _ along: Double, _ across: Double) -> Double {
      let shared =
        relative * (scale * along) * (scale * along) + turned * (scale * across) * (scale * across)
        + constant
      return (scale * scale * variance + shared).squareRoot()
    }
    expect(numbers[0], keepsFilledIn: true) { scale * x[$0] }
    expect(numbers[1], keepsFilledIn: false) { error(covariance.xx[$0], x[$0], y[$0]) }
    expect(numbers[2], keepsFilledIn: true) { scale * y[$0] }
    expect(numbers[3], keepsFilledIn: false) { error(covariance.yy[$0], y[$0], x[$0]) }
    expect(numbers[4], keepsFilledIn: true) {
      (scale * x[$0] * (scale * x[$0]) + scale * y[$0] * (scale * y[$0])).squareRoot()
    }
    expect(numbers[5], keepsFilledIn: true) { atan2(scale * y[$0], scale * x[$0]) }
  }

  @Test("One variance for all pixels, and none")
  func uniform() throws {
    let map = Self.map(hasCovariance: false)
    #expect(
      ShownVectorMap(map, errors: CommonErrors()).componentDatasets("e", unit: "V").map(\.name)
        == ["e_x", "e_y"])
    let datasets = ShownVectorMap(
      map, errors: Self.errors.scaleOnly, variance: (x: 4e-12, y: 9e-12)
    )
    .componentDatasets("e", unit: "V")
    let numbers = try datasets.map(Self.numbers)
    let (x, y, relative) = (map.field.x, map.field.y, 0.1 * 0.1)
    expect(numbers[1], keepsFilledIn: false) {
      (4e-12 + relative * x[$0] * x[$0]).squareRoot()
    }
    expect(numbers[3], keepsFilledIn: false) {
      (9e-12 + relative * y[$0] * y[$0]).squareRoot()
    }
  }

  @Test(
    "A component that counting leaves without any error has no errors, rather than errors of zero")
  func unmeasured() {
    let map = Self.map(hasCovariance: false)
    #expect(
      ShownVectorMap(map, errors: Self.errors.scaleOnly, variance: (x: 4e-12, y: 0))
        .componentDatasets("e", unit: "V").map(\.name) == ["e_x", "e_x_errors", "e_y"])
  }

  @Test("A scalar map")
  func scalar() throws {
    let mask = Self.map(hasCovariance: false).mask
    let values = (0..<Self.shape.count).map { 1e-9 * Double($0 - 70) }
    let map = ScalarMap(
      field: ScalarField(shape: Self.shape, values: values), variance: values.map { $0 * $0 / 4 },
      mask: mask, pixelSize: PixelSize(x: 1e-9, y: 1e-9))
    let numbers = try map.datasets("v", unit: "V m", errors: CommonErrors()).prefix(2)
      .map(Self.numbers)
    expect(numbers[0], keepsFilledIn: true) { values[$0] }
    expect(numbers[1], keepsFilledIn: false) { (values[$0] * values[$0] / 4).squareRoot() }
  }
}
