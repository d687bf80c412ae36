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
    var versions: [String: String] = [:]
    for child in try entry.children() where child.name.hasPrefix("process_") {
      let group = try entry.group(child.name)
      let index: Int = try group.dataset("sequence_index").scalar()
      steps.append(
        (
          index,
          ProcessStep(
            stage: try group.dataset("stage").string(),
            type: try group.dataset("stage_type").string(),
            algorithmVersion: try group.dataset("algorithm_version").scalar(),
            parameters: try texts("parameters", in: group), inputs: try texts("inputs", in: group),
            files: try texts("files", in: group), key: try group.dataset("key").string(),
            statements: try group.contains("statements")
              ? try group.dataset("statements").strings() : [])
        ))
      versions = try texts("versions", in: group)
    }
    return (steps.sorted { $0.index < $1.index }.map(\.step), versions)
  }

  private static func texts(
    _ name: String, in group: borrowing HDF5Group
  ) throws(HDF5Error) -> [String: String] {
    guard try group.contains(name) else { return [:] }
    let collection = try group.group(name)
    var texts: [String: String] = [:]
    for child in try collection.children() {
      texts[child.name] = try collection.dataset(child.name).string()
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
