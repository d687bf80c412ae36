// The least that any program must do for core.yaml: the same bytes, transforms, digests and synchronization.
internal import ArgumentParser
internal import Digest
internal import Dispatch
internal import FFTW
internal import Foundation
internal import Glibc

/// Reads eight planes of 32-bit numbers once, digests them on all cores while they are in the cache,
/// forms both ring-summed differences and the potential of the field (one cosine transform there and one
/// back, double precision), and writes, digests and synchronizes as many bytes as result.h5 has.
///
/// It corrects, masks and inverts nothing, propagates no errors, keeps no cache and no provenance.
struct FloorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "floor", abstract: "The floor of a whole run, as a process of its own.",
    shouldDisplay: false)

  @Argument var input: String
  @Argument var output: String
  @Option(help: "Side of the frames, px.") var side: Int
  @Option(help: "Where the frames begin in the file, bytes.") var offset: Int
  @Option(help: "Size of the output, bytes.") var bytes: Int

  private static let segments = 8
  private static let bandRows = 64

  func run() throws {
    let count = side * side
    var x = TransformBuffer<Double>(count: count)
    var y = TransformBuffer<Double>(count: count)
    try readFields(&x, &y)
    potential(&x, &y)
    try write(x, y)
  }

  /// Bands of rows on all cores: read, digested, and their differences over their sums.
  private func readFields(
    _ x: inout TransformBuffer<Double>, _ y: inout TransformBuffer<Double>
  ) throws {
    let descriptor = open(input, O_RDONLY | O_CLOEXEC)
    if descriptor < 0 { throw ProcessFailure(description: "cannot open \(input)") }
    defer { close(descriptor) }
    let bands = (side + Self.bandRows - 1) / Self.bandRows
    x.withMutableSpan { x in
      y.withMutableSpan { y in
        x.withUnsafeMutableBufferPointer { x in
          y.withUnsafeMutableBufferPointer { y in
            // SAFETY: each band writes its own rows.
            nonisolated(unsafe) let (x, y) = (x, y)
            DispatchQueue.concurrentPerform(iterations: bands) { band in
              let first = band * Self.bandRows * side
              let end = min((band + 1) * Self.bandRows, side) * side
              self.readBand(
                descriptor, first: first, UnsafeMutableBufferPointer(rebasing: x[first..<end]),
                UnsafeMutableBufferPointer(rebasing: y[first..<end]))
            }
          }
        }
      }
    }
  }

  private func readBand(
    _ descriptor: Int32, first: Int, _ x: UnsafeMutableBufferPointer<Double>,
    _ y: UnsafeMutableBufferPointer<Double>
  ) {
    let count = x.count
    let frames = UnsafeMutableBufferPointer<Float>.allocate(capacity: Self.segments * count)
    defer { frames.deallocate() }
    var hasher = SHA256Hasher()
    for segment in 0..<Self.segments {
      let part = UnsafeMutableRawBufferPointer(
        UnsafeMutableBufferPointer(
          rebasing: frames[(segment * count)..<((segment + 1) * count)]))
      let place = offset + 4 * (segment * side * side + first)
      let read = pread(descriptor, part.baseAddress, part.count, place)
      precondition(read == part.count, "the benchmark's file holds all frames in one piece")
      hasher.update(UnsafeRawBufferPointer(part).bytes)
    }
    _ = hasher.finalize()
    for i in 0..<count {
      let right = Double(frames[i]) + Double(frames[4 * count + i])
      let down = Double(frames[count + i]) + Double(frames[5 * count + i])
      let left = Double(frames[2 * count + i]) + Double(frames[6 * count + i])
      let up = Double(frames[3 * count + i]) + Double(frames[7 * count + i])
      // Missing numbers and spikes would run through the transforms, whose time they may change.
      let scale = 1e-2 / max(right + down + left + up, 1)
      let (a, b) = ((right - left) * scale, (down - up) * scale)
      x[i] = a == a ? a : 0
      y[i] = b == b ? b : 0
    }
  }

  /// Replaces `x` by the potential: divergence, cosine series, division, and back.
  private func potential(
    _ x: inout TransformBuffer<Double>, _ y: inout TransformBuffer<Double>
  ) {
    let forward = TrigonometricTransform(
      rows: side, columns: side, alongX: .cosine2, alongY: .cosine2)
    let inverse = TrigonometricTransform(
      rows: side, columns: side, alongX: .cosine3, alongY: .cosine3)
    let scale = 1 / forward.roundTripFactor
    let stiffness = (0..<side).map { mode in
      let root = 2 * sin(Double.pi * Double(mode) / Double(2 * side))
      return root * root
    }
    x.withMutableSpan { x in
      y.withSpan { y in
        for i in 0..<(x.count - side) {
          x[i] = (x[i + 1] - x[i]) + (y[i + side] - y[i])
        }
      }
    }
    forward.transform(&x)
    x.withMutableSpan { x in
      for row in 0..<side {
        for column in 0..<side {
          x[row * side + column] *= scale / max(stiffness[row] + stiffness[column], 1e-300)
        }
      }
      x[0] = 0
    }
    inverse.transform(&x)
  }

  private func write(
    _ x: borrowing TransformBuffer<Double>, _ y: borrowing TransformBuffer<Double>
  ) throws {
    let numbers = UnsafeMutableBufferPointer<Float>.allocate(capacity: (bytes + 3) / 4)
    defer { numbers.deallocate() }
    x.withSpan { x in
      y.withSpan { y in
        for i in numbers.indices {
          let place = i % (2 * x.count)
          numbers[i] = Float(place < x.count ? x[place] : y[place - x.count])
        }
      }
    }
    // SAFETY: both threads only read.
    nonisolated(unsafe) let content = UnsafeRawBufferPointer(
      rebasing: UnsafeRawBufferPointer(numbers)[0..<bytes])
    DispatchQueue.concurrentPerform(iterations: 2) { half in
      var hasher = SHA256Hasher()
      let middle = content.count / 2
      let part = half == 0 ? content[0..<middle] : content[middle...]
      hasher.update(UnsafeRawBufferPointer(rebasing: part).bytes)
      _ = hasher.finalize()
    }
    let descriptor = open(output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    if descriptor < 0 { throw ProcessFailure(description: "cannot write \(output)") }
    defer { close(descriptor) }
    var written = 0
    while written < content.count {
      let size = Glibc.write(
        descriptor, content.baseAddress?.advanced(by: written), content.count - written)
      if size <= 0 { throw ProcessFailure(description: "cannot write \(output)") }
      written += size
    }
    if fsync(descriptor) != 0 {
      throw ProcessFailure(description: "cannot synchronize \(output)")
    }
  }
}

/// Writes a benchmark acquisition, so that its memory is not counted to what runs afterwards.
struct AcquisitionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "acquisition", abstract: "Writes an acquisition for timing.",
    shouldDisplay: false)

  @Argument var output: String
  @Option(help: "Side of the frames, px; a multiple of 256.") var side: Int

  func run() throws { try BenchmarkAcquisition(side: side).write(to: output) }
}
