// How the frames of an acquisition are stored, before anything of them is read.
internal import HDF5
internal import STEMCore
internal import ShownText

/// Shape and storage of the frames.
struct FramePlan {
  let frameCount: Int
  let segmentCount: Int
  let shape: GridShape
  let hasFrameAxis: Bool
  /// nil where the file states none that is known.
  let unit: SignalUnit?
  let element: HDF5ElementType
  private let storage: HDF5Storage
  private let filters: [HDF5Filter]

  init(_ description: HDF5DatasetDescription, unit: SignalUnit?) {
    let sides = description.shape
    hasFrameAxis = sides.count == 4
    frameCount = hasFrameAxis ? sides[0] : 1
    segmentCount = sides[sides.count - 3]
    shape = GridShape(rows: sides[sides.count - 2], columns: sides[sides.count - 1])
    element = description.element
    storage = description.storage
    filters = description.filters
    self.unit = unit
  }

  /// The largest number of an integer type; nil for floating point.
  var saturationLevel: Double? {
    guard case .integer(_, let bits, let isSigned) = element else { return nil }
    var level = 1.0
    for _ in 0..<(isSigned ? bits - 1 : bits) { level *= 2 }
    return level - 1
  }

  var layout: String {
    let names = filters.map(\.name)
    let suffix = names.isEmpty ? "" : ", " + names.joined(separator: ", ")
    switch storage {
    case .chunked(let chunk):
      return "chunks of \(chunk.map(String.init).joined(separator: "×"))" + suffix
    case .compact: return "compact"
    default: return "contiguous"
    }
  }

  /// Frames and rows of a chunk; nil where nothing is chunked.
  var chunkSides: (frames: Int, rows: Int)? {
    chunk.map { chunk in
      (hasFrameAxis ? min(chunk[0], frameCount) : 1, min(chunk[chunk.count - 2], shape.rows))
    }
  }

  private var chunk: [Int]? {
    guard case .chunked(let chunk) = storage else { return nil }
    return chunk
  }

  /// A band of whole chunks, of a megabyte or more where chunks are flat.
  var preferredRowCount: Int {
    let rowBytes = max(1, 8 * segmentCount * shape.columns)
    let wanted = max(1, min(shape.rows, (1 << 20) / rowBytes))
    guard let chunk else { return wanted }
    let chunkRows = max(1, min(chunk[chunk.count - 2], shape.rows))
    return (wanted + chunkRows - 1) / chunkRows * chunkRows
  }

  /// Room for every chunk that one row of one frame passes through; nil where nothing is chunked.
  func cacheBytes(atMost limit: Int) -> Int? {
    guard let chunk else { return nil }
    let sides = hasFrameAxis ? [1] : []
    let touched = zip(chunk, sides + [segmentCount, 1, shape.columns]).map { chunk, side in
      (side + chunk - 1) / max(1, chunk)
    }
    let elements = (chunk + touched).reduce(1) { product, side in
      let (next, overflow) = product.multipliedReportingOverflow(by: max(1, side))
      return overflow ? limit : min(limit, next)
    }
    return min(limit, max(1 << 20, 8 * elements))
  }
}

extension ItemReader {
  /// No segmented detector has more; a larger number is another axis.
  private static let maximumSegments = 1024

  /// Finds the frames and refuses what cannot be read as such.
  func framePlan() throws(AcquisitionError) -> FramePlan {
    var problems = FileProblems()
    let plan = try framePlan(gathering: &problems)
    if let error = problems.joined { throw error }
    return plan
  }

  /// Finds the frames; a unit that is none is gathered.
  ///
  /// - Throws: ``AcquisitionError`` for frames of which no plan can be made.
  func framePlan(gathering problems: inout FileProblems) throws(AcquisitionError) -> FramePlan {
    let path = AcquisitionPath.frames
    guard try contains(path) else { throw try notAnAcquisition() }
    let dataset = try reading { () throws(HDF5Error) in try file.root.dataset(path) }
    let units = try reading { () throws(HDF5Error) in try dataset.attributeString("units") }
    let description = dataset.description
    let shape = description.shape
    guard shape.count == 3 || shape.count == 4 else {
      throw failure(
        .wrongShape, path, "it has \(shape.count) axes: \(shape)",
        "frames are [segment, y, x] or [frame, segment, y, x]")
    }
    guard shape.allSatisfy({ $0 > 0 }) else {
      throw failure(.wrongShape, path, "its shape \(shape) holds nothing")
    }
    guard shape[shape.count - 3] <= Self.maximumSegments else {
      throw failure(
        .wrongShape, path, "its shape \(shape) would be \(shape[shape.count - 3]) segments",
        "frames are [segment, y, x] or [frame, segment, y, x]")
    }
    switch description.element {
    case .integer, .float: break
    default:
      throw failure(
        .unsupported, path, "its numbers are of the type \(description.element)",
        "frames are integers or floating-point numbers")
    }
    try reading { () throws(HDF5Error) in try dataset.checkReadable() }
    try checkNumbers(dataset)
    return FramePlan(description, unit: problems.read(try signalUnit(units, of: path)))
  }

  func signalUnit(_ units: String?, of path: String) throws(AcquisitionError) -> SignalUnit {
    switch units {
    case "electrons", "electron", "e", "e-": return .electrons
    case "counts", "count": return .counts
    case "fraction": return .fraction
    case nil:
      throw failure(
        .wrongUnit, path, "its unit is missing",
        "give the attribute units as electrons, counts or fraction" + misnamedUnit(of: path))
    case .some(let other):
      throw failure(
        .wrongUnit, path, "\"\(Shown.clipped(other))\" is no unit of a signal",
        "give the attribute units as electrons, counts or fraction")
    }
  }

  func notAnAcquisition() throws(AcquisitionError) -> AcquisitionError {
    if try reading({ () throws(HDF5Error) in try ForeignFile.isResult(file.root) }) {
      return AcquisitionError(
        kind: .notAnAcquisition, file: file.path,
        reason: "it is a result of dpc, not a segmented-detector acquisition",
        remedy: "dpc provenance \(file.path) tells what it holds and how it was made")
    }
    let foreign = try reading { () throws(HDF5Error) in try ForeignFile.name(file.root) }
    // In another program's file a group called data is that program's.
    let near = misnamed(for: AcquisitionPath.frames).flatMap {
      foreign == nil || $0.path.hasPrefix(AcquisitionPath.entry) ? $0 : nil
    }
    return AcquisitionError(
      kind: .notAnAcquisition, file: file.path,
      reason: "it is HDF5 but not a segmented-detector acquisition"
        + (foreign.map { " (it looks like \($0))" } ?? ""),
      remedy:
        "there is no dataset \(AcquisitionPath.frames)"
        + (near.map { "; \($0.words)" } ?? "")
        + "; how an acquisition is laid out, and how to write"
        + " one with Python, stands in Sources/STEMData/STEMData.docc/Files.md")
  }
}
