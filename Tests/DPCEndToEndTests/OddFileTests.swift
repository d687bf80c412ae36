// Files with odd contents: what they say never steers the terminal, and what they leave open is never taken for zero.
import Foundation
import TestText
import Testing

struct OddFileTests {
  private func workspace(_ kind: String, _ path: String) async throws -> Workspace {
    let workspace = try Workspace()
    try workspace.write(Sample(rows: 6, columns: 9))
    let made = try await workspace.python("odd_items.py", [workspace["scan.h5"], kind, path])
    #expect(made.status == 0, "\(made.errors)")
    return workspace
  }

  /// Whether nothing but line breaks and tabs would steer a terminal.
  private func isPlain(_ text: String) -> Bool {
    text.unicodeScalars.allSatisfy {
      $0.properties.generalCategory != .control || $0 == "\n" || $0 == "\t"
    }
  }

  @Test("Frames that h5py packed by LZF give the numbers of plain ones")
  func packed() async throws {
    let workspace = try Workspace()
    try workspace.write(Sample(rows: 6, columns: 9))
    let path = "/entry/tilt/deflection_x"
    #expect(try await workspace.run().status == 0)
    let plain = try Stored(workspace["out/result.h5"]).values(path)
    let made = try await workspace.python(
      "packed.py", [workspace["scan.h5"], workspace["foreign.h5"]])
    #expect(made.status == 0, "\(made.errors)")
    let finished = try await workspace.run()
    #expect(finished.status == 0, "\(finished.errors)")
    #expect(try Stored(workspace["out/result.h5"]).values(path) == plain)
    let inspected = try await workspace.dpc(["inspect", "scan.h5"])
    #expect(inspected.output.contains("LZF"), "\(inspected.output)")
  }

  @Test("A text of a file is printed without what steers a terminal, on one line")
  func texts() async throws {
    for (kind, path) in [
      ("text", "/entry/title"), ("text", "/entry/sample/material"), ("text", "/entry/sample/view"),
      ("unit", Sample.thickness), ("unit", Sample.frames),
    ] {
      let workspace = try await workspace(kind, path)
      for finished in [try await workspace.dpc(["inspect", "scan.h5"]), try await workspace.run()] {
        let text = finished.output + finished.errors
        #expect(isPlain(text), "\(path): \(text)")
        let lines = text.split(separator: "\n")
        #expect(lines.allSatisfy { !$0.hasPrefix("error: forged") }, "\(path): \(text)")
      }
    }
  }

  @Test("A unit of many thousand characters is cut where it is told of")
  func longUnit() async throws {
    let workspace = try await workspace("long unit", Sample.thickness)
    let finished = try await workspace.run()
    #expect(finished.status == 4)
    #expect(finished.errors.count < 1000)
    #expect(finished.errors.contains("mmm…\" is no unit of a length"), "\(finished.errors)")
  }

  @Test("The name of a manifest cannot steer the terminal")
  func name() async throws {
    let workspace = try Workspace()
    try workspace.write(Sample(rows: 6, columns: 9))
    try workspace.write(
      Quick.text.changing("name: quick", to: "name: \"co\\e[31mre\""),
      to: "odd.yaml")
    let finished = try await workspace.run("odd.yaml")
    #expect(finished.status == 2)
    #expect(isPlain(finished.errors))
    #expect(
      finished.errors.contains(
        "the name 'co\u{FFFD}[31mre' holds characters that cannot be printed"),
      "\(finished.errors)")
  }

  @Test(
    "An item that was made and never written is refused, as frames in that state are",
    arguments: [
      Sample.rotation, "\(Sample.detector)/orientation", "/entry/reference/dark", Sample.thickness,
      "\(Sample.detector)/segment_start",
    ])
  func unwritten(path: String) async throws {
    let workspace = try await workspace("unwritten", path)
    let finished = try await workspace.run()
    #expect(finished.status == 4)
    #expect(
      finished.complaints.first?.contains("\(path): its values were never written") == true,
      "\(finished.errors)")
  }

  @Test("One whose writer set a value for what it leaves out is read")
  func filled() async throws {
    let workspace = try await workspace("filled", Sample.rotation)
    let finished = try await workspace.dpc(["inspect", "scan.h5"])
    #expect(finished.output.contains("3 deg"), "\(finished.errors)")
  }

  @Test("A link to nothing in the place of an item is refused and named")
  func dangling() async throws {
    for path in [Sample.rotation, Sample.thickness, "/entry/sample/material"] {
      let workspace = try await workspace("dangling", path)
      let finished = try await workspace.run()
      #expect(finished.status == 4)
      let words = "\(path) is a soft link to /nowhere/at/all, where there is nothing"
      #expect(finished.errors.contains(words), "\(finished.errors)")
    }
  }

  @Test("A link to a group is followed, and what the group leaves out is not stated")
  func linked() async throws {
    let workspace = try await workspace("moved", "/entry/sample")
    let finished = try await workspace.dpc(["inspect", "scan.h5"])
    #expect(finished.status == 0, "\(finished.errors)")
    #expect(finished.output.contains("50 nm"), "\(finished.output)")
  }

  @Test("An empty unit, and a number that is none, are told in words")
  func words() async throws {
    let unit = try await workspace("no unit", "\(Sample.detector)/orientation").run()
    #expect(
      unit.errors.contains("its attribute units is empty, an angle needs a unit"), "\(unit.errors)")
    let number = try await workspace("nan", "\(Sample.detector)/segment_outer").run()
    #expect(number.errors.contains("the number of segment 0 is NaN"), "\(number.errors)")
  }

  @Test("Limits are shown as round numbers, and errors beyond all measure as unknown ones")
  func numbers() async throws {
    let workspace = try Workspace()
    var sample = Sample(rows: 6, columns: 9)
    // Gains that follow from a ten-millionth of an electron.
    sample.items["/entry/reference/flat"] = .list([Double](repeating: 1e-7, count: 8), "electrons")
    try workspace.write(sample)
    let unknown = try await workspace.run()
    #expect(unknown.output.contains("the errors of the gains are neglected: they are not known"))
    #expect(!unknown.output.contains("00 % by counting"), "\(unknown.output)")
    sample.items["/entry/reference/flat"] = nil
    sample.changeFrames { _, _, _, value in value * 1e-20 }
    try workspace.write(sample)
    let few = try await workspace.run()
    #expect(few.status == 4)
    #expect(
      few.errors.contains("electrons at a pixel (median) is outside 1e-6 to 1e15"), "\(few.errors)")
  }

  @Test("A name that is not in UTF-8 is called so, named and found by a pattern")
  func garbledName() async throws {
    let workspace = try Workspace()
    try workspace.write(Sample(rows: 6, columns: 9))
    try workspace.write(Quick.text, to: Quick.manifest)
    try workspace.write(
      Quick.text.changing(
        "inputs: { acquisition: scan.h5 }",
        to: "inputs: { acquisition: null }\nforeach: { glob: '*.h5' }"), to: "many.yaml")
    for (command, words) in [
      ("inspect \"$NAME\"", "the name is not in UTF-8"),
      ("run quick.yaml --input acquisition=\"$NAME\" -o out --cache c", "the name is not in UTF-8"),
      ("run \"$NAME\"", "the name is not in UTF-8"),
      ("plan many.yaml --cache c", "many.yaml:4:18: error: the name of "),
    ] {
      let finished = try await workspace.shell(
        "NAME=$(printf 'sc\\344n.h5'); cp scan.h5 \"$NAME\"; \"$DPC\" \(command)")
      #expect([2, 4].contains(finished.status), "\(command): \(finished.errors)")
      #expect(
        finished.told.contains(words) || finished.errors.hasPrefix(words), "\(finished.errors)")
      #expect(finished.errors.contains("rename"), "\(finished.errors)")
      #expect(!finished.errors.contains("did you mean"), "\(finished.errors)")
    }
  }

  @Test("What is no regular file is called so, and nobody means another by it")
  func device() async throws {
    let workspace = try Workspace()
    let finished = try await workspace.dpc(workspace.runArguments(input: "/dev/null"))
    #expect(finished.status == 4)
    #expect(
      finished.complaints.first?.contains("cannot read /dev/null: it is no regular file") == true,
      "\(finished.errors)")
    #expect(!finished.errors.contains("did you mean"), "\(finished.errors)")
  }

  @Test("Too many open files are the machine's trouble, not the file's")
  func openFiles() async throws {
    let workspace = try Workspace()
    try workspace.write(Sample(rows: 6, columns: 9))
    let words = try workspace.runArguments() + ["--threads", "1", "--progress", "none"]
    var reached = 0
    // Other tests' descriptors may be open in the program too, now more and now fewer: the limit rises until it has
    // enough, and once more where the limit at which this file cannot be opened was passed over.
    for _ in 0..<5 where reached == 0 {
      for limit in 6...200 {
        try? FileManager.default.removeItem(atPath: workspace["cache"])
        let finished = try await workspace.shell(
          "ulimit -n \(limit); exec \"$DPC\" " + words.joined(separator: " "))
        #expect(!finished.errors.contains("damaged"), "\(limit): \(finished.errors)")
        #expect(!finished.errors.contains("copy the file again"), "\(limit): \(finished.errors)")
        #expect(!finished.errors.contains("check the space"), "\(limit): \(finished.errors)")
        if finished.errors.contains("scan.h5: cannot open: too many open files") {
          reached += 1
          #expect(finished.status == 5, "\(limit): \(finished.errors)")
          #expect(finished.errors.contains("ulimit -n"), "\(limit): \(finished.errors)")
        }
        if finished.status == 0 { break }
      }
    }
    #expect(reached > 0)
  }
}
