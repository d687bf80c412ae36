// The same bytes of results and figures, whatever the threads, the cache, the day and the processor.
import Foundation
import TestText
import Testing

struct SameBytesTests {
  private func run(
    _ workspace: Workspace, pipeline: String, output: String, cache: String,
    environment: [String: String] = [:], _ more: String...
  ) async throws {
    let finished = try await workspace.dpc(
      workspace.runArguments(pipeline, output: output, cache: cache) + more,
      environment: environment)
    #expect(finished.status == 0, "\(finished.errors)")
  }

  @Test("A file so large that stages begin before it is digested: the same bytes with one thread")
  func beforeTheDigest() async throws {
    let workspace = try Workspace()
    // 9 MB; stages begin early with files from 4 MiB on, and of those only what averages frames takes its time.
    var sample = Sample(rows: 150, columns: 160)
    guard case .numbers(let frame, let shape, let units)? = sample.items[Sample.frames] else {
      Issue.record("a sample holds frames")
      return
    }
    sample.items[Sample.frames] = .numbers(
      (0..<6).flatMap { repeated in frame.map { $0 + Double(repeated) } }, shape: [6] + shape,
      units: units)
    try workspace.write(sample)
    for threads in ["1", "2"] {
      try await run(
        workspace, pipeline: Program.pipeline("top-view"), output: threads,
        cache: "cache-\(threads)", "--threads", threads)
    }
    #expect(try workspace.bytes("2/result.h5") == workspace.bytes("1/result.h5"))
    #expect(
      workspace.files(under: "cache-2/v1/objects") == workspace.files(under: "cache-1/v1/objects"))
  }

  @Test("What the cache holds from stages of other names leaves the same bytes as a new cache")
  func otherNames() async throws {
    let workspace = try Workspace()
    var sample = Sample(rows: 24, columns: 30)
    sample.items.keys.filter { $0.hasPrefix("/entry/reference") }
      .forEach { sample.items[$0] = nil }
    try workspace.write(sample)
    let pipeline = try String(contentsOfFile: Program.pipeline("core"), encoding: .utf8)
    let renamed = try ["frames", "clean", "tilt", "descan", "aligned"].reduce(pipeline) {
      text, stage in
      try text.changing("\n  \(stage): ", to: "\n  other-\(stage): ")
        .changing("from: \(stage)", to: "from: other-\(stage)")
    }
    try workspace.write(renamed, to: "renamed.yaml")
    try await run(workspace, pipeline: "renamed.yaml", output: "renamed", cache: "cache")
    for (output, cache) in [("second", "cache"), ("first", "new-cache")] {
      try await run(
        workspace, pipeline: Program.pipeline("core"), output: output, cache: cache)
    }
    #expect(try workspace.bytes("second/result.h5") == workspace.bytes("first/result.h5"))
  }

  @Test(
    "Any number of threads, another cache, another day: the same bytes of results and figures",
    arguments: ["top-view", "core"])
  func sameBytes(pipeline: String) async throws {
    let workspace = try Workspace()
    // Several bands of rows, of which the last is not whole.
    try workspace.write(Sample(rows: 150, columns: 70))
    for threads in ["1", "2", "3", "7"] {
      try await run(
        workspace, pipeline: Program.pipeline(pipeline), output: threads,
        cache: "cache-\(threads)", "--threads", threads)
    }
    let files = workspace.files(under: "1").filter { !$0.hasPrefix("provenance") }
    #expect(files.contains("result.h5"))
    #expect(files.contains("figures/map.svg") == (pipeline == "top-view"))
    for name in files {
      let alone = try workspace.bytes("1/\(name)")
      for threads in ["2", "3", "7"] {
        #expect(try workspace.bytes("\(threads)/\(name)") == alone, "\(threads)/\(name)")
      }
    }
  }

  /// The C library chooses its functions by what the processor offers; this hides it. The kernels
  /// call none for each position, and they are compiled once, for every processor.
  @Test("A processor without wide vectors and fused operations: the same bytes")
  func sameBytesOnPlainProcessor() async throws {
    let workspace = try Workspace()
    try workspace.write(Sample(rows: 150, columns: 70))
    let plain = ["GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX,-AVX2,-FMA,-AVX512F"]
    let core = Program.pipeline("core")
    try await run(workspace, pipeline: core, output: "wide", cache: "cache-wide")
    try await run(
      workspace, pipeline: core, output: "plain", cache: "cache-plain", environment: plain)
    #expect(try workspace.bytes("plain/result.h5") == workspace.bytes("wide/result.h5"))
  }
}
