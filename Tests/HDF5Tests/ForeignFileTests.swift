// Files as others write them: byte orders, text paddings, links, and claims that are not true.
@testable import HDF5
import Testing

struct ForeignFileTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func open(_ bytes: [UInt8]) throws -> HDF5File {
    try HDF5File(opening: try folder.write(bytes, to: "foreign.h5"))
  }

  /// Reads a dataset and returns why that is refused.
  private func refusal(_ bytes: [UInt8], _ path: String) throws -> HDF5Error {
    let file = try open(bytes)
    do {
      _ = try file.root.dataset(path).values(as: Double.self)
    } catch { return error }
    throw NotRefused()
  }

  private struct NotRefused: Error {}

  @Test("Big-endian and half-precision numbers read as their values")
  func numbers() throws {
    let file = try open(ForeignFiles.mixed)
    #expect(try file.root.dataset("int16").values(as: Int.self) == [-2, 258])
    #expect(try file.root.dataset("uint32").values(as: Double.self) == [1, 4_294_967_295])
    #expect(try file.root.dataset("float16").values(as: Double.self) == [0.5, -65504])
    #expect(try file.root.dataset("float32").values(as: Float.self) == [0.1, -3])
    #expect(try file.root.dataset("float64").values(as: Double.self) == [0.1, -3])
  }

  @Test("Types are told with their size, sign and significant bits")
  func types() throws {
    let file = try open(ForeignFiles.mixed)
    #expect(
      try file.root.dataset("int16").description.element
        == .integer(bytes: 2, bits: 16, isSigned: true))
    #expect(
      try file.root.dataset("twelve").description.element
        == .integer(bytes: 2, bits: 12, isSigned: false))
    #expect(try file.root.dataset("float16").description.element == .float(bytes: 2))
    #expect(try file.root.dataset("padded").description.element == .fixedString(bytes: 5))
  }

  @Test("Fixed texts lose their padding; bytes that are not UTF-8 are Latin-1")
  func texts() throws {
    let file = try open(ForeignFiles.mixed)
    #expect(try file.root.dataset("padded").strings() == ["ab", "c"])
    #expect(try file.root.dataset("blanks").string() == "a b")
    #expect(try file.root.dataset("latin").string() == "\u{C5}")
  }

  @Test("A number is not read into a type that cannot hold its range")
  func narrowing() throws {
    let file = try open(ForeignFiles.mixed)
    func kind<Number: HDF5Number>(_ name: String, as type: Number.Type) throws -> HDF5Error.Kind? {
      let dataset = try file.root.dataset(name)
      do {
        _ = try dataset.values(as: type)
        return nil
      } catch { return error.kind }
    }
    #expect(try kind("int16", as: UInt16.self) == .mismatch)
    #expect(try kind("int16", as: Int8.self) == .mismatch)
    #expect(try kind("uint32", as: Int32.self) == .mismatch)
    #expect(try kind("uint32", as: Int64.self) == nil)
    #expect(try kind("float32", as: Int.self) == .mismatch)
    #expect(try kind("complex", as: Double.self) == .mismatch)
    #expect(try kind("padded", as: Double.self) == .mismatch)
  }

  @Test("A block outside of the dataset is refused, whichever side it leaves")
  func bounds() throws {
    let file = try open(ForeignFiles.mixed)
    let dataset = try file.root.dataset("int16")
    for region in [
      HDF5Region(offset: [1], count: [2]), HDF5Region(offset: [-1], count: [1]),
      HDF5Region(offset: [.max], count: [2]), HDF5Region(offset: [0, 0], count: [1, 1]),
    ] {
      do {
        _ = try dataset.values(of: region, as: Int.self)
        Issue.record("\(region) was read")
      } catch { #expect(error.kind == .mismatch) }
    }
  }

  @Test("Soft links within the file are followed; circles and dead ends are told")
  func softLinks() throws {
    let file = try open(ForeignFiles.links)
    #expect(try file.root.dataset("inside").values(as: Double.self) == [1.5, 2.5])
    #expect(try file.root.kind(of: "inside") == .dataset)
    #expect(try !file.root.contains("dangling"))
    #expect(try !file.root.contains("value/below"))
    #expect(try !file.root.contains("nowhere", refusesDeadEnds: true))
    let dead = #expect(throws: HDF5Error.self) {
      try file.root.contains("dangling", refusesDeadEnds: true)
    }
    #expect(dead?.reason == "/dangling is a soft link to /nowhere, where there is nothing")
    #expect(try refusal(ForeignFiles.links, "a").reason == "its soft links lead in a circle")
    #expect(try refusal(ForeignFiles.links, "dangling").kind == .noSuchObject)
    let children = try file.root.children()
    #expect(children.map(\.name) == ["a", "b", "dangling", "inside", "outside", "sneaky", "value"])
    #expect(children[3].kind == .softLink(target: "/value"))
    #expect(children[4].kind == .externalLink(file: "/etc/other.h5", object: "/value"))
  }

  @Test("What a path leads to does not depend on what was looked up before")
  func lookups() throws {
    let wanted: [(path: String, values: [Double]?)] = [
      ("group/value", [1.5, 2.5]), ("group/near", [1.5, 2.5]), ("/group/near", [1.5, 2.5]),
      ("group/inner/deep", [3]), ("group/inner/up", [1.5, 2.5]), ("group/inner/value", nil),
      ("other/deep", [3]), ("other/value", nil), ("decoy/value", [1.5, 2.5]), ("decoy/deep", nil),
      ("decoy/inner/deep", [3]), ("group/deep", nil), ("group/value/deep", nil), ("value", nil),
    ]
    for first in wanted {
      let file = try open(ForeignFiles.nested)
      for path in [first] + wanted {
        #expect(try file.root.contains(path.path) == (path.values != nil), "\(path.path)")
        if let values = path.values {
          #expect(try file.root.dataset(path.path).values() == values, "\(path.path)")
        }
      }
      let dead = #expect(throws: HDF5Error.self) {
        try file.root.contains("group/dead", refusesDeadEnds: true)
      }
      #expect(dead?.reason == "/group/dead is a soft link to nothing, where there is nothing")
    }
  }

  @Test("Nothing is read from another file: links, storage, virtual datasets")
  func outside() throws {
    for path in ["outside", "sneaky"] {
      let link = try refusal(ForeignFiles.links, path)
      #expect(link.kind == .leavesFile)
      #expect(link.reason.contains("external link to /value in /etc/other.h5"))
    }
    let storage = try refusal(ForeignFiles.external, "seg")
    #expect(storage.kind == .leavesFile)
    #expect(storage.reason.contains("/etc/hostname"))
    #expect(try refusal(ForeignFiles.virtual, "seg").kind == .leavesFile)
  }

  @Test("Datasets that claim what the file cannot hold are refused before memory is taken")
  func claims() throws {
    for path in ["seg", "large", "unwritten"] {
      #expect(try refusal(ForeignFiles.huge, path).kind == .implausibleSize)
    }
  }

  @Test(
    "A side that no number of this machine can be is damage, where others make it no element too")
  func endlessNothing() throws {
    let file = try open(ForeignFiles.endlessNothing)
    let refusal = #expect(throws: HDF5Error.self) {
      _ = try file.root.attributeValues("none", as: Double.self)
    }
    #expect(refusal?.kind == .damaged && refusal?.object == "/@none")
    #expect(refusal?.reason == "it claims a side of 9223372036854775809 elements")
  }

  @Test(
    "Bytes that shuffling left as they were, for they make no whole number, are read as they are")
  func shuffledLast() throws {
    let file = try open(ForeignFiles.shuffledLast)
    let cubes = (0..<16).map { Double($0 * $0 * $0 % 251) }
    for name in ["four", "eight"] {
      let stream = try HDF5Stream(try file.root.dataset(name), cacheBytes: 0)
      let isDirect = stream.isDirect
      #expect(isDirect)
      #expect(try stream.values(HDF5Region(wholeOf: [16])) == cubes)
    }
  }

  @Test("A filter that is not installed is named, with what brings it")
  func filter() throws {
    let error = try refusal(ForeignFiles.bitshuffled, "seg")
    #expect(error.kind == .missingFilter)
    #expect(error.reason.contains("bitshuffle (32008)"))
    #expect(error.reason.contains("pip install hdf5plugin"))
  }

  @Test("A failure tells file, object and operation in one line, and keeps the library's stack")
  func description() throws {
    let path = try folder.write(ForeignFiles.links, to: "foreign.h5")
    let missing = try refusal(ForeignFiles.links, "absent")
    #expect(missing.description == "\(path): /absent: cannot open: there is no such object")
    // The object header of the root group, destroyed, with its signature left in place.
    var bytes = ForeignFiles.links
    for index in 52..<80 { bytes[index] = 0xFF }
    let broken = try folder.write(bytes, to: "broken.h5")
    do {
      _ = try HDF5File(opening: broken)
      Issue.record("a broken file was opened")
    } catch {
      #expect(error.kind == .damaged)
      #expect(!error.stack.isEmpty)
      #expect(!error.description.contains("\n"))
    }
  }
}
