// What a run leaves on the disk: results and figures, and the record of how they were made.
import Digest
import DPCStages
import Foundation
import Pipeline
import PipelineManifest
import Provenance

/// Files the runs of one manifest.
struct RunFiling {
  /// The manifest's text, as it is put on record.
  let manifest: String
  /// The order of the stages in the chain of a result; nil: that of the pipeline.
  let chainOrder: [String]?
  let versions: [String: String]

  init(_ manifest: LoadedManifest) { self.init(manifest: manifest.text) }

  init(manifest: String, chainOrder: [String]? = nil) {
    self.manifest = manifest
    self.chainOrder = chainOrder
    versions = ResultAssembly.libraryVersions.merging(["dpc": dpcVersion]) { $1 }
  }

  /// Writes what the run produced, and its archive.
  ///
  /// - Parameters:
  ///   - report: What the run did.
  ///   - log: The events that say so.
  ///   - runner: Gives the values, and lets go of them.
  ///   - folder: Where everything goes.
  ///   - rests: Called where nothing is left but to wait for the disk.
  /// - Returns: What was written, and what stood in the way.
  func file(
    _ report: RunReport, _ log: EventLog, runner: PipelineRunner, folder: OutputFolder,
    rests: () -> Void = {}
  ) -> (outputs: [PublishedFile], trouble: StageFailure?) {
    var publication = Publication()
    // Neither a run that was stopped nor one that the machine failed replaces what there is.
    let isCutShort =
      report.interruptedBySignal != nil
      || report.failures.contains { $0.failure.category == .machine }
    let resolved = ResolvedManifest.text(runner.graph)
    do {
      var contents: OutputFolder.Contents?
      let record = recordIdentity(report, resolved)
      if !isCutShort && !report.producedResults.isEmpty {
        let assembly = ResultAssembly(runner: runner, report: report, chainOrder: chainOrder)
        if report.foundEverything,
          let files = folder.filesIfUnchanged(assembly.identity(versions: versions), record: record)
        {
          log.removeFile()
          return (files, nil)
        }
        contents = try folder.add(assembly, versions: versions, to: &publication)
      }
      // Where all was there already, the record of having looked is worth no waiting for the disk.
      publication.isDurable = !(publication.isEmpty && report.foundEverything)
      let archive = RunArchive(
        report: report, log: log, manifest: manifest, resolvedManifest: resolved,
        commandLine: CommandLine.arguments, versions: versions, outputs: contents?.files ?? [])
      let paths = try archive.add(
        to: &publication, in: folder.archiveFolder(hasOutputs: contents != nil))
      if let contents {
        try folder.conclude(
          contents, record: report.exitCode == 0 ? (record, paths) : nil, to: &publication)
      }
      // A thousand maps do not fit in memory; whoever wants one again takes it from the cache.
      runner.releaseValues()
      rests()
      try publication.finish()
      log.removeFile()
      return (contents?.files ?? [], nil)
    } catch let failure as StageFailure {
      return ([], failure)
    } catch {
      return ([], StageFailure(.failed, "\(folder.path): \(error)"))
    }
  }

  /// Decides whether the record of an earlier run still tells how the results were made: by the same manifest with
  /// the same parameters from the same inputs, whatever the command was.
  func recordIdentity(_ report: RunReport, _ resolved: String) -> String {
    let keys = report.stages.map { "\($0.name)=\($0.key?.description ?? "")" }
    let inputs = report.inputs.map { "\($0.name)=\($0.digest?.hex ?? "")" }
    return Self.identity([manifest, resolved] + keys + inputs + tools)
  }

  /// The tool and the libraries under it, as parts of an identity.
  var tools: [String] { versions.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" } }

  /// A digest of texts, each told from the next by its length.
  static func identity(_ texts: [String]) -> String {
    let text = texts.map { "\($0.utf8.count) \($0)" }.joined(separator: "\n")
    return SHA256Digest(of: Array(text.utf8)).hex
  }
}
