// Bytes of a file to text.

enum StringDecoding {
  /// UTF-8 where the bytes are that, else Latin-1, in which old files write Å and µ.
  static func text(_ bytes: [UInt8]) -> String {
    String(validating: bytes, as: UTF8.self)
      ?? String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
  }

  /// Without the padding of a fixed-length string: zeros, and blanks where `isSpacePadded`.
  static func text(fixed bytes: ArraySlice<UInt8>, isSpacePadded: Bool) -> String {
    var bytes = Array(bytes.prefix { $0 != 0 })
    while isSpacePadded, bytes.last == 0x20 { bytes.removeLast() }
    return text(bytes)
  }
}
