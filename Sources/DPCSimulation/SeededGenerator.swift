// Random numbers that depend on their seed and place only, never on the order of the work.
internal import Glibc

/// Generator xoshiro256** (Blackman & Vigna, ACM Trans. Math. Softw. 47 (2021) 36), one per stream.
///
/// A stream is named by a seed and a path of integers (frame, segment, row, ...). Streams are
/// independent of each other, so that a simulation is the same for any number of threads and any
/// order of its loops. The integers are the same on every machine.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
  private var state: (UInt64, UInt64, UInt64, UInt64)

  /// - Parameters:
  ///   - seed: Any number; equal seeds give equal numbers.
  ///   - path: Names the stream; order and length count.
  public init(seed: UInt64, path: [Int] = []) {
    var mixer = SplitMix(state: seed)
    for step in path {
      mixer = SplitMix(state: mixer.next() ^ UInt64(bitPattern: Int64(step)))
    }
    // SplitMix64 never yields four zeros in a row, the one state xoshiro cannot leave.
    state = (mixer.next(), mixer.next(), mixer.next(), mixer.next())
  }

  public mutating func next() -> UInt64 {
    func rotated(_ value: UInt64, _ bits: UInt64) -> UInt64 {
      value << bits | value >> (64 - bits)
    }
    let result = rotated(state.1 &* 5, 7) &* 9
    let shifted = state.1 << 17
    state.2 ^= state.0
    state.3 ^= state.1
    state.1 ^= state.2
    state.0 ^= state.3
    state.2 ^= shifted
    state.3 = rotated(state.3, 45)
    return result
  }

  /// Uniform in the open interval (0, 1): the middle of one of 2⁵³ equal cells.
  public mutating func uniform() -> Double {
    // The middle of the last cell would round up to 1.
    min((Double(next() >> 11) + 0.5) * 0x1p-53, 1 - 0x1p-53)
  }

  /// Standard normal deviate (Box & Muller, Ann. Math. Stat. 29 (1958) 610).
  public mutating func normal() -> Double {
    let radius = (-2 * log(uniform())).squareRoot()
    return radius * cos(2 * Double.pi * uniform())
  }

  /// Uniform in 0..<count; the bias of the multiplication, count/2⁶⁴, is of no consequence.
  mutating func index(below count: Int) -> Int {
    Int(next().multipliedFullWidth(by: UInt64(count)).high)
  }
}

/// SplitMix64 (Steele, Lea & Flood, OOPSLA 2014): turns any number into well-mixed ones.
private struct SplitMix {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
