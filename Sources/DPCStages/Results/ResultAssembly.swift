// From a finished run to the contents of result.h5 and of the figures folder.
internal import Digest
internal import FFTW
internal import Foundation
internal import HDF5
public import Pipeline
public import STEMData

/// Ends the process with a line and this exit code where a damaged file crashes the HDF5 library.
public func endOrderlyOnCrash(exitCode: Int32) {
  HDF5CrashNotice.install(exitCode: exitCode)
}

/// What a run leaves in the output folder, assembled from cached values.
public struct ResultAssembly: Sendable {
  let runner: PipelineRunner
  let report: RunReport
  private let chainOrder: [String]
  private var graph: PipelineGraph { runner.graph }

  /// - Parameters:
  ///   - runner: Gives the values.
  ///   - report: Of its run.
  ///   - chainOrder: Stages in the order in which the chain is to list them, where an earlier
  ///     result is made again; nil for the graph's own order, which depends on the figures too.
  public init(runner: PipelineRunner, report: RunReport, chainOrder: [String]? = nil) {
    self.runner = runner
    self.report = report
    self.chainOrder = chainOrder ?? runner.graph.stages.map(\.name)
  }

  /// The libraries whose versions a result records.
  public static var libraryVersions: [String: String] {
    ["fftw": String(fftwVersion().trimmingPrefix("fftw-")), "hdf5": HDF5Library.version]
  }

  /// Listed stages that succeeded and leave a quantity, in the manifest's order.
  public var quantityStages: [String] { listedStages.filter { isQuantity($0) } }

  /// Stages that succeeded and leave a figure, listed or not.
  public var figureStages: [String] {
    graph.stages.map(\.name).filter { kind($0) == .figure && report[$0]?.succeeded == true }
  }

  private var listedStages: [String] { graph.results.filter { report[$0]?.succeeded == true } }

  private func isQuantity(_ stage: String) -> Bool {
    kind(stage).map(ResultExport.isQuantity) ?? false
  }

  func output(_ stage: String) -> OutputReference? {
    graph[stage]?.type.outputs.first.map { OutputReference(stage: stage, port: $0.name) }
  }

  func kind(_ stage: String) -> PortKind? { output(stage).flatMap(graph.kind(of:)) }

  /// Decides whether an earlier result still is that of this run: what it is made of, and by what.
  public func identity(versions: [String: String]) -> String {
    let parts = quantityStages + ["|"] + figureStages + logStages
    let keys = parts.map { stage in
      stage + "=" + (report[stage]?.outputs.values.map(\.digest.hex).sorted().joined() ?? "")
    }
    let chain = chainStages.map { "\($0)=\(report[$0]?.key?.description ?? "")" }
    let tools = versions.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    return (["2", graph.name] + keys + chain + tools).joined(separator: " ")
  }

  /// The contents of result.h5.
  ///
  /// - Throws: `StageFailure` where an object of the cache is damaged.
  public func resultFile(versions: [String: String]) throws -> ResultFile {
    var groups: [ResultGroup] = []
    for stage in quantityStages {
      guard let output = output(stage) else { continue }
      let value = try runner.value(of: output, in: report)
      if let group = ResultExport.group(of: value, stage: stage) { groups.append(group) }
    }
    return ResultFile(title: graph.name, groups: groups, chain: chain, versions: versions)
  }

  /// Writes result.h5 at a temporary path.
  ///
  /// - Parameters:
  ///   - versions: Recorded in each step of the chain.
  ///   - path: Of a file that is not there yet.
  ///   - name: What to call the file where it cannot be written.
  ///   - observer: Sees all bytes of the file, in their order; called by one thread at a time.
  /// - Throws: `StageFailure` where an object of the cache is damaged; of category `machine` where
  ///   the disk is full.
  public func writeResult(
    versions: [String: String], to path: String, name: String,
    shownTo observer: @escaping @Sendable (UnsafeRawBufferPointer) -> Void
  ) throws {
    let result = try resultFile(versions: versions)
    do {
      try result.write(to: path, shownTo: observer)
    } catch let error as HDF5Error {
      throw StageFailure(
        .machine, "\(name): cannot be written: \(Self.systemReason(error))",
        remedy: "check the space and the permissions there, or choose another folder",
        details: error.stack)
    }
  }

  /// The system's words where the library quotes them among its own.
  private static func systemReason(_ error: HDF5Error) -> String {
    let parts = error.reason.components(separatedBy: "error message = '")
    guard parts.count > 1, let words = parts[1].split(separator: "'").first else {
      return error.reason
    }
    return String(words)
  }

  /// The files of every figure: name with extension, and bytes.
  ///
  /// - Throws: `StageFailure` where an object of the cache is damaged.
  public func figures() throws -> [(name: String, bytes: [UInt8])] {
    var figures: [(String, [UInt8])] = []
    for stage in figureStages {
      guard let output = output(stage) else { continue }
      let files = ResultExport.figures(of: try runner.value(of: output, in: report)) ?? [:]
      for (format, bytes) in files.sorted(by: { $0.key < $1.key }) {
        figures.append(("\(stage).\(format)", bytes))
      }
    }
    return figures
  }

  private var logStages: [String] {
    graph.programStages.map(\.name).filter { report[$0]?.succeeded == true }
  }

  /// What the programs of the pipeline wrote on their standard streams, by stage; silent ones left out.
  ///
  /// - Throws: `StageFailure` where an object of the cache is damaged.
  public func logs() throws -> [(stage: String, text: String)] {
    try logStages.compactMap { stage in
      let output = OutputReference(stage: stage, port: Exec.logPort)
      guard let log = try runner.value(of: output, in: report) as? LogValue, !log.text.isEmpty
      else { return nil }
      return (stage, log.text)
    }
  }

  // MARK: The chain

  /// The quantities' stages and everything upstream of them, in the graph's order.
  private var chainStages: [String] {
    var wanted = Set(quantityStages)
    for node in graph.stages.reversed() where wanted.contains(node.name) {
      wanted.formUnion(node.inputs.values.map(\.stage))
    }
    return chainOrder.filter(wanted.contains)
  }

  /// Facts, assumptions and warnings of a stage; what it merely remarks is left out.
  private func statements(of stage: String) -> [String] {
    guard let report = report[stage] else { return [] }
    let notes = report.notes.filter { $0.kind != .information }
    return report.facts.map(\.text) + notes.map { "\($0.kind.rawValue): \($0.text)" }
  }

  private var chain: [ProcessStep] {
    let digests = Dictionary(
      report.inputs.map { ($0.name, $0.digest?.hex ?? "") }, uniquingKeysWith: { first, _ in first }
    )
    return chainStages.compactMap { name in
      guard let node = graph[name] else { return nil }
      return ProcessStep(
        stage: name, type: node.type.name, algorithmVersion: node.type.algorithmVersion,
        parameters: node.parameters.mapValues { $0.value.description }
          .merging(node.fileParameters.mapValues { "$" + $0 }) { value, _ in value },
        inputs: node.inputs.mapValues(\.description),
        files: Dictionary(
          node.fileParameters.values.map { ($0, digests[$0] ?? "") },
          uniquingKeysWith: { first, _ in first }),
        key: report[name]?.key?.description ?? "", statements: statements(of: name))
    }
  }
}
