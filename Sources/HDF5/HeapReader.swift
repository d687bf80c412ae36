// The heaps in which a file keeps texts, read without the library, which trusts them.
internal import CHDF5
internal import Glibc

/// Looks at global heaps before the library does; HDF5 File Format Specification 3.0, III.E.
///
/// libhdf5 1.10 runs in circles in a heap that holds zeros, and copies an object of any size to where there is room
/// for the text.
struct HeapReader {
  private static let headerBytes = 16
  /// Of the sizes in a file that this reads, and of the parts of a heap.
  private static let width = 8

  private let descriptor: Int32
  private let size: Int
  /// Byte from which addresses count.
  private let base: Int
  private let place: Place
  /// Sizes of the objects of heaps that were read, by address and number.
  private var heaps: [UInt64: [Int: Int]] = [:]

  /// nil where the file is being written, so that its heaps may not be there yet, or is laid out as none that
  /// programs write.
  init?(fileOf object: hid_t, place: Place) throws(HDF5Error) {
    let file = try Handle("read", place) { H5Iget_file_id(object) }
    let (descriptor, base) = Library.locked(place.file) { [file = file.id] in
      var base: hsize_t = 0
      return (CHDF5_read_only_descriptor(file, &base), base)
    }
    var status = stat()
    guard descriptor >= 0, let base = Int(exactly: base), fstat(descriptor, &status) == 0
    else { return nil }
    self.descriptor = descriptor
    self.base = base
    size = Int(status.st_size)
    self.place = place
  }

  /// Throws where a heap is damaged, or holds no object of this number and size.
  mutating func check(_ index: Int, of heap: UInt64, byteCount: Int) throws(HDF5Error) {
    if heaps[heap] == nil { heaps[heap] = try read(heap) }
    if heaps[heap]?[index] != byteCount { throw damaged() }
  }

  private func read(_ address: UInt64) throws(HDF5Error) -> [Int: Int] {
    guard let address = Int(exactly: address), address <= size - base - Self.headerBytes
    else { throw damaged() }
    let header = try bytes(at: base + address, count: Self.headerBytes)
    let heapSize = header.withUnsafeBytes { LittleEndian.number($0, at: 8, width: Self.width) }
    guard header.starts(with: "GCOL".utf8), heapSize >= Self.headerBytes,
      heapSize <= size - base - address
    else { throw damaged() }
    let heap = try bytes(at: base + address, count: Int(heapSize))
    guard let objects = heap.withUnsafeBytes({ Self.objects($0) }) else { throw damaged() }
    return objects
  }

  /// The sizes of all objects by their numbers; nil where one does not end in the heap, or where it begins.
  private static func objects(_ heap: UnsafeRawBufferPointer) -> [Int: Int]? {
    var objects: [Int: Int] = [:]
    var start = headerBytes
    // What is too small for an object is free.
    while start + headerBytes <= heap.count {
      let index = Int(LittleEndian.number(heap, at: start, width: 2))
      let size = LittleEndian.number(heap, at: start + 8, width: width)
      guard size <= heap.count - start else { return nil }
      if index == 0 {
        // Free space, whose size includes its header.
        if size < headerBytes { return nil }
        start += Int(size)
        continue
      }
      objects[index] = Int(size)
      start += headerBytes + (Int(size) + width - 1) / width * width
      if start > heap.count { return nil }
    }
    return objects
  }

  private func bytes(at offset: Int, count: Int) throws(HDF5Error) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var failure: HDF5Error?
    bytes.withUnsafeMutableBytes { buffer in
      do throws(HDF5Error) {
        try DirectFile.read(descriptor, at: offset, into: buffer, place)
      } catch { failure = error }
    }
    if let failure { throw failure }
    return bytes
  }

  private func damaged() -> HDF5Error {
    place.error(
      .damaged, "read", "the part of the file in which its text should lie is damaged")
  }
}
