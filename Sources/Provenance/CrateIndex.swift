// The parts of a run that entities of its crate name, each found at once: runs of many have thousands.
internal import Digest
internal import Pipeline

/// What is where in a run.
struct CrateIndex {
  /// An input that was found and read.
  struct Input {
    let name: String
    let path: String
    /// SHA-256, hexadecimal.
    let digest: String
    let size: Int?
  }

  /// In the run's order. Inputs that were not read have no content to name them by.
  let inputs: [Input]
  private let digests: [String: String]
  private let names: [String: [String]]
  private let stages: [String: StageReport]
  private let outputs: [PublishedFile]
  private let places: [String: [Int]]
  private let outputsByStage: [String: [String]]

  init(_ archive: RunArchive) {
    inputs = archive.report.inputs.compactMap { input in
      input.digest.map {
        Input(name: input.name, path: input.path, digest: $0.hex, size: input.size)
      }
    }
    digests = Dictionary(inputs.map { ($0.name, $0.digest) }) { first, _ in first }
    names = Dictionary(grouping: inputs, by: \.digest).mapValues { $0.map(\.name) }
    stages = Dictionary(archive.report.stages.map { ($0.name, $0) }) { first, _ in first }
    outputs = archive.outputs
    places = Dictionary(grouping: outputs.indices) { [outputs] in outputs[$0].path }
    outputsByStage = archive.outputsByStage
  }

  /// The content of an input; nil for one that was not read.
  func digest(ofInput name: String) -> String? { digests[name] }

  /// The inputs of a content, in the run's order.
  func inputs(ofDigest digest: String) -> [String] { names[digest] ?? [] }

  /// What a stage left at a port.
  func output(of source: OutputReference) -> OutputRecord? {
    stages[source.stage]?.outputs[source.port]
  }

  /// The files that a stage left, in the order of the archive.
  func files(of stage: String) -> [PublishedFile] {
    Set(outputsByStage[stage] ?? []).flatMap { places[$0] ?? [] }.sorted().map { outputs[$0] }
  }
}
