// A folder in which manifests are run: simulations first, then the reconstruction of what they made.
@testable import DPCStages
import Foundation
import Pipeline
import PipelineManifest
import STEMCore
import STEMData

/// Runs manifests with a cache of its own; everything is gone with it.
final class Laboratory: Sendable {
  let folder: String

  init() throws {
    folder =
      FileManager.default.temporaryDirectory
      .appending(path: "simulation-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  /// A run that is over, and its values.
  struct Outcome {
    let runner: PipelineRunner
    let report: RunReport

    func value<Value>(_ stage: String, as type: Value.Type) throws -> Value {
      if let failure = report.failures.first?.failure { throw failure }
      guard let port = runner.graph[stage]?.type.outputs.first?.name,
        let value = try runner.value(of: OutputReference(stage: stage, port: port), in: report)
          as? Value
      else { throw StageFailure(.failed, "\(stage) left no \(Value.self)") }
      return value
    }
  }

  /// The beginning of a manifest: from an acquisition to the stage `field`, for more stages to follow.
  ///
  /// - Parameters:
  ///   - tilt: Parameters of the deflection, as ", with: { ... }".
  ///   - aligned: Those of the rotation.
  static func fieldChain(_ path: String, tilt: String = "", aligned: String = "") -> String {
    """
    schema: dpc-pipeline/1
    name: chain
    inputs: { acquisition: \(path) }
    stages:
      frames:  { uses: read-acquisition, with: { file: $acquisition } }
      clean:   { uses: normalize-segments, from: frames }
      tilt:    { uses: deflection, from: clean\(tilt) }
      aligned: { uses: rotate-to-scan, from: tilt\(aligned) }
      field:   { uses: electric-field, from: aligned }

    """
  }

  /// The same with every correction that a file allows: frames averaged, descan removed.
  static func correctedChain(_ path: String) -> String {
    """
    schema: dpc-pipeline/1
    name: reconstruction
    inputs: { acquisition: \(path) }
    stages:
      read: { uses: read-acquisition, with: { file: $acquisition } }
      clean: { uses: normalize-segments, from: read }
      mean: { uses: average-frames, from: clean }
      tilt: { uses: deflection, from: mean }
      steady: { uses: remove-descan, from: tilt }
      turned: { uses: rotate-to-scan, from: steady }
      field: { uses: electric-field, from: turned }

    """
  }

  /// A scan of 60 nm of what one stage makes, in pixels of 2 nm, that does not state its walls.
  static func scan(of source: String, _ parameters: String) -> String {
    """
    schema: dpc-pipeline/1
    name: walls
    stages:
      source: \(source)
      scan:
        uses: simulate-acquisition
        from: source
        with: { thickness_nm: 60, pixel_size_nm: 2, states_walls: false, \(parameters) }
    results: [scan]
    """
  }

  func run(_ manifest: String, set overrides: [String] = []) async throws -> Outcome {
    let loaded = try ManifestReader.load(
      text: manifest, path: "test.yaml", catalog: .dpc,
      overrides: overrides.map { ManifestOverride($0) })
    let runner = PipelineRunner(
      graph: loaded.graph, codecs: stageCodecs, cache: PipelineCache(path: folder + "/cache"),
      toolVersion: "test")
    return Outcome(runner: runner, report: await runner.run())
  }

  /// Simulates the stage `scan` of a manifest and leaves its acquisition in a file.
  func file(_ manifest: String, set overrides: [String] = []) async throws -> String {
    let value = try await run(manifest, set: overrides)
      .value("scan", as: SimulatedAcquisitionValue.self)
    let path = folder + "/\(UUID().uuidString).h5"
    try Data(value.acquisition).write(to: URL(filePath: path))
    return path
  }

  /// The projected field that the reconstruction finds in an acquisition, V in the scan's axes.
  func projectedField(in path: String) async throws -> VectorField {
    try await reconstruction(of: path).value("field", as: ProjectedFieldValue.self).map.field
  }

  /// Frames to field, every correction as the file allows it; `walls` fits inclined walls.
  func reconstruction(of path: String, fitsWalls: Bool = false) async throws -> Outcome {
    let ending =
      fitsWalls
      ? """
        walls: { uses: correct-inclination, from: field, with: { model: finite-wall } }
      results: [walls]

      """ : "results: [field]\n"
    return try await run(Self.correctedChain(path) + ending)
  }
}

/// The files that come with the package.
enum ExampleData {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appending(path: "ExampleData")

  static func path(_ name: String) -> String { folder.appending(path: name).path }

  static func text(_ name: String) throws -> String {
    try String(contentsOf: folder.appending(path: name), encoding: .utf8)
  }

  static func bytes(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: folder.appending(path: name)))
  }
}
