// Opening, refusing and closing files.
import Foundation
import HDF5
import Testing

struct FileTests {
  private func kind(opening path: String) -> HDF5Error.Kind? {
    do {
      _ = try HDF5File(opening: path)
      return nil
    } catch { return error.kind }
  }

  @Test("What is not a readable HDF5 file is refused for its own reason")
  func refusals() throws {
    let folder = try TemporaryFolder()
    #expect(kind(opening: folder.file("absent.h5")) == .noSuchFile)
    #expect(kind(opening: folder.path) == .notAFile)
    #expect(kind(opening: "/dev/null") == .notAFile)
    #expect(kind(opening: try folder.write([], to: "empty.h5")) == .notHDF5)
    #expect(kind(opening: try folder.write("a text".utf8, to: "text.h5")) == .notHDF5)
    let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]
    #expect(kind(opening: try folder.write(signature, to: "cut.h5")) == .damaged)
    let newer = signature + [9] + [UInt8](repeating: 8, count: 87)
    #expect(kind(opening: try folder.write(newer, to: "newer.h5")) == .newerFormat)
  }

  @Test("A file without the right to read it is refused, except for root")
  func permission() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write([1, 2, 3], to: "locked.h5")
    try FileManager.default.setAttributes([.posixPermissions: 0], ofItemAtPath: path)
    #expect(kind(opening: path) == (geteuid() == 0 ? .notHDF5 : .noPermission))
  }

  @Test("A file that lost its end is called truncated, with both sizes")
  func truncated() throws {
    let folder = try TemporaryFolder()
    try HDF5File.create(folder.file("a.h5")) { root in
      try root.write("values", [Double](repeating: 1, count: 1000), shape: [1000])
    }
    let bytes = try folder.bytes(of: "a.h5")
    let path = try folder.write(bytes.dropLast(100), to: "cut.h5")
    let error = #expect(throws: HDF5Error.self) { _ = try HDF5File(opening: path) }
    #expect(error?.kind == .damaged)
    #expect(error?.reason == "it is truncated: \(bytes.count - 100) bytes of \(bytes.count)")
  }

  @Test("A superblock that says a writer is at work is refused as such")
  func staleFlag() throws {
    let folder = try TemporaryFolder()
    try HDF5File.create(folder.file("a.h5")) { root in try root.write("value", 1.0) }
    var bytes = try folder.bytes(of: "a.h5")
    // Version 3 has the same layout as version 2; byte 11 holds the consistency flags.
    bytes[8] = 3
    bytes[11] = 1
    #expect(kind(opening: try folder.write(bytes, to: "open.h5")) == .openForWriting)
  }

  @Test("A file behind a user block of 512 bytes opens")
  func userBlock() throws {
    let folder = try TemporaryFolder()
    try HDF5File.create(folder.file("a.h5")) { root in try root.write("value", 2.5) }
    let shifted = [UInt8](repeating: 0x20, count: 512) + (try folder.bytes(of: "a.h5"))
    let file = try HDF5File(opening: try folder.write(shifted, to: "b.h5"))
    #expect(try file.root.dataset("value").scalar(as: Double.self) == 2.5)
  }

  @Test("The same content gives the same bytes, a second later too")
  func determinism() async throws {
    let folder = try TemporaryFolder()
    func write(_ name: String) throws {
      try HDF5File.create(folder.file(name)) { root in
        try root.setAttribute("NX_class", to: "NXroot")
        let group = try root.createGroup("entry")
        for index in 0..<20 { try group.setAttribute("attribute \(index)", to: "text \(index)") }
        try group.write("title", "walls")
        let values = (0..<6000).map { Double($0).squareRoot() }
        try group.write("plain", values, shape: [60, 100])
        try group.write(
          "packed", values, shape: [60, 100], layout: .compressed(chunk: [7, 100], level: 4))
        _ = try group.createDataset("unwritten", of: Float.self, shape: [50])
      }
    }
    try write("a.h5")
    try await Task.sleep(for: .milliseconds(1100))
    try write("b.h5")
    #expect(try folder.bytes(of: "a.h5") == folder.bytes(of: "b.h5"))
  }

  @Test("Closing with a dataset still open is refused, since it would not close")
  func openObject() throws {
    let folder = try TemporaryFolder()
    let file = try HDF5File(creating: folder.file("a.h5"))
    let dataset = try file.root.write("value", 1.0)
    do {
      try file.close()
      Issue.record("the file closed under its dataset")
    } catch {
      #expect(error.reason == "1 of its objects are still open")
    }
    #expect(dataset.shape.isEmpty)
  }
}
