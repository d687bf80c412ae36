// exec: a program of the user's own as a stage, its files declared, its output checked.
internal import Foundation
internal import HDF5
public import Pipeline
internal import STEMCore

struct Exec: StageType {
  static let typeName = "exec"
  static let logPort = "log"
  /// Names the program, by its content, in whatever comes of what it left.
  static let programAttribute = "external_program"

  let name = Self.typeName
  let summary = "runs a program of your own on a map, HDF5 in and out; needs --allow-exec"
  let algorithmVersion = 2
  let inputs = [
    InputPort(
      "input", kinds: Self.kinds, summary: "the map that the output stands on, as input.h5"),
    InputPort("second", kinds: Self.kinds, isRequired: false, summary: "another map, as second.h5"),
    InputPort("third", kinds: Self.kinds, isRequired: false, summary: "another map, as third.h5"),
  ]
  let outputs = [
    OutputPort(
      "output",
      kind: .chosen(
        byParameter: "output",
        Dictionary(uniqueKeysWithValues: Self.kinds.map { ($0.name, $0) })),
      summary: "what the program left in output.h5"),
    OutputPort(Self.logPort, kind: .fixed(.log), summary: "what it wrote on its standard streams"),
  ]
  let parameters = [
    ParameterSpecification(
      "program", .file, isRequired: true,
      summary: "the executable, as $name of the inputs; its content is part of the key"),
    ParameterSpecification(
      "script", .file,
      summary: "the program's first argument, as $name of the inputs; part of the key too"),
    ParameterSpecification(
      "arguments", .texts, default: .list([]),
      summary: "further arguments; {input}, {second}, {third} and {output} stand for the files"),
    ParameterSpecification(
      "output", .choice(Self.kinds.map(\.name)), isRequired: true,
      summary: "the kind of map that the program leaves"),
    ParameterSpecification(
      "environment", .texts, default: .list([]),
      summary: "NAME=VALUE sets a variable, NAME passes yours on; it has no others"),
  ]

  private static let kinds = ExchangeKind.all.map(\.kind)

  func run(_ context: StageContext) throws -> StageProduct {
    guard let program = context.file("program"),
      let kind = context.word("output").flatMap(ExchangeKind.named),
      let input = context.input("input").flatMap(ExchangeableValue.init)
    else { throw StageFailure(.failed, "stage \(context.stageName): program or input is missing") }
    let folder = URL(fileURLWithPath: try context.scratchFolder()).path
    let files = try writeInputs(context, to: folder)
    let output = folder + "/output.h5"
    let log = try call(program, context, folder, files.merging(["output": output]) { $1 })
    let map: ExchangedMap
    let value: any StageValue
    do {
      map = try ExchangeFile.read(output, kind, on: input.map)
      value = try input.replaced(by: map, kind, attributes: attributes(program, context))
    } catch let refusal as ExchangeRefusal {
      throw StageFailure(
        .failed,
        "stage \(context.stageName): the output of \(Self.name(program)): \(refusal.message)",
        remedy: refusal.remedy, details: Self.lines(log))
    } catch let error as HDF5Error {
      let isAbsent = !FileManager.default.fileExists(atPath: output)
      throw StageFailure(
        .failed,
        "stage \(context.stageName): \(Self.name(program)) left "
          + (isAbsent ? "no output.h5" : "an output.h5 that cannot be read: \(error.reason)"),
        remedy: "it has to write the file that {output} names, or output.h5 where it is started",
        details: isAbsent ? Self.lines(log) : error.stack)
    }
    return StageProduct(
      outputs: ["output": value, Self.logPort: LogValue(text: log)],
      facts: [Fact("program", text: "a program of the user's own gave \(map.shape) pixels")],
      notes: notes(map))
  }

  private func notes(_ map: ExchangedMap) -> [Note] {
    var hasErrors = false
    switch map {
    case .vector(let map): hasErrors = map.covariance != nil
    case .scalar(let map): hasErrors = map.variance != nil
    }
    return [
      hasErrors
        ? Note(
          .assumption, "the program's errors are those of single pixels, x and y independent")
        : Note(.warning, "the program stated no errors: there are none from here on")
    ]
  }

  /// What a result says of the program: content, never a path.
  private func attributes(_ program: InputFile, _ context: StageContext) -> [String: String] {
    var text = "program SHA-256 \(program.digest)"
    if let script = context.file("script") { text += ", script SHA-256 \(script.digest)" }
    let arguments = ParameterValue.list(context.words("arguments").map { .text($0) })
    return [Self.programAttribute: "\(text), arguments \(arguments)"]
  }

  // MARK: The call

  /// Port to the file that holds its map.
  private func writeInputs(
    _ context: StageContext, to folder: String
  ) throws -> [String: String] {
    var files: [String: String] = [:]
    for port in inputs {
      guard let given = context.input(port.name).flatMap(ExchangeableValue.init) else { continue }
      let path = "\(folder)/\(port.name).h5"
      do {
        try ExchangeFile.write(given.map, given.kind, to: path)
      } catch let error as HDF5Error {
        throw StageFailure(
          .machine, "\(path): cannot be written: \(error.reason)",
          remedy: "check the space and the permissions of the cache folder", details: error.stack)
      }
      files[port.name] = path
    }
    return files
  }

  /// Runs the program to its end and returns its log.
  private func call(
    _ program: InputFile, _ context: StageContext, _ folder: String, _ files: [String: String]
  ) throws -> String {
    let executable = URL(fileURLWithPath: program.path).path
    if !FileManager.default.isExecutableFile(atPath: executable) {
      throw StageFailure(
        .inputRefused, "stage \(context.stageName): \(program.path): not an executable file",
        remedy: "make it one (chmod +x), or name its interpreter as program and it as script")
    }
    var arguments = context.file("script").map { [URL(fileURLWithPath: $0.path).path] } ?? []
    arguments += try context.words("arguments").map { try filled($0, files, context) }
    let run = ProgramRun(
      executable: executable, arguments: arguments,
      environment: try environment(context, folder), folder: folder)
    let (ending, log): (ProgramRun.Ending, String)
    do {
      (ending, log) = try run.run { context.isInterrupted }
    } catch {
      throw StageFailure(
        .failed,
        "stage \(context.stageName): \(program.path): cannot be run: \(error.localizedDescription)",
        remedy: "try the program by itself")
    }
    let words: String
    switch ending {
    case .exited(0): return log
    case .interrupted:
      throw StageFailure(.interrupted, "stage \(context.stageName): interrupted")
    case .exited(let code): words = "ended with exit code \(code)"
    case .signaled(let number): words = "was ended by signal \(number)"
    }
    let last = Self.lines(log).last { !$0.allSatisfy(\.isWhitespace) }
    throw StageFailure(
      .failed,
      "stage \(context.stageName): \(program.path) \(words)"
        + (last.map { ": \($0.prefix(200))" } ?? ""),
      remedy: "run with --verbose to see all that it wrote; another program is given with"
        + " --input NAME=PATH, where the manifest's program is $NAME",
      details: Self.lines(log))
  }

  private func filled(
    _ argument: String, _ files: [String: String], _ context: StageContext
  ) throws -> String {
    var text = argument
    for (port, path) in files { text = text.replacingOccurrences(of: "{\(port)}", with: path) }
    let isPlaceholder =
      text.hasPrefix("{") && text.hasSuffix("}") && text.count > 2
      && text.dropFirst().dropLast().allSatisfy(\.isLetter)
    if isPlaceholder {
      throw StageFailure(
        .failed, "stage \(context.stageName): arguments: \(text) stands for no file",
        remedy: "there are " + files.keys.sorted().map { "{\($0)}" }.joined(separator: ", "))
    }
    return text
  }

  private func environment(
    _ context: StageContext, _ folder: String
  ) throws -> [String: String] {
    var environment = [
      "PATH": "/usr/bin:/bin", "HOME": folder, "TMPDIR": folder, "LC_ALL": "C.UTF-8",
    ]
    for item in context.words("environment") {
      let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = String(parts[0])
      if name.isEmpty || name.contains(where: { $0.isWhitespace || $0 == "\0" }) {
        throw StageFailure(
          .failed, "stage \(context.stageName): environment: '\(item)' names no variable",
          remedy: "write NAME=VALUE, or NAME to pass yours on")
      }
      environment[name] =
        parts.count == 2 ? String(parts[1]) : ProcessInfo.processInfo.environment[name]
    }
    return environment
  }

  private static func name(_ file: InputFile) -> String {
    String(file.path.split(separator: "/").last ?? "program")
  }

  private static func lines(_ log: String) -> [String] {
    log.split(whereSeparator: \.isNewline).map(String.init)
  }
}

extension PipelineGraph {
  /// The stages that run programs of the manifest's choosing; nothing else in a pipeline does.
  public var programStages: [StageNode] { stages.filter { $0.type.name == Exec.typeName } }
}
