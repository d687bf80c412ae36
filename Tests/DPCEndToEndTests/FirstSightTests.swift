// What someone sees who uses dpc for the first time: all that a file lacks, which angle is used, what a warning
// asks for, and a methods paragraph in sentences.
import Foundation
import TestText
import Testing

struct FirstSightTests {
  @Test("An inspection tells everything that is refused, and what else is not stated, at once")
  func inspection() async throws {
    let workspace = try Workspace()
    var sample = Sample(rows: 6, columns: 9)
    sample.items[Sample.voltage] = nil
    sample.items[Sample.pixelSizeX] = .scalar(4, nil)
    sample.items["\(Sample.detector)/segment_stop"] = nil
    sample.items["/entry/sample/view"] = .text("sideways")
    sample.items[Sample.thickness] = nil
    guard case .numbers(let values, let shape, _)? = sample.items[Sample.frames] else { return }
    sample.items[Sample.frames] = .numbers(values, shape: shape, units: nil)
    try workspace.write(sample)
    let inspected = try await workspace.dpc(["inspect", "scan.h5"])
    #expect(inspected.status == 4)
    #expect(inspected.output.isEmpty)
    let refused = [
      (Sample.frames, "its unit is missing"), ("\(Sample.detector)/segment_stop", "it is missing"),
      (Sample.voltage, "it is missing"), (Sample.pixelSizeX, "its unit is missing"),
      ("/entry/sample/view", "\"sideways\" is not known"),
    ]
    #expect(inspected.complaints.count == refused.count, "\(inspected.errors)")
    for (path, reason) in refused {
      #expect(
        inspected.complaints.contains { $0.hasPrefix("error: scan.h5: \(path): \(reason)") },
        "\(path): \(inspected.errors)")
    }
    // What is there and refused is not told to be left out; what is left out is, with what it blocks.
    let lines = inspected.errorLines.filter { $0.hasPrefix("    /entry/") }
    #expect(lines.contains { $0.contains("/entry/sample/thickness: only the projected field") })
    #expect(lines.contains { $0.contains("/entry/reference/vacuum: ") })
    #expect(!lines.contains { $0.contains("pixel_size_x") }, "\(lines)")

    // A run tells the first, and how many there are.
    let run = try await workspace.run()
    #expect(run.complaints.count == 1, "\(run.errors)")
    #expect(run.told.contains("4 more of its items are refused: dpc inspect tells all of them"))
  }

  @Test("Frames of another rank do not hide what else is wrong")
  func inspectionWithoutFrames() async throws {
    let workspace = try Workspace()
    var sample = Sample(rows: 6, columns: 9)
    sample.items[Sample.frames] = .numbers([1, 2, 3, 4], shape: [2, 2], units: "counts")
    sample.items[Sample.voltage] = .scalar(200, "V")
    try workspace.write(sample)
    let inspected = try await workspace.dpc(["inspect", "scan.h5"])
    #expect(inspected.complaints.count == 2, "\(inspected.errors)")
    #expect(inspected.complaints.first?.contains("it has 2 axes") == true)
    #expect(inspected.complaints.last?.contains("0.2 kV is outside") == true)
  }

  @Test("An angle that the file states and the field cannot check is told as used and unchecked")
  func rotation() async throws {
    let workspace = try Workspace()
    try workspace.write(Sample())
    let pipeline = try Quick.text.changing(
      "aligned: { uses: rotate-to-scan, from: tilt, with: { rotation_deg: from-file } }",
      to: "rotation: { uses: estimate-rotation, from: tilt }\n"
        + "  aligned: { uses: rotate-to-scan, from: { deflection: tilt, rotation: rotation } }")
    try workspace.write(pipeline, to: "checked.yaml")
    let run = try await workspace.run("checked.yaml")
    #expect(run.status == 0, "\(run.errors)")
    #expect(!run.output.contains("unresolved"), "\(run.output)")
    #expect(
      run.output.contains(
        "the field cannot check the scan rotation of 25° that the file states: "))
    #expect(
      run.output.contains("scan rotation 25° (from the file) is used; the field could not check it")
    )
    // Without a check there is none to fail.
    let plain = try await workspace.run(output: "plain")
    #expect(plain.output.contains("scan rotation 25° (from the file)\n"), "\(plain.output)")
  }

  @Test("Atoms taken for spikes are recognized by their lattice; defects are not")
  func atoms() async throws {
    let workspace = try Workspace()
    var crystal = Sample(rows: 24, columns: 40)
    crystal.changeFrames { segment, row, column, value in
      row % 8 == 3 && column % 8 == 4 ? value * (segment % 2 == 0 ? 1.1 : 0.9) : value
    }
    try workspace.write(crystal)
    let run = try await workspace.run()
    #expect(run.status == 0, "\(run.errors)")
    let words = run.output.split(separator: "\n").first { $0.contains("as atoms do") }
    // 15 of 960 positions; 8 columns of 4 nm, 8 rows of 5 nm.
    #expect(words?.contains("1.56 % of the positions are masked as hot") == true, "\(run.output)")
    #expect(words?.contains("every 32 nm and every 40 nm") == true, "\(words ?? "")")
    #expect(words?.contains("Pipelines/crystal.yaml") == true)
    let off = try await workspace.run(output: "off", "--set", "clean.spike_sigma=none")
    #expect(!off.output.contains("as atoms do"))

    var defects = Sample(rows: 24, columns: 40)
    defects.changeFrames { segment, row, column, value in
      segment == 3 && (7 * row * row + 11 * column + 5 * row) % 61 == 0 ? value * 1.2 : value
    }
    try workspace.write(defects, to: "defects.h5")
    let other = try await workspace.run(input: "defects.h5", output: "defects")
    #expect(other.output.contains(" hot"), "\(other.output)")
    #expect(!other.output.contains("as atoms do"), "\(other.output)")
  }

  /// The words of a methods text, line breaks aside.
  private func methods(
    _ workspace: Workspace, _ pipeline: String, _ inputs: [String]
  ) async throws -> (text: String, lines: [String]) {
    let run = try await workspace.dpc(
      ["run", Program.pipeline(pipeline), "--output", pipeline, "--cache", "cache"] + inputs)
    #expect(run.status == 0, "\(run.errors)")
    let told = try await workspace.dpc(["methods", "\(pipeline)/result.h5"])
    #expect(told.status == 0, "\(told.errors)")
    return (
      told.output.split(whereSeparator: \.isWhitespace).joined(separator: " "),
      told.output.split(separator: "\n").map(String.init)
    )
  }

  @Test("A methods text is made of sentences, and says of walls edge-on that they are")
  func methodsOfTopView() async throws {
    let workspace = try Workspace()
    let (text, lines) = try await methods(workspace, "top-view", [])
    for words in [
      "The dark reference of the file was subtracted (clean, version ",
      "There was one frame, and nothing to average (averaged, version 15).",
      "(tilt, version ", "at a voltage of 200 kV and a semi-convergence angle of 24 mrad",
      "The stated scan rotation could not be checked by the field's curl (rotation, version ",
      "Vectors were turned (aligned, version ",
      "from the detector's axes to those of the scan, by 12°",
      "with a Neumann boundary",
      "Walls of the form E0 sech²(u/w) were fitted to the profile across them (walls, version ",
      "the walls are edge-on (from the file)", "their normal is at 25° (from the file)",
      "the field is taken to run along the walls (from the file)",
      "the thickness of 60 nm (from the file)",
      "Assumed: - the errors of the gains are neglected",
    ] {
      #expect(text.contains(words), "\(words) in \(text)")
    }
    for words in ["algorithm version", "Inclined walls", "inclination 0°", "Step "] {
      #expect(!text.contains(words), "\(words) in \(text)")
    }
    #expect(lines.allSatisfy { $0.count <= 100 })
  }

  @Test("Inclined walls are told to be, and the views of two acquisitions share their sentences")
  func methodsOfOthers() async throws {
    let workspace = try Workspace()
    let (inclined, _) = try await methods(workspace, "cross-section", [])
    for words in [
      "the walls are inclined to the beam by 45° (from the file)", "through the whole thickness",
      "divided (corrected, version", "direction factor 0.707",
      "the field is taken to lie in the walls' planes, across their trace in the image",
    ] {
      #expect(inclined.contains(words), "\(words) in \(inclined)")
    }
    let (both, _) = try await methods(workspace, "two-views", [])
    #expect(both.contains("(cross-averaged, version 15; top-averaged, version 15)"), "\(both)")
    #expect(both.contains("There was no dark reference to subtract ("), "\(both)")
    #expect(both.contains("; the views agree (chi-square"), "\(both)")
    #expect(both.components(separatedBy: "No descan was removed").count == 2, "\(both)")
    let (estimate, _) = try await methods(workspace, "flexoelectric-estimate", [])
    for words in [
      "flexoelectric coefficient -66 nC/m", "strain gradient 1000000 /m", "thickness 50 nm",
      "stated polarization 13 µC/cm²",
    ] {
      #expect(estimate.contains(words), "\(words) in \(estimate)")
    }
  }
}
