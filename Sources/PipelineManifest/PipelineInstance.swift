// One of the many runs that a manifest with foreach or matrix stands for.
internal import Foundation
public import Pipeline

/// A pipeline with the inputs and parameters of one acquisition, or of one point of a sweep.
public struct PipelineInstance: Sendable {
  /// What it is called: the key of its row, the name of its file, the values of its point. Never an
  /// index, so that a row added above changes nothing.
  public let key: String
  /// Named `pipeline/key`.
  public let graph: PipelineGraph
  /// What sets it apart, in order: input or `stage.parameter`, and its value as written.
  public let settings: [InstanceSetting]
}

/// One thing that sets an instance apart.
public struct InstanceSetting: Sendable, Hashable {
  /// The name of an input, or `stage.parameter`.
  public let name: String
  public let value: String
  public let origin: ParameterOrigin
}

/// Keys are names of folders, and of entities in an archive.
enum InstanceKey {
  /// Names that the output folder keeps for what belongs to all instances.
  static let reserved: Set<String> = [
    "provenance", "figures", "result.h5", "summary.csv", "summary.h5", "walls.csv",
    "contact-sheet.png",
  ]
  static let rule = "use letters, digits and - _ . + = @, no '.' or '-' in front, 100 at most"

  private static let longest = 100

  static func isKey(_ word: String) -> Bool {
    guard let first = word.utf8.first, word.utf8.count <= longest else { return false }
    return !".-".utf8.contains(first) && word.unicodeScalars.allSatisfy(isPlain)
  }

  /// The word with `_` for what a key cannot hold; a part of a key may begin with any sign. Letters with marks
  /// are single characters in it, however the file system writes them.
  static func made(of word: String, asPart: Bool = false) -> String {
    let plain = word.precomposedStringWithCanonicalMapping.unicodeScalars
      .map { isPlain($0) ? Character($0) : "_" }
    var key = ""
    for character in plain {
      if key.utf8.count + character.utf8.count > longest { break }
      key.append(character)
    }
    if asPart { return key }
    return key.hasPrefix(".") || key.hasPrefix("-") ? "_" + key.dropFirst() : key
  }

  private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.isASCII, "-_.+=@".unicodeScalars.contains(scalar) { return true }
    return scalar.properties.isAlphabetic || scalar.properties.numericType == .decimal
  }
}
