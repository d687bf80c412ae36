// A result compared, described and made again, from the one file that carries its chain.
import Foundation
import TestText
import Testing

struct ReproduceTests {
  private static let scan = ["--input", "acquisition=scan.h5"]

  private func madeWorkspace() async throws -> Workspace {
    let workspace = try Workspace()
    try workspace.write(Sample())
    let run = try await workspace.run()
    #expect(run.status == 0, "\(run.errors)")
    return workspace
  }

  @Test("A result is made again, byte for byte, also where figures and lists took part")
  func identicalBytes() async throws {
    let workspace = try await madeWorkspace()
    let manifest = try Quick.text
      .changing("boundary: neumann", to: "boundary: periodic, high_pass_nm: 37.5")
      .changing(
        "results: [",
        to: "  walls: { uses: correct-inclination, from: field, with: { model: finite-wall,"
          + " beam_direction: \"[001]\", wall_plane: \"(100)\", lattice_nm: [0.39, 0.39, 0.415] } }\n"
          + "results: [walls, ")
    try workspace.write(manifest, to: "more.yaml")
    let run = try await workspace.run("more.yaml", output: "more")
    #expect(run.status == 0, "\(run.errors)")
    for name in ["out", "more"] {
      let again = try await workspace.dpc(
        ["reproduce", "\(name)/result.h5", "--output", "again-\(name)"] + Self.scan)
      #expect(again.status == 0, "\(again.errors)")
      #expect(again.output.contains("reproduced: identical bytes"), "\(again.output)")
      #expect(
        try workspace.bytes("\(name)/result.h5") == workspace.bytes("again-\(name)/result.h5"))
      #expect(!workspace.files(under: "again-\(name)").contains { $0.contains(".reproduction") })
      let diff = try await workspace.dpc(
        ["diff", "\(name)/result.h5", "again-\(name)/result.h5"])
      #expect(diff.status == 0, "\(diff.output)")
    }
  }

  @Test("Half the thickness is half a field: the difference in V/m, and beside the field")
  func difference() async throws {
    let workspace = try await madeWorkspace()
    let run = try await workspace.run(output: "thick", "--set", "field.thickness_nm=100")
    #expect(run.status == 0, "\(run.errors)")
    let diff = try await workspace.dpc(["diff", "out/result.h5", "thick/result.h5"])
    #expect(diff.status == 1)
    #expect(diff.output.contains("field.thickness_nm: from-file -> 100"), "\(diff.output)")
    let line = try #require(
      diff.output.split(separator: "\n").first { $0.contains("field/electric_field_y:") })
    // 3 V over 50 nm and over 100 nm.
    let words = line.split(separator: " ").map(String.init)
    let largest = try #require(words.firstIndex(of: "difference").map { words[$0 + 1] })
    #expect(abs(try #require(Double(largest)) - 3e7) < 3e5, "\(line)")
    #expect(line.contains(" V/m at [") && line.contains(", 7], 50 % of the largest value; "))
    let json = try await workspace.dpc(
      ["diff", "out/result.h5", "thick/result.h5", "--format", "json"])
    // The exact halves of a float32 lie 2^23 steps apart.
    #expect(json.output.contains("\"largestUlp\" : 8388608"), "\(json.output)")
    // What the thickness has no part in is not listed.
    #expect(!diff.output.contains("projected_field_x:"))
    #expect(!diff.output.contains("potential/projected_potential:"))
  }

  @Test("Another input is refused, or taken on demand and the difference told")
  func otherInput() async throws {
    let workspace = try await madeWorkspace()
    try workspace.write(Sample { row, column in Sample.walls(row: row, column: column - 1) })
    let refused = try await workspace.dpc(
      ["reproduce", "out/result.h5", "--output", "again"] + Self.scan)
    #expect(refused.status == 4)
    #expect(refused.told.contains("SHA-256") && refused.told.contains("--other-input"))
    #expect(!workspace.exists("again"))
    let taken = try await workspace.dpc(
      ["reproduce", "out/result.h5", "--output", "again", "--other-input"] + Self.scan)
    #expect(taken.status == 1, "\(taken.errors)")
    #expect(taken.output.contains("not reproduced: "), "\(taken.output)")
    #expect(taken.output.contains("file acquisition: "), "\(taken.output)")
  }

  @Test("What is missing or mistaken is told before anything runs")
  func mistakes() async throws {
    let workspace = try await madeWorkspace()
    let before = try workspace.bytes("out/result.h5")
    for (arguments, status, words) in [
      ([], 2, "add --input acquisition=FILE"),
      (["--input", "scan=scan.h5"], 2, "its inputs: acquisition"),
      (["--input", "acquisition=absent.h5"], 4, "absent.h5"),
      (Self.scan + ["--output", "out"], 2, "holds the result"),
    ] {
      let run = try await workspace.dpc(["reproduce", "out/result.h5"] + arguments)
      #expect(run.status == Int32(status), "\(arguments): \(run.errors)")
      #expect(run.told.contains(words), "\(run.errors)")
    }
    #expect(try workspace.bytes("out/result.h5") == before)
    for command in [
      ["reproduce", "scan.h5"], ["methods", "scan.h5"], ["diff", "out/result.h5", "absent.h5"],
      ["diff", "scan.h5", "out/result.h5"],
    ] {
      let run = try await workspace.dpc(command)
      #expect(run.status == 4, "\(command): \(run.errors)")
      #expect(run.complaints.count == 1)
    }
  }

  @Test("The methods paragraph states this result's values, and cites what it used")
  func methods() async throws {
    let workspace = try await madeWorkspace()
    let plain = try await workspace.dpc(["methods", "out/result.h5"])
    #expect(plain.status == 0, "\(plain.errors)")
    let text = plain.output.replacingOccurrences(of: "\n", with: " ")
    for words in [
      "disc-shift", "voltage of 200 kV", "semi-convergence angle of 24 mrad",
      "25° (from the file)", "thickness of 50 nm (from the file)", "1e8 electrons per pixel",
      "with a Neumann boundary",
      "[1] N. H. Dekkers", "Ultramicroscopy 160 (2016) 265",
    ] {
      #expect(text.contains(words), "\(words) in \(plain.output)")
    }
    #expect(!text.contains("Frankot"))
    let run = try await workspace.run(output: "periodic", "--set", "potential.boundary=periodic")
    #expect(run.status == 0)
    let references = try await workspace.dpc(["methods", "periodic/result.h5", "--bibtex"])
    #expect(references.output.hasPrefix("@article{Dekkers1974,"), "\(references.output)")
    #expect(references.output.contains("@article{Frankot1988,"))
    #expect(!references.output.contains("Knutsson"))
  }
}
