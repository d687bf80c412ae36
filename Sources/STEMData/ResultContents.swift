// What a result.h5 states beside its numbers: pipeline, listed results, attributes, chain and versions.
internal import HDF5

/// A result file without its numbers.
public struct ResultContents: Sendable, Equatable {
  /// One quantity: its group, and every attribute as text.
  public struct Quantity: Sendable, Equatable {
    public var name: String
    public var attributes: [String: String]
  }
  /// The pipeline's name.
  public var title: String
  /// In the order of the manifest's results.
  public var quantities: [Quantity]
  public var steps: [ProcessStep]
  /// `dpc` and the libraries under it, with their versions.
  public var versions: [String: String]

  /// Reads a result file.
  public init(reading path: String) throws(ResultFileError) {
    let chain = try ResultFile.chain(of: path)
    do throws(HDF5Error) { try self.init(chain, path) } catch { throw ResultFileError(error) }
  }

  private init(
    _ chain: (steps: [ProcessStep], versions: [String: String]), _ path: String
  ) throws(HDF5Error) {
    let file = try HDF5File(opening: path)
    let entry = try file.root.group("entry")
    title = try entry.contains("title") ? try entry.dataset("title").string() : ""
    steps = chain.steps
    versions = chain.versions
    quantities = []
    for name in try Self.resultNames(in: entry) {
      let group = try entry.group(name)
      quantities.append(Quantity(name: name, attributes: try Self.attributes(of: group)))
    }
  }

  /// The listed results in their order; in the file's where it does not tell.
  static func resultNames(in entry: borrowing HDF5Group) throws(HDF5Error) -> [String] {
    let listed = try entry.attributeStrings("results") ?? []
    let present = try entry.children().filter { child in
      child.kind == .group && !child.name.hasPrefix("process_")
    }.map(\.name)
    return listed.filter(present.contains) + present.filter { !listed.contains($0) }
  }

  /// Every attribute as text; numbers in the shortest form that reads back equal.
  static func attributes(of group: borrowing HDF5Group) throws(HDF5Error) -> [String: String] {
    var texts: [String: String] = [:]
    for name in try group.attributeNames() {
      do {
        texts[name] = try group.attributeStrings(name)?.joined(separator: ", ")
      } catch {
        // Not text: then it has to be numbers, or the file is not one of dpc's.
        texts[name] = try group.attributeValues(name, as: Double.self)?
          .map { "\($0)" }.joined(separator: ", ")
      }
    }
    return texts
  }
}
