// Calls the YAML library: syntax errors with their place, all repeated keys, bounds on size and aliases.

internal import Yams
internal import ShownText

/// Why a text could not be composed, and where.
struct CompositionFailure: Error {
  var line: Int
  var column: Int
  var message: String
  var suggestion: String?
}

/// A composed document, and the way from its marks back to the text.
///
/// The library stops at the first mapping with a repeated key and says where the key stands first.
/// To find all of them, that first one gets a tag of its own, which makes it another key, and the
/// document is composed again; marks behind such a tag are shifted back.
struct ComposedDocument {
  static let byteLimit = 1 << 20
  /// Bytes that a text may grow to if its aliases are nested in the worst way. The library walks
  /// through all copies of what stands as a key, so this bounds its time.
  private static let grownByteLimit = 10_000_000.0
  /// Bytes composed again and again while repeated keys are found.
  private static let recomposedByteLimit = 1 << 20

  /// nil for a text that holds nothing but comments.
  private(set) var root: Node?
  private var tags: [Int: [(column: Int, length: Int)]] = [:]

  init(text: String, source: SourceText) throws(CompositionFailure) {
    try Self.checkBounds(text, source)
    let rounds = min(200, max(2, Self.recomposedByteLimit / max(1, text.utf8.count)))
    for round in 1...rounds {
      do {
        let marked = tags.isEmpty ? text : tagged(source)
        root = try Parser(yaml: marked, resolver: .basic, encoding: .utf8).singleRoot()
        return
      } catch YamlError.duplicatedKeysInMapping(let keys, let context) {
        let place = position(line: context.mark.line, column: context.mark.column)
        let known = tags[place.line]?.contains { $0.column == place.column } ?? false
        if known || round == rounds || context.mark.line < 1 {
          throw CompositionFailure(
            line: max(1, place.line), column: max(1, place.column),
            message: "the key \(Shown.word(keys.first ?? "")) stands here more than once",
            suggestion: "remove all but one")
        }
        let length = Self.tag(tags.values.joined().count).unicodeScalars.count
        tags[place.line, default: []].append((place.column, length))
        tags[place.line]?.sort { $0.column < $1.column }
      } catch {
        throw failure(error, text: text, source: source)
      }
    }
  }

  /// The place in the text of a mark in the tagged text.
  func span(_ mark: Mark?, text: String? = nil, in source: SourceText) -> SourceSpan {
    guard let mark else { return SourceSpan(line: 1, column: 1, length: 1) }
    let place = position(line: mark.line, column: mark.column)
    return source.span(line: place.line, column: place.column, text: text)
  }

  private func position(line: Int, column: Int) -> (line: Int, column: Int) {
    var shift = 0
    for tag in tags[line] ?? [] where tag.column + shift < column { shift += tag.length }
    return (line, max(1, column - shift))
  }

  /// All tags are different: two keys with equal tags would be equal again. Equal length makes the
  /// length of a tag independent of the order in which tags are numbered.
  private static func tag(_ index: Int) -> String { "!k\(index + 1000) " }

  private func tagged(_ source: SourceText) -> String {
    var text = String.UnicodeScalarView()
    var index = 0
    for line in 1...source.lineCount {
      let scalars = source.scalars(ofLine: line)
      var done = 0
      for (column, _) in tags[line] ?? [] {
        text.append(contentsOf: scalars[done..<max(done, min(column - 1, scalars.count))])
        text.append(contentsOf: Self.tag(index).unicodeScalars)
        index += 1
        done = max(done, min(column - 1, scalars.count))
      }
      text.append(contentsOf: scalars[done...])
      text.append("\n")
    }
    return String(text)
  }
}

extension ComposedDocument {
  private static func checkBounds(_ text: String, _ source: SourceText) throws(CompositionFailure) {
    if text.utf8.count > byteLimit {
      throw CompositionFailure(
        line: 1, column: 1,
        message: "a manifest has at most 1 MiB, this one \(text.utf8.count) bytes"
      )
    }
    // n references copy at most 3^(n/3) times what they refer to: three in each of n/3 levels.
    var grownBytes = Double(text.utf8.count)
    for line in 1...source.lineCount {
      let scalars = source.scalars(ofLine: line)
      var previous: Unicode.Scalar = " "
      for (index, scalar) in scalars.enumerated() {
        let startsWord = " \t[{,:-".unicodeScalars.contains(previous)
        if scalar == "#", startsWord { break }
        previous = scalar
        guard scalar == "*", startsWord, index + 1 < scalars.count,
          scalars[index + 1].properties.isAlphabetic
            || scalars[index + 1].properties.numericType != nil
        else { continue }
        grownBytes *= 1.4423
        if grownBytes > grownByteLimit {
          throw CompositionFailure(
            line: line, column: index + 1, message: "too many aliases",
            suggestion: "write the values out")
        }
      }
    }
  }

  /// The library's error as one line with a place that exists in the text.
  private func failure(_ error: any Error, text: String, source: SourceText) -> CompositionFailure {
    switch error {
    case YamlError.scanner(let context, let problem, let mark, _),
      YamlError.parser(let context, let problem, let mark, _),
      YamlError.composer(let context, let problem, let mark, _):
      return syntaxFailure(context: context, problem: problem, mark: mark, source: source)
    case YamlError.reader(let problem, let offset, _, _):
      let place = SourceText.position(ofCharacter: offset ?? 0, in: text)
      return CompositionFailure(
        line: place.line, column: place.column, message: "not a text file: \(problem)")
    default:
      return CompositionFailure(line: 1, column: 1, message: "not valid YAML: \(error)")
    }
  }

  private func syntaxFailure(
    context: YamlError.Context?, problem: String, mark: Mark, source: SourceText
  ) -> CompositionFailure {
    var place = position(line: mark.line, column: mark.column)
    let line = source.scalars(ofLine: place.line)
    if place.column <= line.count, line[place.column - 1] == "\t" {
      return CompositionFailure(
        line: place.line, column: place.column, message: "a tab cannot indent a line of YAML",
        suggestion: "use spaces")
    }
    var message = "not valid YAML: \(problem)"
    var suggestion: String?
    if let context {
      let start = position(line: context.mark.line, column: context.mark.column)
      message = "not valid YAML: \(context.text), \(problem)"
      // An unclosed bracket is noticed at the end of the text; where it opens is what helps.
      if line.isEmpty, start.line < place.line {
        place = start
      } else if start != place {
        suggestion = "what is being read starts at line \(start.line), column \(start.column)"
      }
    }
    return CompositionFailure(
      line: place.line, column: place.column, message: message, suggestion: suggestion)
  }
}
