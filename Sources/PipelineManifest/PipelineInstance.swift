// One of the many runs that a manifest with foreach or matrix stands for.
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
    "provenance", "figures", "result.h5", "summary.csv", "summary.h5", "contact-sheet.png",
  ]
  static let rule = "use letters, digits and - _ . + = @, no '.' or '-' in front, 100 at most"

  static func isKey(_ word: String) -> Bool {
    guard let first = word.utf8.first, word.utf8.count <= 100 else { return false }
    return !".-".utf8.contains(first) && word.utf8.allSatisfy(isPlain)
  }

  /// The word with `_` for what a key cannot hold; a part of a key may begin with any sign.
  static func made(of word: String, asPart: Bool = false) -> String {
    let plain = word.unicodeScalars.map { scalar -> Character in
      scalar.isASCII && isPlain(UInt8(scalar.value)) ? Character(scalar) : "_"
    }
    let key = String(plain.prefix(100))
    if asPart { return key }
    return key.hasPrefix(".") || key.hasPrefix("-") ? "_" + key.dropFirst() : key
  }

  private static func isPlain(_ byte: UInt8) -> Bool {
    (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte)
      || "-_.+=@".utf8.contains(byte)
  }
}
