// dpc simulate: makes the acquisitions that a manifest declares, each with its truth beside it.
internal import ArgumentParser
internal import DPCStages
internal import Foundation
internal import Pipeline
internal import PipelineManifest

struct Simulate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Make acquisitions of a declared specimen, each with its truth beside it.",
    discussion: """
      A simulation is a manifest like any other: phantom-... stages add layers of known field to a \
      specimen, and each simulate-acquisition stage NAME leaves two files, NAME.h5 and \
      truth-NAME.h5. Equal manifests give equal files.

      Example:

        schema: dpc-pipeline/1
        name: walls
        stages:
          walls:
            uses: phantom-walls
            with:
              positions_nm: [-40, 40]
              field_V_per_m: 1.5e8
              fwhm_nm: 20
              thickness_nm: 60
          top-view:
            uses: simulate-acquisition
            from: walls
            with: { columns_px: 128, rows_px: 96, pixel_size_nm: 2 }
        results: [top-view]

        dpc simulate walls.yaml --output data --set top-view.seed=2

      dpc stages simulate-acquisition tells every parameter.
      """)

  @Argument(help: "The manifest.", completion: .file(extensions: ["yaml", "yml"]))
  var manifest: String

  @Option(
    help: ArgumentHelp("The folder for the files; it is made if need be.", valueName: "folder"),
    completion: .directory)
  var output = "."

  @Option(
    help: ArgumentHelp(
      "Set a parameter: STAGE.PARAMETER=VALUE; may be given several times.",
      valueName: "stage.parameter=value"))
  var set: [String] = []

  @Option(
    help: ArgumentHelp(
      "The cache; by default dpc in the user's cache folder.", valueName: "folder"),
    completion: .directory)
  var cache: String?

  @Flag(help: "Replace files that are there already.")
  var force = false

  func run() async throws {
    let graph = loadGraph()
    let stages = graph.stages.filter { stage in
      stage.type.outputs.first?.kind == .fixed(.simulatedAcquisition)
    }
    if stages.isEmpty {
      fail(2, "\(manifest): no stage uses simulate-acquisition", "dpc help simulate")
    }
    let targets = stages.map { SimulationTarget(stage: $0, folder: output) }
    if !force { targets.forEach(checkAbsent) }
    let runner = PipelineRunner(
      graph: graph, codecs: stageCodecs, cache: PipelineCache(path: cache ?? Self.userCache),
      toolVersion: "simulate", threads: ProcessInfo.processInfo.activeProcessorCount)
    let report = await runner.run()
    for (_, failure) in report.failures { Self.report(failure) }
    for target in targets where report[target.name]?.succeeded ?? false {
      write(target, runner, report)
    }
    if report.exitCode != 0 { Foundation.exit(report.exitCode) }
  }

  private func loadGraph() -> PipelineGraph {
    let text: String
    do {
      text = String(decoding: try WholeFile.read(manifest), as: UTF8.self)
    } catch {
      fail(2, error.message, error.remedy)
    }
    do {
      return try ManifestReader.load(
        text: text, path: manifest, catalog: .dpc, overrides: set.map { ManifestOverride($0) }
      ).graph
    } catch {
      Self.complain(error.rendered)
      Foundation.exit(2)
    }
  }

  private func checkAbsent(_ target: SimulationTarget) {
    for path in [target.acquisition, target.truth]
    where FileManager.default.fileExists(atPath: path) {
      fail(2, "\(path) is there already", "--force replaces it")
    }
  }

  /// The truth first: an acquisition that can be seen has its truth beside it.
  private func write(
    _ target: SimulationTarget, _ runner: PipelineRunner, _ report: RunReport
  ) {
    do {
      let value = try runner.value(of: target.reference, in: report)
      guard let files = value as? SimulatedAcquisitionValue else { return }
      try WholeFile.makeFolder(output)
      try WholeFile.write(files.truth, to: target.truth)
      try WholeFile.write(files.acquisition, to: target.acquisition)
      print("\(target.acquisition)  \(files.acquisition.count) bytes")
      print("\(target.truth)  \(files.truth.count) bytes")
    } catch {
      Self.report(error)
      Foundation.exit(5)
    }
    for fact in report[target.name]?.facts ?? [] { print("  \(fact.text)") }
    for note in report[target.name]?.notes ?? [] { print("  \(note.kind.rawValue): \(note.text)") }
  }

  // MARK: Words

  private func fail(_ code: Int32, _ message: String, _ remedy: String? = nil) -> Never {
    Self.complain("error: \(message)" + (remedy.map { "; \($0)" } ?? "") + "\n")
    Foundation.exit(code)
  }

  private static func report(_ failure: StageFailure) {
    complain("error: \(failure.message)" + (failure.remedy.map { "; \($0)" } ?? "") + "\n")
  }

  private static func complain(_ text: String) {
    FileHandle.standardError.write(Data(text.utf8))
  }

  private static var userCache: String {
    let environment = ProcessInfo.processInfo.environment
    if let folder = environment["XDG_CACHE_HOME"], folder.hasPrefix("/") { return folder + "/dpc" }
    return FileManager.default.homeDirectoryForCurrentUser.path + "/.cache/dpc"
  }
}

/// Where a simulated acquisition goes.
private struct SimulationTarget {
  let name: String
  let reference: OutputReference
  let acquisition: String
  let truth: String

  init(stage: StageNode, folder: String) {
    let prefix = folder == "." ? "" : folder.hasSuffix("/") ? folder : folder + "/"
    name = stage.name
    reference = OutputReference(stage: stage.name, port: stage.type.outputs.first?.name ?? "")
    acquisition = prefix + stage.name + ".h5"
    truth = prefix + "truth-" + stage.name + ".h5"
  }
}

/// Reads files, and writes them so that they are there whole or not at all.
private enum WholeFile {
  static func read(_ path: String) throws(StageFailure) -> [UInt8] {
    guard let file = fopen(path, "rb") else { throw refused(path, "read", "check the path") }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = fread(&block, 1, block.count, file)
      bytes += block[..<count]
      if ferror(file) != 0 { throw refused(path, "read", "check the path") }
      if count < block.count { return bytes }
    }
  }

  static func makeFolder(_ path: String) throws(StageFailure) {
    do {
      try FileManager.default.createDirectory(
        atPath: path, withIntermediateDirectories: true)
    } catch { throw refused(path, "made", "choose another folder (--output)") }
  }

  /// Writes beside `path`, waits for the disk, and moves the file into place.
  static func write(_ bytes: [UInt8], to path: String) throws(StageFailure) {
    let url = URL(filePath: path)
    let folder = url.deletingLastPathComponent().path
    // The name is fixed, so that what a killed run leaves is overwritten by the next.
    let temporary = "\(folder)/.\(url.lastPathComponent).partial"
    let remedy = "check the space and the permissions of the folder (--output)"
    guard let file = fopen(temporary, "wb") else { throw refused(path, "written", remedy) }
    let isWritten =
      fwrite(bytes, 1, bytes.count, file) == bytes.count && fflush(file) == 0
      && fsync(fileno(file)) == 0
    let failure = refused(path, "written", remedy)
    fclose(file)
    if !isWritten || rename(temporary, path) != 0 {
      let reported = isWritten ? refused(path, "written", remedy) : failure
      unlink(temporary)
      throw reported
    }
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY)
    if descriptor >= 0 {
      fsync(descriptor)
      close(descriptor)
    }
  }

  /// With the system's own words for what it refused last.
  private static func refused(_ path: String, _ what: String, _ remedy: String) -> StageFailure {
    StageFailure(
      .machine, "\(path): cannot be \(what): \(String(cString: strerror(errno)))", remedy: remedy)
  }
}
