// inputs as written: names, and where each has its path from.
internal import ShownText

extension ManifestAssembly {
  mutating func readInputs(_ entry: SourceEntry?, _ overrides: [String: String]) {
    if let entry, !entry.value.isNull {
      if case .mapping(let entries) = entry.value.content {
        for input in entries where checkName(input, "an input's name") {
          inputs[input.key] = .some(nil)
          if input.value.isNull {
            unfilled.append(input)
          } else if let path = input.value.text, !path.isEmpty {
            inputs[input.key] = ManifestPaths.join(manifestFolder, path)
          } else {
            problems.add(input.value.span, "the input '\(input.key)' takes a path")
          }
        }
      } else {
        problems.add(
          entry.value.span, "'inputs' takes a mapping of names to paths, not \(entry.value.shown)")
      }
    }
    for (name, path) in overrides.sorted(by: { $0.key < $1.key }) {
      let argument = "--input \(name)=\(path)"
      if inputs[name] == nil {
        problems.add(
          argument: argument, "the manifest has no input \(Shown.word(name))",
          Suggestion.closest(to: name, among: inputs.keys.sorted(), of: "inputs"))
      } else if path.isEmpty {
        problems.add(argument: argument, "the path is empty")
      } else {
        inputs[name] = ManifestPaths.join(workingDirectory, path)
      }
    }
    unfilled.removeAll { overrides[$0.key] != nil }
  }

  /// Every input has a path from somewhere, and from one place only.
  mutating func checkInputs(_ overrides: [String: String]) {
    for (name, path) in overrides.sorted(by: { $0.key < $1.key })
    where sweptInputs.contains(name) {
      problems.add(
        argument: "--input \(name)=\(path)", "foreach gives the input '\(name)' its files",
        "change them there")
    }
    for input in unfilled where !isSweepBroken && !sweptInputs.contains(input.key) {
      problems.add(
        input.keySpan, "the input '\(input.key)' has no path",
        "write one here, or give --input \(input.key)=FILE")
    }
  }
}
