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
    try createDataset(
      path, type: Number.hdf5Type.storedType, of: Number.hdf5Type.element, shape: shape,
      layout: layout)
  }

  /// Creates a dataset in one piece, whose numbers are formed when its file is closed.
  ///
  /// - Parameters:
  ///   - path: Of the new dataset.
  ///   - shape: Of the dataset, the last axis fastest.
  ///   - form: Writes the numbers at some positions; called from several threads, in any order, once for
  ///     each position.
  /// - Precondition: the group is one of a file that is being created.
  public func createDataset<Number: HDF5Number>(
    _ path: String, shape: [Int],
    formedBy form: @escaping @Sendable (Range<Int>, UnsafeMutableBufferPointer<Number>) -> Void
  ) throws(HDF5Error) -> HDF5Dataset {
    guard let unfilled else { preconditionFailure("a file that is read has all its numbers") }
    let dataset = try createDataset(
      path, type: Number.hdf5Type.storedType, of: Number.hdf5Type.element, shape: shape,
      layout: .contiguous, isFilledLater: true)
    let count = shape.reduce(1, *)
    if count == 0 { return dataset }
    let address = Library.locked(place.file) { [id = dataset.id] in H5Dget_offset(id) }
    if address == CHDF5_no_address() {
      throw dataset.place.error(.library, "create", "the library gave it no place in the file")
    }
    unfilled.add(UnfilledDataset(at: Int(address), count: count, formedBy: form))
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
    try Library.together { () throws(HDF5Error) in try write(path, texts: [text], shape: []) }
  }

  /// Writes a list of texts as a new dataset.
  @discardableResult
  public func write(_ path: String, _ texts: [String]) throws(HDF5Error) -> HDF5Dataset {
    try Library.together { () throws(HDF5Error) in
      try write(path, texts: texts, shape: [texts.count])
    }
  }

  private func write(
    _ path: String, texts: [String], shape: [Int]
  ) throws(HDF5Error) -> HDF5Dataset {
    let (type, transfer) = (WritingLists.text, TransferLists.small)
    let dataset = try createDataset(
      path, type: type, of: .variableString, shape: shape, layout: .contiguous)
    let id = dataset.id
    let place = dataset.place
    try StringWriting.withPointers(to: texts) { pointers throws(HDF5Error) in
      try Library.checked("write", place) {
        H5Dwrite(id, type, CHDF5_all(), CHDF5_all(), transfer, pointers)
      }
    }
    return dataset
  }

  private func createDataset(
    _ path: String, type: hid_t, of element: HDF5ElementType, shape: [Int], layout: HDF5Layout,
    isFilledLater: Bool = false
  ) throws(HDF5Error) -> HDF5Dataset {
    try Library.together { () throws(HDF5Error) in
      try created(
        path, type: type, of: element, shape: shape, layout: layout, isFilledLater: isFilledLater)
    }
  }

  private func created(
    _ path: String, type: hid_t, of element: HDF5ElementType, shape: [Int], layout: HDF5Layout,
    isFilledLater: Bool
  ) throws(HDF5Error) -> HDF5Dataset {
    let place = self.place.appending(path)
    let space = try Selection.space(of: shape, place: place)
    if case .compressed(let chunk, let level) = layout, !shape.isEmpty {
      let creation = try Self.compressing(shape, chunk: chunk, level: level, place: place)
      return try HDF5Dataset(
        handle: createDataset(place, path, type, space.id, creation.id), place: place)
    }
    let list = isFilledLater ? WritingLists.datasetFilledLater : WritingLists.dataset
    return HDF5Dataset(
      handle: try createDataset(place, path, type, space.id, list), place: place,
      description: HDF5DatasetDescription(
        shape: shape, element: element, storage: .contiguous, filters: [], storedBytes: 0))
  }

  private func createDataset(
    _ place: Place, _ path: String, _ type: hid_t, _ space: hid_t, _ list: hid_t
  ) throws(HDF5Error) -> Handle {
    let parent = identity.id
    return try Handle("create", place) {
      H5Dcreate2(
        parent, path, type, space, CHDF5_default_properties(), list, CHDF5_default_properties())
    }
  }

  private static func compressing(
    _ shape: [Int], chunk: [Int], level: Int, place: Place
  ) throws(HDF5Error) -> Handle {
    precondition(chunk.count == shape.count, "a chunk has the rank of its dataset")
    let dataset = WritingLists.dataset
    let creation = try Handle("create", place) { H5Pcopy(dataset) }
    let list = creation.id
    let sides = zip(chunk, shape).map { hsize_t(max(1, min($0, $1))) }
    try Library.checked("create", place) { H5Pset_chunk(list, Int32(sides.count), sides) }
    try Library.checked("create", place) { H5Pset_shuffle(list) }
    try Library.checked("create", place) { H5Pset_deflate(list, UInt32(level)) }
    return creation
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

/// Text on its way to the library.
enum StringWriting {
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
