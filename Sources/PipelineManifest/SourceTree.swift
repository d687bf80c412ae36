// A YAML document as a tree that knows where each word stands; every repeated key is still in it.

internal import Yams
internal import ShownText

/// A node of a YAML document with its place.
struct SourceNode: Sendable {
  enum Content: Sendable {
    /// The text after YAML's escapes, and whether it stood without quotation marks.
    case scalar(String, isPlain: Bool)
    case list([SourceNode])
    case mapping([SourceEntry])
  }
  var content: Content
  var span: SourceSpan

  /// `~`, `null` or nothing at all.
  var isNull: Bool {
    if case .scalar(let text, isPlain: true) = content {
      return ["", "~", "null", "Null", "NULL"].contains(text)
    }
    return false
  }

  var text: String? {
    if case .scalar(let text, _) = content { return text }
    return nil
  }

  /// "a list", "a mapping" or the word itself, for messages.
  var shown: String {
    switch content {
    case .scalar(let text, _): return Shown.word(text)
    case .list: return "a list"
    case .mapping: return "a mapping"
    }
  }
}

/// A key and its value.
struct SourceEntry: Sendable {
  var key: String
  var keySpan: SourceSpan
  var value: SourceNode
}

/// Converts what the YAML library composed, within bounds, and finds keys that are not words or repeat.
struct SourceTreeBuilder {
  /// Far more than any pipeline; stops a few lines of nested aliases from growing without end.
  static let nodeLimit = 20_000

  private let document: ComposedDocument
  private var nodeCount = 0
  private(set) var problems: ProblemList
  /// Keys were to be merged, which are missing from the tree.
  private(set) var hasMerges = false

  init(document: ComposedDocument, problems: ProblemList) {
    self.document = document
    self.problems = problems
  }

  /// The whole tree; nil once it has more nodes than any manifest needs.
  mutating func tree(from node: Node) -> SourceNode? {
    nodeCount += 1
    if nodeCount > Self.nodeLimit { return nil }
    switch node {
    case .scalar(let scalar):
      let isPlain = scalar.style == .plain || scalar.style == .any
      return SourceNode(
        content: .scalar(scalar.string, isPlain: isPlain),
        span: document.span(scalar.mark, text: scalar.string, in: problems.source))
    case .sequence(let sequence):
      var items: [SourceNode] = []
      for item in sequence {
        guard let item = tree(from: item) else { return nil }
        items.append(item)
      }
      return SourceNode(
        content: .list(items), span: document.span(sequence.mark, in: problems.source))
    case .mapping(let mapping):
      guard let entries = entries(of: mapping) else { return nil }
      return SourceNode(
        content: .mapping(entries), span: document.span(mapping.mark, in: problems.source))
    case .alias(let alias):
      // The composer puts the anchored node in the alias's place; this one would name nothing.
      return SourceNode(
        content: .scalar("", isPlain: true), span: document.span(alias.mark, in: problems.source))
    }
  }

  private mutating func entries(of mapping: Node.Mapping) -> [SourceEntry]? {
    var entries: [SourceEntry] = []
    var lines: [String: Int] = [:]
    for (key, value) in mapping {
      guard let value = tree(from: value) else { return nil }
      guard case .scalar(let scalar) = key else {
        problems.add(document.span(key.mark, in: problems.source), "a key has to be a word")
        continue
      }
      let span = document.span(scalar.mark, text: scalar.string, in: problems.source)
      if scalar.string == "<<", scalar.style == .plain {
        hasMerges = true
        problems.add(
          span, "YAML's merge key '<<' is not supported", "repeat the keys here")
        continue
      }
      if let line = lines[scalar.string] {
        problems.add(
          span, "the key \(Shown.word(scalar.string)) stands already on line \(line)",
          "remove one of the two")
        continue
      }
      lines[scalar.string] = span.line
      entries.append(SourceEntry(key: scalar.string, keySpan: span, value: value))
    }
    return entries
  }
}
