// Where texts of variable length lie, and whether that can be true, before the library reads them.
internal import CHDF5

/// What a file holds in place of texts of variable length: their lengths and their places in heaps.
///
/// The library takes a stated length for granted, and reads more than memory holds.
struct TextReferences {
  /// Text is metadata; more than this is not, bytes.
  static let maximumBytes = 64 << 20

  /// A length of 4 bytes, the address of a heap of 8, and the number of an object in it of 4; HDF5 File
  /// Format Specification 3.0, VIII.B.
  private static let width = 16

  /// A type of the library as which texts of variable length are read as what the file holds of them; zeros where
  /// the file's addresses have not 8 bytes.
  private static let type = made(H5Tcreate(H5T_OPAQUE, width)) { type in
    H5Tregister(H5T_PERS_SOFT, "text references", WritingLists.text, type) {
      source, _, call, count, _, _, buffer, _, _ in
      // In the file a text takes these bytes already.
      if call?.pointee.command == H5T_CONV_CONV, H5Tget_size(source) != TextReferences.width {
        buffer?.initializeMemory(as: UInt8.self, repeating: 0, count: count * TextReferences.width)
      }
      return 0
    } >= 0
  }

  /// Of the dataset or attribute that holds the texts.
  let holder: hid_t
  let place: Place

  /// Throws where the library would read beyond what is there, take absurd memory or search forever.
  ///
  /// - Parameter read: Reads all elements of the holder as a type.
  func check(count: Int, read: StringReading.Call) throws(HDF5Error) {
    let buffer = UnsafeMutableRawBufferPointer.allocate(
      byteCount: count * Self.width, alignment: 8)
    defer { buffer.deallocate() }
    buffer.initializeMemory(as: UInt8.self, repeating: 0)
    let type = Self.type
    try Library.checked("read", place) { read(type, buffer.baseAddress) }
    let texts = stride(from: 0, to: buffer.count, by: Self.width).map { start in
      let bytes = UnsafeRawBufferPointer(rebasing: buffer[start..<(start + Self.width)])
      return (
        length: Int(LittleEndian.number(bytes, at: 0, width: 4)),
        heap: LittleEndian.number(bytes, at: 4, width: 8),
        index: Int(LittleEndian.number(bytes, at: 12, width: 4))
      )
      // Without a heap it is no text, which is read as an empty one.
    }.filter { $0.heap != 0 }
    let total = texts.reduce(0) { $0 + $1.length }
    if total > Self.maximumBytes {
      throw place.error(.damaged, "read", "it claims a text of \(total) bytes: the file is damaged")
    }
    guard !texts.isEmpty, var heaps = try HeapReader(fileOf: holder, place: place) else { return }
    for text in texts { try heaps.check(text.index, of: text.heap, byteCount: text.length) }
  }
}

/// Unsigned numbers as a file holds them.
enum LittleEndian {
  static func number(_ bytes: UnsafeRawBufferPointer, at offset: Int, width: Int) -> UInt64 {
    bytes[offset..<(offset + width)].reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }
}
