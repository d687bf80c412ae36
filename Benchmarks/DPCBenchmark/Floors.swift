// The fastest that this machine moves and transforms bytes: what every time is held against.
internal import Dispatch
internal import FFTW

/// Floors, measured in the same minute as what stands beside them.
enum Floors {
  /// Time to copy `bytes` from memory that is there to memory that is there, s.
  static func copy(bytes: Int, threads: Int) -> Double {
    let source = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes, alignment: 64)
    let target = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes, alignment: 64)
    defer {
      source.deallocate()
      target.deallocate()
    }
    source.initializeMemory(as: UInt8.self, repeating: 1)
    target.initializeMemory(as: UInt8.self, repeating: 2)
    let part = bytes / threads
    // SAFETY: each thread writes its own part of the target.
    nonisolated(unsafe) let (from, to) = (source, target)
    return Stopwatch.median {
      DispatchQueue.concurrentPerform(iterations: threads) { index in
        let range = (index * part)..<((index + 1) * part)
        UnsafeMutableRawBufferPointer(rebasing: to[range])
          .copyMemory(from: UnsafeRawBufferPointer(rebasing: from[range]))
      }
    }
  }

  /// One forward and one inverse cosine transform of a plane, planned before, s.
  static func cosineTransforms(side: Int) -> Double {
    let forward = TrigonometricTransform(
      rows: side, columns: side, alongX: .cosine2, alongY: .cosine2)
    let inverse = TrigonometricTransform(
      rows: side, columns: side, alongX: .cosine3, alongY: .cosine3)
    var plane = TransformBuffer<Double>(count: side * side)
    return Stopwatch.median {
      forward.transform(&plane)
      inverse.transform(&plane)
    }
  }

  /// Real transforms of a plane, `forward` there and `inverse` back, planned before, s.
  static func realTransforms(side: Int, forward: Int, inverse: Int) -> Double {
    let transform = RealFourierTransform(rows: side, columns: side)
    var plane = TransformBuffer<Double>(count: side * side)
    var spectrum = TransformBuffer<Complex>(count: transform.spectrumCount)
    return Stopwatch.median {
      for _ in 0..<forward { transform.forward(plane, into: &spectrum) }
      for _ in 0..<inverse { transform.inverse(&spectrum, into: &plane) }
    }
  }
}
