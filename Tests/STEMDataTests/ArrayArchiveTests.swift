// The form in which intermediate values are kept: byte by byte, read back equal, and never believed when cut short.
import Foundation
import Testing

@testable import STEMData

struct ArrayArchiveTests {
  private let archive = ArrayArchive(
    header: "{\"a\":\"ä\"}",
    entries: [
      "y": .init(
        shape: [2, 3], values: .float64([1, -2.5, .nan, .infinity, -0.0, .leastNonzeroMagnitude])),
      "mask": .init(shape: [3], values: .uint8([0, 255, 7])),
      "none": .init(shape: [0, 4], values: .float64([])),
      "one": .init(shape: [], values: .float64([3])),
    ])

  private func path() -> String { NSTemporaryDirectory() + "/archive-" + UUID().uuidString }

  private func bytes(_ archive: ArrayArchive) throws -> [UInt8] {
    var bytes: [UInt8] = []
    try archive.write { bytes.append(contentsOf: $0) }
    return bytes
  }

  private func read(_ bytes: [UInt8]) throws -> ArrayArchive {
    let path = path()
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try ArrayArchive(contentsOf: path)
  }

  @Test("what is read back is what was written, to the bit")
  func roundTrip() throws {
    let back = try read(bytes(archive))
    #expect(back.header == archive.header)
    #expect(back.entries.mapValues(\.shape) == archive.entries.mapValues(\.shape))
    for name in ["y", "none", "one"] {
      #expect(
        back.doubles(name)?.map(\.bitPattern) == archive.doubles(name)?.map(\.bitPattern), "\(name)"
      )
      #expect(back.bytes(name) == nil)
    }
    #expect(back.bytes("mask") == [0, 255, 7])
    #expect(try read(bytes(ArrayArchive(header: ""))) == ArrayArchive(header: ""))
  }

  @Test("the bytes are those of the description")
  func layout() throws {
    let small = ArrayArchive(
      header: "h",
      entries: [
        "b": .init(shape: [2], values: .uint8([1, 2])),
        "a": .init(shape: [1], values: .float64([1])),
      ])
    var expected = Array("dpcarr1\n".utf8)
    func add(_ number: UInt8) { expected += [number, 0, 0, 0, 0, 0, 0, 0] }
    add(128)
    add(1)
    expected += Array("h".utf8)
    add(2)
    for (name, kind, length) in [("a", 0, 1), ("b", 1, 2)] as [(String, UInt8, UInt8)] {
      add(1)
      expected += Array(name.utf8)
      add(kind)
      add(1)
      add(length)
    }
    // 16 of the beginning, 8 + 1 of the header, 8, and 33 of each array.
    #expect(expected.count == 99)
    expected += [UInt8](repeating: 0, count: 128 - 99)
    expected += [0, 0, 0, 0, 0, 0, 0xF0, 0x3F] + [UInt8](repeating: 0, count: 56)
    expected += [1, 2] + [UInt8](repeating: 0, count: 62)
    #expect(try bytes(small) == expected)
  }

  @Test("a file that is cut short, too long or something else is refused, whatever its numbers say")
  func damaged() throws {
    let whole = try bytes(archive)
    for length in 0..<whole.count {
      #expect(throws: ArchiveDamage.self, "\(length) bytes") { try read(Array(whole[..<length])) }
    }
    #expect(throws: ArchiveDamage.self) { try read(whole + [0]) }
    // Lengths that no memory has: of the head, of the header, the number of arrays, the first name.
    let headerCount = archive.header.utf8.count
    for position in [8, 16, 24 + headerCount, 32 + headerCount] {
      for value in [0x7F, 0xFF] as [UInt8] {
        var changed = whole
        for byte in position..<(position + 8) { changed[byte] = value }
        #expect(throws: ArchiveDamage.self, "at \(position)") { try read(changed) }
      }
    }
    // Any byte may be another: what comes of it is an error or another archive, never the end of the program.
    for position in whole.indices {
      var changed = whole
      changed[position] ^= 0x41
      _ = try? read(changed)
    }
    #expect(throws: ArchiveDamage.self) { try ArrayArchive(contentsOf: path()) }
  }
}
