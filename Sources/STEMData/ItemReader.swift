// Reads single items of an acquisition: a number in its unit, a word, an array.
internal import HDF5
internal import ShownText

/// Reads items from an open file and refuses what cannot be true, naming the dataset.
struct ItemReader: ~Copyable {
  let file: HDF5File

  init(path: String) throws(AcquisitionError) {
    file = try reading { () throws(HDF5Error) in try HDF5File(opening: path) }
  }

  func failure(
    _ kind: AcquisitionError.Kind, _ object: String, _ reason: String, _ remedy: String? = nil
  ) -> AcquisitionError {
    AcquisitionError(
      kind: kind, file: file.path, object: object, reason: reason, remedy: remedy)
  }

  /// - Throws: ``AcquisitionError`` also where a soft link to nothing stands there: something was to be stated.
  func contains(_ path: String) throws(AcquisitionError) -> Bool {
    try reading { () throws(HDF5Error) in
      try file.root.contains(path, refusesDeadEnds: true)
    }
  }

  /// Opens a dataset of numbers for `body`; nil where there is none.
  ///
  /// - Throws: ``AcquisitionError`` where other numbers would be read than those that were to be stored.
  func numbers<Value>(
    _ path: String, _ body: (borrowing HDF5Dataset) throws(HDF5Error) -> Value
  ) throws(AcquisitionError) -> Value? {
    guard try contains(path) else { return nil }
    let dataset = try reading { () throws(HDF5Error) in try file.root.dataset(path) }
    try checkNumbers(dataset)
    return try reading { () throws(HDF5Error) in try body(dataset) }
  }

  /// A text; nil where it is not in the file.
  func text(_ path: String) throws(AcquisitionError) -> String? {
    guard try contains(path) else { return nil }
    return try reading { () throws(HDF5Error) in try file.root.dataset(path).string() }
  }

  /// A word out of a fixed set; nil where it is not in the file.
  func word<Word: RawRepresentable<String>>(
    _ path: String, among words: [Word]
  ) throws(AcquisitionError) -> Word? {
    guard let text = try text(path) else { return nil }
    if let word = words.first(where: { $0.rawValue == text }) { return word }
    throw failure(
      .unknownWord, path, "\"\(Shown.clipped(text))\" is not known",
      "write \(words.map(\.rawValue).joined(separator: " or "))")
  }

  /// A number in SI units within its range; nil where it is not in the file.
  func quantity(
    _ path: String, _ dimension: Dimension, within range: PlausibleRange
  ) throws(AcquisitionError) -> Double? {
    guard let value = try unchecked(path, dimension) else { return nil }
    if let complaint = range.complaint(value) { throw failure(.implausible, path, complaint) }
    return value
  }

  /// A number in SI units, NaN included; nil where it is not in the file.
  func unchecked(_ path: String, _ dimension: Dimension) throws(AcquisitionError) -> Double? {
    let stated = try numbers(path) { dataset throws(HDF5Error) in
      (try dataset.scalar(as: Double.self), try dataset.attributeString("units"))
    }
    guard let (value, units) = stated else { return nil }
    return try unit(units, of: path, dimension).toSI(value)
  }

  /// One finite number a segment (or a frame), in SI units; nil where it is not in the file.
  ///
  /// - Parameter count: How many there must be; nil where that is not known: then there may be any.
  func list(
    _ path: String, _ dimension: Dimension, count: Int?, each item: String = "segment"
  ) throws(AcquisitionError) -> [Double]? {
    let stated = try numbers(path) { dataset throws(HDF5Error) in
      let isExpected = count.map { dataset.shape == [$0] } ?? true
      return (
        dataset.shape, try dataset.attributeString("units"),
        isExpected ? try dataset.values(as: Double.self) : []
      )
    }
    guard let (shape, units, values) = stated else { return nil }
    if let count, shape != [count] {
      throw failure(
        .wrongShape, path, "its shape is \(shape), but the frames have \(count) \(item)s",
        item == "segment"
          ? "it needs one number for each segment, and frames are [segment, y, x]"
          : "it needs one number for each \(item)")
    }
    let unit = try unit(units, of: path, dimension)
    if let index = values.firstIndex(where: { !$0.isFinite }) {
      throw failure(
        .implausible, path, "the number of \(item) \(index) is \(NumberText.plain(values[index]))")
    }
    return values.map { unit.toSI($0) }
  }

  func unit(
    _ spelling: String?, of path: String, _ dimension: Dimension
  ) throws(AcquisitionError) -> FileUnit {
    let remedy = "give the attribute units as \(FileUnit.examples(dimension))"
    guard let spelling = spelling ?? (dimension == .number ? "" : nil) else {
      throw failure(.wrongUnit, path, "its unit is missing", remedy + misnamedUnit(of: path))
    }
    guard let unit = FileUnit.named(spelling, dimension) else {
      throw failure(
        .wrongUnit, path,
        spelling.allSatisfy(\.isWhitespace)
          ? "its attribute units is empty, \(dimension.withArticle) needs a unit"
          : "\"\(Shown.clipped(spelling))\" is no unit of \(dimension.withArticle)", remedy)
    }
    return unit
  }

  /// What must be there.
  func required<Value>(_ value: Value?, _ path: String) throws(AcquisitionError) -> Value {
    guard let value else {
      throw failure(
        .missing, path, "it is missing",
        "nothing can be reconstructed without it"
          + (misnamed(for: path).map { "; \($0.words)" } ?? ""))
    }
    return value
  }
}
