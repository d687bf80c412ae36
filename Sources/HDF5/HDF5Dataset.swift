// An open dataset and the reading of its numbers.
internal import CHDF5

/// An open dataset.
public struct HDF5Dataset: ~Copyable, Sendable, HDF5Object {
  private let handle: Handle
  let place: Place
  /// What the dataset is.
  public let description: HDF5DatasetDescription

  public var identity: HDF5Identity { HDF5Identity(id: handle.id, place: place) }
  /// The path by which the dataset was opened.
  public var path: String { place.object ?? "" }
  /// Empty for a scalar.
  public var shape: [Int] { description.shape }

  init(handle: consuming Handle, place: Place) throws(HDF5Error) {
    description = try HDF5DatasetDescription(dataset: handle.id, place: place)
    self.handle = handle
    self.place = place
  }

  /// A dataset of which nothing need be asked.
  init(handle: consuming Handle, place: Place, description: HDF5DatasetDescription) {
    self.description = description
    self.handle = handle
    self.place = place
  }

  var id: hid_t { handle.id }

  /// Reads the whole dataset, the last axis fastest.
  public func values<Number: HDF5Number>(
    as type: Number.Type = Number.self
  ) throws(HDF5Error) -> [Number] {
    try values(of: HDF5Region(wholeOf: shape), as: type)
  }

  /// Reads a block, the last axis fastest.
  public func values<Number: HDF5Number>(
    of region: HDF5Region, as type: Number.Type = Number.self
  ) throws(HDF5Error) -> [Number] {
    try checkReadable(region, as: Number.hdf5Type)
    var values = [Number](repeating: .zero, count: region.elementCount)
    try values.withUnsafeMutableBufferPointer { buffer throws(HDF5Error) in
      try readChecked(region, into: buffer)
    }
    return values
  }

  /// Reads a dataset that holds one number, whatever its rank.
  public func scalar<Number: HDF5Number>(
    as type: Number.Type = Number.self
  ) throws(HDF5Error) -> Number {
    guard shape.reduce(1, *) == 1 else {
      throw place.error(.mismatch, "read", "one number is wanted, its shape is \(shape)")
    }
    guard let value = try values(as: type).first else {
      throw place.error(.mismatch, "read", "it holds no number")
    }
    return value
  }

  /// Reads a block into memory that is there already, for streams.
  public func read<Number: HDF5Number>(
    _ region: HDF5Region, into buffer: UnsafeMutableBufferPointer<Number>
  ) throws(HDF5Error) {
    try checkReadable(region, as: Number.hdf5Type)
    guard buffer.count == region.elementCount else {
      throw place.error(
        .mismatch, "read", "\(region.elementCount) elements do not fit a buffer of \(buffer.count)")
    }
    try readChecked(region, into: buffer)
  }

  /// Reads a block into memory that is there already, for streams.
  public func read<Number: HDF5Number>(
    _ region: HDF5Region, into span: inout MutableSpan<Number>
  ) throws(HDF5Error) {
    try span.withUnsafeMutableBufferPointer { buffer throws(HDF5Error) in
      try read(region, into: buffer)
    }
  }

  private func readChecked<Number: HDF5Number>(
    _ region: HDF5Region, into buffer: UnsafeMutableBufferPointer<Number>
  ) throws(HDF5Error) {
    guard let base = buffer.baseAddress, !buffer.isEmpty else { return }
    try readChecked(region, as: Number.hdf5Type, into: base)
  }

  /// Reads a block that was checked into memory for as many numbers of this type.
  func readChecked(
    _ region: HDF5Region, as type: HDF5NumberType, into target: UnsafeMutableRawPointer
  ) throws(HDF5Error) {
    let selection = try Selection(region, of: handle.id, rank: shape.count, place: place)
    let transfer = TransferLists.forNumbers(region.elementCount)
    // SAFETY: the memory holds as many elements of this memory type as the selection.
    try Library.checked("read", place) { [id = handle.id] in
      H5Dread(
        id, type.memoryType, selection.memory.id, selection.file.id, transfer, target)
    }
  }

  private func checkReadable(_ region: HDF5Region, as type: HDF5NumberType) throws(HDF5Error) {
    guard type.canHold(description.element) else {
      throw place.error(.mismatch, "read", "\(description.element) cannot be read as \(type)")
    }
    try checkSource(region)
  }
}

/// The same block in a dataset and in memory.
struct Selection: ~Copyable {
  let file: Handle
  let memory: Handle

  init(_ region: HDF5Region, of dataset: hid_t, rank: Int, place: Place) throws(HDF5Error) {
    let selected = try Handle("select in", place) { H5Dget_space(dataset) }
    let count = region.count.map { hsize_t($0) }
    if rank > 0 {
      let offset = region.offset.map { hsize_t($0) }
      try Library.checked("select in", place) {
        H5Sselect_hyperslab(selected.id, H5S_SELECT_SET, offset, nil, count, nil)
      }
    }
    memory = try Handle("select in", place) {
      rank > 0 ? H5Screate_simple(Int32(rank), count, nil) : H5Screate(H5S_SCALAR)
    }
    file = selected
  }
}
