// The prospective and the retrospective side of a run crate: tools and steps, and what was done by them.
internal import Digest
internal import Pipeline

extension RunCrate {
  /// The types of stages that the pipeline uses, each once.
  var toolTypes: [String] { Set(report.stages.map(\.type)).sorted() }

  /// Why a stage left nothing; nil where it succeeded.
  private func error(of stage: StageReport) -> String? {
    switch stage.outcome {
    case .ran, .hit: nil
    case .failed(let failure): failure.message
    case .blocked(let stages): "not run: failed before it: \(stages.joined(separator: ", "))"
    case .cancelled: "not run: the run was interrupted"
    }
  }

  // MARK: Prospective

  var toolEntities: [LinkedEntity] {
    let byType = Dictionary(grouping: report.stages, by: \.type)
    return toolTypes.flatMap { type -> [LinkedEntity] in
      let stages = byType[type] ?? []
      let keys = Set(stages.flatMap(\.parameters.keys)).sorted()
      let parameters = keys.map { key in
        LinkedEntity(
          parameterID(type, key), "FormalParameter",
          properties: [
            "name": .text(key), "additionalType": .text("Text"),
            "conformsTo": .reference(Self.formalParameter),
          ])
      }
      let tool = LinkedEntity(
        "#tool-\(type)", "SoftwareApplication",
        properties: [
          "name": .text(type),
          "softwareVersion": .text("algorithm version \(stages.first?.algorithmVersion ?? 0)"),
          "isPartOf": .reference("#dpc"),
          "input": .references(keys.map { parameterID(type, $0) }),
        ])
      return [tool] + parameters
    }
  }

  private func parameterID(_ type: String, _ key: String) -> String { "#parameter-\(type)-\(key)" }

  var stepEntities: [LinkedEntity] {
    report.stages.enumerated().map { index, stage in
      LinkedEntity(
        "#step-\(stage.name)", "HowToStep",
        properties: [
          "name": .text(stage.name), "position": .text("\(index + 1)"),
          "workExample": .reference("#tool-\(stage.type)"),
        ])
    }
  }

  // MARK: Retrospective

  var actionEntities: [LinkedEntity] {
    [orchestration, workflowAction] + report.stages.flatMap(entities(of:)) + objectEntities
      + earlierRuns
  }

  func actionID(_ stage: StageReport) -> String { "#action-\(stage.name)" }

  private var orchestration: LinkedEntity {
    LinkedEntity(
      "#orchestration-\(report.runID)", "OrganizeAction",
      properties: [
        "name": .text("Run of dpc \(report.toolVersion)"), "instrument": .reference("#dpc"),
        "agent": .reference(Self.userID),
        "object": .references(report.stages.map { "#control-\($0.name)" }),
        "result": .reference(runID), "startTime": .text(Self.time(report.started)),
        "endTime": .text(Self.time(report.ended)),
      ])
  }

  private var workflowAction: LinkedEntity {
    let failure = report.failures.first.map { "stage \($0.stage): \($0.failure.message)" }
    let interruption = report.interruptedBySignal.map { "interrupted by signal \($0)" }
    let error = failure ?? interruption
    return LinkedEntity(
      runID, "CreateAction",
      properties: [
        "name": .text("Run of the pipeline \(report.pipeline)"),
        "description": .text(archive.commandLine.joined(separator: " ")),
        "instrument": .reference(RunArchive.manifestFile), "agent": .reference(Self.userID),
        "object": .references(
          Array(Set(index.inputs.map { Self.contentURI($0.digest) })).sorted()),
        "result": .references(archive.outputs.map(outputID)),
        "startTime": .text(Self.time(report.started)),
        "endTime": .text(Self.time(report.ended)),
        "actionStatus": .text(Self.status(failed: error != nil)),
        "error": error.map(LinkedValue.text),
      ])
  }

  private static func status(failed: Bool) -> String {
    failed ? "http://schema.org/FailedActionStatus" : "http://schema.org/CompletedActionStatus"
  }

  private func entities(of stage: StageReport) -> [LinkedEntity] {
    let values = stage.parameters.sorted { $0.key < $1.key }.map { key, parameter in
      LinkedEntity(
        "#value-\(stage.name)-\(key)", "PropertyValue",
        properties: [
          "name": .text(key), "value": .text(parameter.value.description),
          "description": .text("decided by: \(parameter.origin.rawValue)"),
          "exampleOfWork": .reference(parameterID(stage.type, key)),
        ])
    }
    let control = LinkedEntity(
      "#control-\(stage.name)", "ControlAction",
      properties: [
        "name": .text("Orchestration of \(stage.name)"),
        "instrument": .reference("#step-\(stage.name)"),
        "object": .reference(actionID(stage)), "agent": .reference(Self.userID),
      ])
    return [control, action(of: stage, parameters: values.map(\.id))] + values
  }

  private func action(of stage: StageReport, parameters: [String]) -> LinkedEntity {
    var takes = parameters
    takes += stage.fileParameters.values.sorted().compactMap { name in
      index.digest(ofInput: name).map(Self.contentURI)
    }
    for (_, source) in stage.inputs.sorted(by: { $0.key < $1.key }) {
      if let record = index.output(of: source) { takes.append(objectID(record)) }
    }
    let outputs =
      stage.outputs.sorted { $0.key < $1.key }.map { objectID($0.value) }
      + index.files(of: stage.name).map(outputID)
    let said = stage.facts.map(\.text) + stage.notes.map { "\($0.kind.rawValue): \($0.text)" }
    return LinkedEntity(
      actionID(stage), "CreateAction",
      properties: [
        "name": .text("\(stage.name) (\(stage.type))"),
        "description": .text(said.isEmpty ? "No remarks" : said.joined(separator: "\n")),
        "instrument": .reference("#tool-\(stage.type)"), "agent": .reference(Self.userID),
        "object": .references(takes), "result": .references(outputs),
        "startTime": stage.started.map { .text(Self.time($0)) },
        // What was never begun was over with the run.
        "endTime": .text(Self.time(stage.ended ?? report.ended)),
        "actionStatus": .text(Self.status(failed: error(of: stage) != nil)),
        "error": error(of: stage).map(LinkedValue.text),
        "isPartOf": computingRun(stage).map(LinkedValue.reference),
      ])
  }

  /// UTC as the profile wants it, +00:00 for Z.
  private static func time(_ stamp: String) -> String {
    stamp.hasSuffix("Z") ? stamp.dropLast() + "+00:00" : stamp
  }

  // MARK: What the cache gave

  /// The run that did the work of a stage taken from the cache.
  private func computingRun(_ stage: StageReport) -> String? {
    guard case .hit(let id, _) = stage.outcome else { return nil }
    return id == report.runID ? nil : "#run-\(id)"
  }

  private var earlierRuns: [LinkedEntity] {
    var runs: [String: String] = [:]
    for stage in report.stages {
      if case .hit(let id, let time) = stage.outcome, id != report.runID {
        runs[id] = min(runs[id] ?? time, time)
      }
    }
    return runs.sorted { $0.key < $1.key }.map { id, time in
      LinkedEntity(
        "#run-\(id)", "CreativeWork",
        properties: [
          "name": .text("Earlier run \(id)"),
          "description": .text("Computed what this run took from the cache."),
          "dateCreated": .text(time),
        ])
    }
  }

  /// Values between stages, named by their content; they lie in the cache, not in this folder.
  private func objectID(_ record: OutputRecord) -> String { "#object-\(record.digest.hex)" }

  private var objectEntities: [LinkedEntity] {
    var seen: Set<String> = []
    return report.stages.flatMap { stage in
      stage.outputs.sorted { $0.key < $1.key }.compactMap { port, record in
        guard seen.insert(record.digest.hex).inserted else { return nil }
        let content = record.isKept ? Self.contentURI(record.digest.hex) : nil
        return LinkedEntity(
          objectID(record), "CreativeWork",
          properties: [
            "name": .text("\(stage.name).\(port) (\(record.kind))"),
            "identifier": content.map { .text($0) },
          ])
      }
    }
  }
}
