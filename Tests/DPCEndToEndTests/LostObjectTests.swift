// Objects that leave the cache while a run over many goes on: what is there is told, and what is missing.
import Foundation
import Testing

struct LostObjectTests {
  /// A pipeline whose last stage copies the field; once there is a file `cut`, it takes all objects away and fails.
  private func workspace() throws -> Workspace {
    let workspace = try Workspace()
    try workspace.makeFolder("scans")
    try workspace.write(Sample(rows: 6, columns: 9), to: "scans/a.h5")
    try workspace.write(
      """
      if [ -e \(workspace["cut"]) ]; then
        rm -rf \(workspace["cache/v1/objects"])
        exit 1
      fi
      cp "$1" "$2"

      """, to: "own.sh")
    try workspace.write(
      """
      schema: dpc-pipeline/1
      name: own
      inputs: { acquisition: null, program: /bin/sh, script: own.sh }
      foreach: { glob: scans/*.h5, input: acquisition }
      stages:
      \(FieldStages.text)
        own:
          uses: exec
          from: field
          with: { program: $program, script: $script, output: projected-field, arguments: ["{input}", "{output}"] }
      results: [own]

      """, to: "own.yaml")
    return workspace
  }

  @Test("The table is written though a map for the sheet was lost, and the next run draws it again")
  func table() async throws {
    let workspace = try workspace()
    let arguments = [
      "run", "own.yaml", "--output", "out", "--cache", "cache", "--threads", "1", "--allow-exec",
    ]
    let whole = try await workspace.dpc(arguments)
    #expect(whole.status == 0, "\(whole.errors)")
    let sheet = try workspace.bytes("out/contact-sheet.png")
    // The first scan is found in the cache; the second one's program takes it away before the sheet is drawn.
    try workspace.write(Sample(rows: 6, columns: 10), to: "scans/b.h5")
    try workspace.write("", to: "cut")
    let cut = try await workspace.dpc(arguments)
    #expect(cut.output.contains("own: 1 of 2 done, 1 failed"), "\(cut.output)")
    let rows = try workspace.text("out/summary.csv").split(separator: "\n")
    #expect(rows.count == 3 && rows[1].hasPrefix("a,done,") && rows[2].hasPrefix("b,failed,"))
    #expect(cut.output.contains("Table:   out/summary.csv"), "\(cut.output)")
    #expect(
      cut.complaints.contains { $0.hasPrefix("error: contact-sheet.png: no map of a: ") },
      "\(cut.errors)")
    #expect(cut.status == 5)
    for name in ["cut", "scans/b.h5"] {
      try FileManager.default.removeItem(atPath: workspace[name])
    }
    let again = try await workspace.dpc(arguments)
    #expect(again.status == 0, "\(again.errors)")
    #expect(try workspace.bytes("out/contact-sheet.png") == sheet)
    #expect(try workspace.text("out/summary.csv").split(separator: "\n").count == 2)
  }

  @Test("Where nothing that belongs to all can be written, that is said")
  func nothing() async throws {
    let workspace = try Workspace()
    let arguments = try workspace.writeMany(["a"])
    try workspace.makeFolder("out/summary.csv/in-the-way")
    try workspace.makeFolder("out/provenance")
    try workspace.write("{}", to: "out/provenance/outputs.json")
    let run = try await workspace.dpc(arguments)
    #expect(run.status == 5, "\(run.errors)")
    #expect(
      run.errors.contains("\n  neither table nor contact sheet nor record of all runs was written"),
      "\(run.errors)")
    #expect(workspace.exists("out/a/result.h5"))
  }
}
