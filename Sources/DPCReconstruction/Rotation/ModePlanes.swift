// Coefficients of curl and divergence of a map, mode by mode, and sums over them on all threads.
internal import FFTW
internal import STEMCore
internal import WorkSharing

/// What each component gives to the curl and the divergence of sin(mπx/L) sin(nπy/H).
///
/// A detector seen from behind changes the sign of y alone. Planes have the layout of their transforms: sines
/// begin with half a wave at index 0, cosines with the constant there and half a wave at index 1.
struct ModePlanes: Sendable {
  let rows: Int
  let columns: Int
  /// π m/L and π n/H, rad/m.
  let kx: [Double]
  let ky: [Double]
  /// (kx/κ) ⟨cos sin, x⟩ and (ky/κ) ⟨sin cos, y⟩, whose sum is the divergence.
  fileprivate let divergenceX: [Double]
  fileprivate let divergenceY: [Double]
  /// (ky/κ) ⟨sin cos, x⟩ and (kx/κ) ⟨cos sin, y⟩: the curl is the second less the first.
  fileprivate let curlX: [Double]
  fileprivate let curlY: [Double]

  init(_ map: VectorMap) {
    let shape = map.shape
    let pixel = map.pixelSize ?? PixelSize(x: 1, y: 1)
    let kx = (1..<shape.columns).map {
      Double.pi * Double($0) / (Double(shape.columns) * pixel.x)
    }
    let ky = (1..<shape.rows).map { Double.pi * Double($0) / (Double(shape.rows) * pixel.y) }
    let (x, y) = (map.field.x, map.field.y)
    let pairs = concurrentMap(2) { half in
      Self.coefficients(x, y, shape, kx, ky, isCosineSine: half == 0)
    }
    (rows, columns) = (ky.count, kx.count)
    (self.kx, self.ky) = (kx, ky)
    (divergenceX, curlY) = pairs[0]
    (curlX, divergenceY) = pairs[1]
  }

  /// The coefficients of both components for one pair of series, times that component of k/κ which
  /// belongs to the cosine.
  private static func coefficients(
    _ x: [Double], _ y: [Double], _ shape: GridShape, _ kx: [Double], _ ky: [Double],
    isCosineSine: Bool
  ) -> ([Double], [Double]) {
    let plan = TrigonometricTransform(
      rows: shape.rows, columns: shape.columns, alongX: isCosineSine ? .cosine2 : .sine2,
      alongY: isCosineSine ? .sine2 : .cosine2)
    // Transforms hold four times the sums, and a sine product has the norm √(rows columns)/2.
    let scale = 1 / (2 * Double(shape.count).squareRoot())
    // Where the first of the modes stands.
    let (top, left) = isCosineSine ? (0, 1) : (1, 0)
    func one(_ plane: [Double]) -> [Double] {
      var modes = plane
      plan.transform(&modes)
      forEachLine(of: &modes, shape) { row, start, band in
        let n = row - top
        guard ky.indices.contains(n) else { return }
        let waves = kx.span
        for m in 0..<waves.count {
          let wave = (waves[m] * waves[m] + ky[n] * ky[n]).squareRoot()
          let along = scale * (isCosineSine ? waves[m] : ky[n]) / wave
          band[start + left + m] = along * band[start + left + m]
        }
      }
      return modes
    }
    return (one(x), one(y))
  }

  /// Σ (C² + D²) and the number of modes of each class of wave numbers.
  ///
  /// - Parameters:
  ///   - side: -1 for a detector seen from behind, else +1.
  ///   - classes: Where each class begins, (rad/m)², and infinity.
  func powers(_ side: Double, classes: [Double]) -> (power: [Double], count: [Double]) {
    let zero = [Double](repeating: 0, count: classes.count - 1)
    return forBlocks { rows in
      var (power, count) = (zero, zero)
      for n in rows {
        forRow(n, side, classes) { _, index, c, d in
          power[index] += c * c + d * d
          count[index] += 1
        }
      }
      return (power, count)
    }.reduce(into: (power: zero, count: zero)) { sums, block in
      for index in zero.indices {
        sums.power[index] += block.0[index]
        sums.count[index] += block.1[index]
      }
    }
  }

  /// What `body` makes of blocks of rows, in order.
  func forBlocks<Output: Sendable>(_ body: @Sendable (Range<Int>) -> Output) -> [Output] {
    let height = 32
    return concurrentMap((rows + height - 1) / height) { block in
      body(block * height..<min(rows, (block + 1) * height))
    }
  }

  /// Column, class, curl and divergence of the modes of a row.
  @inline(__always)
  func forRow(
    _ n: Int, _ side: Double, _ classes: [Double],
    _ body: (_ m: Int, _ index: Int, _ curl: Double, _ divergence: Double) -> Void
  ) {
    let (p, q) = (divergenceX.span, divergenceY.span)
    let (r, t) = (curlY.span, curlX.span)
    let (kx, limits) = (kx.span, classes.span)
    let (k2y, width) = (ky[n] * ky[n], columns + 1)
    var index = 0
    for m in 0..<columns {
      let k2 = kx[m] * kx[m] + k2y
      while k2 >= limits[index + 1] { index += 1 }
      let (cosineSine, sineCosine) = (n * width + 1 + m, (n + 1) * width + m)
      body(
        m, index, side * r[cosineSine] - t[sineCosine], p[cosineSine] + side * q[sineCosine])
    }
  }
}

/// Weighted sums over the modes, without the one coefficient that a linear field reaches.
struct WeightedModes {
  private let planes: ModePlanes
  private let side: Double
  private let classes: [Double]
  private let weights: [Double]
  /// Curl and divergence of that coefficient over its norm.
  private var uniformCurl = 0.0
  private var uniformDivergence = 0.0

  /// - Parameters:
  ///   - planes: The coefficients.
  ///   - side: -1 for a detector seen from behind, else +1.
  ///   - classes: Where each class of wave numbers begins, (rad/m)², and infinity.
  ///   - weights: Of each class.
  ///   - takesOffUniform: Whether a linear field is projected out.
  init(
    planes: ModePlanes, side: Double, classes: [Double], weights: [Double],
    takesOffUniform: Bool = true
  ) {
    self.planes = planes
    self.side = side
    self.classes = classes
    self.weights = weights
    guard takesOffUniform else { return }
    let sums = planes.forBlocks { rows -> SIMD4<Double> in
      var sums = SIMD4<Double>.zero
      // A field of constant curl or divergence has waves that are odd along both axes only.
      for n in rows where n % 2 == 0 {
        planes.forRow(n, side, classes) { m, index, c, d in
          guard m % 2 == 0, weights[index] > 0 else { return }
          let uniform = Self.uniform(planes.kx[m], planes.ky[n])
          let weighted = weights[index] * uniform
          sums += SIMD4(weighted * uniform, weighted * c, weighted * d, 0)
        }
      }
      return sums
    }.reduce(SIMD4<Double>.zero, +)
    guard sums[0] > 0 else { return }
    (uniformCurl, uniformDivergence) = (sums[1] / sums[0], sums[2] / sums[0])
  }

  private static func uniform(_ kx: Double, _ ky: Double) -> Double {
    1 / ((kx * kx + ky * ky).squareRoot() * kx * ky)
  }

  /// Σ w of (D² - C²)/2, C D, (C² + D²)/2 and 1, without what unequal variances add.
  func sums(
    difference: Double, cross: Double
  ) -> (along: Double, across: Double, total: Double, weight: Double) {
    let sums = sum { n, m, w, c, d in
      let (x2, y2) = (planes.kx[m] * planes.kx[m], planes.ky[n] * planes.ky[n])
      let anisotropy = difference == 0 && cross == 0 ? 0 : (x2 - y2) / (x2 + y2)
      return SIMD4(
        w * (d * d - c * c - difference * anisotropy) / 2, w * (c * d - cross * anisotropy),
        w * (c * c + d * d) / 2, w)
    }
    return (sums[0], sums[1], sums[2], sums[3])
  }

  /// Σ w² D², Σ w C² and Σ w² C² D² once the map is turned.
  func turned(
    cosine: Double, sine: Double
  ) -> (spread: Double, residual: Double, products: Double) {
    let sums = sum { _, _, w, c, d in
      let curl = cosine * c + sine * d
      let divergence = cosine * d - sine * c
      let power = w * w * divergence * divergence
      return SIMD4(power, w * curl * curl, power * curl * curl, 0)
    }
    return (sums[0], sums[1], sums[2])
  }

  @inline(__always)
  private func sum(
    _ term:
      @Sendable (_ n: Int, _ m: Int, _ w: Double, _ curl: Double, _ divergence: Double)
      -> SIMD4<Double>
  ) -> SIMD4<Double> {
    planes.forBlocks { rows -> SIMD4<Double> in
      var sums = SIMD4<Double>.zero
      for n in rows {
        var line = SIMD4<Double>.zero
        planes.forRow(n, side, classes) { m, index, c, d in
          let w = weights[index]
          guard w > 0 else { return }
          let isUniform = m % 2 == 0 && n % 2 == 0 && (uniformCurl != 0 || uniformDivergence != 0)
          let uniform = isUniform ? Self.uniform(planes.kx[m], planes.ky[n]) : 0
          line += term(n, m, w, c - uniformCurl * uniform, d - uniformDivergence * uniform)
        }
        sums += line
      }
      return sums
    }.reduce(SIMD4<Double>.zero, +)
  }
}
