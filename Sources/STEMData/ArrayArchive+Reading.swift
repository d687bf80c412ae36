// Archives read back, and never believed where something of them is missing.
internal import Glibc

extension ArrayArchive {
  /// Reads an archive back.
  ///
  /// - Parameter path: Of the file.
  /// - Throws: ``ArchiveDamage`` where it is none, or cannot be read.
  public init(contentsOf path: String) throws(ArchiveDamage) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    if descriptor < 0 { throw Self.damage(path, "it cannot be opened") }
    defer { close(descriptor) }
    let file = ArchiveFile(descriptor: descriptor, path: path)
    let start = try file.bytes(at: 0, count: 16)
    guard Array(start.prefix(8)) == Self.signature else {
      throw Self.damage(path, "it does not begin as one")
    }
    var lengths = ArchiveCursor(start.dropFirst(8), path)
    let headLength = try lengths.count()
    guard headLength >= 16, headLength <= file.size else {
      throw Self.damage(path, "it is cut short")
    }
    var cursor = ArchiveCursor(try file.bytes(at: 16, count: headLength - 16)[...], path)
    self.init(header: try cursor.text())
    var position = headLength
    for _ in 0..<(try cursor.count()) {
      let name = try cursor.text()
      let isBytes = try cursor.count() == 1
      let shape = try cursor.counts()
      let length = try Self.byteCount(shape, isBytes ? 1 : 8, within: file.size - position, path)
      let values: Values =
        isBytes
        ? .uint8(try file.bytes(at: position, count: length))
        : .float64(try file.numbers(at: position, count: length / 8))
      entries[name] = Entry(shape: shape, values: values)
      position += (length + Self.alignment - 1) / Self.alignment * Self.alignment
    }
    if position != file.size { throw Self.damage(path, "it is not as long as it says") }
  }

  fileprivate static func damage(_ path: String, _ reason: String) -> ArchiveDamage {
    ArchiveDamage(description: "\(path): no archive of arrays: \(reason)")
  }

  private static func byteCount(
    _ shape: [Int], _ size: Int, within limit: Int, _ path: String
  ) throws(ArchiveDamage) -> Int {
    var count = size
    for length in shape {
      let (product, isTooMuch) = count.multipliedReportingOverflow(by: length)
      if isTooMuch { throw damage(path, "it is cut short") }
      count = product
    }
    if count > limit { throw damage(path, "it is cut short") }
    return count
  }
}

/// An open archive.
private struct ArchiveFile {
  let descriptor: Int32
  let path: String
  let size: Int

  init(descriptor: Int32, path: String) {
    self.descriptor = descriptor
    self.path = path
    var status = stat()
    size = fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
  }

  func bytes(at position: Int, count: Int) throws(ArchiveDamage) -> [UInt8] {
    try checkRoom(position, count)
    var isWhole = true
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      isWhole = read(UnsafeMutableRawBufferPointer(buffer), at: position)
      initialized = isWhole ? count : 0
    }
    if !isWhole { throw ArrayArchive.damage(path, "it cannot be read") }
    return bytes
  }

  func numbers(at position: Int, count: Int) throws(ArchiveDamage) -> [Double] {
    try checkRoom(position, count * 8)
    var isWhole = true
    let numbers = [Double](unsafeUninitializedCapacity: count) { buffer, initialized in
      isWhole = read(UnsafeMutableRawBufferPointer(buffer), at: position, count: count * 8)
      initialized = isWhole ? count : 0
    }
    if !isWhole { throw ArrayArchive.damage(path, "it cannot be read") }
    return numbers
  }

  private func checkRoom(_ position: Int, _ count: Int) throws(ArchiveDamage) {
    if count < 0 || position > size - count { throw ArrayArchive.damage(path, "it is cut short") }
  }

  /// Fills the buffer's first `count` bytes; false where that cannot be.
  private func read(
    _ buffer: UnsafeMutableRawBufferPointer, at position: Int, count: Int? = nil
  ) -> Bool {
    var rest = buffer[..<(count ?? buffer.count)]
    var offset = position
    while !rest.isEmpty {
      let target = UnsafeMutableRawBufferPointer(rebasing: rest)
      let count = pread(descriptor, target.baseAddress, target.count, off_t(offset))
      if count < 0 && errno == EINTR { continue }
      if count <= 0 { return false }
      rest = rest.dropFirst(count)
      offset += count
    }
    return true
  }
}

/// Reads the head of an archive from beginning to end.
private struct ArchiveCursor {
  private var rest: ArraySlice<UInt8>
  private let path: String

  init(_ bytes: ArraySlice<UInt8>, _ path: String) {
    rest = bytes
    self.path = path
  }

  /// A number that is a count or a length.
  mutating func count() throws(ArchiveDamage) -> Int {
    guard rest.count >= 8 else { throw ArrayArchive.damage(path, "it is cut short") }
    let number = rest.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    rest = rest.dropFirst(8)
    guard let count = Int(exactly: number) else {
      throw ArrayArchive.damage(path, "a length in it is none")
    }
    return count
  }

  /// A list of them, its length first.
  mutating func counts() throws(ArchiveDamage) -> [Int] {
    let length = try count()
    guard length <= rest.count / 8 else { throw ArrayArchive.damage(path, "it is cut short") }
    var counts: [Int] = []
    for _ in 0..<length { counts.append(try count()) }
    return counts
  }

  mutating func text() throws(ArchiveDamage) -> String {
    let length = try count()
    guard rest.count >= length else { throw ArrayArchive.damage(path, "it is cut short") }
    defer { rest = rest.dropFirst(length) }
    return String(decoding: rest.prefix(length), as: UTF8.self)
  }
}
