// Numbers to write, and a stream's numbers as arrays.
@testable import HDF5

/// Numbers of every size and sign, the same in each run.
func pseudorandom<Number: FixedWidthInteger>(_ count: Int, seed: UInt64) -> [Number] {
  var state = seed
  return (0..<count).map { _ in
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Number(truncatingIfNeeded: state >> 17)
  }
}

extension HDF5Stream {
  func values(_ region: HDF5Region) throws(HDF5Error) -> [Double] {
    var values = [Double](repeating: -1, count: region.elementCount)
    var failure: HDF5Error?
    values.withUnsafeMutableBufferPointer { buffer in
      do throws(HDF5Error) { try read(region, into: buffer) } catch { failure = error }
    }
    if let failure { throw failure }
    return values
  }

  func stored<Number: HDF5Number>(
    _ region: HDF5Region, by readers: Readers
  ) throws(HDF5Error) -> [Number] {
    var values = [Number](repeating: .zero, count: region.elementCount)
    var failure: HDF5Error?
    values.withUnsafeMutableBytes { bytes in
      do throws(HDF5Error) { try readStored(region, into: bytes, by: readers) } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return values
  }
}
