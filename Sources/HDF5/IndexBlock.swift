// Blocks of indices along several axes.

/// Every index of a block, the last axis fastest.
struct IndexBlock {
  private let ranges: [ClosedRange<Int>]

  init(_ ranges: [ClosedRange<Int>]) { self.ranges = ranges }

  func forEach(_ body: ([Int]) -> Void) {
    var index = ranges.map(\.lowerBound)
    while true {
      body(index)
      var axis = ranges.count - 1
      while axis >= 0, index[axis] == ranges[axis].upperBound {
        index[axis] = ranges[axis].lowerBound
        axis -= 1
      }
      if axis < 0 { return }
      index[axis] += 1
    }
  }
}
