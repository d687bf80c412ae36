// The power of a phase by frequency: what stands out of the noise, and what the noise may hide.
internal import Glibc

/// Power of the waves of a phase in classes of their frequency, three to the octave.
///
/// From least squares of |Σ w T* i|² = W² S + N W over the waves of a class, W = Σ w |T|², with the noise N.
struct PhasePowers {
  /// One wave: frequency, cycles/m; W; |Σ w T* i|².
  struct Wave {
    var x: Double
    var y: Double
    var weight: Double
    var power: Double

    var q: Double { (x * x + y * y).squareRoot() }
  }

  /// A class of waves.
  struct Class {
    /// S, rad²; nil where noise hides it.
    var visible: Double?
    /// Means over the class of S cos², S sin² and S cos sin, of the direction of its waves: measured where S is
    /// visible, else what noise may hide, above zero.
    var directed = (xx: 0.0, yy: 0.0, xy: 0.0)
  }

  private let lowest: Double
  private var classes: [Class] = []

  init(waves: [Wave], noise: Double) {
    let seen = waves.filter { $0.weight > 0 }
    lowest = seen.map(\.q).min() ?? 1
    var sums: [Sums] = []
    for wave in seen {
      let index = index(wave.q)
      while sums.count <= index { sums.append(Sums()) }
      sums[index].add(wave, noise: noise)
    }
    classes = sums.map { $0.power(noise: noise) }
    var index = 0
    while index < classes.count {
      let end = classes[index...].firstIndex { $0.visible != nil } ?? classes.count
      let hidden = Self.hidden(sums[index..<end], noise: noise)
      for place in index..<end { classes[place].directed = hidden[place - index] }
      index = max(end, index + 1)
    }
  }

  private func index(_ q: Double) -> Int { Int(3 * log2(q / lowest) + 1e-9) }

  /// The class of waves of a frequency that is seen.
  subscript(q: Double) -> Class { classes[min(index(q), classes.count - 1)] }

  /// What noise may hide in neighboring classes.
  ///
  /// A spectrum is taken to fall from the first of them as q⁻⁴, like that of a field that jumps, and the factor before
  /// it to be above zero and else anything: what is stated is the mean over all it may then be.
  private static func hidden(
    _ sums: ArraySlice<Sums>, noise: Double
  ) -> [(xx: Double, yy: Double, xy: Double)] {
    var (x, y, squares) = (0.0, 0.0, 0.0)
    var variance = (x: 0.0, y: 0.0)
    let shape = sums.indices.map { exp2(-4.0 / 3 * Double($0 - sums.startIndex)) }
    for (factor, class_) in zip(shape, sums) {
      x += factor * class_.signal.xx
      y += factor * class_.signal.yy
      squares += factor * factor * class_.squares
      variance.x += factor * factor * noise * noise * class_.spread.x
      variance.y += factor * factor * noise * noise * class_.spread.y
    }
    guard squares > 0 else { return shape.map { _ in (0, 0, 0) } }
    let first = (
      x: meanAboveZero(x / squares, error: variance.x.squareRoot() / squares),
      y: meanAboveZero(y / squares, error: variance.y.squareRoot() / squares)
    )
    return shape.map { (xx: $0 * first.x, yy: $0 * first.y, xy: 0) }
  }

  /// The mean of what is above zero of a normal distribution.
  private static func meanAboveZero(_ value: Double, error: Double) -> Double {
    guard error > 0 else { return max(0, value) }
    let t = value / error
    // Far below zero the rest of the distribution is an exponential, whose mean is its length.
    if t < -8 { return -error / t }
    let density = exp(-t * t / 2) / (2 * Double.pi).squareRoot()
    return value + error * density / (erfc(-t / 2.0.squareRoot()) / 2)
  }

  /// Sums over the waves of a class.
  private struct Sums {
    /// Σ (|Σ w T* i|² - N W) times cos², sin² and cos sin.
    var signal = (xx: 0.0, yy: 0.0, xy: 0.0)
    /// Σ W², and the same times cos⁴ and sin⁴.
    var squares = 0.0
    var spread = (x: 0.0, y: 0.0)

    mutating func add(_ wave: Wave, noise: Double) {
      let power = wave.power - noise * wave.weight
      let (c, s) = (wave.x / wave.q, wave.y / wave.q)
      let square = wave.weight * wave.weight
      signal.xx += power * c * c
      signal.yy += power * s * s
      signal.xy += power * c * s
      squares += square
      spread.x += square * c * c * c * c
      spread.y += square * s * s * s * s
    }

    func power(noise: Double) -> Class {
      let total = signal.xx + signal.yy
      // Noise alone scatters the sum by N √(Σ W²); what is less than twice that is not taken for a signal.
      guard total > 2 * noise * squares.squareRoot() else { return Class() }
      let (xx, yy) = (max(0, signal.xx) / squares, max(0, signal.yy) / squares)
      let limit = (xx * yy).squareRoot()
      return Class(
        visible: total / squares,
        directed: (xx: xx, yy: yy, xy: max(-limit, min(limit, signal.xy / squares))))
    }
  }
}
