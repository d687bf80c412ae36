// Numbers formed as they are written are those that were asked for, however many blocks they take.
import HDF5
import Testing

struct FormedWritingTests {
  @Test(arguments: [
    [], [0], [7], [3, 5], [2, 700_000], [5, 300_000], [2100, 1013], [1, 3_000_000],
  ])
  func readBack(shape: [Int]) throws {
    let folder = try TemporaryFolder()
    try HDF5File.create(folder.file("a.h5")) { root in
      _ = try root.write("formed", shape: shape) { (positions: Range<Int>, target) in
        for position in positions {
          target[position - positions.lowerBound] = Float(position % 8_388_593)
        }
      }
    }
    let file = try HDF5File(opening: folder.file("a.h5"))
    let dataset = try file.root.dataset("formed")
    let values = try dataset.values(as: Float.self)
    #expect(dataset.shape == shape && values.count == shape.reduce(1, *))
    #expect(values.indices.allSatisfy { values[$0] == Float($0 % 8_388_593) })
  }
}
