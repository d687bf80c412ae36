// How commands print. What is printed may come from a file: nothing of it may steer the terminal, or pass for a line of dpc's own.
import ArgumentParser
import ShownText

/// How a command prints what it has to tell.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
  case text, json

  static let help = ArgumentHelp(
    "How it is printed: \(allCases.map(\.rawValue).joined(separator: ", ")).")
}

/// Prints a text on standard output without characters that would steer a terminal; its line breaks stay.
func print(_ text: String, terminator: String = "\n") {
  Swift.print(Shown.printableLines(text), terminator: terminator)
}

/// Prints one line of text, in which line breaks are those of a file and stand for nothing.
func printLine(_ text: String) { Swift.print(Shown.printable(text)) }
