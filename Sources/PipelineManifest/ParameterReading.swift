// One parameter's value as written, checked against its specification.

internal import Pipeline
internal import ShownText

/// What stands for a parameter.
enum ParameterReadingResult {
  case value(ParameterValue)
  /// The name of one of the pipeline's inputs.
  case file(String)
  case refused([ParameterComplaint])
}

/// Why a value is refused, and which word of it.
struct ParameterComplaint {
  var span: SourceSpan
  var message: String
  var suggestion: String?
}

/// Reads the value of one parameter.
struct ParameterReading {
  let specification: ParameterSpecification
  /// The manifest's inputs, for parameters that name a file.
  let inputNames: [String]

  private var key: String { specification.key }

  func read(_ node: SourceNode) -> ParameterReadingResult {
    if node.isNull {
      return refuse(node, "'\(key)' has no value", "write one, or leave the key out")
    }
    if let word = node.text, specification.keywords.contains(word) { return .value(.text(word)) }
    switch specification.kind {
    case .number(let unit, let range): return number(node, unit: unit, range: range)
    case .numbers(let unit, let range): return numbers(node, unit: unit, range: range)
    case .integer(let range): return integer(node, range: range)
    case .choice(let words): return choice(node, words)
    case .choices(let words): return choices(node, words)
    case .text:
      guard let text = node.text else { return refuse(node, expectation("a text", node)) }
      return .value(.text(text))
    case .texts: return texts(node)
    case .boolean: return boolean(node)
    case .file: return file(node)
    }
  }

  // MARK: Kinds

  private func number(
    _ node: SourceNode, unit: String?, range: NumberRange
  ) -> ParameterReadingResult {
    let unitWords = unit.map { " in \($0)" } ?? ""
    let rangeWords = range == .any ? "" : " \(range)"
    let message = expectation("a number\(unitWords)\(rangeWords)", node)
    guard case .scalar(let text, let isPlain) = node.content else { return refuse(node, message) }
    guard isPlain, let value = ScalarReading.number(text) else {
      return refuse(node, message, numberAdvice(text, isPlain: isPlain, unit: unit))
    }
    // A zero's sign would only tell equal pipelines apart.
    let folded = value == 0 ? 0 : value
    return range.contains(folded) ? .value(.number(folded)) : refuse(node, message)
  }

  /// Each number stands for itself, so that the caret shows the one that is wrong.
  private func numbers(
    _ node: SourceNode, unit: String?, range: NumberRange
  ) -> ParameterReadingResult {
    guard case .list(let items) = node.content else {
      if case .value(let value) = number(node, unit: unit, range: range) {
        return .value(.list([value]))
      }
      let unitWords = unit.map { " in \($0)" } ?? ""
      return refuse(
        node, expectation("a list of numbers\(unitWords)", node),
        node.text.map { _ in "write [1, 2, 3]" })
    }
    if items.isEmpty { return refuse(node, "'\(key)' takes at least one number") }
    var values: [ParameterValue] = []
    var complaints: [ParameterComplaint] = []
    for item in items {
      switch number(item, unit: unit, range: range) {
      case .value(let value): values.append(value)
      case .refused(let found): complaints += found
      case .file: break
      }
    }
    return complaints.isEmpty ? .value(.list(values)) : .refused(complaints)
  }

  private func integer(_ node: SourceNode, range: ClosedRange<Int>) -> ParameterReadingResult {
    let message = expectation("a whole number\(Self.words(for: range))", node)
    guard case .scalar(let text, let isPlain) = node.content else { return refuse(node, message) }
    guard isPlain, let value = ScalarReading.integer(text) else {
      if isPlain, let number = ScalarReading.number(text), let exact = Int(exactly: number),
        range.contains(exact)
      {
        return refuse(node, message, "write \(exact)")
      }
      return refuse(node, message, numberAdvice(text, isPlain: isPlain, unit: nil))
    }
    return range.contains(value) ? .value(.integer(value)) : refuse(node, message)
  }

  private func choice(_ node: SourceNode, _ words: [String]) -> ParameterReadingResult {
    if let word = node.text, words.contains(word) { return .value(.text(word)) }
    return refuse(
      node, expectation("one of \(words.joined(separator: ", "))", node),
      node.text.flatMap { suggest($0, words) })
  }

  /// In the order of declaration, so that the order as written means nothing.
  private func choices(_ node: SourceNode, _ words: [String]) -> ParameterReadingResult {
    let items: [SourceNode]
    if case .list(let list) = node.content { items = list } else { items = [node] }
    if items.isEmpty {
      return refuse(node, "'\(key)' takes at least one of \(words.joined(separator: ", "))")
    }
    var chosen: Set<String> = []
    var complaints: [ParameterComplaint] = []
    for item in items {
      guard let word = item.text, words.contains(word) else {
        complaints.append(
          ParameterComplaint(
            span: item.span,
            message: expectation("a list of \(words.joined(separator: ", "))", item),
            suggestion: item.text.flatMap { suggest($0, words) }))
        continue
      }
      if !chosen.insert(word).inserted {
        complaints.append(
          ParameterComplaint(span: item.span, message: "'\(key)' lists '\(word)' twice"))
      }
    }
    if !complaints.isEmpty { return .refused(complaints) }
    return .value(.list(words.filter(chosen.contains).map { .text($0) }))
  }

  /// Each word as written; a number is the text that stands there.
  private func texts(_ node: SourceNode) -> ParameterReadingResult {
    guard case .list(let items) = node.content else {
      let advice = node.text.map { "write [\(Shown.clipped($0))], each word an item of its own" }
      return refuse(node, expectation("a list of texts", node), advice)
    }
    var words: [ParameterValue] = []
    var complaints: [ParameterComplaint] = []
    for item in items {
      if let word = item.text, !item.isNull {
        words.append(.text(word))
      } else {
        complaints.append(
          ParameterComplaint(
            span: item.span, message: expectation("a list of texts", item),
            suggestion: "put a word with special characters in quotation marks"))
      }
    }
    return complaints.isEmpty ? .value(.list(words)) : .refused(complaints)
  }

  private func boolean(_ node: SourceNode) -> ParameterReadingResult {
    if case .scalar(let text, isPlain: true) = node.content,
      let value = ScalarReading.boolean(text)
    {
      return .value(.boolean(value))
    }
    let meanings = [
      "yes": "true", "on": "true", "y": "true", "1": "true", "true": "true",
      "no": "false", "off": "false", "n": "false", "0": "false", "false": "false",
    ]
    return refuse(
      node, expectation("true or false", node),
      node.text.flatMap { meanings[$0.lowercased()] }.map { "write \($0)" })
  }

  private func file(_ node: SourceNode) -> ParameterReadingResult {
    let message = expectation("one of the pipeline's inputs, such as $name", node)
    guard let text = node.text else { return refuse(node, message) }
    guard text.hasPrefix("$") else {
      let advice =
        inputNames.contains(text)
        ? "write $\(text)" : "name the file under inputs: and write $ and that name here"
      return refuse(node, message, advice)
    }
    let name = String(text.dropFirst())
    if inputNames.contains(name) { return .file(name) }
    return refuse(
      node, "there is no input \(Shown.word(name))",
      suggest(name, inputNames) ?? "add it under inputs:")
  }

  // MARK: Words

  private func expectation(_ wanted: String, _ node: SourceNode) -> String {
    let keywords = specification.keywords.map { ", or \($0)" }.joined()
    return "'\(key)' takes \(wanted)\(keywords), not \(node.shown)"
  }

  private func suggest(_ word: String, _ words: [String]) -> String? {
    Suggestion.closest(to: word, among: words + specification.keywords)
  }

  /// What to do about a word where a number is wanted.
  private func numberAdvice(_ text: String, isPlain: Bool, unit: String?) -> String? {
    if !isPlain, ScalarReading.number(text) != nil {
      return "remove the quotation marks, which make it a text"
    }
    if let quantity = ScalarReading.quantity(text) {
      guard let unit else { return "write \(quantity.number), without a unit" }
      if quantity.unit == unit { return "the unit is part of the key: write \(quantity.number)" }
      let conversion = UnitSpelling.conversion(from: quantity.unit, to: unit)
      return "give the value in \(unit)" + (conversion.map { ": \($0)" } ?? "")
    }
    let plain = text.filter { $0 != "_" }
    if plain != text, ScalarReading.number(plain) != nil { return "write \(plain)" }
    let pointed = text.replacing(",", with: ".")
    if pointed != text, ScalarReading.number(pointed) != nil { return "write \(pointed)" }
    return Suggestion.closest(to: text, among: specification.keywords)
  }

  private func refuse(
    _ node: SourceNode, _ message: String, _ suggestion: String? = nil
  ) -> ParameterReadingResult {
    .refused([ParameterComplaint(span: node.span, message: message, suggestion: suggestion)])
  }

  /// " from 1 to 8", " of at least 1", or nothing.
  static func words(for range: ClosedRange<Int>) -> String {
    switch (range.lowerBound == .min, range.upperBound == .max) {
    case (true, true): return ""
    case (false, true): return " of at least \(range.lowerBound)"
    case (true, false): return " of at most \(range.upperBound)"
    case (false, false): return " from \(range.lowerBound) to \(range.upperBound)"
    }
  }
}
