// result.h5: every listed quantity as NXdata, and the chain of steps that made it as NXprocess.
internal import HDF5

/// The value of an attribute.
public enum ResultAttribute: Sendable, Equatable {
  case text(String)
  case number(Double)
}

/// The numbers of a map, formed when the file is closed: NaN is "no measurement".
public struct FormedNumbers: Sendable {
  let form: @Sendable (_ positions: Range<Int>, UnsafeMutableBufferPointer<Float>) -> Void

  /// - Parameter form: Writes the numbers at some positions, row after row, to the memory that it is given;
  ///   called from several threads.
  public init(
    _ form: @escaping @Sendable (_ positions: Range<Int>, UnsafeMutableBufferPointer<Float>) -> Void
  ) {
    self.form = form
  }
}

/// One dataset of a quantity.
public struct ResultDataset: Sendable {
  /// How the numbers are stored.
  public enum Values: Sendable {
    /// Stored as float32.
    case float32(FormedNumbers)
    case float64([Double])
    case uint8([UInt8])
  }
  public var name: String
  /// Empty for a scalar.
  public var shape: [Int]
  /// Row-major.
  public var values: Values
  /// As in the `units` attribute; empty for dimensionless.
  public var unit: String

  public init(_ name: String, shape: [Int], values: Values, unit: String) {
    self.name = name
    self.shape = shape
    self.values = values
    self.unit = unit
  }
}

/// An axis of a quantity: its coordinates.
public struct ResultAxis: Sendable, Equatable {
  public var name: String
  /// One coordinate for each row, column or sample, in `unit`.
  public var values: [Double]
  /// As in the `units` attribute.
  public var unit: String

  public init(_ name: String, values: [Double], unit: String) {
    self.name = name
    self.values = values
    self.unit = unit
  }
}

/// A listed result: an NXdata group named as its stage.
public struct ResultGroup: Sendable {
  public var name: String
  public var quantity: String
  public var title: String
  /// Name of the dataset that is plotted by default.
  public var signal: String
  /// Further datasets of the signal's shape worth plotting beside it.
  public var auxiliarySignals: [String]
  public var axes: [ResultAxis]
  public var datasets: [ResultDataset]
  public var attributes: [String: ResultAttribute]

  public init(
    name: String, quantity: String, title: String, signal: String,
    auxiliarySignals: [String] = [], axes: [ResultAxis], datasets: [ResultDataset],
    attributes: [String: ResultAttribute] = [:]
  ) {
    self.name = name
    self.quantity = quantity
    self.title = title
    self.signal = signal
    self.auxiliarySignals = auxiliarySignals
    self.axes = axes
    self.datasets = datasets
    self.attributes = attributes
  }
}

/// One step of the chain that made a result. No date, host or path: the same plan, the same bytes.
public struct ProcessStep: Sendable, Equatable, Encodable {
  public var stage: String
  public var type: String
  public var algorithmVersion: Int
  /// Key and value as a manifest would write them, files as `$name`.
  public var parameters: [String: String]
  /// Input port to `stage.port`.
  public var inputs: [String: String]
  /// Name of the input to the SHA-256 of its bytes.
  public var files: [String: String]
  /// SHA-256 of the step's cache key.
  public var key: String
  /// What the step found, assumed and warned of, in words.
  public var statements: [String]

  public init(
    stage: String, type: String, algorithmVersion: Int, parameters: [String: String],
    inputs: [String: String], files: [String: String], key: String, statements: [String] = []
  ) {
    self.stage = stage
    self.type = type
    self.algorithmVersion = algorithmVersion
    self.parameters = parameters
    self.inputs = inputs
    self.files = files
    self.key = key
    self.statements = statements
  }
}

/// A whole result file.
public struct ResultFile: Sendable {
  public var title: String
  public var groups: [ResultGroup]
  public var chain: [ProcessStep]
  /// `dpc` and the libraries under it, with their versions.
  public var versions: [String: String]

  public init(
    title: String, groups: [ResultGroup], chain: [ProcessStep], versions: [String: String]
  ) {
    self.title = title
    self.groups = groups
    self.chain = chain
    self.versions = versions
  }

  /// Writes a new file; equal results give equal bytes.
  ///
  /// - Parameters:
  ///   - path: Of a file that is not there yet.
  ///   - observer: Sees all bytes of the file, in their order; called by one thread at a time.
  public func write(
    to path: String, shownTo observer: (@Sendable (UnsafeRawBufferPointer) -> Void)? = nil
  ) throws {
    try HDF5File.create(path, shownTo: observer) { root in
      try root.setAttribute("NX_class", to: "NXroot")
      try root.setAttribute("default", to: "entry")
      let entry = try root.createGroup("entry")
      try entry.setAttribute("NX_class", to: "NXentry")
      if let first = groups.first { try entry.setAttribute("default", to: first.name) }
      // A group's members have no order of their own; with it the file can be made again.
      if !groups.isEmpty { try entry.setAttribute("results", to: groups.map(\.name)) }
      if !versions.isEmpty { try entry.setAttribute("versions", to: Self.lines(versions)) }
      try entry.write("title", title)
      for group in groups { try Self.write(group, to: entry) }
      for (index, step) in chain.enumerated() {
        try HDF5Library.together { try write(step, index: index + 1, to: entry) }
      }
    }
  }

  private static func write(_ group: ResultGroup, to entry: borrowing HDF5Group) throws {
    let data = try entry.createGroup(group.name)
    try HDF5Library.together { try describe(group, in: data) }
    for dataset in group.datasets { try write(dataset, to: data) }
  }

  /// Writes everything but the group's datasets.
  private static func describe(_ group: ResultGroup, in data: borrowing HDF5Group) throws {
    try data.setAttribute("NX_class", to: "NXdata")
    try data.setAttribute("quantity", to: group.quantity)
    try data.setAttribute("signal", to: group.signal)
    if !group.auxiliarySignals.isEmpty {
      try data.setAttribute("auxiliary_signals", to: group.auxiliarySignals)
    }
    if !group.axes.isEmpty {
      try data.setAttribute("axes", to: group.axes.map(\.name))
      for (index, axis) in group.axes.enumerated() {
        try data.setAttribute("\(axis.name)_indices", to: [index])
      }
    }
    try data.write("title", group.title)
    for (name, attribute) in group.attributes.sorted(by: { $0.key < $1.key }) {
      switch attribute {
      case .text(let text): try data.setAttribute(name, to: text)
      case .number(let number): try data.setAttribute(name, to: number)
      }
    }
    for axis in group.axes {
      let dataset = try data.write(axis.name, axis.values, shape: [axis.values.count])
      try dataset.setAttribute("units", to: axis.unit)
    }
  }

  private static func write(_ dataset: ResultDataset, to data: borrowing HDF5Group) throws {
    func finish(_ written: borrowing HDF5Dataset) throws {
      try HDF5Library.together {
        try written.setAttribute("units", to: dataset.unit)
        try written.setAttribute("long_name", to: label(of: dataset))
      }
    }
    switch dataset.values {
    case .float32(let numbers):
      try finish(
        data.createDataset(dataset.name, shape: dataset.shape, formedBy: numbers.form))
    case .float64(let values):
      try finish(data.write(dataset.name, values, shape: dataset.shape))
    case .uint8(let values):
      try finish(
        data.createDataset(dataset.name, shape: dataset.shape) { positions, target in
          _ = target.update(fromContentsOf: values[positions])
        })
    }
  }

  private static func label(of dataset: ResultDataset) -> String {
    let name = dataset.name.split(separator: "_").joined(separator: " ")
    return dataset.unit.isEmpty ? name : "\(name) (\(dataset.unit))"
  }

  private func write(
    _ step: ProcessStep, index: Int, to entry: borrowing HDF5Group
  ) throws {
    let number = String(repeating: "0", count: index < 10 ? 1 : 0) + "\(index)"
    let group = try entry.createGroup("process_\(number)_\(step.stage)")
    try group.setAttribute("NX_class", to: "NXprocess")
    try group.setAttribute("stage", to: step.stage)
    try group.setAttribute("stage_type", to: step.type)
    try group.setAttribute("algorithm_version", to: step.algorithmVersion)
    try group.setAttribute("key", to: step.key)
    for (name, texts) in [
      ("parameters", step.parameters), ("inputs", step.inputs), ("files", step.files),
    ] where !texts.isEmpty {
      try group.setAttribute(name, to: Self.lines(texts))
    }
    try group.write("program", "dpc")
    try group.write("version", versions["dpc"] ?? "")
    try group.write("sequence_index", index)
    if !step.statements.isEmpty { try group.write("statements", step.statements) }
  }

  /// "KEY: VALUE" of each, in order: what a manifest would say. In one attribute, since of many small items the
  /// library is slow to write each.
  private static func lines(_ texts: [String: String]) -> [String] {
    texts.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
  }
}
