// What a stream refuses: damaged chunks, files cut short, regions that are not there, foreign filters.
import Foundation
@testable import HDF5
import Testing

struct StreamRefusalTests {
  private func error(_ body: () throws(HDF5Error) -> [Double]) -> HDF5Error? {
    do throws(HDF5Error) { _ = try body() } catch { return error }
    return nil
  }

  @Test("A chunk whose bytes are garbled and a file that became shorter are damage, not numbers")
  func damage() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("a.h5")
    let values: [UInt32] = pseudorandom(4096, seed: 12)
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
      let numbers: [UInt32] = pseudorandom(64, seed: 5)
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
    let foreign = try HDF5File(
      opening: try folder.write(ForeignFiles.bitshuffled, to: "foreign.h5"))
    let missing = error { () throws(HDF5Error) in
      _ = try HDF5Stream(try foreign.root.dataset("seg"), cacheBytes: 0)
      return []
    }
    #expect(missing?.kind == .missingFilter)
  }

  @Test("Bytes that the system cannot give are the machine's trouble, whatever it calls it")
  func failingDisk() throws {
    // Nothing lies at the beginning of a process's memory: the system says EIO.
    let memory = open("/proc/self/mem", O_RDONLY)
    defer { close(memory) }
    let place = Place(file: "a.h5", object: "/frames")
    for (descriptor, reason) in [(memory, "input/output error"), (-1, "bad file descriptor")] {
      let failure = error { () throws(HDF5Error) in
        var number = 0.0
        var failure: HDF5Error?
        withUnsafeMutableBytes(of: &number) { bytes in
          do throws(HDF5Error) { try DirectFile.read(descriptor, at: 0, into: bytes, place) } catch
          {
            failure = error
          }
        }
        if let failure { throw failure }
        return [number]
      }
      #expect(failure?.kind == .machine && failure?.reason == reason)
      #expect(failure?.remedy?.contains("disk") == true)
    }
  }
}
