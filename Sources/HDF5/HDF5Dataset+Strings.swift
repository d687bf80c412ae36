// Text in datasets.
internal import CHDF5
internal import Glibc

extension HDF5Dataset {
  /// Reads all strings of a dataset, fixed or variable in length.
  public func strings() throws(HDF5Error) -> [String] {
    let region = HDF5Region(wholeOf: shape)
    try checkSource(region)
    let id = self.id
    let transfer = TransferLists.small
    return try StringReading(
      holder: id, element: description.element, count: region.elementCount, place: place
    ).read { () throws(HDF5Error) in
      try Handle("read", place) { H5Dget_type(id) }
    } into: { type, buffer in
      H5Dread(
        id, type, CHDF5_all(), CHDF5_all(), transfer, buffer)
    } reclaim: { type, buffer in
      let space = H5Dget_space(id)
      defer { H5Sclose(space) }
      return H5Dvlen_reclaim(type, space, CHDF5_default_properties(), buffer)
    }
  }

  /// Reads a dataset that holds one string.
  public func string() throws(HDF5Error) -> String {
    let strings = try strings()
    guard let string = strings.first, strings.count == 1 else {
      throw place.error(.mismatch, "read", "one string is wanted, its shape is \(shape)")
    }
    return string
  }
}

/// Reads strings from a dataset or an attribute, which differ only in the calls.
struct StringReading {
  /// The dataset or attribute.
  let holder: hid_t
  let element: HDF5ElementType
  let count: Int
  let place: Place

  typealias Call = (_ type: hid_t, _ buffer: UnsafeMutableRawPointer?) -> herr_t

  func read(
    storedType: () throws(HDF5Error) -> Handle, into read: Call, reclaim: Call
  ) throws(HDF5Error) -> [String] {
    if count == 0 { return [] }
    let (bytes, overflow) = count.multipliedReportingOverflow(by: element.storedBytes)
    if overflow || bytes > TextReferences.maximumBytes {
      throw place.error(.implausibleSize, "read", "it claims \(count) times \(element)")
    }
    let type = try storedType()
    switch element {
    case .fixedString(let size): return try fixed(type: type.id, size: size, read: read)
    case .variableString: return try variable(type: type.id, read: read, reclaim: reclaim)
    default: throw place.error(.mismatch, "read", "\(element) is not text")
    }
  }

  private func fixed(type: hid_t, size: Int, read: Call) throws(HDF5Error) -> [String] {
    // SAFETY: a fixed string is the same in the file and in memory, `size` bytes an element.
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: count * size, alignment: 8)
    defer { buffer.deallocate() }
    buffer.initializeMemory(as: UInt8.self, repeating: 0)
    try Library.checked("read", place) { read(type, buffer.baseAddress) }
    let isSpacePadded = Library.locked(place.file) { H5Tget_strpad(type) } == H5T_STR_SPACEPAD
    let bytes = [UInt8](buffer)
    return (0..<count).map { index in
      StringDecoding.text(
        fixed: bytes[(index * size)..<((index + 1) * size)], isSpacePadded: isSpacePadded)
    }
  }

  private func variable(
    type: hid_t, read: Call, reclaim: Call
  ) throws(HDF5Error) -> [String] {
    try TextReferences(holder: holder, place: place).check(count: count, read: read)
    // SAFETY: a variable string in memory is one pointer, allocated and freed by the library.
    let pointers = UnsafeMutableBufferPointer<UnsafeMutablePointer<CChar>?>.allocate(
      capacity: count)
    defer { pointers.deallocate() }
    pointers.initialize(repeating: nil)
    try Library.checked("read", place) { read(type, pointers.baseAddress) }
    defer { _ = Library.locked(place.file) { reclaim(type, pointers.baseAddress) } }
    return pointers.map { pointer in
      guard let pointer else { return "" }
      let characters = UnsafeBufferPointer(start: pointer, count: strlen(pointer))
      return StringDecoding.text(characters.map { UInt8(bitPattern: $0) })
    }
  }
}
