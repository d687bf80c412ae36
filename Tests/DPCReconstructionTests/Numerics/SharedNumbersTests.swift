// Numbers lent to several threads: copied only where another array holds them, and then whole.
import STEMCore
import Testing

@testable import DPCReconstruction

struct SharedNumbersTests {
  // Several pieces of work, the last of them shorter.
  private static let count = 100_001

  private func address(_ numbers: [Double]) -> Int {
    numbers.withUnsafeBufferPointer { Int(bitPattern: $0.baseAddress) }
  }

  @Test("Numbers that nobody else holds are lent where they are")
  func alone() {
    var numbers = (0..<Self.count).map(Double.init)
    let place = address(numbers)
    let isHeld = numbers.hasOtherOwners()
    #expect(!isHeld)
    numbers.share { $0[7] = -1 }
    #expect(address(numbers) == place)
    #expect(numbers[7] == -1)
  }

  @Test("Numbers that another array holds are copied, every one, and the other's stay as they are")
  func held() {
    var numbers = (0..<Self.count).map(Double.init)
    let others = numbers
    let isHeld = numbers.hasOtherOwners()
    #expect(isHeld)
    numbers.share { $0[7] = -1 }
    let isStillHeld = numbers.hasOtherOwners()
    #expect(!isStillHeld)
    #expect(others == (0..<Self.count).map(Double.init))
    #expect(numbers == (0..<Self.count).map { $0 == 7 ? -1 : Double($0) })
  }

  @Test("No numbers are lent as none")
  func none() {
    var numbers: [Double] = []
    let count = numbers.share { $0.count }
    #expect(count == 0)
  }
}
