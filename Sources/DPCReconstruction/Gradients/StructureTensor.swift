// The structure tensor of a vector map: sums over parts of a frame, what noise is in them, and their direction.

internal import Glibc

/// Sums of gradient products over some places of both components, noise already subtracted.
struct StructureTensor: Sendable {
  /// Sums of one component's gradient (∂x, ∂y), and of its products with the place.
  struct Gradients: Sendable {
    var sum = SIMD2(0.0, 0)
    var alongX = SIMD2(0.0, 0)
    var alongY = SIMD2(0.0, 0)
  }

  var xx = 0.0
  var yy = 0.0
  var xy = 0.0
  /// Places, each counted once for each component.
  var count = 0
  /// What was subtracted as noise from xx + yy.
  var noise = 0.0
  var x = Gradients()
  var y = Gradients()
  /// Σ of the places' u, v, u², uv, v², counted as ``count``: u along x and v along y, any unit and origin.
  var places = (u: 0.0, v: 0.0, uu: 0.0, uv: 0.0, vv: 0.0)

  static func + (a: Self, b: Self) -> Self { combined(a, b, 1) }
  static func - (a: Self, b: Self) -> Self { combined(a, b, -1) }

  private static func combined(_ a: Self, _ b: Self, _ sign: Double) -> Self {
    func gradients(_ a: Gradients, _ b: Gradients) -> Gradients {
      Gradients(
        sum: a.sum + sign * b.sum, alongX: a.alongX + sign * b.alongX,
        alongY: a.alongY + sign * b.alongY)
    }
    return Self(
      xx: a.xx + sign * b.xx, yy: a.yy + sign * b.yy, xy: a.xy + sign * b.xy,
      count: a.count + Int(sign) * b.count, noise: a.noise + sign * b.noise,
      x: gradients(a.x, b.x), y: gradients(a.y, b.y),
      places: (
        a.places.u + sign * b.places.u, a.places.v + sign * b.places.v,
        a.places.uu + sign * b.places.uu, a.places.uv + sign * b.places.uv,
        a.places.vv + sign * b.places.vv
      ))
  }

  /// The tensor of what is left of the gradients once the linear function of the place that
  /// fits each of them best, by least squares, is taken off.
  ///
  /// The noise that the function takes along is not given back: one linear function of many places.
  var withoutBackground: Self {
    // Of each place once.
    let n = Double(count) / 2
    let (u, v) = (places.u / 2, places.v / 2)
    let (uu, uv, vv) = (places.uu / 2, places.uv / 2, places.vv / 2)
    let matrix = [n, u, v, u, uu, uv, v, uv, vv]
    var result = self
    for part in [x, y] {
      let right = (0..<2).map { [part.sum[$0], part.alongX[$0], part.alongY[$0]] }
      let fit = right.map { LeastSquares.solve(matrix, $0) }
      func explained(_ i: Int, _ j: Int) -> Double {
        zip(fit[i], right[j]).reduce(0) { $0 + $1.0 * $1.1 }
      }
      result.xx -= explained(0, 0)
      result.yy -= explained(1, 1)
      result.xy -= explained(0, 1)
    }
    return result
  }

  /// Between the eigenvalues.
  var difference: Double { ((xx - yy) * (xx - yy) + 4 * xy * xy).squareRoot() }

  /// Azimuth in [0, π) of the eigenvector of the larger eigenvalue; (λ1 - λ2)/(λ1 + λ2), where
  /// an eigenvalue that noise made negative counts as zero.
  var principal: (azimuth: Double, coherence: Double) {
    let larger = (xx + yy + difference) / 2
    let smaller = max(0, (xx + yy - difference) / 2)
    guard larger > 0 else { return (0, 0) }
    var azimuth = atan2(2 * xy, xx - yy) / 2
    if azimuth < 0 { azimuth += Double.pi }
    if azimuth >= Double.pi { azimuth -= Double.pi }
    return (azimuth, (larger - smaller) / (larger + smaller))
  }
}

/// The tensors of the parts of a frame, and what their sum says.
struct StructureTensors: Sendable {
  private let parts: [StructureTensor]
  private let sum: StructureTensor
  private let total: StructureTensor
  private let removesBackground: Bool
  /// How many samples of the smoothed noise are independent, each counted once for each component.
  private let independent: Double

  /// - Parameters:
  ///   - parts: Of the frame.
  ///   - area: σx σy of the Gaussian that makes noise as smooth as it is once filtered, square pixels.
  ///   - removesBackground: Whether a linear function of the place is taken off all gradients.
  init(_ parts: [StructureTensor], area: Double, removesBackground: Bool) {
    self.parts = parts.filter { $0.count > 0 }
    self.removesBackground = removesBackground
    sum = parts.reduce(StructureTensor()) { $0 + $1 }
    total = removesBackground ? sum.withoutBackground : sum
    // Some 4πσ² pixels of smoothed noise are one independent sample.
    independent = max(1, Double(sum.count) / (4 * Double.pi * area))
  }

  private var trace: Double { total.xx + total.yy }
  var principal: (azimuth: Double, coherence: Double) { total.principal }

  /// Whether the trace stands above that of smoothed noise by five times √(2/n) of it, n independent samples.
  ///
  /// That is ten standard deviations of the trace, which has four gradients in it: where n is large, the chance
  /// is that of a normal distribution, and for the fewest samples that a frame of twelve filters'
  /// widths holds, four, that of χ² with 16 degrees of freedom above 72: 4e-9.
  var exceedNoise: Bool {
    sum.count > 0 && trace > 5 * total.noise * (2 / independent).squareRoot()
  }

  /// Whether noise makes no more than half of the gradients' power.
  ///
  /// The azimuth's error then moves the ends of walls across a square frame by no more than 0.6 σ of the filter.
  var areMostlySignal: Bool { trace >= total.noise }

  /// What noise makes of the azimuth's variance, rad², for square pixels and walls across the frame.
  ///
  /// With gradients of Gaussian-filtered white noise of variance s² in N places, Σ ∂u ∂t along and across
  /// the normal has the variance N s⁴/(64π σ⁶) for each component; its products with
  /// the signal sum up, along a wall, to the difference of the noise between the wall's ends. In terms of the
  /// power of noise q relative to λ1 - λ2, and of n independent samples: q²/(16 n) + q/(√2 π n^1.5).
  var azimuthVariance: Double {
    let ratio = total.noise / total.difference
    return ratio * ratio / (16 * independent)
      + ratio / (2.0.squareRoot() * Double.pi * independent * independent.squareRoot())
  }

  /// One standard deviation of the azimuth, rad, by leaving out one part after the other (jackknife);
  /// azimuths are compared modulo π.
  var azimuthError: Double? {
    let (azimuth, coherence) = total.principal
    guard parts.count > 1, coherence > 0 else { return nil }
    let count = Double(parts.count)
    let deviations = parts.map { part -> Double in
      let others = sum - part
      let tensor = removesBackground ? others.withoutBackground : others
      let d = tensor.principal.azimuth - azimuth
      return d - Double.pi * (d / Double.pi).rounded()
    }
    let mean = deviations.reduce(0, +) / count
    let spread = deviations.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    let jackknife = (spread * (count - 1) / count).squareRoot()
    return jackknife > 0 ? jackknife : nil
  }
}
