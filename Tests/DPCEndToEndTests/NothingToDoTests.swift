// What a newcomer sees who mistypes a path: the one reason, and nothing made for a run that cannot be.
import Foundation
import TestText
import Testing

struct NothingToDoTests {
  private static let absent =
    "error: input 'acquisition': cannot open absent.h5: No such file or directory"

  @Test("Without its input a run makes nothing, and says why in one line, first and last")
  func single() async throws {
    let workspace = try Workspace()
    for style in ["plain", "board", "json", "none"] {
      let run = try await workspace.run(input: "absent.h5", "--progress", style)
      #expect(run.status == 4)
      #expect(run.output.isEmpty)
      #expect(
        run.errorLines == [
          Self.absent,
          "  check the path, or give another file with --input acquisition=FILE",
          "  none of the 7 stages was run; nothing was written",
        ], "\(run.errors)")
    }
    #expect(!workspace.exists("out") && !workspace.exists("cache/v1/actions"))
  }

  @Test("An earlier result is left as it was, to the last byte of its record")
  func earlier() async throws {
    let workspace = try Workspace()
    try workspace.write(Sample(rows: 6, columns: 9))
    #expect(try await workspace.run().status == 0)
    let before = workspace.files(under: "out")
    let bytes = try before.map { try workspace.bytes("out/\($0)") }
    #expect(try await workspace.run(input: "absent.h5").status == 4)
    #expect(workspace.files(under: "out") == before)
    #expect(try before.map { try workspace.bytes("out/\($0)") } == bytes)
    // What is in the cache needs no input that is gone: a plan says the same.
    let plan = try await workspace.dpc(["plan", Quick.manifest, "-i", "acquisition=absent.h5"])
    #expect(plan.status == 4)
  }

  @Test("Where one of two chains can run, it does, and the other's stages are told in one line")
  func half() async throws {
    let workspace = try Workspace()
    try workspace.write(Sample(rows: 6, columns: 9))
    let more = """
        other:        { uses: read-acquisition, with: { file: $other } }
        other-clean:  { uses: normalize-segments, from: other }
        other-tilt:   { uses: deflection, from: other-clean }
      results: [field, other-tilt]
      """
    let text = try Quick.text
      .changing(
        "{ acquisition: scan.h5 }", to: "{ acquisition: scan.h5, other: no.h5 }"
      )
      .changing("results: [field, aligned, tilt, potential]", to: more)
    try workspace.write(text, to: "two.yaml")
    let run = try await workspace.run("two.yaml", "--progress", "plain")
    #expect(run.status == 3, "\(run.errors)")
    #expect(workspace.exists("out/result.h5"))
    #expect(run.errorLines.contains("not run, blocked by other: other-clean, other-tilt"))
    #expect(run.errorLines.count { $0.contains("blocked") } == 1, "\(run.errors)")
    #expect(run.complaints.count == 1)
  }

  @Test("Over many acquisitions of which none is there, nothing is made either")
  func many() async throws {
    let workspace = try Workspace()
    let text = try Quick.text.changing(
      "inputs: { acquisition: scan.h5 }",
      to: "inputs: { acquisition: null }\nforeach: { table: t.csv }")
    try workspace.write(text, to: "many.yaml")
    try workspace.write("key,acquisition\na,a.h5\nb,b.h5\n", to: "t.csv")
    let arguments = ["run", "many.yaml", "--output", "out", "--cache", "cache"]
    let run = try await workspace.dpc(arguments)
    #expect(run.status == 4, "\(run.errors)")
    #expect(
      run.errorLines == [
        "error: all 2: input 'acquisition': cannot open $acquisition: No such file or directory",
        "  check the path; that of a swept input stands under foreach or in its table",
        "  none of the 2 runs was begun; nothing was written",
      ], "\(run.errors)")
    #expect(!workspace.exists("out"))
    // One that is there is enough to begin.
    try workspace.write(Sample(rows: 6, columns: 9), to: "b.h5")
    #expect(try await workspace.dpc(arguments).status == 3)
    #expect(workspace.exists("out/b/result.h5"))
  }

  @Test("Stopped twice, a run says at its end that it was, and what becomes of its work")
  func lastWords() async throws {
    let workspace = try Workspace()
    try workspace.write(Sample(rows: 6, columns: 9))
    let shim = (Program.dpc as NSString).deletingLastPathComponent + "/libFaultInjection.so"
    for (style, words) in [
      ("plain", "stopped; finished stages are kept, and the same command goes on from there"),
      ("json", "\"event\":\"stopped\""),
    ] {
      let arguments = try workspace.runArguments(output: style, cache: style)
        .joined(separator: " ")
      // The run hangs at a call that changes a file, and so ends by nothing but the second signal.
      let run = try await workspace.shell(
        """
        LD_PRELOAD="\(shim)" FAULT_AT=60 FAULT_ACTION=hang FAULT_LOG=calls-\(style) \
          "$DPC" \(arguments) --progress \(style) 2> told &
        while kill -0 $! && ! grep -q '^60 ' calls-\(style); do sleep 0.02; done 2> /dev/null
        kill -INT $!
        while kill -0 $! && ! grep -q 'once more to stop now' told; do sleep 0.02; done
        kill -INT $!
        wait $!
        """)
      #expect(run.status == 130, "\(run.errors)")
      let last = try workspace.text("told").split(separator: "\n").last
      #expect(last?.contains(words) == true, "\(last ?? "")")
    }
  }
}
