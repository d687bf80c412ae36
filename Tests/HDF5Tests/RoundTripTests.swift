// What is written is what is read, in every type, layout and shape.
import HDF5
import Testing

struct RoundTripTests {
  @Test("Every number type comes back with its extreme values")
  func numbers() throws {
    try roundTrip([Int8.min, -1, 0, .max])
    try roundTrip([Int16.min, -1, 0, .max])
    try roundTrip([Int32.min, -1, 0, .max])
    try roundTrip([Int64.min, -1, 0, .max])
    try roundTrip([Int.min, -1, 0, .max])
    try roundTrip([UInt8.min, 1, .max])
    try roundTrip([UInt16.min, 1, .max])
    try roundTrip([UInt32.min, 1, .max])
    try roundTrip([UInt64.min, 1, .max])
    try roundTrip([-Float.infinity, -Float.leastNonzeroMagnitude, 0.1, .greatestFiniteMagnitude])
    try roundTrip([-Double.infinity, .leastNonzeroMagnitude, 0.1, .greatestFiniteMagnitude])
  }

  private func roundTrip<Number: HDF5Number & Equatable>(_ values: [Number]) throws {
    let folder = try TemporaryFolder()
    for layout in [HDF5Layout.contiguous, .compressed(chunk: [2], level: 4)] {
      let file = try HDF5File(creating: folder.file("a.h5"))
      try file.root.write("values", values, shape: [values.count], layout: layout)
      try file.root.setAttribute("values", to: values)
      try file.close()
      let read = try HDF5File(opening: folder.file("a.h5"))
      let dataset = try read.root.dataset("values")
      #expect(try dataset.values(as: Number.self) == values)
      #expect(try read.root.attributeValues("values", as: Number.self) == values)
    }
  }

  @Test("A block of a three-dimensional dataset is the right one, row after row")
  func hyperslab() throws {
    let folder = try TemporaryFolder()
    let shape = [3, 4, 5]
    for layout in [HDF5Layout.contiguous, .compressed(chunk: [2, 3, 2], level: 1)] {
      let file = try HDF5File(creating: folder.file("a.h5"))
      try file.root.write("cube", (0..<60).map { UInt16($0) }, shape: shape, layout: layout)
      try file.close()
      let read = try HDF5File(opening: folder.file("a.h5"))
      let dataset = try read.root.dataset("cube", chunkCacheBytes: 1 << 20)
      let region = HDF5Region(offset: [1, 2, 3], count: [2, 2, 2])
      // (frame, row, column) stands at 20 frame + 5 row + column.
      #expect(try dataset.values(of: region, as: Double.self) == [33, 34, 38, 39, 53, 54, 58, 59])
      var buffer = [Double](repeating: -1, count: 8)
      var span = buffer.mutableSpan
      try dataset.read(region, into: &span)
      #expect(buffer == [33, 34, 38, 39, 53, 54, 58, 59])
    }
  }

  @Test("A dataset written block by block reads as a whole; what is not written is zero")
  func streaming() throws {
    let folder = try TemporaryFolder()
    for layout in [HDF5Layout.contiguous, .compressed(chunk: [2, 2], level: 1)] {
      let file = try HDF5File(creating: folder.file("a.h5"))
      do {
        let dataset = try file.root.createDataset(
          "plane", of: Double.self, shape: [4, 2], layout: layout)
        try dataset.write([1.5, 2.5], to: HDF5Region(offset: [0, 0], count: [1, 2]))
        try dataset.write([3.5, 4.5], to: HDF5Region(offset: [2, 0], count: [1, 2]))
      }
      try file.close()
      let read = try HDF5File(opening: folder.file("a.h5"))
      #expect(
        try read.root.dataset("plane").values(as: Double.self)
          == [1.5, 2.5, 0, 0, 3.5, 4.5, 0, 0])
    }
  }

  @Test("Texts come back, single, in lists and as attributes, beyond ASCII too")
  func strings() throws {
    let folder = try TemporaryFolder()
    try HDF5File.create(folder.file("a.h5")) { root in
      let entry = try root.createGroup("entry")
      let title = try entry.write("title", "PbTiO₃ 90° walls, 3 Å")
      try title.setAttribute("units", to: "µm")
      try entry.write("names", ["x", "", "longer"])
      try entry.setAttribute("axes", to: ["y", "x"])
    }
    let read = try HDF5File(opening: folder.file("a.h5"))
    let dataset = try read.root.dataset("/entry/title")
    #expect(try dataset.string() == "PbTiO₃ 90° walls, 3 Å")
    #expect(try dataset.attributeString("units") == "µm")
    #expect(try dataset.attributeString("absent") == nil)
    #expect(try dataset.attributeNames() == ["units"])
    #expect(try read.root.dataset("entry/names").strings() == ["x", "", "longer"])
    #expect(try read.root.group("entry").attributeStrings("axes") == ["y", "x"])
  }
}
