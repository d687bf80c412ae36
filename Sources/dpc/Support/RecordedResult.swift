// A result file as the source of a run: its pipeline, and the inputs that it asks for.
import Digest
import DPCStages
import Foundation
import Pipeline
import PipelineManifest
import STEMData

extension CommandFailure {
  /// A file that does not serve as a result.
  init(_ error: ResultFileError) {
    if error.isMachine {
      self.init(.machine, error.description, remedy: error.remedy)
    } else {
      self.init(
        .inputRefused, error.description,
        remedy: NearbyFile.suggestion(for: error.path) ?? "a result.h5 that dpc wrote is wanted")
    }
  }
}

struct RecordedResult {
  let path: String
  let contents: ResultContents
  /// SHA-256 of the file's bytes.
  let digest: String

  init(path: String) throws(CommandFailure) {
    self.path = path
    do { contents = try ResultContents(reading: path) } catch {
      throw CommandFailure(error)
    }
    do { digest = try SHA256Digest.ofFile(at: path).digest.hex } catch {
      throw CommandFailure(.machine, "\(error)", remedy: "run the command again")
    }
  }

  /// A file from elsewhere must not choose where to write.
  var defaultOutput: String {
    let name = contents.title
    let isPlain = !name.isEmpty && !name.hasPrefix(".") && !name.contains("/")
    return (isPlain ? name : "result") + "-reproduced"
  }

  /// Input name to the SHA-256 of the file that the result was made from.
  private var files: [String: String] {
    contents.steps.reduce(into: [:]) { $0.merge($1.files) { first, _ in first } }
  }

  /// Every input is named, exists, and has the bytes of the result's, unless others will do.
  func check(_ inputs: [String: String], acceptsOthers: Bool) throws(CommandFailure) {
    for name in inputs.keys.sorted() where files[name] == nil {
      throw CommandFailure(
        .usage, "--input \(name): \(path) was made without an input of that name",
        remedy: "its inputs: \(files.keys.sorted().joined(separator: ", "))")
    }
    for (name, digest) in files.sorted(by: { $0.key < $1.key }) {
      guard let file = inputs[name] else {
        throw CommandFailure(
          .usage, "\(path): its input '\(name)' is wanted, the file with SHA-256 \(digest)",
          remedy: "add --input \(name)=FILE")
      }
      let found: String
      do { found = try SHA256Digest.ofFile(at: file).digest.hex } catch {
        throw CommandFailure(StageFailure(input: name, error))
      }
      if found == digest { continue }
      let words =
        "\(file): not the input '\(name)' of \(path): its SHA-256 is \(found),"
        + " that of the input was \(digest)"
      if !acceptsOthers {
        throw CommandFailure(
          .inputRefused, words, remedy: "--other-input takes it all the same, for comparison")
      }
      Terminal.printError("warning: \(words)")
    }
  }

  /// The pipeline that the chain tells of, checked; what this version does otherwise is said.
  func manifest(inputs: [String: String]) throws(CommandFailure) -> LoadedManifest {
    let pipeline = RecordedPipeline(
      name: contents.title,
      stages: contents.steps.map {
        RecordedStage(name: $0.stage, type: $0.type, parameters: $0.parameters, inputs: $0.inputs)
      }, results: contents.quantities.map(\.name), inputNames: Array(files.keys))
    let manifest: LoadedManifest
    do throws(ManifestError) {
      manifest = try pipeline.load(path: path, catalog: .dpc, inputs: inputs)
    } catch {
      throw CommandFailure(error)
    }
    let unfaithful = pipeline.unfaithful(manifest.graph)
    if !unfaithful.isEmpty {
      throw CommandFailure(
        .usage, "\(path): its chain cannot be read back: \(unfaithful.joined(separator: ", "))",
        remedy: "run the manifest in its provenance/ folder instead")
    }
    for step in contents.steps {
      guard let version = manifest.graph[step.stage]?.type.algorithmVersion,
        version != step.algorithmVersion
      else { continue }
      Terminal.printError(
        "warning: \(step.stage): \(step.type) has algorithm version \(version) here, the result"
          + " was made with \(step.algorithmVersion): other numbers are to be expected")
    }
    return manifest
  }
}
