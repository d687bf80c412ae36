// Datasets that have a place in a new file, and whose numbers are formed when it is closed: nowhere are all of
// them held.
internal import Synchronization

/// Forms the numbers at some positions of a dataset.
typealias NumberForming<Number> =
  @Sendable (Range<Int>, UnsafeMutableBufferPointer<Number>) -> Void

/// A dataset in one piece that has a place in the file and no numbers yet.
struct UnfilledDataset: Sendable {
  /// Where it lies in the file.
  let bytes: Range<Int>
  /// Forms some of its bytes, counted from its first one; these begin and end between numbers.
  let form: @Sendable (Range<Int>, UnsafeMutableRawBufferPointer) -> Void

  /// - Parameters:
  ///   - start: Its first byte in the file.
  ///   - count: How many numbers it has.
  ///   - form: Called from several threads, in any order, once for each position.
  init<Number: HDF5Number>(
    at start: Int, count: Int, formedBy form: @escaping NumberForming<Number>
  ) {
    let width = MemoryLayout<Number>.stride
    bytes = start..<(start + count * width)
    // The numbers of this machine have the order of bytes that files are written in.
    self.form = { bytes, target in
      form(
        (bytes.lowerBound / width)..<(bytes.upperBound / width), target.bindMemory(to: Number.self))
    }
  }
}

/// Those of one file, in whatever order they were created.
final class UnfilledDatasets: Sendable {
  private let datasets = Mutex<[UnfilledDataset]>([])

  func add(_ dataset: UnfilledDataset) { datasets.withLock { $0.append(dataset) } }

  /// In the order in which they lie in the file.
  var inOrder: [UnfilledDataset] {
    datasets.withLock { $0.sorted { $0.bytes.lowerBound < $1.bytes.lowerBound } }
  }
}
