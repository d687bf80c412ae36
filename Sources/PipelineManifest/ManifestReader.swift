// The way in: a manifest's text becomes a checked graph, or an error that lists everything wrong.

public import Pipeline

/// A change to one parameter from the command line: `STAGE.PARAMETER=VALUE`.
public struct ManifestOverride: Sendable, Hashable {
  /// As typed after `--set`.
  public let text: String

  public init(_ text: String) { self.text = text }
}

/// A manifest that is right.
public struct LoadedManifest: Sendable {
  /// The pipeline; with ``instances``, what they have in common.
  public let graph: PipelineGraph
  /// One for each acquisition and each combination of values, in order; empty where the manifest has
  /// neither foreach nor matrix.
  public let instances: [PipelineInstance]
  public let name: String
  public let description: String?
  /// The manifest, byte for byte.
  public let text: String
  /// The manifest's path, as given.
  public let path: String
}

/// Reads manifests.
public enum ManifestReader {
  /// What every manifest says under `schema`.
  public static let schemaIdentifier = "dpc-pipeline/1"

  /// Reads a manifest and checks all of it.
  ///
  /// - Parameters:
  ///   - text: The YAML text.
  ///   - path: Names the manifest in messages; paths in the manifest start from its folder.
  ///   - catalog: The stage types that the manifest may use.
  ///   - overrides: Values from the command line, which win over the manifest's.
  ///   - inputOverrides: Input name to path, seen from the working folder.
  ///   - workingDirectory: Put before relative paths; empty leaves them relative.
  /// - Throws: ``ManifestError`` with every problem found.
  public static func load(
    text: String, path: String, catalog: StageCatalog, overrides: [ManifestOverride] = [],
    inputOverrides: [String: String] = [:], workingDirectory: String = ""
  ) throws(ManifestError) -> LoadedManifest {
    // A byte order mark would shift the first line's columns.
    let body =
      text.unicodeScalars.first == "\u{FEFF}" ? String(text.unicodeScalars.dropFirst()) : text
    var problems = ProblemList(source: SourceText(body))
    guard let tree = tree(of: body, problems: &problems) else {
      throw problems.error(path: path)
    }
    var assembly = ManifestAssembly(
      problems: problems, catalog: catalog,
      manifestFolder: ManifestPaths.join(workingDirectory, ManifestPaths.folder(of: path)),
      workingDirectory: workingDirectory)
    let graph = assembly.assemble(tree, overrides: overrides, inputOverrides: inputOverrides)
    guard let graph, assembly.problems.isEmpty else {
      throw assembly.problems.error(path: path)
    }
    return LoadedManifest(
      graph: graph, instances: assembly.instances, name: graph.name,
      description: assembly.description, text: text, path: path)
  }

  /// The document as a tree, or nil with the reason among the problems.
  private static func tree(of text: String, problems: inout ProblemList) -> SourceNode? {
    do {
      let document = try ComposedDocument(text: text, source: problems.source)
      guard let root = document.root else {
        problems.add(
          problems.source.span(line: 1, column: 1), "the manifest is empty",
          "start it with schema: \(schemaIdentifier)")
        return nil
      }
      var builder = SourceTreeBuilder(document: document, problems: problems)
      let tree = builder.tree(from: root)
      problems = builder.problems
      if tree == nil {
        problems.add(
          problems.source.span(line: 1, column: 1),
          "more than \(SourceTreeBuilder.nodeLimit) values, aliases counted as often as they stand")
      }
      // Of a tree without what was to be merged no other complaint would be true.
      return builder.hasMerges ? nil : tree
    } catch {
      problems.add(
        problems.source.span(line: error.line, column: error.column), error.message,
        error.suggestion)
      return nil
    }
  }
}
