// Creating datasets and writing into them.
internal import CHDF5
internal import Glibc

/// How the elements of a new dataset are laid out.
public enum HDF5Layout: Sendable, Equatable {
  /// In one piece: quickest to write and to read.
  case contiguous
  /// In chunks of this shape, byte-shuffled and packed by deflate at a level from 1 to 9.
  case compressed(chunk: [Int], level: Int)
}

extension HDF5Group {
  /// Creates a dataset to be written block by block; what is not written reads as zero.
  public func createDataset<Number: HDF5Number>(
    _ path: String, of type: Number.Type, shape: [Int], layout: HDF5Layout = .contiguous
  ) throws(HDF5Error) -> HDF5Dataset {
    try createDataset(path, type: Number.hdf5Type.storedType, shape: shape, layout: layout)
  }

  /// Writes numbers that are formed as they are written, as a new dataset in one piece.
  ///
  /// - Parameters:
  ///   - path: Of the new dataset.
  ///   - shape: Of the dataset, the last axis fastest.
  ///   - form: Writes the numbers at some positions; called from several threads, in any order, once for
  ///     each position.
  public func write<Number: HDF5Number>(
    _ path: String, shape: [Int],
    formedBy form: @Sendable (Range<Int>, UnsafeMutableBufferPointer<Number>) -> Void
  ) throws(HDF5Error) -> HDF5Dataset {
    let dataset = try createDataset(
      path, type: Number.hdf5Type.storedType, shape: shape, layout: .contiguous,
      isWrittenWhole: true)
    try dataset.write(formedBy: form)
    return dataset
  }

  /// Writes numbers, the last axis fastest, as a new dataset.
  ///
  /// - Precondition: `shape` counts as many elements as `values`.
  @discardableResult
  public func write<Number: HDF5Number>(
    _ path: String, _ values: [Number], shape: [Int], layout: HDF5Layout = .contiguous
  ) throws(HDF5Error) -> HDF5Dataset {
    let dataset = try createDataset(path, of: Number.self, shape: shape, layout: layout)
    try dataset.write(values, to: HDF5Region(wholeOf: shape))
    return dataset
  }

  /// Writes one number as a new scalar dataset.
  @discardableResult
  public func write<Number: HDF5Number>(
    _ path: String, _ value: Number
  ) throws(HDF5Error) -> HDF5Dataset {
    try write(path, [value], shape: [])
  }

  /// Writes one text as a new scalar dataset.
  @discardableResult
  public func write(_ path: String, _ text: String) throws(HDF5Error) -> HDF5Dataset {
    try write(path, texts: [text], shape: [])
  }

  /// Writes a list of texts as a new dataset.
  @discardableResult
  public func write(_ path: String, _ texts: [String]) throws(HDF5Error) -> HDF5Dataset {
    try write(path, texts: texts, shape: [texts.count])
  }

  private func write(
    _ path: String, texts: [String], shape: [Int]
  ) throws(HDF5Error) -> HDF5Dataset {
    let type = try StringWriting.type(place: place.appending(path))
    let dataset = try createDataset(path, type: type.id, shape: shape, layout: .contiguous)
    let id = dataset.id
    let place = dataset.place
    try StringWriting.withPointers(to: texts) { pointers throws(HDF5Error) in
      try Library.checked("write", place) {
        H5Dwrite(
          id, type.id, CHDF5_all(), CHDF5_all(), CHDF5_default_properties(), pointers)
      }
    }
    return dataset
  }

  private func createDataset(
    _ path: String, type: hid_t, shape: [Int], layout: HDF5Layout, isWrittenWhole: Bool = false
  ) throws(HDF5Error) -> HDF5Dataset {
    let place = self.place.appending(path)
    let creation = try Handle("create", place) { H5Pcreate(CHDF5_dataset_creation()) }
    let list = creation.id
    try Library.checked("create", place) { H5Pset_obj_track_times(list, false) }
    // Without this, what is never written would be whatever the memory held.
    let fillTime = isWrittenWhole ? H5D_FILL_TIME_NEVER : H5D_FILL_TIME_ALLOC
    try Library.checked("create", place) { H5Pset_fill_time(list, fillTime) }
    if case .compressed(let chunk, let level) = layout, !shape.isEmpty {
      precondition(chunk.count == shape.count, "a chunk has the rank of its dataset")
      let sides = zip(chunk, shape).map { hsize_t(max(1, min($0, $1))) }
      try Library.checked("create", place) { H5Pset_chunk(list, Int32(sides.count), sides) }
      try Library.checked("create", place) { H5Pset_shuffle(list) }
      try Library.checked("create", place) { H5Pset_deflate(list, UInt32(level)) }
    }
    let space = try Selection.space(of: shape, place: place)
    let parent = identity.id
    let dataset = try Handle("create", place) {
      H5Dcreate2(
        parent, path, type, space.id, CHDF5_default_properties(), list,
        CHDF5_default_properties())
    }
    return try HDF5Dataset(handle: dataset, place: place)
  }
}

extension HDF5Dataset {
  /// Writes a block, the last axis fastest.
  ///
  /// - Precondition: the region counts as many elements as `values`.
  public func write<Number: HDF5Number>(
    _ values: [Number], to region: HDF5Region
  ) throws(HDF5Error) {
    try values.withUnsafeBufferPointer { buffer throws(HDF5Error) in
      try write(buffer, to: region)
    }
  }

  /// Writes a block, the last axis fastest.
  ///
  /// - Precondition: the region counts as many elements as `buffer`.
  public func write<Number: HDF5Number>(
    _ buffer: UnsafeBufferPointer<Number>, to region: HDF5Region
  ) throws(HDF5Error) {
    precondition(buffer.count == region.elementCount, "one value for each element of the block")
    try checkBounds(region)
    if buffer.isEmpty { return }
    let id = self.id
    let selection = try Selection(region, of: id, rank: shape.count, place: place)
    // SAFETY: the buffer holds as many elements of this memory type as the selection.
    try Library.checked("write", place) {
      H5Dwrite(
        id, Number.hdf5Type.memoryType, selection.memory.id, selection.file.id,
        CHDF5_default_properties(), buffer.baseAddress)
    }
  }
}

extension Selection {
  /// A new dataspace; a scalar for an empty shape.
  static func space(of shape: [Int], place: Place) throws(HDF5Error) -> Handle {
    let sides = shape.map { hsize_t($0) }
    return try Handle("create", place) {
      sides.isEmpty ? H5Screate(H5S_SCALAR) : H5Screate_simple(Int32(sides.count), sides, nil)
    }
  }
}

/// Text on its way to the library: UTF-8 of variable length, which every reader shows as text.
enum StringWriting {
  static func type(place: Place) throws(HDF5Error) -> Handle {
    let type = try Handle("create", place) { H5Tcopy(CHDF5_string()) }
    try Library.checked("create", place) { H5Tset_size(type.id, CHDF5_variable_size()) }
    try Library.checked("create", place) { H5Tset_cset(type.id, H5T_CSET_UTF8) }
    return type
  }

  /// Lends the texts as an array of C strings.
  static func withPointers(
    to texts: [String], _ body: (UnsafeRawPointer?) throws(HDF5Error) -> Void
  ) throws(HDF5Error) {
    let copies = UnsafeMutableBufferPointer<UnsafeMutablePointer<CChar>?>.allocate(
      capacity: texts.count)
    for (index, text) in texts.enumerated() {
      copies.initializeElement(at: index, to: strdup(text))
    }
    defer {
      copies.forEach { free($0) }
      copies.deallocate()
    }
    try body(copies.baseAddress)
  }
}
