// Texts whose lengths or heaps are not true: refused before the library takes them for granted.
import Foundation
import HDF5
import Testing

struct DamagedTextTests {
  private let folder: TemporaryFolder
  /// A file with a dataset and an attribute of texts, and where its heap begins.
  private let bytes: [UInt8]
  private let heap: Int

  init() throws {
    folder = try TemporaryFolder()
    try HDF5File.create(folder.file("a.h5")) { root in
      try root.setAttribute("note", to: "about a scan")
      try root.setAttribute("axes", to: ["y", "", "x"])
      try root.write("names", ["bottom", "top"])
    }
    bytes = try folder.bytes(of: "a.h5")
    heap = try #require(bytes.firstRange(of: "GCOL".utf8)).lowerBound
  }

  /// The file with other bytes from an offset on.
  private func patched(_ offset: Int, _ values: [UInt8]) throws -> HDF5File {
    var damaged = bytes
    damaged.replaceSubrange(offset..<(offset + values.count), with: values)
    return try HDF5File(opening: try folder.write(damaged, to: "b.h5"))
  }

  private func refusal<Result>(_ body: () throws(HDF5Error) -> Result) -> HDF5Error? {
    do throws(HDF5Error) { _ = try body() } catch { return error }
    return nil
  }

  @Test("Whole texts are read, empty ones too")
  func whole() throws {
    let file = try patched(0, [bytes[0]])
    #expect(try file.root.attributeString("note") == "about a scan")
    #expect(try file.root.attributeStrings("axes") == ["y", "", "x"])
    #expect(try file.root.dataset("names").strings() == ["bottom", "top"])
  }

  @Test(
    "A text longer or shorter than its object in the heap is damage of this item",
    arguments: [11, 13])
  func attributeLength(size: UInt8) throws {
    // The first object is the first text that was written.
    let file = try patched(heap + 24, [size])
    let error = refusal { () throws(HDF5Error) in try file.root.attributeString("note") }
    #expect(error?.kind == .damaged && error?.object == "/@note")
    // What the damage does not reach can be had.
    #expect(try file.root.dataset("names").strings() == ["bottom", "top"])
  }

  @Test("A length of gigabytes is damage, and so is a text that claims another place")
  func datasetReference() throws {
    // The reference to "bottom": its length, the address of the heap, its number there.
    let address = (0..<8).map { UInt8(truncatingIfNeeded: heap >> (8 * $0)) }
    let start = try #require(bytes.firstRange(of: [6, 0, 0, 0] + address)).lowerBound
    for (offset, values) in [
      (0, [0xFF, 0xFF, 0xFF, 0xFF]), (0, [7]), (4, [1]), (11, [0x80]), (10, [0x7F]), (12, [99]),
    ] as [(Int, [UInt8])] {
      let file = try patched(start + offset, values)
      let error = refusal { () throws(HDF5Error) in try file.root.dataset("names").strings() }
      #expect(error?.kind == .damaged && error?.object == "/names", "at \(offset)")
    }
  }

  @Test(
    "A heap with zeros or with sizes that lead out of it is damage, not searched forever",
    arguments: [
      // Zeros over the first object: a free space of no size, at which the library stays.
      (16, [UInt8](repeating: 0, count: 32)), (24, [0xFF, 0xFF]),
      (24, [UInt8](repeating: 0xFF, count: 8)), (8, [UInt8](repeating: 0xFF, count: 8)),
      (8, [0, 0]), (0, [0]),
    ])
  func heap(offset: Int, values: [UInt8]) throws {
    let file = try patched(heap + offset, values)
    let error = refusal { () throws(HDF5Error) in try file.root.attributeString("note") }
    #expect(error?.kind == .damaged && error?.object == "/@note")
  }

  @Test("Texts behind a user block are found")
  func userBlock() throws {
    let shifted = [UInt8](repeating: 0x20, count: 512) + bytes
    let file = try HDF5File(opening: try folder.write(shifted, to: "b.h5"))
    #expect(try file.root.attributeString("note") == "about a scan")
  }

  @Test("Texts of a file that is still being written are read")
  func beingWritten() throws {
    let file = try HDF5File(creating: folder.file("c.h5"))
    try file.root.setAttribute("note", to: "about a scan")
    #expect(try file.root.attributeString("note") == "about a scan")
    try file.close()
  }
}
