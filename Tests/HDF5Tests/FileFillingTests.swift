// Numbers that are formed when a file is closed are those that were asked for, however many blocks they take, and
// whoever watches sees the file as it will be read.
import Foundation
import HDF5
import Synchronization
import Testing

struct FileFillingTests {
  private static func number(_ position: Int) -> Float { Float(position % 8_388_593) }

  private static func add(
    _ name: String, _ shape: [Int], to root: borrowing HDF5Group
  ) throws {
    _ = try root.createDataset(name, shape: shape) { (positions: Range<Int>, target) in
      for position in positions {
        target[position - positions.lowerBound] = number(position)
      }
    }
  }

  @Test(arguments: [
    [], [0], [7], [3, 5], [2, 700_000], [5, 300_000], [2100, 1013], [1, 3_000_000],
  ])
  func readBack(shape: [Int]) throws {
    let folder = try TemporaryFolder()
    try HDF5File.create(folder.file("a.h5")) { root in try Self.add("formed", shape, to: root) }
    let file = try HDF5File(opening: folder.file("a.h5"))
    let dataset = try file.root.dataset("formed")
    let values = try dataset.values(as: Float.self)
    #expect(dataset.shape == shape && values.count == shape.reduce(1, *))
    #expect(values.indices.allSatisfy { values[$0] == Self.number($0) })
  }

  /// Odd numbers of bytes before them, so that numbers begin anywhere in the file; small and large, with what the
  /// library writes before, between and behind them.
  @Test func shown() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("a.h5")
    let bytes = (0..<1_000_003).map { UInt8($0 % 251) }
    let seen = Mutex<[UInt8]>([])
    try HDF5File.create(path, shownTo: { piece in seen.withLock { $0 += piece } }) { root in
      try root.setAttribute("before", to: "all")
      _ = try root.createDataset("bytes", shape: [bytes.count]) { positions, target in
        _ = target.update(fromContentsOf: bytes[positions])
      }
      try root.write("between", [1.5, 2.5, 3.5], shape: [3])
      try Self.add("small", [3, 1], to: root)
      let group = try root.createGroup("group")
      try Self.add("large", [900, 1001], to: group)
      try root.write("text", "behind them")
    }
    #expect(seen.withLock { $0 } == [UInt8](try Data(contentsOf: URL(filePath: path))))
    let file = try HDF5File(opening: path)
    #expect(try file.root.dataset("bytes").values(as: UInt8.self) == bytes)
    #expect(try file.root.dataset("between").values(as: Double.self) == [1.5, 2.5, 3.5])
    #expect(try file.root.dataset("small").values(as: Float.self) == [0, 1, 2])
    let large = try file.root.dataset("group/large").values(as: Float.self)
    #expect(large == (0..<900_900).map(Self.number))
  }

  @Test("a file without any such dataset is shown too")
  func nothingToFill() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("a.h5")
    let seen = Mutex<[UInt8]>([])
    try HDF5File.create(path, shownTo: { piece in seen.withLock { $0 += piece } }) { root in
      try root.write("text", "all of it")
    }
    #expect(seen.withLock { $0 } == [UInt8](try Data(contentsOf: URL(filePath: path))))
  }

  /// The library has set the length before; what fails is the first number beyond the limit.
  @Test("a disk that is full says so")
  func fullDisk() async throws {
    let folder = try TemporaryFolder()
    let path = folder.file("full.h5")
    await #expect(processExitsWith: .success) { [path = path as String] in
      signal(SIGXFSZ, SIG_IGN)
      let error = #expect(throws: HDF5Error.self) {
        try HDF5File.create(
          path,
          shownTo: { _ in
            var limit = rlimit(rlim_cur: 1 << 20, rlim_max: 1 << 20)
            _ = setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
          }
        ) { root in try Self.add("formed", [3, 1_000_000], to: root) }
      }
      #expect(error?.operation == "write" && error?.file == path)
      #expect(error?.reason == "File too large")
    }
  }
}
