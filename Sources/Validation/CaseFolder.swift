// Finds the acquisitions whose truth is known and runs dpc on them.
internal import Foundation

/// An acquisition and its truth.
struct ValidationCase {
  var name: String
  var acquisition: String
  var truth: String

  /// Every `NAME.h5` with a `truth-NAME.h5` in a folder, by name.
  static func all(in folder: String, filter: String?) throws -> [ValidationCase] {
    let files: [String]
    do { files = try FileManager.default.contentsOfDirectory(atPath: folder) } catch {
      throw ValidationError("\(folder): the folder cannot be listed")
    }
    let names = Set(files)
    let cases = files.sorted().compactMap { file -> ValidationCase? in
      guard file.hasSuffix(".h5"), names.contains("truth-\(file)") else { return nil }
      return ValidationCase(
        name: String(file.dropLast(3)), acquisition: "\(folder)/\(file)",
        truth: "\(folder)/truth-\(file)")
    }
    if cases.isEmpty {
      throw ValidationError("\(folder): no acquisition NAME.h5 with a truth-NAME.h5 beside it")
    }
    let chosen = cases.filter { filter.map($0.name.contains) ?? true }
    if chosen.isEmpty {
      throw ValidationError(
        "\(folder): none of \(cases.count) cases has \(filter ?? "") in its name")
    }
    return chosen
  }
}

/// Runs the program and judges what it leaves.
struct CaseRunner {
  var program: String
  var pipelines: String
  /// Results and cache go here.
  var scratch: String

  /// Runs a case with every method that applies to it.
  func judgments(
    _ item: ValidationCase, methods: [EstimationMethod]
  ) -> [Judgment] {
    do {
      let facts = try AcquisitionFacts(name: item.name, path: item.acquisition)
      let truth = try Truth(path: item.truth)
      return EstimationMethod.applicable(to: facts).filter(methods.contains).map { method in
        do {
          return try judge(item, method, facts: facts, truth: truth)
        } catch {
          return Judgment(item.name, method: method, failure: "\(error)")
        }
      }
    } catch {
      return [Judgment(item.name, failure: "\(error)")]
    }
  }

  private func judge(
    _ item: ValidationCase, _ method: EstimationMethod, facts: AcquisitionFacts, truth: Truth
  ) throws -> Judgment {
    var run = CaseRun(item: item, method: method, facts: facts, truth: truth)
    var judgment = try judge(run)
    // Where the data do not tell the rotation, the rest can still be judged with the true one.
    if !facts.isRotationKnown, truth.scanRotation != nil, judgment.checks[.deflection] == nil {
      run.givesRotation = true
      judgment = try judge(run)
      judgment.notes.append("the rotation cannot be told from these data: the true one was given")
    }
    return judgment
  }

  private func judge(_ run: CaseRun) throws -> Judgment {
    let output = "\(scratch)/\(run.name)"
    let outcome = try execute(
      run.arguments(pipelines: pipelines, output: output, cache: "\(scratch)/cache"),
      name: run.name)
    // 3 is a partial run: what is missing is judged by what the case asks for.
    guard outcome.status == 0 || outcome.status == 3 else {
      return Judgment(
        run.item.name, method: run.method,
        failure: "dpc left with \(outcome.status): \(outcome.message)")
    }
    let result = try ResultQuantities(path: "\(output)/result.h5")
    var judgment = Judgment(run.facts, truth: run.truth, result: result, method: run.method)
    if outcome.status == 3 { judgment.notes.append("partial: \(outcome.message)") }
    return judgment
  }

  /// Runs the program to its end; the message is the line of its standard error that tells most.
  private func execute(
    _ arguments: [String], name: String
  ) throws -> (status: Int32, message: String) {
    guard FileManager.default.isExecutableFile(atPath: program) else {
      throw ValidationError("\(program): no such program")
    }
    let log = "\(scratch)/\(name).stderr"
    let process = Process()
    let output = try Self.created("\(scratch)/\(name).stdout")
    let errors = try Self.created(log)
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    process.waitUntilExit()
    try output.close()
    try errors.close()
    let text = try String(contentsOfFile: log, encoding: .utf8)
    let lines = text.split(separator: "\n").filter { !$0.allSatisfy(\.isWhitespace) }
    let line = lines.first { $0.contains("error") } ?? lines.last ?? "no message"
    return (process.terminationStatus, line.trimmingCharacters(in: .whitespaces))
  }

  private static func created(_ path: String) throws -> FileHandle {
    guard FileManager.default.createFile(atPath: path, contents: nil),
      let handle = FileHandle(forWritingAtPath: path)
    else { throw ValidationError("\(path): cannot be written") }
    return handle
  }
}

/// One case with one method.
struct CaseRun {
  var item: ValidationCase
  var method: EstimationMethod
  var facts: AcquisitionFacts
  var truth: Truth
  /// Whether the true rotation is given where the file does not state it.
  var givesRotation = false

  /// Of the folder for its results.
  var name: String {
    method == .standard ? item.name : "\(item.name)-\(method.rawValue)"
  }

  /// The command: the case's pipeline, and the parameters that its file does not state.
  func arguments(pipelines: String, output: String, cache: String) -> [String] {
    let isCrystal = CaseClass(name: item.name) == .crystal
    let pipeline =
      isCrystal ? "crystal" : facts.view == "cross-section" ? "cross-section" : "top-view"
    var arguments = [
      "run", "\(pipelines)/\(pipeline).yaml", "--input", "acquisition=\(item.acquisition)",
      "--output", output, "--cache", cache,
    ]
    if method != .standard { arguments += ["--set", "tilt.method=\(method.rawValue)"] }
    if method == .phaseContrastTransfer && Explanations.isPeriodic(item.name) {
      arguments += ["--set", "tilt.boundary=periodic", "--set", "potential.boundary=periodic"]
    }
    // Expected counts have no noise, whatever dose they state.
    if method == .phaseContrastTransfer && !facts.isSampled {
      arguments += ["--set", "tilt.regularization=1e-12"]
    }
    // The transfer function is that of the detector as it stands to the scan.
    let needsRotation = givesRotation || method == .phaseContrastTransfer
    if !facts.isRotationKnown, needsRotation, let rotation = truth.scanRotation {
      // Rounded: 31° in radians and back is not 31 any more.
      let degrees = (rotation * 180 / Double.pi * 1e9).rounded() / 1e9
      arguments += ["--set", "aligned.rotation_deg=\(degrees)"]
      if method == .phaseContrastTransfer {
        arguments += ["--set", "tilt.rotation_deg=\(degrees)"]
      }
    }
    if isCrystal, let period = truth.latticePeriod {
      let nanometers = (period * 1e9 * 1e9).rounded() / 1e9
      arguments += [
        "--set", "cell.period_x_nm=\(nanometers)", "--set", "cell.period_y_nm=\(nanometers)",
      ]
    }
    return arguments
  }
}
