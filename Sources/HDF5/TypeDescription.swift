// Asks the library what a type, a dataspace and a creation list say.
internal import CHDF5

extension HDF5ElementType {
  /// Describes a type of the library.
  init(type: hid_t, place: Place) throws(HDF5Error) {
    let bytes = Library.locked(place.file) { H5Tget_size(type) }
    switch Library.locked(place.file, { H5Tget_class(type) }) {
    case H5T_INTEGER:
      let sign = try Library.checked("read the type of", place) { H5Tget_sign(type).rawValue }
      let bits = Library.locked(place.file) { H5Tget_precision(type) }
      self = .integer(bytes: bytes, bits: bits, isSigned: sign != Int32(H5T_SGN_NONE.rawValue))
    case H5T_FLOAT: self = .float(bytes: bytes)
    case H5T_STRING:
      let isVariable = try Library.checked("read the type of", place) {
        H5Tis_variable_str(type)
      }
      self = isVariable > 0 ? .variableString : .fixedString(bytes: bytes)
    case H5T_COMPOUND: self = .other("compound (a complex number or a record)")
    case H5T_ENUM: self = .other("enumeration")
    case H5T_REFERENCE: self = .other("reference")
    case H5T_OPAQUE: self = .other("opaque")
    case H5T_BITFIELD: self = .other("bit field")
    case H5T_VLEN: self = .other("variable-length sequence")
    case H5T_ARRAY: self = .other("array")
    case H5T_TIME: self = .other("time")
    default: self = .other("unknown type")
    }
  }

  /// Bytes of one element in the file; a variable string holds a reference of 16.
  var storedBytes: Int {
    switch self {
    case .integer(let bytes, _, _), .float(let bytes), .fixedString(let bytes): bytes
    case .variableString, .other: 16
    }
  }
}

/// The extent of a dataspace of the library.
struct Extent {
  /// Empty for a scalar, [0] for no value at all.
  let shape: [Int]

  init(space: hid_t, place: Place) throws(HDF5Error) {
    if Library.locked(place.file, { H5Sget_simple_extent_type(space) }) == H5S_NULL {
      shape = [0]
      return
    }
    let rank = try Library.checked("read the shape of", place) {
      H5Sget_simple_extent_ndims(space)
    }
    var sides = [hsize_t](repeating: 0, count: Int(rank))
    try Library.checked("read the shape of", place) {
      H5Sget_simple_extent_dims(space, &sides, nil)
    }
    var count = 1
    for side in sides {
      let (product, overflow) = count.multipliedReportingOverflow(by: Int(clamping: side))
      // 16 bytes an element is the most that any read allocates.
      guard !overflow, product <= Int.max / 16 else {
        throw place.error(
          .implausibleSize, "read",
          "it claims \(sides.map(String.init).joined(separator: "×")) elements, more than fit memory"
        )
      }
      count = product
    }
    var shape: [Int] = []
    for side in sides {
      // Beside a side of zero any other one passes for no elements at all.
      guard let side = Int(exactly: side) else {
        throw place.error(.damaged, "read the shape of", "it claims a side of \(side) elements")
      }
      shape.append(side)
    }
    self.shape = shape
  }
}

extension HDF5DatasetDescription {
  /// Describes an open dataset without reading any of it.
  init(dataset: hid_t, place: Place) throws(HDF5Error) {
    let space = try Handle("read the shape of", place) { H5Dget_space(dataset) }
    shape = try Extent(space: space.id, place: place).shape
    let type = try Handle("read the type of", place) { H5Dget_type(dataset) }
    element = try HDF5ElementType(type: type.id, place: place)
    let creation = try Handle("read the layout of", place) { H5Dget_create_plist(dataset) }
    storage = try Self.storage(creation: creation.id, rank: shape.count, place: place)
    filters = try Self.filters(creation: creation.id, place: place)
    storedBytes = Int(clamping: Library.locked(place.file) { H5Dget_storage_size(dataset) })
  }

  private static func storage(
    creation: hid_t, rank: Int, place: Place
  ) throws(HDF5Error) -> HDF5Storage {
    let operation = "read the layout of"
    switch Library.locked(place.file, { H5Pget_layout(creation) }) {
    case H5D_COMPACT: return .compact
    case H5D_VIRTUAL: return .virtual
    case H5D_CHUNKED:
      var sides = [hsize_t](repeating: 0, count: max(1, rank))
      try Library.checked(operation, place) {
        H5Pget_chunk(creation, Int32(rank), &sides)
      }
      return .chunked(shape: sides.prefix(rank).map { Int(clamping: $0) })
    case H5D_CONTIGUOUS:
      let count = try Library.checked(operation, place) { H5Pget_external_count(creation) }
      if count == 0 { return .contiguous }
      var name = [CChar](repeating: 0, count: 4096)
      var offset: off_t = 0
      var size: hsize_t = 0
      try Library.checked(operation, place) {
        H5Pget_external(creation, 0, name.count - 1, &name, &offset, &size)
      }
      let bytes = name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
      return .external(firstFile: StringDecoding.text(bytes))
    default: throw place.error(.damaged, operation, "its layout is of an unknown kind")
    }
  }

  private static func filters(creation: hid_t, place: Place) throws(HDF5Error) -> [HDF5Filter] {
    let count = try Library.checked("read the filters of", place) { H5Pget_nfilters(creation) }
    var filters: [HDF5Filter] = []
    for index in 0..<UInt32(count) {
      var flags: UInt32 = 0
      var parameterCount = 0
      var name = [CChar](repeating: 0, count: 256)
      var configuration: UInt32 = 0
      let id = try Library.checked("read the filters of", place) {
        H5Pget_filter2(
          creation, index, &flags, &parameterCount, nil, name.count - 1, &name, &configuration)
      }
      let stored = StringDecoding.text(
        name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) })
      filters.append(
        HDF5Filter(
          id: Int(id), name: KnownFilter.name(of: Int(id)) ?? (stored.isEmpty ? "?" : stored),
          isAvailable: Library.locked(place.file) { H5Zfilter_avail(H5Z_filter_t(id)) } > 0))
    }
    return filters
  }
}
