// The file that the documentation has a user write, and what the program says of files that are none.
import Foundation
import Testing

struct OwnFileTests {
  /// The Python of the documentation, in its order.
  private static func scripts() throws -> [String] {
    let article = try String(
      contentsOfFile: "\(Program.repository)/Sources/STEMData/STEMData.docc/Files.md",
      encoding: .utf8)
    return article.components(separatedBy: "```python\n").dropFirst().map {
      String($0.prefix { $0 != "`" })
    }
  }

  @Test("The Python of the documentation writes an acquisition that runs")
  func example() async throws {
    let workspace = try Workspace()
    try workspace.write(try Self.scripts().first ?? "", to: "own.py")
    let written = try await workspace.start(Program.python, ["own.py"]).end()
    #expect(written.status == 0, "\(written.errors)")
    let inspected = try await workspace.dpc(["inspect", "own.h5"])
    #expect(inspected.status == 0, "\(inspected.errors)")
    #expect(
      inspected.output.contains("orientation     0 deg (detector axes)"), "\(inspected.output)")
    let finished = try await workspace.run(Program.pipeline("core"), input: "own.h5")
    #expect(finished.status == 0, "\(finished.errors)")
    // Poisson noise of 8 × 2500 electrons and nothing else.
    #expect(finished.output.contains("2e4 electrons per pixel"), "\(finished.output)")
    #expect(finished.output.contains("nothing detected"), "\(finished.output)")
  }

  @Test("The Python of the documentation makes an acquisition of a Velox file")
  func velox() async throws {
    let workspace = try Workspace()
    try workspace.write(try #require(try Self.scripts().last), to: "velox.py")
    #expect(try await workspace.python("velox.py", ["make", workspace["scan.emd"]]).status == 0)
    let refused = try await workspace.dpc(["inspect", "scan.emd"])
    #expect(refused.status == 4 && refused.errors.contains("a Velox file"), "\(refused.errors)")
    let made = try await workspace.start(
      Program.python, ["velox.py", "scan.emd", "scan.h5"]
    ).end()
    #expect(made.status == 0, "\(made.errors)")
    let checked = try await workspace.python("velox.py", ["check", workspace["scan.h5"]])
    #expect(checked.status == 0, "\(checked.errors)")
    let inspected = try await workspace.dpc(["inspect", "scan.h5"])
    #expect(inspected.status == 0, "\(inspected.errors)")
    for words in [
      "2 × 4 segments × 5×7", "voltage         300 kV", "semi-angle      24 mrad",
      "pixel size      2 nm × 3 nm",
    ] { #expect(inspected.output.contains(words), "\(words): \(inspected.output)") }
    let run = try await workspace.run(Program.pipeline("top-view"), input: "scan.h5")
    #expect(run.status == 3, "\(run.errors)")
    #expect(workspace.exists("out/result.h5"))
  }

  @Test("A file of another kind is refused with the place where the layout is told")
  func foreign() async throws {
    let workspace = try Workspace()
    try workspace.write(
      "import h5py; h5py.File('other.h5', 'w')['image'] = [1, 2]\n", to: "other.py")
    #expect(try await workspace.start(Program.python, ["other.py"]).end().status == 0)
    let refused = try await workspace.dpc(["inspect", "other.h5"])
    #expect(refused.status == 4, "\(refused.errors)")
    #expect(refused.errors.contains("STEMData.docc/Files.md"), "\(refused.errors)")
    #expect(
      FileManager.default.fileExists(
        atPath: "\(Program.repository)/Sources/STEMData/STEMData.docc/Files.md"))
  }

  @Test("A result of dpc is told as such, with the command that reads it")
  func result() async throws {
    let workspace = try Workspace()
    try workspace.write(Sample(rows: 6, columns: 9))
    let finished = try await workspace.run(Program.pipeline("core"))
    #expect(finished.status == 0, "\(finished.errors)")
    let refused = try await workspace.dpc(["inspect", "out/result.h5"])
    #expect(refused.status == 4)
    #expect(refused.errors.contains("it is a result of dpc"), "\(refused.errors)")
    #expect(refused.errors.contains("dpc provenance out/result.h5"), "\(refused.errors)")
    #expect(!refused.errors.contains("NeXus"), "\(refused.errors)")
  }

  @Test("Axes that contradict the pixel size are warned of by a run")
  func axes() async throws {
    let workspace = try Workspace()
    var sample = Sample(rows: 6, columns: 9)
    sample.items["/entry/data/x"] = .list((0..<9).map { 7.7 * Double($0) }, "nm")
    try workspace.write(sample)
    let finished = try await workspace.run(Program.pipeline("core"))
    #expect(finished.status == 0, "\(finished.errors)")
    #expect(finished.output.contains("/entry/data/x has a spacing of 7.7 nm"), "\(finished.output)")
  }

  @Test("Electrons that contradict the stated number are told, those that agree are not")
  func dose() async throws {
    for (factor, isTold) in [(1.0, false), (1.2, false), (3, true), (0.1, true)] {
      let workspace = try Workspace()
      var sample = Sample(rows: 6, columns: 9)
      sample.items["/entry/instrument/scan/electrons_per_pixel"] = .scalar(
        Sample.electrons / factor, nil)
      try workspace.write(sample)
      let finished = try await workspace.run()
      #expect(finished.status == 0, "\(finished.errors)")
      #expect(
        finished.output.contains("stated (electrons_per_pixel)") == isTold,
        "\(factor): \(finished.output)")
    }
  }
}
