// What threads read past the library is what the library reads.
import Foundation
@testable import HDF5
import Testing

struct StreamTests {
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
    try compare(pseudorandom(210, seed: 1) as [Int8])
    try compare(pseudorandom(210, seed: 2) as [UInt8])
    try compare(pseudorandom(210, seed: 3) as [Int16])
    try compare(pseudorandom(210, seed: 4) as [UInt16])
    try compare(pseudorandom(210, seed: 5) as [Int32])
    try compare(pseudorandom(210, seed: 6) as [UInt32])
    // More digits than a Double has: rounded as the library rounds them.
    try compare(pseudorandom(210, seed: 7) as [Int64])
    try compare(pseudorandom(210, seed: 8) as [UInt64])
  }

  @Test("Floating point to the bit, infinities and subnormal numbers included")
  func floats() throws {
    let bits: [UInt32] = pseudorandom(210, seed: 9)
    let singles = bits.map { Float(bitPattern: $0) }.map { $0.isNaN ? .infinity : $0 }
    try compare(singles)
    let longBits: [UInt64] = pseudorandom(210, seed: 10)
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
    let values: [UInt16] = pseudorandom(8 * 64 * 96, seed: 11)
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
}
