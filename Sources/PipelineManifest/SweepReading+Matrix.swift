// matrix as written: the values of each parameter with which a pipeline runs.
internal import FoundationEssentials
internal import Pipeline
internal import ShownText

extension SweepReading {
  /// The axes in order of their names, each with its values as listed.
  mutating func axes(_ entry: SourceEntry) -> [[SweepPoint]] {
    guard case .mapping(let entries) = entry.value.content, !entries.isEmpty else {
      problems.add(
        entry.value.isNull ? entry.keySpan : entry.value.span,
        "'matrix' takes a mapping such as { STAGE.PARAMETER: [VALUE, VALUE] }")
      return []
    }
    return entries.sorted { $0.key < $1.key }.compactMap { axis($0) }
  }

  private mutating func axis(_ entry: SourceEntry) -> [SweepPoint]? {
    let found: (target: SweepTarget, specification: ParameterSpecification)
    switch parameter(entry.key) {
    case .found(let target, let specification): found = (target, specification)
    case .unknownType: return nil
    case .problem(let message, let suggestion):
      problems.add(entry.keySpan, message, suggestion)
      return nil
    }
    if !targets.insert(found.target).inserted {
      problems.add(entry.keySpan, "foreach sets '\(entry.key)' already", "remove one of the two")
      return nil
    }
    guard case .list(let items) = entry.value.content, !items.isEmpty else {
      problems.add(
        entry.value.isNull ? entry.keySpan : entry.value.span,
        "'\(entry.key)' takes a list of the values to run with")
      return nil
    }
    var points: [SweepPoint] = []
    for item in items {
      let reading = ParameterReading(specification: found.specification, inputNames: inputNames)
      let (value, text): (SweepSetting.Value, String)
      switch reading.read(item) {
      case .value(let read): (value, text) = (.parameter(read), read.description)
      case .file(let name): (value, text) = (.file(name), "$" + name)
      case .refused(let complaints):
        for complaint in complaints {
          problems.add(complaint.span, complaint.message, complaint.suggestion)
        }
        continue
      }
      let key = "\(entry.key)=\(Self.keyPart(text))"
      if points.contains(where: { $0.key == key }) {
        problems.add(item.span, "'\(entry.key)' lists \(Shown.word(text)) twice")
        continue
      }
      points.append(
        SweepPoint(
          key: key,
          settings: [
            SweepSetting(target: found.target, value: value, text: text, origin: .matrix)
          ]))
    }
    return points
  }

  /// A value as a part of a key: `[1, 2]` as `1+2`.
  private static func keyPart(_ text: String) -> String {
    InstanceKey.made(
      of: text.replacing("[", with: "").replacing("]", with: "").replacing(", ", with: "+"),
      asPart: true)
  }
}
