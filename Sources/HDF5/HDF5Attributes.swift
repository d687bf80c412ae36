// Attributes of groups and datasets.
internal import CHDF5

extension HDF5Object where Self: ~Copyable {
  private var id: hid_t { identity.id }
  private var place: Place { identity.place }

  /// The names of all attributes in alphabetical order.
  public func attributeNames() throws(HDF5Error) -> [String] {
    let id = self.id
    return try Library.names("list the attributes of", place) { visitor, context in
      CHDF5_for_each_attribute(id, visitor, context)
    }
  }

  /// Whether there is an attribute of this name.
  public func hasAttribute(_ name: String) throws(HDF5Error) -> Bool {
    let id = self.id
    return try Library.checked("read", place.attribute(name)) { H5Aexists(id, name) } > 0
  }

  /// The strings of an attribute, one for a scalar; nil where there is none of this name.
  public func attributeStrings(_ name: String) throws(HDF5Error) -> [String]? {
    guard let attribute = try Attribute.find(name, of: id, place: place) else { return nil }
    return try attribute.strings()
  }

  /// The single string of an attribute; nil where there is none of this name.
  public func attributeString(_ name: String) throws(HDF5Error) -> String? {
    guard let strings = try attributeStrings(name) else { return nil }
    guard let string = strings.first, strings.count == 1 else {
      throw place.attribute(name).error(
        .mismatch, "read", "one string is wanted, it holds \(strings.count)")
    }
    return string
  }

  /// The numbers of an attribute, one for a scalar; nil where there is none of this name.
  public func attributeValues<Number: HDF5Number>(
    _ name: String, as type: Number.Type = Number.self
  ) throws(HDF5Error) -> [Number]? {
    guard let attribute = try Attribute.find(name, of: id, place: place) else { return nil }
    return try attribute.values()
  }

  /// The single number of an attribute; nil where there is none of this name.
  public func attributeValue<Number: HDF5Number>(
    _ name: String, as type: Number.Type = Number.self
  ) throws(HDF5Error) -> Number? {
    guard let values = try attributeValues(name, as: type) else { return nil }
    guard let value = values.first, values.count == 1 else {
      throw place.attribute(name).error(
        .mismatch, "read", "one number is wanted, it holds \(values.count)")
    }
    return value
  }

  /// Writes a text as an attribute.
  public func setAttribute(_ name: String, to text: String) throws(HDF5Error) {
    try Library.together { () throws(HDF5Error) in
      try writeAttribute(name, strings: [text], shape: [])
    }
  }

  /// Writes a list of texts as an attribute.
  public func setAttribute(_ name: String, to texts: [String]) throws(HDF5Error) {
    try Library.together { () throws(HDF5Error) in
      try writeAttribute(name, strings: texts, shape: [texts.count])
    }
  }

  /// Writes a number as an attribute.
  public func setAttribute<Number: HDF5Number>(
    _ name: String, to number: Number
  ) throws(HDF5Error) {
    try writeAttribute(name, numbers: [number], shape: [])
  }

  /// Writes a list of numbers as an attribute.
  public func setAttribute<Number: HDF5Number>(
    _ name: String, to numbers: [Number]
  ) throws(HDF5Error) {
    try writeAttribute(name, numbers: numbers, shape: [numbers.count])
  }

  private func writeAttribute(
    _ name: String, strings: [String], shape: [Int]
  ) throws(HDF5Error) {
    let place = self.place.attribute(name)
    let type = WritingLists.text
    let attribute = try createAttribute(name, type: type, shape: shape)
    try StringWriting.withPointers(to: strings) { pointers throws(HDF5Error) in
      try Library.checked("write", place) { H5Awrite(attribute.id, type, pointers) }
    }
    try attribute.close("write", place)
  }

  private func writeAttribute<Number: HDF5Number>(
    _ name: String, numbers: [Number], shape: [Int]
  ) throws(HDF5Error) {
    let place = self.place.attribute(name)
    let attribute = try createAttribute(name, type: Number.hdf5Type.storedType, shape: shape)
    try Library.checked("write", place) {
      H5Awrite(attribute.id, Number.hdf5Type.memoryType, numbers)
    }
    try attribute.close("write", place)
  }

  private func createAttribute(
    _ name: String, type: hid_t, shape: [Int]
  ) throws(HDF5Error) -> Handle {
    let place = self.place.attribute(name)
    let id = self.id
    let space = try Selection.space(of: shape, place: place)
    return try Handle("create", place) {
      H5Acreate2(
        id, name, type, space.id, CHDF5_default_properties(), CHDF5_default_properties())
    }
  }
}

/// An open attribute.
private struct Attribute: ~Copyable {
  /// Attributes are small; more than this is not one.
  private static let maximumBytes = 64 << 20

  let handle: Handle
  let place: Place
  let element: HDF5ElementType
  let count: Int

  /// Nil where the object has no attribute of this name.
  static func find(
    _ name: String, of object: hid_t, place: Place
  ) throws(HDF5Error) -> Attribute? {
    let place = place.attribute(name)
    if try Library.checked("read", place, { H5Aexists(object, name) }) == 0 { return nil }
    return try Attribute(name, of: object, place: place)
  }

  private init(_ name: String, of object: hid_t, place: Place) throws(HDF5Error) {
    let attribute = try Handle("open", place) {
      H5Aopen(object, name, CHDF5_default_properties())
    }
    let type = try Handle("read the type of", place) { H5Aget_type(attribute.id) }
    let element = try HDF5ElementType(type: type.id, place: place)
    let space = try Handle("read the shape of", place) { H5Aget_space(attribute.id) }
    let extent = try Extent(space: space.id, place: place)
    handle = attribute
    self.element = element
    count = extent.shape.reduce(1, *)
    self.place = place
  }

  func values<Number: HDF5Number>() throws(HDF5Error) -> [Number] {
    guard Number.hdf5Type.canHold(element) else {
      throw place.error(.mismatch, "read", "\(element) cannot be read as \(Number.hdf5Type)")
    }
    guard count <= Self.maximumBytes / 8 else {
      throw place.error(.implausibleSize, "read", "it claims \(count) elements")
    }
    var values = [Number](repeating: .zero, count: count)
    if values.isEmpty { return [] }
    // SAFETY: as many elements of this memory type as the attribute's extent.
    try Library.checked("read", place) {
      H5Aread(handle.id, Number.hdf5Type.memoryType, &values)
    }
    return values
  }

  func strings() throws(HDF5Error) -> [String] {
    let id = handle.id
    let place = self.place
    return try StringReading(
      holder: id, element: element, count: count, place: place
    ).read { () throws(HDF5Error) in
      try Handle("read", place) { H5Aget_type(id) }
    } into: { type, buffer in
      H5Aread(id, type, buffer)
    } reclaim: { type, buffer in
      let space = H5Aget_space(id)
      defer { H5Sclose(space) }
      return H5Dvlen_reclaim(type, space, CHDF5_default_properties(), buffer)
    }
  }
}
