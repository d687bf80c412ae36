// The profile across inclined walls with their projection undone, and what noise and zeros leave of it.

internal import FFTW
internal import Glibc
internal import STEMCore

/// The mean of one component along the walls, at equal distances across them.
struct RegularProfile {
  /// Of the first sample, from the center of the scan, m.
  let first: Double
  let spacing: Double
  private(set) var values: [Double] = []
  /// Of slow waves: correlation between pixels included. Zeros without errors.
  private(set) var variances: [Double] = []

  var last: Double { first + spacing * Double(values.count - 1) }
  /// Mean square, (V/m)².
  var power: Double { values.reduce(0) { $0 + $1 * $1 } / Double(values.count) }

  /// The samples of ``wallProfile(of:direction:normalAzimuth:)``, those of one step averaged by their weights
  /// and carried to its middle along the local slope.
  ///
  /// - Throws: ``WallError``; ``WallError/tooFewSamples(_:needed:)`` below eight samples.
  init(
    of map: VectorMap, direction: FieldDirection, normalAzimuth: Double, hasErrors: Bool,
    correlation: Double
  ) throws(WallError) {
    let profile = try wallProfile(of: map, direction: direction, normalAzimuth: normalAzimuth)
    let pixel = map.pixelSize ?? PixelSize(x: 1, y: 1)
    let n = unitVector(azimuth: normalAzimuth)
    let step = pixel.x * n.x * n.x + pixel.y * n.y * n.y
    let x = profile.distance
    let length = (x.last ?? 0) - (x.first ?? 0)
    let count = Int((length / step).rounded()) + 1
    guard count >= 8 else { throw .tooFewSamples(count, needed: 8) }
    first = x[0]
    spacing = length / Double(count - 1)
    var members = [[Int]](repeating: [], count: count)
    for k in x.indices {
      members[min(count - 1, Int((x[k] - first) / spacing + 0.5))].append(k)
    }
    for k in members.indices {
      let place = first + Double(k) * spacing
      guard !members[k].isEmpty else {
        values.append(values.last ?? 0)
        variances.append(variances.last ?? 0)
        continue
      }
      let weights = members[k].map { Double(profile.sampleCount[$0]) }
      let total = weights.reduce(0, +)
      func mean(_ list: [Double]) -> Double {
        zip(weights, members[k]).reduce(0) { $0 + $1.0 * list[$1.1] } / total
      }
      let (low, high) = (max(0, members[k][0] - 1), min(x.count - 1, (members[k].last ?? 0) + 1))
      let slope = (profile.value[high] - profile.value[low]) / (x[high] - x[low])
      values.append(mean(profile.value) + slope * (place - mean(x)))
      let errors = hasErrors ? profile.error ?? [] : []
      let sum = zip(weights, members[k]).reduce(0.0) { sum, member in
        let error = errors.isEmpty ? 0 : errors[member.1]
        return sum + member.0 * member.0 * error * error
      }
      variances.append(sum / (total * total) * correlation)
    }
  }

  func value(at distance: Double) -> Double? { interpolated(values, at: distance) }

  /// Linear between the samples; nil beyond half a step outside of them.
  func interpolated(_ list: [Double], at distance: Double) -> Double? {
    let place = (distance - first) / spacing
    guard place > -0.5, place < Double(list.count) - 0.5 else { return nil }
    let k = min(max(0, Int(place)), list.count - 2)
    let part = min(max(0, place - Double(k)), 1)
    return list[k] + part * (list[k + 1] - list[k])
  }
}

/// The Wiener filter of ``deconvolvedField(of:normalAzimuth:geometry:correlation:)`` on a profile, in cosine series.
struct ProfileDeconvolution {
  private(set) var value: [Double] = []
  /// Of the noise let through and of what is damped, (V/m)².
  private(set) var variance: [Double] = []
  private(set) var resolution: Double?
  private(set) var lostShare = 0.0
  /// Mean over the profile of the power of what is damped, (V/m)².
  private(set) var damped = 0.0
  /// That power over all that is expected.
  private(set) var dampedShare = 0.0

  init(_ profile: RegularProfile, box: Double, factor: Double) {
    let count = profile.values.count
    let step = 1 / (2 * Double(count) * profile.spacing)
    let transfer = (0..<count).map { wave -> Double in
      let x = Double.pi * Double(wave) * step * box
      return factor * (x < 1e-9 ? 1 : sin(x) / x)
    }
    // No profile is better than 1e-3, whatever its noise: slanted walls are binned, and tails of walls end
    // in a kink at the mirror.
    let floor = max(1e-6 * profile.power, .leastNormalMagnitude)
    let noise = max(profile.variances.reduce(0, +) / Double(count), floor)
    let waves = WaveEstimate(
      power: Self.powers(profile.values), transfer: transfer, noise: noise)
    filter(profile, gains: waves.gains, floor: floor)
    damped = waves.damped / Double(count)
    dampedShare = waves.dampedShare
    resolution = waves.resolution(step: step)
    // What is too fine lies where the field is; what lay at the zeros of the box rings over its width.
    for width in [resolution ?? box, box] {
      share(damped / 2, over: width, spacing: profile.spacing)
    }
    lostShare = waves.lostShare
  }

  /// Squares of the coefficients of the orthonormal cosine series: white noise has its variance in each.
  private static func powers(_ values: [Double]) -> [Double] {
    let count = values.count
    var buffer = TransformBuffer<Double>(copying: values)
    TrigonometricTransform(count: count, kind: .cosine2).transform(&buffer)
    return buffer.array().enumerated().map { wave, c in
      c * c / Double((wave == 0 ? 4 : 2) * count)
    }
  }

  /// K(i - j) + K(i + j + 1) with K(d) = [G(0)/2 + Σ G(m) cos(π m d/n)]/n, on values and variances.
  private mutating func filter(_ profile: RegularProfile, gains: [Double], floor: Double) {
    let count = gains.count
    let cosines = (0..<(2 * count)).map { cos(Double.pi * Double($0) / Double(count)) }
    let kernel = (0..<(2 * count)).map { d -> Double in
      var sum = gains[0] / 2
      for wave in 1..<count where gains[wave] != 0 {
        sum += gains[wave] * cosines[wave * d % (2 * count)]
      }
      return sum / Double(count)
    }
    for i in 0..<count {
      var (sum, spread) = (0.0, 0.0)
      for j in 0..<count {
        let weight = kernel[abs(i - j)] + kernel[i + j + 1]
        sum += weight * profile.values[j]
        spread += weight * weight * max(floor, profile.variances[j])
      }
      value.append(sum)
      variance.append(spread)
    }
  }

  /// Adds power, shared out as the power of the restored field within a width around.
  private mutating func share(_ power: Double, over width: Double, spacing: Double) {
    let count = value.count
    let mean = value.reduce(0, +) / Double(count)
    let reach = max(1, Int((width / spacing / 2).rounded()))
    let local = (0..<count).map { i -> Double in
      let range = max(0, i - reach)...min(count - 1, i + reach)
      return range.reduce(0) { $0 + (value[$1] - mean) * (value[$1] - mean) } / Double(range.count)
    }
    let total = local.reduce(0, +) / Double(count)
    for i in 0..<count { variance[i] += total > 0 ? power * local[i] / total : power }
  }
}
