// dpc provenance: how a result was made, read from the result itself.
import ArgumentParser
import STEMData

struct ProvenanceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "provenance",
    abstract: "Print how a result was made: its steps, parameters, inputs and versions.",
    discussion: "Example: dpc provenance results/result.h5")

  @Argument(help: "A result.h5.", completion: .file())
  var file: String

  @Option(help: OutputFormat.help)
  var format: OutputFormat = .text

  /// The layout of `--format json`.
  private struct Document: Encodable {
    let schema = "dpc-provenance/1"
    let file: String
    let steps: [ProcessStep]
    let versions: [String: String]
  }

  func run() throws {
    let chain: (steps: [ProcessStep], versions: [String: String])
    do { chain = try ResultFile.chain(of: file) } catch { throw CommandFailure(error) }
    if format == .json {
      return try printJSON(Document(file: file, steps: chain.steps, versions: chain.versions))
    }
    printLine(file)
    for (index, step) in chain.steps.enumerated() { printStep(step, number: index + 1) }
    let versions = chain.versions.sorted { $0.key < $1.key }
    printLine("made with " + versions.map { "\($0.key) \($0.value)" }.joined(separator: ", "))
  }

  private func printStep(_ step: ProcessStep, number: Int) {
    printLine("\(number). \(step.stage): \(step.type), algorithm version \(step.algorithmVersion)")
    for (port, source) in step.inputs.sorted(by: { $0.key < $1.key }) {
      printLine("     \(port) from \(source)")
    }
    for (name, digest) in step.files.sorted(by: { $0.key < $1.key }) {
      printLine("     file \(name): SHA-256 \(digest)")
    }
    for (key, value) in step.parameters.sorted(by: { $0.key < $1.key }) {
      printLine("     \(key): \(value)")
    }
    for statement in step.statements { printLine("     - \(statement)") }
  }
}
