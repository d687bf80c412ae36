// Chunks straight from the file, unpacked outside the library's lock.
internal import CHDF5
internal import CZlib
internal import Glibc
internal import WorkSharing

/// Reads chunks whose filters are shuffle, and deflate or LZF; HDF5 File Format Specification 3.0, IV.A.2.l.
struct ChunkReader: Sendable {
  private static let deflate = 1
  private static let shuffle = 2

  private let place: Place
  private let descriptor: Int32
  let number: PlainNumber
  private let filters: [Int]
  /// Sides of the dataset and of a chunk, elements.
  private let shape: [Int]
  private let chunk: [Int]
  /// Chunks along each axis.
  private let grid: [Int]
  private let store: ChunkStore

  /// nil where a filter is another.
  init?(
    place: Place, descriptor: Int32, number: PlainNumber, shape: [Int], chunk: [Int],
    filters: [HDF5Filter], cacheBytes: Int
  ) {
    let known = filters.map(\.id)
    let packing = [Self.deflate, LZF.filter]
    guard known.allSatisfy({ packing.contains($0) || $0 == Self.shuffle }),
      known.count(where: { packing.contains($0) }) <= 1,
      known.count(where: { $0 == Self.shuffle }) <= 1, !chunk.isEmpty
    else { return nil }
    self.place = place
    self.descriptor = descriptor
    self.number = number
    self.filters = known
    self.shape = shape
    self.chunk = chunk
    grid = zip(shape, chunk).map { ($0 + $1 - 1) / $1 }
    store = ChunkStore(capacity: cacheBytes)
  }

  private var chunkBytes: Int { chunk.reduce(number.byteCount, *) }

  /// - Returns: false where only the library can read the region: a chunk was never written.
  func read(
    _ region: HDF5Region, of dataset: hid_t, into target: UnsafeMutablePointer<Double>
  ) throws(HDF5Error) -> Bool {
    try shared(region, of: dataset) { from, to, count in
      number.convert(from, to: target + to, count: count)
    }
  }

  /// Reads numbers as they are stored.
  ///
  /// - Returns: false where only the library can read the region: a chunk was never written.
  func readStored(
    _ region: HDF5Region, of dataset: hid_t, into target: UnsafeMutableRawPointer,
    by reader: HDF5Stream.Readers
  ) throws(HDF5Error) -> Bool {
    let width = number.byteCount
    if reader == .thisThread {
      return try shared(region, of: dataset) { from, to, count in
        (target + to * width).copyMemory(from: from, byteCount: count * width)
      }
    }
    let numbers = chunkNumbers(region)
    // Not a race: no two chunks share a place of the region.
    nonisolated(unsafe) let target = target
    let isWritten = try concurrentMap(numbers.count) { piece throws(HDF5Error) in
      guard let bytes = try unpacked(numbers[piece], of: dataset) else { return false }
      copy(bytes, of: numbers[piece], region) { from, to, count in
        (target + to * width).copyMemory(from: from, byteCount: count * width)
      }
      return true
    }
    return isWritten.allSatisfy { $0 }
  }

  private func shared(
    _ region: HDF5Region, of dataset: hid_t, _ put: (UnsafeRawPointer, Int, Int) -> Void
  ) throws(HDF5Error) -> Bool {
    try store.forEach(chunkNumbers(region)) { number throws(HDF5Error) in
      try unpacked(number, of: dataset)
    } use: { number, bytes in
      copy(bytes, of: number, region, put)
    }
  }

  /// The chunks that a region touches.
  private func chunkNumbers(_ region: HDF5Region) -> [Int] {
    let first = zip(region.offset, chunk).map { $0 / $1 }
    let last = shape.indices.map { (region.offset[$0] + region.count[$0] - 1) / chunk[$0] }
    var numbers: [Int] = []
    IndexBlock(zip(first, last).map { $0...$1 }).forEach { index in
      numbers.append(zip(grid, index).reduce(0) { $0 * $1.0 + $1.1 })
    }
    return numbers
  }

  /// Elements before the chunk along each axis.
  private func origin(_ number: Int) -> [Int] {
    var rest = number
    var origin = [Int](repeating: 0, count: grid.count)
    for axis in grid.indices.reversed() {
      origin[axis] = rest % grid[axis] * chunk[axis]
      rest /= grid[axis]
    }
    return origin
  }

  /// Hands over what chunk and region share, row by row: where it lies in memory, its first element in the
  /// region, and how many.
  private func copy(
    _ chunkBytes: ChunkBytes, of chunkNumber: Int, _ region: HDF5Region,
    _ put: (UnsafeRawPointer, Int, Int) -> Void
  ) {
    guard let base = UnsafeRawPointer(chunkBytes.bytes.baseAddress) else { return }
    let origin = origin(chunkNumber)
    let axes = shape.indices
    let low = axes.map { max(origin[$0], region.offset[$0]) }
    let high = axes.map { min(origin[$0] + chunk[$0], region.offset[$0] + region.count[$0]) }
    let rank = shape.count
    let run = high[rank - 1] - low[rank - 1]
    IndexBlock((0..<(rank - 1)).map { low[$0]...(high[$0] - 1) }).forEach { index in
      var (from, to) = (0, 0)
      for axis in axes {
        let position = axis < rank - 1 ? index[axis] : low[axis]
        from = from * chunk[axis] + position - origin[axis]
        to = to * region.count[axis] + position - region.offset[axis]
      }
      put(base + from * number.byteCount, to, run)
    }
  }

  /// Reads a chunk and undoes its filters; nil where it was never written.
  private func unpacked(_ chunkNumber: Int, of dataset: hid_t) throws(HDF5Error) -> ChunkBytes? {
    var mask: UInt32 = 0
    var address: haddr_t = 0
    var size: hsize_t = 0
    let corner = origin(chunkNumber).map { hsize_t($0) }
    try Library.checked("read", place) {
      H5Dget_chunk_info_by_coord(dataset, corner, &mask, &address, &size)
    }
    if address == CHDF5_no_address() { return nil }
    let stored = try placeInFile(address, size)
    let packed = ChunkBytes(byteCount: stored.count)
    try DirectFile.read(descriptor, at: stored.lowerBound, into: packed.bytes, place)
    var bytes = packed
    // The mask names filters that were left out when this chunk was written.
    for (index, filter) in filters.enumerated().reversed() where mask & (1 << UInt32(index)) == 0 {
      switch filter {
      case Self.deflate: bytes = try inflated(bytes)
      case LZF.filter: bytes = try expanded(bytes)
      default: bytes = unshuffled(bytes)
      }
    }
    if bytes.bytes.count != chunkBytes { throw damaged() }
    return bytes
  }

  /// The bytes of a chunk, from what the file states: nothing is made of them before they can be true.
  private func placeInFile(
    _ address: haddr_t, _ size: hsize_t
  ) throws(HDF5Error) -> Range<Int> {
    var status = stat()
    let end = UInt64(address).addingReportingOverflow(UInt64(size))
    guard fstat(descriptor, &status) == 0, !end.overflow, end.partialValue <= status.st_size
    else {
      throw place.error(
        .damaged, "read",
        "a chunk of its values lies behind the end of the file: it is cut short or damaged")
    }
    return Int(address)..<Int(end.partialValue)
  }

  private func inflated(_ packed: ChunkBytes) throws(HDF5Error) -> ChunkBytes {
    let result = ChunkBytes(byteCount: chunkBytes)
    var count = uLongf(chunkBytes)
    let status = uncompress(
      result.bytes.baseAddress, &count, packed.bytes.baseAddress, uLong(packed.bytes.count))
    if status != Z_OK || count != chunkBytes { throw damaged() }
    return result
  }

  private func expanded(_ packed: ChunkBytes) throws(HDF5Error) -> ChunkBytes {
    let result = ChunkBytes(byteCount: chunkBytes)
    let count = LZF.unpack(UnsafeRawBufferPointer(packed.bytes), into: result.bytes)
    if count != chunkBytes { throw damaged() }
    return result
  }

  /// All first bytes of the elements, then all second ones, ..., to elements. Bytes that make no whole element, as
  /// there are where deflate came before, stand behind them as they are.
  private func unshuffled(_ planes: ChunkBytes) -> ChunkBytes {
    let width = number.byteCount
    if width == 1 { return planes }
    let count = planes.bytes.count / width
    let result = ChunkBytes(byteCount: planes.bytes.count)
    guard let source = planes.bytes.bindMemory(to: UInt8.self).baseAddress,
      let target = result.bytes.baseAddress
    else { return result }
    let rest = count * width..<planes.bytes.count
    UnsafeMutableRawBufferPointer(rebasing: result.bytes[rest])
      .copyMemory(from: UnsafeRawBufferPointer(rebasing: planes.bytes[rest]))
    // Whole numbers at a time where they are short: the loops become vector instructions.
    switch width {
    case 2:
      let numbers = target.bindMemory(to: UInt16.self, capacity: count)
      for index in 0..<count {
        numbers[index] = UInt16(source[index]) | UInt16(source[count + index]) << 8
      }
    case 4:
      let numbers = target.bindMemory(to: UInt32.self, capacity: count)
      for index in 0..<count {
        let low = UInt32(source[index]) | UInt32(source[count + index]) << 8
        let high = UInt32(source[2 * count + index]) | UInt32(source[3 * count + index]) << 8
        numbers[index] = low | high << 16
      }
    default:
      let bytes = target.bindMemory(to: UInt8.self, capacity: count * width)
      for byte in 0..<width {
        for index in 0..<count { bytes[index * width + byte] = source[byte * count + index] }
      }
    }
    return result
  }

  private func damaged() -> HDF5Error {
    place.error(.damaged, "read", "a chunk of its values cannot be unpacked: the file is damaged")
  }
}
