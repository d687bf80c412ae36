// Reading back from result.h5 the chain that made it, and the text of what each quantity states.
internal import HDF5

extension ResultFile {
  /// The steps recorded in a result file, in their order, and the versions that ran them.
  public static func chain(
    of path: String
  ) throws(ResultFileError) -> (steps: [ProcessStep], versions: [String: String]) {
    let chain: (steps: [ProcessStep], versions: [String: String])
    do throws(HDF5Error) {
      chain = try recordedChain(of: path)
    } catch { throw ResultFileError(error) }
    if chain.steps.isEmpty { throw .noChain(path) }
    return chain
  }

  private static func recordedChain(
    of path: String
  ) throws(HDF5Error) -> (steps: [ProcessStep], versions: [String: String]) {
    let file = try HDF5File(opening: path)
    guard try file.root.contains("entry") else { return ([], [:]) }
    let entry = try file.root.group("entry")
    var steps: [(index: Int, step: ProcessStep)] = []
    for child in try entry.children() where child.name.hasPrefix("process_") {
      let group = try entry.group(child.name)
      guard let step = try step(group) else { return ([], [:]) }
      steps.append((try group.dataset("sequence_index").scalar(), step))
    }
    return (steps.sorted { $0.index < $1.index }.map(\.step), try texts("versions", of: entry))
  }

  /// nil for a group that does not say what its stage was.
  private static func step(_ group: borrowing HDF5Group) throws(HDF5Error) -> ProcessStep? {
    guard let stage = try group.attributeString("stage"),
      let type = try group.attributeString("stage_type"),
      let version = try group.attributeValue("algorithm_version", as: Int.self),
      let key = try group.attributeString("key")
    else { return nil }
    return ProcessStep(
      stage: stage, type: type, algorithmVersion: version,
      parameters: try texts("parameters", of: group), inputs: try texts("inputs", of: group),
      files: try texts("files", of: group), key: key,
      statements: try group.contains("statements")
        ? try group.dataset("statements").strings() : [])
  }

  /// By key, from "KEY: VALUE" of each.
  private static func texts(
    _ name: String, of group: borrowing HDF5Group
  ) throws(HDF5Error) -> [String: String] {
    var texts: [String: String] = [:]
    for line in try group.attributeStrings(name) ?? [] {
      guard let colon = line.firstRange(of: ": ") else { continue }
      texts[String(line[..<colon.lowerBound])] = String(line[colon.upperBound...])
    }
    return texts
  }
}

/// Why a file does not serve as a result.
public struct ResultFileError: Error, Sendable, CustomStringConvertible {
  public var path: String
  /// One line: what is wrong and where.
  public var description: String
  /// What to do, where the machine is at fault.
  public var remedy: String?
  /// Whether the machine cannot read it, whatever it holds.
  public var isMachine: Bool

  init(_ error: HDF5Error) {
    path = error.file
    description = error.description
    remedy = error.remedy
    isMachine = AcquisitionError(error).kind == .machine
  }

  private init(path: String, reason: String) {
    (self.path, description, isMachine) = (path, "\(path): \(reason)", false)
  }

  static func noChain(_ path: String) -> ResultFileError {
    ResultFileError(
      path: path,
      reason: "no chain of processing steps in it; dpc writes one into each result.h5")
  }
}
