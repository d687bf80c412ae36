// What decides a stage's result, and the key under which that result is kept.
public import Digest

/// The key of an action: the digest of its ``ActionPreimage``.
public struct ActionKey: Sendable, Hashable, Codable, CustomStringConvertible {
  public let digest: SHA256Digest
  public init(_ digest: SHA256Digest) { self.digest = digest }

  public init(from decoder: any Decoder) throws { digest = try SHA256Digest(from: decoder) }
  public func encode(to encoder: any Encoder) throws { try digest.encode(to: encoder) }
  public var description: String { digest.hex }
}

/// What stands at an input port: content, never a path or a name.
public struct InputContent: Sendable, Hashable, Codable {
  /// The kind of value; equal bytes may mean different things.
  public var kind: String
  public var digest: SHA256Digest

  public init(kind: String, digest: SHA256Digest) {
    self.kind = kind
    self.digest = digest
  }
}

/// Everything that decides the result of a stage, each part by name.
///
/// Not in it: the tool's version, paths, times, numbers of threads, names of stages.
public struct ActionPreimage: Sendable, Hashable, Codable {
  /// The version of this structure and of its encoding.
  public static let currentSchemaVersion = 2

  public var schemaVersion: Int
  public var stageType: String
  public var algorithmVersion: Int
  /// Every parameter with its resolved value, by key.
  public var parameters: [String: ParameterValue]
  /// By port. Ports are told apart: `a` and `b` swapped are another action.
  public var inputs: [String: InputContent]
  /// Content of the files that parameters name, by parameter key.
  public var files: [String: SHA256Digest]
  public var outputs: [String]

  public init(
    stageType: String, algorithmVersion: Int, parameters: [String: ParameterValue],
    inputs: [String: InputContent], files: [String: SHA256Digest], outputs: [String]
  ) {
    schemaVersion = Self.currentSchemaVersion
    self.stageType = stageType
    self.algorithmVersion = algorithmVersion
    self.parameters = parameters
    self.inputs = inputs
    self.files = files
    self.outputs = outputs
  }

  /// SHA-256 of the canonical encoding.
  ///
  /// - Throws: ``FingerprintError`` where a parameter is NaN.
  public func key() throws(FingerprintError) -> ActionKey {
    ActionKey(SHA256Digest(of: try canonicalBytes()))
  }

  func canonicalBytes() throws(FingerprintError) -> [UInt8] {
    var encoder = CanonicalEncoder()
    encoder.text("pipeline-action")
    encoder.text("schemaVersion")
    encoder.integer(schemaVersion)
    encoder.text("stageType")
    encoder.text(stageType)
    encoder.text("algorithmVersion")
    encoder.integer(algorithmVersion)
    encoder.text("parameters")
    try encoder.map(parameters) { (encoder, value) throws(FingerprintError) in
      try encoder.parameter(value)
    }
    encoder.text("inputs")
    try encoder.map(inputs) { (encoder, content) throws(FingerprintError) in
      encoder.text(content.kind)
      encoder.text(content.digest.hex)
    }
    encoder.text("files")
    try encoder.map(files) { (encoder, digest) throws(FingerprintError) in
      encoder.text(digest.hex)
    }
    encoder.text("outputs")
    try encoder.list(outputs) { (encoder, port) throws(FingerprintError) in encoder.text(port) }
    return encoder.bytes
  }
}

extension ActionPreimage {
  /// What changed since `old`, each change as a phrase: "rotation_deg 12 -> 12.5".
  ///
  /// Empty exactly when the two are the same action. `ignoring` names ports whose content is not
  /// known yet, because what feeds them has still to run.
  public func differences(
    from old: ActionPreimage, ignoring unknownPorts: Set<String> = []
  ) -> [String] {
    var phrases: [String] = []
    if schemaVersion != old.schemaVersion {
      phrases.append("cache schema \(old.schemaVersion) -> \(schemaVersion)")
    }
    if stageType != old.stageType { phrases.append("stage type \(old.stageType) -> \(stageType)") }
    if algorithmVersion != old.algorithmVersion {
      phrases.append("algorithm version \(old.algorithmVersion) -> \(algorithmVersion)")
    }
    phrases += Self.compare(old.parameters, parameters) { key, before, after in
      "\(key) \(before?.description ?? "unset") -> \(after?.description ?? "unset")"
    }
    phrases += Self.compare(old.files, files) { key, before, after in
      Self.change(of: "file '\(key)'", before == nil, after == nil)
    }
    let known = { (ports: [String: InputContent]) in ports.filter { !unknownPorts.contains($0.key) }
    }
    phrases += Self.compare(known(old.inputs), known(inputs)) { port, before, after in
      Self.change(of: "input '\(port)'", before == nil, after == nil)
    }
    if outputs != old.outputs {
      phrases.append(
        "outputs \(old.outputs.joined(separator: ", ")) -> \(outputs.joined(separator: ", "))")
    }
    return phrases
  }

  private static func change(of what: String, _ isNew: Bool, _ isGone: Bool) -> String {
    isNew ? "\(what) is new" : isGone ? "\(what) is gone" : "\(what) changed"
  }

  private static func compare<Value: Equatable>(
    _ old: [String: Value], _ new: [String: Value],
    _ phrase: (String, Value?, Value?) -> String
  ) -> [String] {
    Set(old.keys).union(new.keys).sorted().compactMap { key in
      old[key] == new[key] ? nil : phrase(key, old[key], new[key])
    }
  }
}
