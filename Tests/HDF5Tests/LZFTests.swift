// Chunks packed by LZF: what h5py wrote is read, and damaged bytes do no harm.
import Testing

@testable import HDF5

struct LZFTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func unpacked(_ packed: [UInt8], room: Int) -> [UInt8]? {
    var target = [UInt8](repeating: 0xEE, count: room)
    let count = packed.withUnsafeBytes { packed in
      target.withUnsafeMutableBytes { LZF.unpack(packed, into: $0) }
    }
    return count.map { Array(target.prefix($0)) }
  }

  @Test("Runs stand as they are, repetitions reach back, also into what they make")
  func sequences() {
    #expect(unpacked([], room: 0) == [])
    #expect(unpacked([2, 7, 8, 9], room: 3) == [7, 8, 9])
    // Three bytes from two before the end.
    #expect(unpacked([1, 7, 8, 1 << 5, 1], room: 8) == [7, 8, 7, 8, 7])
    // 9 + 255 times the byte before: the longest that three bytes stand for.
    #expect(
      unpacked([0, 5, 7 << 5, 255, 0], room: 265) == [UInt8](repeating: 5, count: 265))
    // A distance that takes more than a byte.
    let long = (0..<300).map { UInt8(truncatingIfNeeded: $0 / 2) }
    let runs = stride(from: 0, to: 300, by: 30).flatMap { [29] + long[$0..<($0 + 30)] }
    #expect(unpacked(runs + [1 << 5 | 1, 43], room: 303) == long + [0, 0, 1])
  }

  @Test(
    "Bytes that end too soon, reach back too far or need more room than there is are damaged",
    arguments: [
      [2, 7, 8], [31], [0, 5, 1 << 5], [0, 5, 7 << 5], [0, 5, 7 << 5, 3], [0, 5, 1 << 5, 1],
      [1 << 5, 0], [0, 5, 1 << 5 | 31, 255], [0, 5, 7 << 5, 255, 0], [9] + [UInt8](0..<10),
    ] as [[UInt8]])
  func damage(_ packed: [UInt8]) {
    #expect(unpacked(packed, room: 8) == nil)
  }

  @Test("Any bytes at all stay within the room that there is")
  func anything() {
    for seed in 0..<2000 {
      let packed: [UInt8] = pseudorandom(1 + seed % 40, seed: UInt64(seed))
      if let bytes = unpacked(packed, room: 64) { #expect(bytes.count <= 64) }
    }
  }

  /// Of the numbers in ``ForeignFiles/packed``.
  private static let thousands = (0..<384).map { Double($0 % 7 * 1000) }

  @Test(
    "What h5py packed is read, straight from the file and by the library", arguments: [true, false])
  func foreign(isDirect: Bool) throws {
    let file = try HDF5File(opening: try folder.write(ForeignFiles.packed, to: "lzf.h5"))
    for name in ["seg", "big"] {
      if isDirect {
        let stream = try HDF5Stream(try file.root.dataset(name), cacheBytes: 1 << 20)
        let isWithoutLibrary = stream.isDirect
        #expect(isWithoutLibrary)
        #expect(try stream.values(HDF5Region(wholeOf: [16, 24])) == Self.thousands)
      } else {
        #expect(try file.root.dataset(name).values(as: Double.self) == Self.thousands)
      }
    }
    let sevenths = try file.root.dataset("half").values(as: Double.self)
    #expect(zip(sevenths, Self.thousands).allSatisfy { abs($0 - $1 / 7000) < 1e-3 })
  }

  @Test("Chunks that LZF could not make smaller stand as they are")
  func unpackable() throws {
    let file = try HDF5File(opening: try folder.write(ForeignFiles.unpackable, to: "lzf.h5"))
    let numbers = (0..<64).map(Double.init)
    #expect(try file.root.dataset("seg").values(as: Double.self) == numbers)
    let stream = try HDF5Stream(try file.root.dataset("seg"), cacheBytes: 0)
    #expect(try stream.values(HDF5Region(wholeOf: [64])) == numbers)
  }

  // The first chunk of int32 begins with a run: in its place a repetition, which reaches back from there. Near its end
  // 9 + 0x6c bytes are repeated: one less.
  @Test(
    "A damaged chunk, and one that stands for too little, are refused by either way of reading",
    arguments: [(2048, 7 << 5), (2077, 0x6b)] as [(Int, UInt8)])
  func damagedChunk(place: Int, byte: UInt8) throws {
    var bytes = ForeignFiles.packed
    bytes[place] = byte
    let file = try HDF5File(opening: try folder.write(bytes, to: "lzf.h5"))
    let dataset = try file.root.dataset("seg")
    var kinds: [HDF5Error.Kind] = []
    do throws(HDF5Error) { _ = try dataset.values(as: Double.self) } catch {
      kinds.append(error.kind)
    }
    let stream = try HDF5Stream(dataset, cacheBytes: 0)
    do throws(HDF5Error) { _ = try stream.values(HDF5Region(wholeOf: [16, 24])) } catch {
      kinds.append(error.kind)
    }
    #expect(kinds == [.damaged, .damaged])
  }
}
