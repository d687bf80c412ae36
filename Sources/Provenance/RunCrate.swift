// The archive of a run as a Provenance Run Crate 0.5 on RO-Crate 1.1: what any reader of crates understands.
internal import Foundation
internal import Pipeline

/// Builds the graph of `ro-crate-metadata.json`.
///
/// The manifest is the workflow, each stage type a tool, each stage a step and, where it was done, an
/// action with its parameters, what it took and what it left. Inputs and intermediate values are
/// named by their content (RFC 6920, `ni:` URIs): where a file lay when it was read says nothing of it.
struct RunCrate {
  let archive: RunArchive
  /// From the archive's folder to the output folder, such as `../`.
  let outputPrefix: String
  /// Who ran it.
  let user: String
  let index: CrateIndex

  init(archive: RunArchive, outputPrefix: String, user: String) {
    self.archive = archive
    self.outputPrefix = outputPrefix
    self.user = user
    index = CrateIndex(archive)
  }

  static let metadataFile = "ro-crate-metadata.json"

  private static let context = [
    "https://w3id.org/ro/crate/1.1/context", "https://w3id.org/ro/terms/workflow-run/context",
  ]
  private static let profiles = [
    ("https://w3id.org/ro/wfrun/process/0.5", "Process Run Crate", "0.5"),
    ("https://w3id.org/ro/wfrun/workflow/0.5", "Workflow Run Crate", "0.5"),
    ("https://w3id.org/ro/wfrun/provenance/0.5", "Provenance Run Crate", "0.5"),
    ("https://w3id.org/workflowhub/workflow-ro-crate/1.0", "Workflow RO-Crate", "1.0"),
  ]
  static let formalParameter = "https://bioschemas.org/profiles/FormalParameter/1.0-RELEASE"
  static let userID = "#user"

  var report: RunReport { archive.report }
  var runID: String { "#run-\(report.runID)" }

  var document: LinkedDocument {
    LinkedDocument(context: Self.context, graph: entities)
  }

  private var entities: [LinkedEntity] {
    [descriptor, root, license, agent, tool, language] + libraries + profileEntities
      + [workflow] + recordFiles + inputFiles + outputFiles + toolEntities + stepEntities
      + actionEntities
  }

  // MARK: The crate

  private var descriptor: LinkedEntity {
    LinkedEntity(
      Self.metadataFile, "CreativeWork",
      properties: [
        "about": .reference("./"),
        "conformsTo": .references([
          "https://w3id.org/ro/crate/1.1", "https://w3id.org/workflowhub/workflow-ro-crate/1.0",
        ]),
      ])
  }

  private var root: LinkedEntity {
    let files =
      [
        RunArchive.manifestFile, RunArchive.resolvedFile, RunArchive.runFile,
        RunArchive.eventsFile, RunArchive.readmeFile,
      ]
      + index.inputs.map { Self.contentURI($0.digest) } + archive.outputs.map(outputID)
    return LinkedEntity(
      "./", "Dataset",
      properties: [
        "name": .text("Run of the pipeline \(report.pipeline)"),
        "description": .text(
          "How dpc \(report.toolVersion) made the results beside this folder: the manifest, every"
            + " parameter with its origin, and what each stage did."),
        "datePublished": .text(String(report.ended.prefix(10))),
        "license": .reference("#license"), "author": .reference(Self.userID),
        "conformsTo": .references(Self.profiles.map(\.0)),
        "hasPart": .references(files), "mainEntity": .reference(RunArchive.manifestFile),
        "mentions": .references([runID] + report.stages.map(actionID)),
      ])
  }

  private var license: LinkedEntity {
    LinkedEntity(
      "#license", "CreativeWork",
      properties: [
        "name": .text("No license stated"),
        "description": .text("The owner of the acquisition decides on the use of its results."),
      ])
  }

  private var agent: LinkedEntity {
    LinkedEntity(Self.userID, "Person", properties: ["name": .text(user)])
  }

  private var profileEntities: [LinkedEntity] {
    Self.profiles.map { profile in
      LinkedEntity(
        profile.0, "CreativeWork",
        properties: ["name": .text(profile.1), "version": .text(profile.2)])
    }
  }

  // MARK: Software

  private var tool: LinkedEntity {
    LinkedEntity(
      "#dpc", "SoftwareApplication",
      properties: [
        "name": .text("dpc"), "softwareVersion": .text(report.toolVersion),
        "softwareRequirements": .references(libraryNames.map { "#library-\($0)" }),
      ])
  }

  private var libraryNames: [String] { archive.versions.keys.filter { $0 != "dpc" }.sorted() }

  private var libraries: [LinkedEntity] {
    libraryNames.map { name in
      LinkedEntity(
        "#library-\(name)", "SoftwareApplication",
        properties: [
          "name": .text(name), "softwareVersion": archive.versions[name].map(LinkedValue.text),
        ])
    }
  }

  private var language: LinkedEntity {
    LinkedEntity(
      "#manifest-language", "ComputerLanguage",
      properties: [
        "name": .text("YAML, as a pipeline manifest of dpc"), "version": .text("1.2"),
        "url": .reference("https://yaml.org/spec/1.2.2/"),
      ])
  }

  private var workflow: LinkedEntity {
    LinkedEntity(
      RunArchive.manifestFile, "File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo",
      properties: [
        "name": .text(report.pipeline), "encodingFormat": .text("application/yaml"),
        "programmingLanguage": .reference("#manifest-language"),
        "version": .text("dpc-pipeline/1"),
        "conformsTo": .reference(
          "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"),
        "input": .references(index.inputs.map { "#input-\($0.name)" }),
        "output": .references(archive.outputs.map { "#output-\($0.path)" }),
        "hasPart": .references(toolTypes.map { "#tool-\($0)" }),
        "step": .references(report.stages.map { "#step-\($0.name)" }),
      ])
  }
}
