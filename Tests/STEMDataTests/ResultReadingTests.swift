// What comes back from a result file, and how two of them differ.
import Foundation
import HDF5
import STEMData
import Testing

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

  @Test("Steps and versions come back as they were written, whatever stands in their values")
  func chain() throws {
    let folder = try TemporaryPath()
    let path = folder.path + "/result.h5"
    let steps = [
      ProcessStep(
        stage: "frames", type: "read-acquisition", algorithmVersion: 5,
        parameters: ["file": "$NX_class", "NX_class": "", "regions_nm": "a: 1, b: 2"], inputs: [:],
        files: ["NX_class": "ab"], key: "k1", statements: ["one", "assumption: two"]),
      ProcessStep(
        stage: "tilt", type: "deflection", algorithmVersion: 24, parameters: [:],
        inputs: ["segments": "frames.acquisition"], files: [:], key: "k2"),
    ]
    let versions = ["dpc": "1", "fftw": "3.3 (a: b)"]
    try ResultFile(title: "demo", groups: [], chain: steps, versions: versions).write(to: path)
    let read = try ResultFile.chain(of: path)
    #expect(read.steps == steps)
    #expect(read.versions == versions)
  }

  @Test("A step that does not say what its stage was leaves no chain to be told")
  func namelessStep() throws {
    let folder = try TemporaryPath()
    let path = folder.path + "/result.h5"
    try HDF5File.create(path) { root in
      let step = try root.createGroup("entry").createGroup("process_01_frames")
      try step.write("sequence_index", 1)
    }
    let error = #expect(throws: ResultFileError.self) { try ResultFile.chain(of: path) }
    #expect(error?.description.contains("no chain of processing steps") == true)
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
