// dpc methods: the methods paragraph of a result, with its values, and the references of its formulas.
import ArgumentParser
import DPCStages
import STEMData
import ShownText

struct Methods: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "methods",
    abstract: "Write the methods paragraph of a result, with its values and references.",
    discussion: "Example: dpc methods results/result.h5 --bibtex > references.bib")

  @Argument(help: "A result.h5.", completion: .file())
  var file: String

  @Flag(help: "Only the references, as BibTeX.")
  var bibtex = false

  func run() throws {
    let contents: ResultContents
    do { contents = try ResultContents(reading: file) } catch {
      throw CommandFailure(error)
    }
    let methods = MethodsText(contents)
    if bibtex { return print(methods.bibTeX, terminator: "") }
    for line in methods.lines {
      WrappedText.print(Shown.printable(line), indent: line.first == "-" ? 2 : 0)
    }
  }
}
