// A dataset whose numbers are formed while others of it are written: nowhere are all of them held.
internal import Synchronization
internal import WorkSharing

/// Elements of a block, unless one step along the first axis has more: few enough that the processor still holds
/// what was formed when it is written, and that a small map has blocks to write while others are formed.
private let blockLength = 1 << 16
/// Parts of a block that are formed side by side.
private let partCount = 4

/// Forms the numbers at some positions of a dataset.
typealias NumberForming<Number> = @Sendable (Range<Int>, UnsafeMutableBufferPointer<Number>) -> Void

extension HDF5Dataset {
  /// Writes the whole dataset block by block along its first axis, each while the next one is formed.
  func write<Number: HDF5Number>(formedBy form: NumberForming<Number>) throws(HDF5Error) {
    let steps = shape.first ?? 1
    let stride = shape.dropFirst().reduce(1, *)
    if steps * stride == 0 { return }
    let blockSteps = min(steps, max(1, blockLength / stride))
    var written = FormingBlock<Number>(capacity: blockSteps * stride)
    var formed = FormingBlock<Number>(capacity: steps > blockSteps ? blockSteps * stride : 0)
    defer {
      written.deallocate()
      formed.deallocate()
    }
    func positions(from first: Int) -> Range<Int> {
      (first * stride)..<(min(first + blockSteps, steps) * stride)
    }
    written.positions = positions(from: 0)
    shareWork(partCount) { [written] part in
      written.form(part, form)
    }
    for first in Swift.stride(from: 0, to: steps, by: blockSteps) {
      formed.positions = positions(from: min(first + blockSteps, steps))
      try write(written, firstStep: first, stride: stride, forming: formed, by: form)
      swap(&written, &formed)
    }
  }

  /// Writes a block, and forms the next one unless that is empty.
  private func write<Number: HDF5Number>(
    _ block: FormingBlock<Number>, firstStep: Int, stride: Int, forming next: FormingBlock<Number>,
    by form: NumberForming<Number>
  ) throws(HDF5Error) {
    let region =
      shape.isEmpty
      ? HDF5Region(wholeOf: shape)
      : HDF5Region(
        offset: [firstStep] + shape.dropFirst().map { _ in 0 },
        count: [block.positions.count / stride] + shape.dropFirst())
    let failure = Mutex<HDF5Error?>(nil)
    shareWork(next.positions.isEmpty ? 1 : 1 + partCount) { task in
      if task > 0 { return next.form(task - 1, form) }
      do throws(HDF5Error) {
        try write(UnsafeBufferPointer(block.numbers), to: region)
      } catch { failure.withLock { $0 = error } }
    }
    if let error = failure.withLock({ $0 }) { throw error }
  }
}

/// Numbers of one block, in memory that is used again for another.
private struct FormingBlock<Number: HDF5Number>: @unchecked Sendable {
  // Not a race: parts are disjoint, and a block is written after all its parts are formed.
  private let memory: UnsafeMutableBufferPointer<Number>
  /// Of the dataset.
  var positions = 0..<0

  init(capacity: Int) { memory = .allocate(capacity: capacity) }

  func deallocate() { memory.deallocate() }

  var numbers: UnsafeMutableBufferPointer<Number> {
    UnsafeMutableBufferPointer(rebasing: memory[..<positions.count])
  }

  func form(_ part: Int, _ form: NumberForming<Number>) {
    let (first, last) = (
      part * positions.count / partCount, (part + 1) * positions.count / partCount
    )
    if first == last { return }
    form(
      (positions.lowerBound + first)..<(positions.lowerBound + last),
      UnsafeMutableBufferPointer(rebasing: memory[first..<last]))
  }
}
