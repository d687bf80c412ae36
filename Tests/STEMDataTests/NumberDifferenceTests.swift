// How far two arrays are apart, in their unit and in ulp.
import Foundation
import STEMData
import Testing

struct NumberDifferenceTests {
  @Test("Equal arrays have no difference; NaN equals NaN and zero minus zero")
  func equal() {
    let values = [1.5, .nan, 0, -2]
    #expect(
      NumberDifference(values, [1.5, .nan, -0.0, -2], shape: [4], precision: .float32) == nil)
  }

  @Test("The largest difference, its place as [row, column], and NaN on one side")
  func places() throws {
    let difference = try #require(
      NumberDifference(
        [1, 2, 3, 4, 5, 6], [1, 2.5, .nan, 4, 5, 4], shape: [2, 3], precision: .float32))
    #expect(difference.count == 6)
    #expect(difference.differing == 3)
    #expect(difference.missingOnOneSide == 1)
    #expect(difference.largest == 2 && difference.largestMagnitude == 6)
    #expect(difference.place == [1, 2])
  }

  @Test("Rounding is what stays within four steps of the stored type everywhere")
  func rounding() throws {
    func isRounding(_ a: [Double], _ b: [Double], _ precision: NumberDifference.Precision) -> Bool?
    {
      NumberDifference(a, b, shape: [a.count], precision: precision)?.isRounding
    }
    let four = Double(Float(1) + 4 * Float(1).ulp)
    #expect(isRounding([1, 3], [four, 3], .float32) == true)
    #expect(isRounding([1, 3], [four + Double(Float(1).ulp), 3], .float32) == false)
    #expect(isRounding([1, 3], [four, 3], .float64) == false)
    #expect(isRounding([1, 3], [four, .nan], .float32) == false)
    #expect(isRounding([1], [2], .integer) == false)
  }

  @Test("Steps of the stored type, over zero and over a power of two")
  func ulp() throws {
    func steps(_ a: Double, _ b: Double, _ precision: NumberDifference.Precision) -> UInt64? {
      NumberDifference([a], [b], shape: [], precision: precision)?.largestUlp
    }
    let next = Double(Float(1).nextUp)
    #expect(steps(1, next, .float32) == 1)
    #expect(steps(next, 1, .float32) == 1)
    #expect(steps(1, next, .float64) == 1 << 29)
    #expect(steps(3e7, 6e7, .float32) == 1 << 23)
    let tiny = Double(Float.leastNonzeroMagnitude)
    #expect(steps(-tiny, tiny, .float32) == 2)
    #expect(steps(-Double.infinity, .infinity, .float64) == 0xFFE0_0000_0000_0000 as UInt64)
    #expect(steps(1, 2, .integer) == nil)
  }
}

/// A folder that is gone with the value.
private final class TemporaryPath {
  let path = FileManager.default.temporaryDirectory.path + "/results-\(UUID().uuidString)"

  init() throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  // What cannot be removed is left to the system.
  deinit { try? FileManager.default.removeItem(atPath: path) }
}

struct ResultReadingTests {
  private func write(
    _ name: String, values: [Float], thickness: String, in folder: TemporaryPath
  ) throws -> String {
    let field = ResultGroup(
      name: "field", quantity: "projected_field", title: "field", signal: "projected_field_x",
      axes: [ResultAxis("x", values: [0, 1], unit: "nm")],
      datasets: [
        ResultDataset(
          "projected_field_x", shape: [2],
          values: .float32(FormedNumbers { _ = $1.update(fromContentsOf: values[$0]) }), unit: "V")
      ], attributes: ["boundary": .text("neumann"), "share": .number(0.25)])
    let aligned = ResultGroup(
      name: "aligned", quantity: "deflection", title: "aligned", signal: "deflection_x", axes: [],
      datasets: [ResultDataset("deflection_x", shape: [1], values: .float64([1]), unit: "rad")])
    let step = ProcessStep(
      stage: "field", type: "electric-field", algorithmVersion: 2,
      parameters: ["thickness_nm": thickness, "file": "$scan"], inputs: [:],
      files: ["scan": "ab"], key: "k")
    let path = folder.path + "/" + name
    try ResultFile(
      title: "demo", groups: [field, aligned], chain: [step], versions: ["dpc": "1"]
    ).write(to: path)
    return path
  }

  @Test("Title, order of the results, attributes and chain come back")
  func contents() throws {
    let folder = try TemporaryPath()
    let path = try write("a.h5", values: [1, 2], thickness: "50", in: folder)
    let contents = try ResultContents(reading: path)
    #expect(contents.title == "demo")
    #expect(contents.quantities.map(\.name) == ["field", "aligned"])
    #expect(contents.quantities[0].attributes["boundary"] == "neumann")
    #expect(contents.quantities[0].attributes["share"] == "0.25")
    #expect(contents.steps[0].parameters == ["thickness_nm": "50", "file": "$scan"])
  }

  @Test("A comparison tells the parameter and the dataset that differ, and no other")
  func comparison() throws {
    let folder = try TemporaryPath()
    let first = try write("a.h5", values: [1, .nan], thickness: "50", in: folder)
    let same = try write("b.h5", values: [1, .nan], thickness: "50", in: folder)
    let other = try write("c.h5", values: [1.5, .nan], thickness: "52", in: folder)
    #expect(try ResultComparison(first, same).isIdentical)
    let comparison = try ResultComparison(first, other)
    #expect(comparison.chain.map(\.description) == ["field.thickness_nm: 50 -> 52"])
    #expect(comparison.attributes.isEmpty)
    #expect(comparison.differingDatasets.map(\.name) == ["field/projected_field_x"])
    #expect(comparison.differingDatasets.map(\.unit) == ["V"])
    guard case .numbers(let numbers) = comparison.differingDatasets.first?.outcome else {
      Issue.record("numbers differ")
      return
    }
    #expect(numbers.largest == 0.5 && numbers.differing == 1 && numbers.largestUlp == 1 << 22)
  }
}
