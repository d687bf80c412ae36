// dpc-validate: runs dpc on every case of a folder and exits 0 only if all results are right.
internal import ArgumentParser
internal import Foundation

@main
struct ValidateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dpc-validate",
    abstract: "Runs dpc on acquisitions with known truth and compares what it leaves with it.",
    discussion: """
      Every NAME.h5 of the folder with a truth-NAME.h5 beside it is a case. Exits 0 if all are \
      right, 1 if one is not or the folder has none.
      """)

  @Option(help: ArgumentHelp("The program to run.", valueName: "program"))
  var dpc = ".build/release/dpc"
  @Option(help: ArgumentHelp("Folder of the pipelines.", valueName: "folder"))
  var pipelines = "Pipelines"
  @Option(help: ArgumentHelp("Also write the table as Markdown.", valueName: "file"))
  var markdown: String?
  @Option(
    help: ArgumentHelp(
      "Write the table into this article, between its lines `<!-- table -->`.", valueName: "file"))
  var document: String?
  @Option(
    help: ArgumentHelp("Draw what each result leaves of its truth here.", valueName: "folder"))
  var figures: String?
  @Option(
    help: ArgumentHelp(
      "Only this method: \(EstimationMethod.allCases.map(\.rawValue).joined(separator: ", ")).",
      valueName: "method"))
  var method: EstimationMethod?
  @Option(help: ArgumentHelp("Only cases with this in their name.", valueName: "name"))
  var filter: String?
  @Option(help: ArgumentHelp("Keep results and cache in this new folder.", valueName: "folder"))
  var keep: String?
  @Argument(help: "Folder of acquisitions and truths.")
  var cases: String

  func run() throws {
    do {
      let report = try report()
      print(report.text, terminator: "")
      if let markdown {
        try Data(report.markdown.utf8).write(to: URL(fileURLWithPath: markdown))
      }
      if let document { try ValidationDocument(path: document).write(report) }
      if let figures { try report.drawResiduals(in: figures) }
      if !report.isOK { throw ExitCode(1) }
    } catch let error as ValidationError {
      FileHandle.standardError.write(Data("dpc-validate: error: \(error)\n".utf8))
      throw ExitCode(1)
    }
  }

  private func report() throws -> ValidationReport {
    let chosen = try ValidationCase.all(in: cases, filter: filter)
    let manager = FileManager.default
    let scratch =
      keep
      ?? manager.temporaryDirectory.appendingPathComponent("dpc-validate-\(UUID().uuidString)").path
    try manager.createDirectory(atPath: scratch, withIntermediateDirectories: true)
    defer { if keep == nil { try? manager.removeItem(atPath: scratch) } }
    let runner = CaseRunner(program: dpc, pipelines: pipelines, scratch: scratch)
    let methods = method.map { [$0] } ?? EstimationMethod.allCases
    return ValidationReport(
      judgments: chosen.flatMap { item in
        FileHandle.standardError.write(Data("\(item.name)\n".utf8))
        return runner.judgments(item, methods: methods)
      })
  }
}

extension EstimationMethod: ExpressibleByArgument {}
