// What a run leaves on the disk: results and figures, and the record of how they were made.
import DPCStages
import Foundation
import Pipeline
import PipelineManifest
import Provenance

/// Files the runs of one manifest.
struct RunFiling {
  let manifest: LoadedManifest
  let versions: [String: String]

  init(_ manifest: LoadedManifest) {
    self.manifest = manifest
    versions = ResultAssembly.libraryVersions.merging(["dpc": dpcVersion]) { $1 }
  }

  /// Writes what the run produced, and its archive.
  ///
  /// - Returns: What was written, and what stood in the way.
  func file(
    _ report: RunReport, _ log: EventLog, runner: PipelineRunner, folder: OutputFolder
  ) -> (outputs: [PublishedFile], trouble: StageFailure?) {
    var publication = Publication()
    // Neither a run that was stopped nor one that the machine failed replaces what there is.
    let isCutShort =
      report.interruptedBySignal != nil
      || report.failures.contains { $0.failure.category == .machine }
    do {
      var outputs: [PublishedFile] = []
      let hasOutputs = !isCutShort && !report.producedResults.isEmpty
      if hasOutputs {
        let assembly = ResultAssembly(runner: runner, report: report)
        outputs = try folder.add(assembly, versions: versions, to: &publication)
      }
      // Where all was there already, the record of having looked is worth no waiting for the disk.
      publication.isDurable = !(publication.isEmpty && report.hitCount == report.stages.count)
      let archive = RunArchive(
        report: report, log: log, manifest: manifest.text,
        resolvedManifest: ResolvedManifest.text(runner.graph),
        commandLine: CommandLine.arguments, versions: versions, outputs: outputs)
      try archive.add(
        to: &publication, in: folder.archiveFolder(hasOutputs: hasOutputs))
      try publication.finish()
      log.removeTrail()
      return (outputs, nil)
    } catch let failure as StageFailure {
      return ([], failure)
    } catch {
      return ([], StageFailure(.failed, "\(folder.path): \(error)"))
    }
  }
}
