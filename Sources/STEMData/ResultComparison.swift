// Two result files held against each other: how they were made, and number by number.
internal import HDF5

/// What distinguishes two result files.
public struct ResultComparison: Sendable, Equatable {
  /// One dataset that both files hold, or one of them.
  public struct Dataset: Sendable, Equatable {
    /// "GROUP/DATASET".
    public var name: String
    public var unit: String
    public var outcome: Outcome
  }

  /// How the two datasets compare.
  public enum Outcome: Sendable, Equatable {
    /// The same shape, type, unit and values; NaN equals NaN, zero equals minus zero.
    case identical
    case numbers(NumberDifference)
    case onlyInFirst
    case onlyInSecond
    /// Shape, element type, unit or text; each as "A -> B".
    case described(String)
  }

  /// Steps, their parameters, connections and files; empty for equal chains.
  public var chain: [ResultChange] = []
  /// Attributes of quantities; empty where all agree.
  public var attributes: [ResultChange] = []
  /// Name of the pipeline, and versions: they do not count as a difference.
  public var remarks: [ResultChange] = []
  public var datasets: [Dataset] = []

  public var differingDatasets: [Dataset] { datasets.filter { $0.outcome != .identical } }
  /// Every dataset of one file is in the other, with equal values.
  public var isIdenticalData: Bool { differingDatasets.isEmpty }
  /// Data, attributes and chain agree.
  public var isIdentical: Bool { isIdenticalData && chain.isEmpty && attributes.isEmpty }

  /// Compares two files.
  public init(_ first: String, _ second: String) throws(ResultFileError) {
    let (a, b) = (try ResultContents(reading: first), try ResultContents(reading: second))
    do throws(HDF5Error) { try self.init(first, a, second, b) } catch {
      throw ResultFileError(error)
    }
  }

  private init(
    _ first: String, _ a: ResultContents, _ second: String, _ b: ResultContents
  ) throws(HDF5Error) {
    chain = ChainDifference.entries(a.steps, b.steps)
    remarks =
      ChainDifference.changes(a.versions, b.versions)
      + ChainDifference.changes(["pipeline": a.title], ["pipeline": b.title])
    let names = Self.union(a.quantities.map(\.name), b.quantities.map(\.name))
    let firstFile = try HDF5File(opening: first)
    let secondFile = try HDF5File(opening: second)
    let firstEntry = try firstFile.root.group("entry")
    let secondEntry = try secondFile.root.group("entry")
    for name in names {
      let texts = [a, b].map { file in file.quantities.first { $0.name == name }?.attributes }
      if let first = texts[0], let second = texts[1] {
        attributes += ChainDifference.changes(first, second).map { $0.named("\(name): ") }
      }
      try compare(name, firstEntry, secondEntry)
    }
  }

  private mutating func compare(
    _ group: String, _ first: borrowing HDF5Group, _ second: borrowing HDF5Group
  ) throws(HDF5Error) {
    let a = try Self.datasetNames(of: group, in: first)
    let b = try Self.datasetNames(of: group, in: second)
    for name in Self.union(a, b) {
      let path = "\(group)/\(name)"
      if !b.contains(name) {
        datasets.append(Dataset(name: path, unit: "", outcome: .onlyInFirst))
      } else if !a.contains(name) {
        datasets.append(Dataset(name: path, unit: "", outcome: .onlyInSecond))
      } else {
        datasets.append(try Self.dataset(path, first.dataset(path), second.dataset(path)))
      }
    }
  }

  private static func dataset(
    _ path: String, _ first: borrowing HDF5Dataset, _ second: borrowing HDF5Dataset
  ) throws(HDF5Error) -> Dataset {
    let (a, b) = (first.description, second.description)
    let unit = try first.attributeString("units") ?? ""
    let otherUnit = try second.attributeString("units") ?? ""
    var outcome = Outcome.identical
    if unit != otherUnit {
      outcome = .described("unit \(unit) -> \(otherUnit)")
    } else if a.shape != b.shape {
      outcome = .described("shape \(a.shape) -> \(b.shape)")
    } else if isText(a.element), isText(b.element) {
      let (one, other) = (try first.strings(), try second.strings())
      if one != other { outcome = .described("\(one.joined()) -> \(other.joined())") }
    } else if a.element != b.element {
      outcome = .described("type \(a.element) -> \(b.element)")
    } else {
      let difference = NumberDifference(
        try first.values(), try second.values(), shape: a.shape,
        precision: a.element == .float(bytes: 4)
          ? .float32 : a.element == .float(bytes: 8) ? .float64 : .integer)
      if let difference { outcome = .numbers(difference) }
    }
    return Dataset(name: path, unit: unit, outcome: outcome)
  }

  private static func isText(_ element: HDF5ElementType) -> Bool {
    switch element {
    case .fixedString, .variableString: return true
    default: return false
    }
  }

  /// The datasets of a group; none where there is no such group.
  private static func datasetNames(
    of group: String, in entry: borrowing HDF5Group
  ) throws(HDF5Error) -> [String] {
    guard try entry.contains(group) else { return [] }
    return try entry.group(group).children().filter { $0.kind == .dataset }.map(\.name)
  }

  /// The first list, then what only the second has.
  private static func union(_ first: [String], _ second: [String]) -> [String] {
    first + second.filter { !first.contains($0) }
  }
}
