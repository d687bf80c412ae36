// From foreach and matrix to the many graphs that a manifest stands for.
internal import Pipeline

/// The acquisitions and values over which a pipeline runs.
struct Sweep {
  /// nil without foreach.
  var acquisitions: [SweepPoint]?
  /// Each axis with its values.
  var axes: [[SweepPoint]]
  /// Where foreach or matrix stands, for what only shows when all is put together.
  var span: SourceSpan

  /// The number of instances; saturates.
  var count: Int {
    axes.reduce(acquisitions?.count ?? 1) { product, axis in
      let (count, overflow) = product.multipliedReportingOverflow(by: axis.count)
      return overflow ? .max : count
    }
  }

  /// Every acquisition with every combination of values, the last axis running fastest.
  var points: [SweepPoint] {
    var points = acquisitions ?? [SweepPoint(key: "", settings: [])]
    for (index, axis) in axes.enumerated() {
      points = points.flatMap { point in
        axis.map { value in
          let separator = point.key.isEmpty ? "" : index == 0 ? "/" : ","
          return SweepPoint(
            key: point.key + separator + value.key, settings: point.settings + value.settings)
        }
      }
    }
    return points
  }
}

extension ManifestAssembly {
  /// More than anybody waits for.
  static let instanceLimit = 10_000

  /// Reads foreach and matrix, nil where there is neither; marks what they set as given.
  mutating func readSweep(_ fields: Fields, _ overrides: [ManifestOverride]) -> Sweep? {
    let entries = (foreach: fields["foreach"], matrix: fields["matrix"])
    guard let first = entries.foreach ?? entries.matrix else { return nil }
    var reading = SweepReading(
      drafts: drafts, inputNames: inputs.keys.sorted(),
      unfilledInputs: Set(inputs.filter { $0.value == nil }.keys), manifestFolder: manifestFolder,
      problems: problems)
    let sweep = Sweep(
      acquisitions: entries.foreach.map { reading.acquisitions($0) },
      axes: entries.matrix.map { reading.axes($0) } ?? [], span: first.keySpan)
    // What could not be read may have been the very path that is missing.
    isSweepBroken = reading.problems.count > problems.count
    problems = reading.problems
    for target in reading.targets {
      switch target {
      case .input(let name): sweptInputs.insert(name)
      case .parameter(let stage, let key):
        guard let index = drafts.firstIndex(where: { $0.name == stage }),
          let specification = drafts[index].type?.parameters.first(where: { $0.key == key }),
          specification.defaultValue == nil
        else { continue }
        drafts[index].attempted.insert(key)
      }
    }
    checkOverrides(overrides, reading.targets)
    return sweep
  }

  private mutating func checkOverrides(
    _ overrides: [ManifestOverride], _ targets: Set<SweepTarget>
  ) {
    let names = Set(targets.map(\.name))
    for override in overrides {
      let name = String(override.text.prefix { $0 != "=" })
      if names.contains(name) {
        problems.add(
          argument: "--set \(override.text)", "'\(name)' is what foreach or matrix varies",
          "change it there")
      }
    }
  }

  /// The instances in order; every graph is checked like a single one.
  mutating func makeInstances(_ sweep: Sweep, of base: PipelineGraph) -> [PipelineInstance] {
    if sweep.count > Self.instanceLimit {
      problems.add(
        sweep.span, "foreach and matrix make \(sweep.count) runs, at most \(Self.instanceLimit)",
        "make several manifests of them")
      return []
    }
    var instances: [PipelineInstance] = []
    for point in sweep.points {
      do throws(GraphError) {
        instances.append(try instance(point, of: base))
      } catch {
        let attribution = OverrideAttribution(
          drafts: drafts, stages: stages(of: base, at: point), results: base.results)
        for problem in error.problems {
          let message = "\(point.key): \(problem.messageWithStage)"
          if let arguments = attribution.arguments(for: problem) {
            problems.add(argument: arguments, message, problem.suggestion)
          } else {
            problems.add(sweep.span, message, problem.suggestion)
          }
        }
      }
    }
    return instances
  }

  private func instance(
    _ point: SweepPoint, of base: PipelineGraph
  ) throws(GraphError) -> PipelineInstance {
    var paths = base.inputPaths
    for setting in point.settings {
      if case (.input(let name), .path(let path)) = (setting.target, setting.value) {
        paths[name] = path
      }
    }
    return PipelineInstance(
      key: point.key,
      graph: try PipelineGraph(
        name: "\(base.name)/\(point.key)", inputPaths: paths, stages: stages(of: base, at: point),
        results: base.results),
      settings: point.settings.map {
        InstanceSetting(name: $0.target.name, value: $0.text, origin: $0.origin)
      })
  }

  private func stages(of base: PipelineGraph, at point: SweepPoint) -> [StageNode] {
    var stages = base.stages
    for setting in point.settings {
      guard case .parameter(let stage, let key) = setting.target,
        let index = stages.firstIndex(where: { $0.name == stage })
      else { continue }
      switch setting.value {
      case .parameter(let value):
        stages[index].parameters[key] = ResolvedParameter(value, origin: setting.origin)
      case .file(let name): stages[index].fileParameters[key] = name
      case .path: break
      }
    }
    return stages
  }
}
