// Options shared by every command that works on a pipeline, and what they mean.
import ArgumentParser
import DPCStages
import Foundation
import Pipeline
import PipelineManifest

/// The manifest and what the command line changes in it.
struct PipelineOptions: ParsableArguments {
  @Argument(
    help: "The pipeline's manifest (YAML).", completion: .file(extensions: ["yaml", "yml"]))
  var pipeline: String

  @Option(
    name: [.customShort("i"), .long],
    help: ArgumentHelp("An input file of the pipeline.", valueName: "name=file"))
  var input: [String] = []

  @Option(
    help: ArgumentHelp(
      "A parameter, in place of the manifest's.", valueName: "stage.parameter=value"))
  var set: [String] = []

  @Option(help: "Where finished stages are kept (default: dpc in your cache folder).")
  var cache: String?

  init() {}

  /// The options of a command that names its pipelines otherwise.
  init(pipeline: String, input: [String]) {
    self.pipeline = pipeline
    self.input = input
    set = []
    cache = nil
  }

  /// Reads and checks the manifest.
  func load() throws(CommandFailure) -> LoadedManifest {
    let inputs = try InputOverrides.read(input)
    let text = try Self.text(of: pipeline)
    let manifest: LoadedManifest
    do {
      manifest = try ManifestReader.load(
        text: text, path: pipeline, catalog: .dpc, overrides: set.map { ManifestOverride($0) },
        inputOverrides: inputs)
    } catch {
      throw CommandFailure(error)
    }
    try refuseReservedNames(manifest.graph.results)
    return manifest
  }

  /// Names that result.h5 has another use for: its title, and the steps of the chain.
  private func refuseReservedNames(_ results: [String]) throws(CommandFailure) {
    for name in results where name == "title" || name.hasPrefix("process_") {
      throw CommandFailure(
        .usage, "\(pipeline): results: a result cannot be called '\(name)'",
        remedy: "rename the stage: result.h5 keeps its title and the chain of steps (process_...)"
          + " under such names")
    }
  }

  private static let pathsOfManifest = "the paths in a manifest are relative to its folder"

  /// Whether a path leads to something to read from that is neither file nor folder.
  private static func isStream(_ path: String) -> Bool {
    var status = stat()
    guard stat(path, &status) == 0 else { return false }
    return ![S_IFREG, S_IFDIR].contains(status.st_mode & S_IFMT)
  }

  private static func text(of path: String) throws(CommandFailure) -> String {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw CommandFailure(
        .usage, "\(path): there is no such file",
        remedy: path == "-"
          ? "give a file: \(pathsOfManifest), which standard input has not"
          : NearbyFile.suggestion(for: path) ?? "check the path")
    }
    if isFolder.boolValue {
      throw CommandFailure(
        .usage, "\(path): a folder, not a manifest", remedy: "give a YAML file, such as one in it")
    }
    guard !isStream(path) else {
      throw CommandFailure(
        .usage, "\(path): a pipe or a device, not a file: \(pathsOfManifest), which it has not",
        remedy: "write the manifest into a file where its paths hold, and give that file")
    }
    guard let data = FileManager.default.contents(atPath: path) else {
      if !FileManager.default.isReadableFile(atPath: path) {
        throw CommandFailure(
          .machine, "\(path): cannot be read: permission denied",
          remedy: "get the permission to read it (ls -l tells who has it)")
      }
      throw CommandFailure(
        .machine, "\(path): cannot be read", remedy: "check the disk, or copy it elsewhere")
    }
    guard let text = String(data: data, encoding: .utf8) else {
      throw CommandFailure(
        .usage, "\(path): not a text in UTF-8",
        remedy: "a manifest is YAML; acquisitions are given with --input acquisition=FILE")
    }
    return text
  }

  /// The cache that the options name.
  func openCache() throws(CommandFailure) -> PipelineCache {
    PipelineCache(path: try CacheLocation.resolved(cache))
  }
}

/// Leave to run programs that a pipeline names.
struct ProgramOptions: ParsableArguments {
  @Flag(help: "Let exec stages run the programs that the pipeline names.")
  var allowExec = false

  /// Refuses a pipeline with programs unless they are allowed: whoever wrote it chose them.
  ///
  /// - Parameters:
  ///   - graph: The pipeline.
  ///   - source: Whence it comes, for the message.
  func check(_ graph: PipelineGraph, from source: String) throws(CommandFailure) {
    guard !allowExec, let stage = graph.programStages.first else { return }
    let program = stage.fileParameters["program"].flatMap { graph.inputPaths[$0] } ?? "a program"
    let script = stage.fileParameters["script"].flatMap { graph.inputPaths[$0] }
    throw CommandFailure(
      .usage,
      "\(source): the stage '\(stage.name)' (exec) runs \(program)"
        + (script.map { " with \($0)" } ?? ""),
      remedy: "look at what it would run; add --allow-exec if you trust it")
  }
}

/// Input files as the command line names them.
enum InputOverrides {
  /// `NAME=FILE` as name to path.
  static func read(_ arguments: [String]) throws(CommandFailure) -> [String: String] {
    var overrides: [String: String] = [:]
    for text in arguments {
      let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2 else {
        throw CommandFailure(
          .usage, "--input \(text): a name and a file are wanted",
          remedy: "for example --input acquisition=scan.h5")
      }
      if let earlier = overrides.updateValue(parts[1], forKey: parts[0]) {
        throw CommandFailure(
          .usage, "--input \(text): \(parts[0]) is given already, as \(earlier)",
          remedy: "give one file; a pipeline over many acquisitions names them under foreach")
      }
    }
    return overrides
  }
}

/// Where finished stages are kept.
enum CacheLocation {
  /// The folder given, or `dpc` in the user's cache folder.
  static func resolved(_ given: String?) throws(CommandFailure) -> String {
    if let given { return given }
    let environment = ProcessInfo.processInfo.environment
    if let base = environment["XDG_CACHE_HOME"], base.hasPrefix("/") { return base + "/dpc" }
    if let home = environment["HOME"], !home.isEmpty { return home + "/.cache/dpc" }
    throw CommandFailure(
      .usage, "there is no cache folder: neither XDG_CACHE_HOME nor HOME is set",
      remedy: "name one with --cache")
  }
}
