// What threads read past the library is what the library reads.
import Foundation
@testable import HDF5
import Testing

struct StreamTests {
  /// Numbers of every size and sign, the same in each run.
  private func numbers<Number: FixedWidthInteger>(_ count: Int, seed: UInt64) -> [Number] {
    var state = seed
    return (0..<count).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Number(truncatingIfNeeded: state >> 17)
    }
  }

  /// Blocks that cut through chunks, touch the rim, are one element, are everything.
  private static let regions = [
    HDF5Region(wholeOf: [3, 7, 10]), HDF5Region(offset: [0, 0, 0], count: [1, 1, 1]),
    HDF5Region(offset: [2, 6, 9], count: [1, 1, 1]),
    HDF5Region(offset: [1, 2, 3], count: [2, 3, 4]),
    HDF5Region(offset: [0, 3, 0], count: [3, 4, 10]),
    HDF5Region(offset: [1, 0, 4], count: [1, 7, 6]),
  ]

  private static let layouts: [HDF5Layout] = [
    .contiguous, .compressed(chunk: [1, 2, 3], level: 4), .compressed(chunk: [2, 5, 4], level: 1),
    .compressed(chunk: [3, 7, 10], level: 9),
  ]

  private func compare<Number: HDF5Number>(_ values: [Number]) throws {
    let folder = try TemporaryFolder()
    for layout in Self.layouts {
      try HDF5File.create(folder.file("a.h5")) { root in
        try root.write("cube", values, shape: [3, 7, 10], layout: layout)
      }
      let file = try HDF5File(opening: folder.file("a.h5"))
      // Room for nothing, for some, and for all chunks.
      for room in [0, 100, 1 << 20] {
        let stream = try HDF5Stream(try file.root.dataset("cube"), cacheBytes: room)
        let isDirect = stream.isDirect
        #expect(isDirect)
        for region in Self.regions {
          let expected = try file.root.dataset("cube").values(of: region, as: Double.self)
          let read = try stream.values(region)
          #expect(read.map(\.bitPattern) == expected.map(\.bitPattern))
          let numbers = try file.root.dataset("cube").values(of: region, as: Number.self)
          for readers in [HDF5Stream.Readers.thisThread, .allThreads] {
            let stored: [Number] = try stream.stored(region, by: readers)
            let isSame = stored.withUnsafeBytes { stored in
              numbers.withUnsafeBytes { stored.elementsEqual($0) }
            }
            #expect(isSame)
          }
        }
      }
    }
  }

  @Test("Integers of every width, in one piece and in packed chunks of every cut")
  func integers() throws {
    try compare(numbers(210, seed: 1) as [Int8])
    try compare(numbers(210, seed: 2) as [UInt8])
    try compare(numbers(210, seed: 3) as [Int16])
    try compare(numbers(210, seed: 4) as [UInt16])
    try compare(numbers(210, seed: 5) as [Int32])
    try compare(numbers(210, seed: 6) as [UInt32])
    // More digits than a Double has: rounded as the library rounds them.
    try compare(numbers(210, seed: 7) as [Int64])
    try compare(numbers(210, seed: 8) as [UInt64])
  }

  @Test("Floating point to the bit, infinities and subnormal numbers included")
  func floats() throws {
    let bits: [UInt32] = numbers(210, seed: 9)
    let singles = bits.map { Float(bitPattern: $0) }.map { $0.isNaN ? .infinity : $0 }
    try compare(singles)
    let longBits: [UInt64] = numbers(210, seed: 10)
    try compare(longBits.map { Double(bitPattern: $0) }.map { $0.isNaN ? -.infinity : $0 })
  }

  @Test("NaN stays NaN")
  func missing() throws {
    let folder = try TemporaryFolder()
    try HDF5File.create(folder.file("a.h5")) { root in
      try root.write("line", [1, Float.nan, 3], shape: [3])
    }
    let file = try HDF5File(opening: folder.file("a.h5"))
    let values = try HDF5Stream(try file.root.dataset("line"), cacheBytes: 0)
      .values(HDF5Region(wholeOf: [3]))
    #expect(values[0] == 1 && values[1].isNaN && values[2] == 3)
  }

  @Test("Foreign byte orders are read here, half precision and odd widths are left to the library")
  func foreignTypes() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(ForeignFiles.mixed, to: "mixed.h5")
    let file = try HDF5File(opening: path)
    for (name, isDirect) in [
      ("int16", true), ("uint32", true), ("float16", false), ("float32", true), ("float64", true),
      ("twelve", false),
    ] {
      let shape = try file.root.dataset(name).shape
      let stream = try HDF5Stream(try file.root.dataset(name), cacheBytes: 0)
      let found = stream.isDirect
      #expect(found == isDirect, "\(name)")
      let expected = try file.root.dataset(name).values(as: Double.self)
      let read = try stream.values(HDF5Region(wholeOf: shape))
      #expect(read == expected, "\(name)")
    }
  }

  @Test("Numbers of a foreign byte order come in the order of this machine")
  func foreignOrder() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(ForeignFiles.mixed, to: "mixed.h5")
    let file = try HDF5File(opening: path)
    func compare<Number: HDF5Number & Equatable>(
      _ name: String, _ type: Number.Type, _ expectedType: HDF5NumberType
    ) throws {
      let whole = HDF5Region(wholeOf: try file.root.dataset(name).shape)
      let stream = try HDF5Stream(try file.root.dataset(name), cacheBytes: 0)
      let found = stream.storedType
      #expect(found == expectedType)
      let stored: [Number] = try stream.stored(whole, by: .thisThread)
      let expected = try file.root.dataset(name).values(as: type)
      #expect(stored == expected)
    }
    try compare("int16", Int16.self, .int16)
    try compare("uint32", UInt32.self, .uint32)
    try compare("float32", Float.self, .float)
    try compare("float64", Double.self, .double)
    let half = try HDF5Stream(try file.root.dataset("float16"), cacheBytes: 0).storedType
    #expect(half == nil)
    // The files above may have no number of each width in the other order.
    for (type, width) in [(HDF5NumberType.uint16, 2), (.int32, 4), (.double, 8), (.uint8, 1)] {
      var bytes = (0..<(3 * width)).map { UInt8($0) }
      let isSwapped = bytes.withUnsafeMutableBytes { raw -> Bool in
        guard let base = raw.baseAddress else { return false }
        PlainNumber(type: type, isBigEndian: true).order(base, count: 3)
        return (0..<3).allSatisfy { number in
          (0..<width).allSatisfy { raw[number * width + $0] == number * width + width - 1 - $0 }
        }
      }
      #expect(isSwapped)
    }
  }

  @Test("A number of every type and byte order is the number that its bytes mean")
  func conversions() {
    func converted(_ type: HDF5NumberType, _ isBigEndian: Bool, _ bytes: [UInt8]) -> Double {
      var padded = bytes
      if !isBigEndian { padded.reverse() }
      var result = 0.0
      padded.withUnsafeBytes { raw in
        guard let base = raw.baseAddress else { return }
        PlainNumber(type: type, isBigEndian: isBigEndian).convert(base, to: &result, count: 1)
      }
      return result
    }
    // Bytes from the highest to the lowest.
    for order in [false, true] {
      #expect(converted(.int8, order, [0xFE]) == -2)
      #expect(converted(.uint8, order, [0xFE]) == 254)
      #expect(converted(.int16, order, [0xFF, 0x38]) == -200)
      #expect(converted(.uint16, order, [0xFF, 0x38]) == 65_336)
      #expect(converted(.int32, order, [0xFF, 0xFE, 0x79, 0x60]) == -100_000)
      #expect(converted(.uint32, order, [0x80, 0, 0, 1]) == 2_147_483_649)
      #expect(converted(.int64, order, [0xFF, 0, 0, 0, 0, 0, 0, 0]) == -72_057_594_037_927_936)
      #expect(converted(.uint64, order, [0x80, 0, 0, 0, 0, 0, 0, 0]) == 9_223_372_036_854_775_808)
      #expect(converted(.float, order, [0x40, 0x49, 0x0F, 0xDA]) == Double(Float.pi))
      #expect(converted(.double, order, [0x40, 0x09, 0x21, 0xFB, 0x54, 0x44, 0x2D, 0x18]) == .pi)
    }
  }

  @Test("A chunk that was never written is zeros, as the library has it")
  func unwrittenChunks() throws {
    let folder = try TemporaryFolder()
    try HDF5File.create(folder.file("a.h5")) { root in
      let dataset = try root.createDataset(
        "plane", of: UInt16.self, shape: [4, 6], layout: .compressed(chunk: [2, 3], level: 1))
      try dataset.write(
        (0..<6).map { UInt16($0 + 1) }, to: HDF5Region(offset: [2, 3], count: [2, 3]))
    }
    let file = try HDF5File(opening: folder.file("a.h5"))
    let stream = try HDF5Stream(try file.root.dataset("plane"), cacheBytes: 1 << 20)
    let expected = try file.root.dataset("plane").values(as: Double.self)
    #expect(expected.reduce(0, +) == 21)
    let whole = try stream.values(HDF5Region(wholeOf: [4, 6]))
    #expect(whole == expected)
    let corner = try stream.values(HDF5Region(offset: [2, 3], count: [2, 3]))
    #expect(corner == [1, 2, 3, 4, 5, 6])
    for readers in [HDF5Stream.Readers.thisThread, .allThreads] {
      let stored: [UInt16] = try stream.stored(HDF5Region(wholeOf: [4, 6]), by: readers)
      #expect(stored.map { Double($0) } == expected)
    }
  }

  @Test("Sixteen threads that want the same chunks at the same time get the same numbers")
  func manyThreads() throws {
    let folder = try TemporaryFolder()
    let values: [UInt16] = numbers(8 * 64 * 96, seed: 11)
    let shape = [8, 64, 96]
    try HDF5File.create(folder.file("a.h5")) { root in
      try root.write(
        "frames", values, shape: shape, layout: .compressed(chunk: [1, 16, 32], level: 1))
    }
    let file = try HDF5File(opening: folder.file("a.h5"))
    let stream = try HDF5Stream(try file.root.dataset("frames"), cacheBytes: 8 * 16 * 96 * 2)
    DispatchQueue.concurrentPerform(iterations: 16) { band in
      let region = HDF5Region(offset: [0, 4 * band, 0], count: [8, 4, 96])
      let read = try? stream.values(region)
      var expected: [Double] = []
      for segment in 0..<8 {
        let first = (segment * 64 + 4 * band) * 96
        expected += values[first..<(first + 4 * 96)].map { Double($0) }
      }
      #expect(read == expected, "band \(band)")
    }
  }

  private func error(_ body: () throws(HDF5Error) -> [Double]) -> HDF5Error? {
    do throws(HDF5Error) { _ = try body() } catch { return error }
    return nil
  }

  @Test("A chunk whose bytes are garbled and a file that became shorter are damage, not numbers")
  func damage() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("a.h5")
    let values: [UInt32] = numbers(4096, seed: 12)
    try HDF5File.create(path) { root in
      try root.write("packed", values, shape: [4096], layout: .compressed(chunk: [4096], level: 6))
      try root.write("plain", values, shape: [4096])
    }
    let file = try HDF5File(opening: path)
    let whole = HDF5Region(wholeOf: [4096])
    let packed = try HDF5Stream(try file.root.dataset("packed"), cacheBytes: 0)
    let plain = try HDF5Stream(try file.root.dataset("plain"), cacheBytes: 0)
    let second = try HDF5Stream(try file.root.dataset("packed"), cacheBytes: 0)
    let before = try packed.values(whole)
    #expect(before == values.map { Double($0) })
    let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
    let handle = try #require(FileHandle(forWritingAtPath: path))
    // The packed numbers are most of the first half of the file.
    try handle.seek(toOffset: UInt64(size / 4))
    try handle.write(contentsOf: Data(repeating: 0xA5, count: 64))
    try handle.truncate(atOffset: UInt64(size - 8192))
    try handle.close()
    let garbled = error { () throws(HDF5Error) in try second.values(whole) }
    #expect(garbled?.kind == .damaged && garbled?.object == "/packed")
    let short = error { () throws(HDF5Error) in try plain.values(whole) }
    #expect(short?.kind == .damaged && short?.object == "/plain")
    // The same as numbers are stored, whoever reads.
    for readers in [HDF5Stream.Readers.thisThread, .allThreads] {
      let stored = error { () throws(HDF5Error) in
        let numbers: [UInt32] = try second.stored(whole, by: readers)
        return numbers.map { Double($0) }
      }
      #expect(stored?.kind == .damaged && stored?.object == "/packed")
    }
    let shortStored = error { () throws(HDF5Error) in
      let numbers: [UInt32] = try plain.stored(whole, by: .thisThread)
      return numbers.map { Double($0) }
    }
    #expect(shortStored?.kind == .damaged && shortStored?.object == "/plain")
  }

  @Test("A chunk that claims to lie behind the end of the file is damage, whatever its address")
  func chunkAddress() throws {
    let folder = try TemporaryFolder()
    try HDF5File.create(folder.file("a.h5")) { root in
      let numbers: [UInt32] = numbers(64, seed: 5)
      try root.write("packed", numbers, shape: [64], layout: .compressed(chunk: [64], level: 1))
    }
    let bytes = try folder.bytes(of: "a.h5")
    // A node of chunks: HDF5 File Format Specification 3.0, III.A.1. Behind 24 bytes of it and a key of
    // 8 and two offsets of 8 bytes follows the address of the first chunk.
    let node = try #require(bytes.firstRange(of: Array("TREE".utf8 + [1, 0, 1, 0])))
    let address = node.lowerBound + 24 + 8 + 2 * 8
    for (byte, value) in [(7, 0x80), (7, 0x7F), (2, 0x01)] as [(Int, UInt8)] {
      var damaged = bytes
      damaged[address + byte] = value
      let file = try HDF5File(opening: try folder.write(damaged, to: "b.h5"))
      let stream = try HDF5Stream(try file.root.dataset("packed"), cacheBytes: 0)
      let refusal = error { () throws(HDF5Error) in
        try stream.values(HDF5Region(wholeOf: [64]))
      }
      #expect(refusal?.kind == .damaged && refusal?.object == "/packed")
      #expect(refusal?.reason.contains("behind the end") == true)
    }
  }

  @Test("A region outside the dataset and a filter that nobody can undo are refused")
  func refusals() throws {
    let folder = try TemporaryFolder()
    try HDF5File.create(folder.file("a.h5")) { root in
      try root.write("line", [1.0, 2, 3], shape: [3])
    }
    let file = try HDF5File(opening: folder.file("a.h5"))
    let stream = try HDF5Stream(try file.root.dataset("line"), cacheBytes: 0)
    let outside = error { () throws(HDF5Error) in
      try stream.values(HDF5Region(offset: [2], count: [2]))
    }
    #expect(outside?.kind == .mismatch)
    let foreign = try HDF5File(opening: try folder.write(ForeignFiles.packed, to: "lzf.h5"))
    let missing = error { () throws(HDF5Error) in
      _ = try HDF5Stream(try foreign.root.dataset("seg"), cacheBytes: 0)
      return []
    }
    #expect(missing?.kind == .missingFilter)
  }
}

extension HDF5Stream {
  fileprivate func values(_ region: HDF5Region) throws(HDF5Error) -> [Double] {
    var values = [Double](repeating: -1, count: region.elementCount)
    var failure: HDF5Error?
    values.withUnsafeMutableBufferPointer { buffer in
      do throws(HDF5Error) { try read(region, into: buffer) } catch { failure = error }
    }
    if let failure { throw failure }
    return values
  }

  fileprivate func stored<Number: HDF5Number>(
    _ region: HDF5Region, by readers: Readers
  ) throws(HDF5Error) -> [Number] {
    var values = [Number](repeating: .zero, count: region.elementCount)
    var failure: HDF5Error?
    values.withUnsafeMutableBytes { bytes in
      do throws(HDF5Error) { try readStored(region, into: bytes, by: readers) } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return values
  }
}
