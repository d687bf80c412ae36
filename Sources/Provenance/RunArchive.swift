// The record of a run beside its result: the manifest, what it resolved to, and what happened.
internal import Foundation
public import Pipeline

/// Everything about a run that result.h5 does not say: dates, host, times, origins of parameters.
public struct RunArchive: Sendable {
  public var report: RunReport
  /// The manifest, byte for byte.
  public var manifest: String
  /// The manifest with every parameter resolved and its origin named.
  public var resolvedManifest: String
  public var commandLine: [String]
  /// The tool and the libraries under it.
  public var versions: [String: String]
  /// What the run left, paths relative to the output folder.
  public var outputs: [PublishedFile]
  /// What happened, event by event; ``report`` is what they add up to.
  public var log: EventLog
  /// Which of the outputs a stage left, where that is known: stage to paths.
  public var outputsByStage: [String: [String]]
  /// As the command ended.
  public var exitCode: Int32

  /// - Parameters:
  ///   - report: What the run did.
  ///   - log: The events from which the report was formed.
  ///   - manifest: The manifest, byte for byte.
  ///   - resolvedManifest: The manifest with every parameter resolved and its origin named.
  ///   - commandLine: The command as it was given.
  ///   - versions: The tool and the libraries under it.
  ///   - outputs: What the run left, paths relative to the output folder.
  ///   - outputsByStage: Which of the outputs a stage left, where that is known.
  ///   - exitCode: As the command ended; nil: as the report says.
  public init(
    report: RunReport, log: EventLog, manifest: String, resolvedManifest: String,
    commandLine: [String], versions: [String: String], outputs: [PublishedFile],
    outputsByStage: [String: [String]] = [:], exitCode: Int32? = nil
  ) {
    self.log = log
    self.outputsByStage = outputsByStage
    self.exitCode = exitCode ?? report.exitCode
    self.report = report
    self.manifest = manifest
    self.resolvedManifest = resolvedManifest
    self.commandLine = commandLine
    self.versions = versions
    self.outputs = outputs
  }

  /// Names of the files of an archive within its folder.
  public static let runFile = "run.json"
  public static let manifestFile = "manifest.yaml"
  public static let resolvedFile = "resolved.yaml"
  public static let eventsFile = "events.jsonl"
  public static let readmeFile = "README.md"

  /// Adds the archive's files to what is published.
  ///
  /// - Parameters:
  ///   - publication: What the run publishes.
  ///   - folder: The archive's folder, which is made if need be.
  /// - Returns: The paths of its files.
  /// - Throws: ``StageFailure`` of category `machine`.
  public func add(to publication: inout Publication, in folder: String) throws -> [String] {
    try PublishedFile.makeFolder(folder)
    let json = try RecordJSON.bytes(of: Document(self))
    let crate = RunCrate(archive: self, outputPrefix: "../", user: NSFullUserName())
    let files = [
      (Self.manifestFile, Array(manifest.utf8)),
      (Self.resolvedFile, Array(resolvedManifest.utf8)),
      (Self.runFile, json + [UInt8(ascii: "\n")]),
      (Self.eventsFile, Array(log.text.utf8)),
      (Self.readmeFile, Array(Self.readme.utf8)),
      (RunCrate.metadataFile, crate.document.bytes()),
    ].map { (path: "\(folder)/\($0)", bytes: $1) }
    for file in files { try publication.add(file.bytes, at: file.path) }
    return files.map(\.path)
  }

  /// For whoever opens the folder without knowing the tool.
  private static let readme = """
    # How the results beside this folder were made

    - `\(manifestFile)`: the pipeline as it was given to `dpc`, byte for byte
    - `\(resolvedFile)`: the same with every parameter, and who decided it
    - `\(runFile)`: what each stage did and found, times, host, versions, digests of inputs and results
    - `\(eventsFile)`: the same as it happened, an event in JSON on each line
    - `\(EventLogFile.cutOffFile)`: the events of the last run here that was cut off, if one ever was
    - `\(RunCrate.metadataFile)`: all of this as a Provenance Run Crate (RO-Crate 1.1) for machines

    `result.h5` carries its own chain: `dpc provenance result.h5` prints it.

    """

  /// Whether a folder holds the archive of a run.
  public static func exists(in folder: String) -> Bool {
    FileManager.default.fileExists(atPath: "\(folder)/\(runFile)")
  }

  /// The run that an archive is of; nil where there is no archive, or none that can be read.
  public static func run(in folder: String) -> ArchivedRun? {
    guard let data = FileManager.default.contents(atPath: "\(folder)/\(runFile)") else {
      return nil
    }
    return (try? RecordJSON.value(Glance.self, from: data))?.run
  }

  private struct Glance: Codable {
    let run: ArchivedRun
  }

  /// The layout of `run.json`.
  private struct Document: Encodable {
    let schema = "dpc-run/1"
    let commandLine: [String]
    let exitCode: Int32
    let host: Host
    let outputs: [PublishedFile]
    let run: RunReport
    let versions: [String: String]

    init(_ archive: RunArchive) {
      commandLine = archive.commandLine
      exitCode = archive.exitCode
      host = Host()
      outputs = archive.outputs
      run = archive.report
      versions = archive.versions
    }
  }

  private struct Host: Encodable {
    let name = ProcessInfo.processInfo.hostName
    let system = ProcessInfo.processInfo.operatingSystemVersionString
    let processors = ProcessInfo.processInfo.processorCount
  }
}

/// What names a run whose archive stands in a folder, and what it was made from.
public struct ArchivedRun: Codable, Sendable {
  public let runID: String
  public let pipeline: String
  /// ISO 8601, UTC.
  public let started: String
  public let inputs: [InputReport]
}
