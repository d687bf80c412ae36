// A folder for one test, with a cache in it and the means to damage it.
import Foundation
@testable import Pipeline
import Testing

/// A folder that is gone when the test is over.
final class Scratch: Sendable {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "/pipeline-test-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  var cache: PipelineCache { PipelineCache(path: path + "/cache") }

  func write(_ text: String, to name: String) throws -> String {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path + "/" + name))
    return path + "/" + name
  }

  /// Every file under `folder` of the cache, by path.
  func files(in folder: String) -> [String] {
    let root = path + "/cache/v1/" + folder
    let names = FileManager.default.enumerator(atPath: root)?.allObjects as? [String] ?? []
    return names.map { root + "/" + $0 }.filter {
      var isFolder: ObjCBool = false
      return FileManager.default.fileExists(atPath: $0, isDirectory: &isFolder)
        && !isFolder.boolValue
    }.sorted()
  }

  /// Where the cache keeps what a stage left.
  func object(_ stage: String, in report: RunReport) throws -> String {
    let output = try #require(report[stage]?.outputs["value"])
    return cache.objects.path(of: output.digest)
  }

  /// Changes the bytes of a file, a read-only one too.
  func overwrite(_ path: String, _ change: (inout Data) -> Void) throws {
    let url = URL(fileURLWithPath: path)
    var data = try Data(contentsOf: url)
    change(&data)
    try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
    try data.write(to: url)
  }

  func runner(
    _ stages: [StageNode], results: [String] = [], inputs: [String: String] = [:],
    threads: Int = 1, codec: NumberCodec = NumberCodec(), cachePath: String? = nil,
    boot: String? = Clock.boot, writingTime: Int = 60_000_000_000
  ) throws -> PipelineRunner {
    PipelineRunner(
      graph: try PipelineGraph(
        name: "toy", inputPaths: inputs, stages: stages, results: results),
      codecs: [codec],
      cache: PipelineCache(
        path: cachePath ?? cache.path, boot: boot, writingTime: writingTime),
      toolVersion: "toy 1", threads: threads)
  }
}

extension PipelineRunner {
  func number(_ stage: String, _ port: String = "value", in report: RunReport) throws -> Double? {
    (try value(of: OutputReference(stage: stage, port: port), in: report) as? Number)?.value
  }
}
