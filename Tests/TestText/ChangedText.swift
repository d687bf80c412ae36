// Changes a part of a text that a test is about: a manifest, a table, a document.

/// The text has no such part: the test would run with what it meant to change.
public struct MissingPart: Error, CustomStringConvertible {
  let part: String
  let text: String

  public var description: String { "there is no \"\(part)\" to change in:\n\(text)" }
}

extension String {
  /// The text with another in the place of each occurrence of a part.
  /// - Throws: `MissingPart` where there is none.
  public func changing(_ part: String, to other: String) throws -> String {
    let pieces = split(separator: part, omittingEmptySubsequences: false)
    guard pieces.count > 1 else { throw MissingPart(part: part, text: self) }
    return pieces.joined(separator: other)
  }
}
