// Gradients, tensors and profiles formed in pieces against plain loops over the whole frame.
import DPCReconstruction
import DPCSimulation
import Foundation
import STEMCore
import Testing

struct GradientOracleTests {
  /// Larger than a piece along both axes, and no multiple of one.
  private static let shape = GridShape(rows: 150, columns: 300)
  private static let pixel = PixelSize(x: 1e-9, y: 1.25e-9)

  /// Bells of both signs, whose gradient is the field, with noise; every 97th pixel is missing.
  private static func map(deviation: Double, shape: GridShape = shape) -> VectorMap {
    var field = VectorField(shape: shape)
    var mask = PixelMask(shape: shape)
    var generator = SeededGenerator(seed: 3, path: [21])
    for index in 0..<shape.count {
      let (column, row) = (Double(index % shape.columns), Double(index / shape.columns))
      for bell in 0..<12 {
        let dx = column - Double(bell % 4) * 80 - 21
        let dy = (row - Double(bell / 4) * 56 - 18) * 1.25
        let strength = (bell % 2 == 0 ? 1 : -1) * 1e-5 * exp(-(dx * dx + dy * dy) / 200)
        field.x[index] += dx * strength
        field.y[index] += dy * strength
      }
      field.x[index] += deviation * generator.normal()
      field.y[index] += deviation * generator.normal()
    }
    for index in stride(from: 5000, to: shape.count, by: 997) {
      mask.bytes[index] = PixelFlags.missing.rawValue
      (field.x[index], field.y[index]) = (0, 0)
    }
    let variance = [Double](repeating: deviation * deviation, count: shape.count)
    return VectorMap(
      field: field,
      covariance: VectorCovariance(
        shape: shape, xx: variance, yy: variance, xy: VectorField(shape: shape).x), mask: mask,
      pixelSize: pixel)
  }

  /// Σ kernelX(dx) kernelY(dy) plane, nothing beyond the rim.
  private static func correlated(
    _ plane: [Double], _ shape: GridShape, _ kernelX: [Double], _ kernelY: [Double]
  ) -> [Double] {
    func line(_ values: [Double], _ first: Int, _ step: Int, _ count: Int, _ kernel: [Double])
      -> [Double]
    {
      let reach = kernel.count / 2
      return (0..<count).map { place in
        let taps = max(0, reach - place)..<min(kernel.count, count + reach - place)
        return taps.reduce(0) { $0 + kernel[$1] * values[first + (place + $1 - reach) * step] }
      }
    }
    let rows = (0..<shape.rows).flatMap {
      line(plane, $0 * shape.columns, 1, shape.columns, kernelX)
    }
    let columns = (0..<shape.columns).map { line(rows, $0, shape.columns, shape.rows, kernelY) }
    return (0..<shape.count).map { columns[$0 % shape.columns][$0 / shape.columns] }
  }

  /// A Gaussian of sum 1 and its derivative by distance in pixels.
  private static func kernels(_ sigma: Double, reach: Int) -> (bell: [Double], slope: [Double]) {
    let offsets = (-reach...reach).map(Double.init)
    let bell = offsets.map { exp(-$0 * $0 / (2 * sigma * sigma)) }
    let sum = bell.reduce(0, +)
    let moment = zip(offsets, bell).reduce(0) { $0 + $1.0 * $1.0 * $1.1 }
    return (bell.map { $0 / sum }, zip(offsets, bell).map { $0 * $1 / moment })
  }

  private static func squares(_ values: [Double]) -> Double { values.reduce(0) { $0 + $1 * $1 } }

  /// The share of `structureDimension` on the pixels themselves, without cells.
  private static func share(_ map: VectorMap, smoothing: Double) -> Double {
    let sigma = (x: smoothing, y: smoothing / 1.25)
    let x = kernels(sigma.x, reach: Int((4 * sigma.x).rounded(.up)))
    let y = kernels(sigma.y, reach: Int((4 * sigma.y).rounded(.up)))
    let (dx, dy) = (x.slope.map { $0 / pixel.x }, y.slope.map { $0 / pixel.y })
    func gradient(_ plane: [Double]) -> (x: [Double], y: [Double]) {
      (correlated(plane, map.shape, dx, y.bell), correlated(plane, map.shape, x.bell, dy))
    }
    let (u, v) = (gradient(map.field.x), gradient(map.field.y))
    let variance = 2 * (map.covariance?.xx[0] ?? 0)
    let noise = (
      x: variance * squares(dx) * squares(y.bell), y: variance * squares(x.bell) * squares(dy)
    )
    let shape = map.shape
    var inside = [Double](repeating: 0, count: shape.count)
    for row in (y.bell.count / 2)..<(shape.rows - y.bell.count / 2) {
      for column in (x.bell.count / 2)..<(shape.columns - x.bell.count / 2) {
        inside[row * shape.columns + column] = 1
      }
    }
    for index in 0..<shape.count where !map.mask.isUsable(index) {
      let reach = (x: Int(sigma.x.rounded(.up)), y: Int(sigma.y.rounded(.up)))
      for row in max(
        0, index / shape.columns - reach.y)...min(
          shape.rows - 1, index / shape.columns + reach.y)
      {
        for column in max(
          0, index % shape.columns - reach.x)...min(
            shape.columns - 1, index % shape.columns + reach.x)
        { inside[row * shape.columns + column] = 0 }
      }
    }
    let window = (
      x: kernels(1.5 * sigma.x, reach: Int(6 * sigma.x)).bell,
      y: kernels(1.5 * sigma.y, reach: Int(6 * sigma.y)).bell
    )
    let weights = correlated(inside, shape, window.x, window.y)
    func averaged(_ value: (Int) -> Double) -> [Double] {
      let plane = inside.indices.map { inside[$0] * value($0) }
      let sums = correlated(plane, shape, window.x, window.y)
      return sums.indices.map { inside[$0] * (weights[$0] > 0 ? sums[$0] / weights[$0] : 0) }
    }
    let a = averaged { u.x[$0] * u.x[$0] + v.x[$0] * v.x[$0] - noise.x }
    let b = averaged { u.y[$0] * u.y[$0] + v.y[$0] * v.y[$0] - noise.y }
    let c = averaged { u.x[$0] * u.y[$0] + v.x[$0] * v.y[$0] }
    let least = 0.05 * zip(a, b).reduce(0) { max($0, $1.0 + $1.1) }
    var (total, second) = (0.0, 0.0)
    for i in a.indices where a[i] + b[i] > least {
      let (trace, half) = (a[i] + b[i], (a[i] - b[i]) / 2)
      total += trace * trace
      second += trace * (trace / 2 - (half * half + c[i] * c[i]).squareRoot())
    }
    return min(1, max(0, 2 * second / total))
  }

  // Cells end elsewhere at the rim, by less than 4 of 240 × 360 pixels at each side, where the windows see a
  // little more or less noise; what they average over takes 5e-3 of a wave for another one.
  @Test("On cells as on pixels: the same directions", arguments: [20e-6, 45e-6, 60e-6, 90e-6])
  func structure(deviation: Double) throws {
    var map = Self.map(deviation: deviation, shape: GridShape(rows: 240, columns: 360))
    map.mask = PixelMask(shape: map.shape)
    let found = try #require(structureDimension(of: map))
    let expected = Self.share(map, smoothing: found.smoothing)
    #expect((found.smoothing >= 3) == (deviation > 30e-6), "\(found)")
    #expect(
      abs(found.twoDimensionalShare - expected) < (found.smoothing < 3 ? 0.005 : 0.02),
      "\(found), plain \(expected)")
  }

  @Test("The tensor of the walls' normal is the plain sum over all pixels")
  func normal() throws {
    var map = Self.map(deviation: 20e-6)
    map.mask = PixelMask(shape: Self.shape)
    let (bell, slope) = Self.kernels(2, reach: 7)
    let (dx, dy) = (slope.map { $0 / Self.pixel.x }, slope.map { $0 / Self.pixel.y })
    var tensor = (xx: 0.0, yy: 0.0, xy: 0.0)
    let variance = try #require(map.covariance).xx[0]
    for plane in [map.field.x, map.field.y] {
      let x = Self.correlated(plane, Self.shape, dx, bell)
      let y = Self.correlated(plane, Self.shape, bell, dy)
      for row in 7..<(Self.shape.rows - 7) {
        for index in (row * Self.shape.columns + 7)..<((row + 1) * Self.shape.columns - 7) {
          tensor.xx += x[index] * x[index] - variance * Self.squares(dx) * Self.squares(bell)
          tensor.yy += y[index] * y[index] - variance * Self.squares(bell) * Self.squares(dy)
          tensor.xy += x[index] * y[index]
        }
      }
    }
    let difference = hypot(tensor.xx - tensor.yy, 2 * tensor.xy)
    let azimuth = atan2(2 * tensor.xy, tensor.xx - tensor.yy) / 2
    let found = try measuredWallNormal(of: map)
    #expect(abs(sin(found.azimuth - azimuth)) < 1e-9)
    #expect(abs(found.coherence - difference / (tensor.xx + tensor.yy)) < 1e-11)
  }

  /// The pixels of every bin of a profile along the normal, gathered one by one.
  private static func bins(
    _ map: VectorMap, azimuth: Double, pixel: PixelSize, width: Double
  ) -> [[(u: Double, z: Double)]] {
    let (nx, ny) = (cos(azimuth), sin(azimuth))
    let reach = abs(nx) * 149.5 * pixel.x + abs(ny) * 74.5 * pixel.y
    var bins: [Int: [(u: Double, z: Double)]] = [:]
    for index in 0..<shape.count where map.mask.isUsable(index) {
      let u =
        (Double(index % 300) - 149.5) * pixel.x * nx + (Double(index / 300) - 74.5) * pixel.y * ny
      let z = nx * map.field.x[index] + ny * map.field.y[index]
      bins[Int(((u + reach) / width).rounded()), default: []].append((u, z))
    }
    let most = bins.values.map(\.count).max() ?? 0
    return bins.filter { 40 * $0.value.count >= most }.sorted { $0.key < $1.key }.map(\.value)
  }

  @Test(
    "A profile whose bins have one distance each: mean and scatter of all rows", arguments: [0, 1])
  func straightProfile(eighths: Int) throws {
    var map = Self.map(deviation: 20e-6)
    map.covariance = nil
    let pixel = PixelSize(x: 1e-9, y: 1e-9)
    map.pixelSize = pixel
    let azimuth = Double(eighths) * Double.pi / 4
    let found = try wallProfile(of: map, direction: .normal, normalAzimuth: azimuth)
    let bins = Self.bins(
      map, azimuth: azimuth, pixel: pixel, width: eighths == 0 ? pixel.x : pixel.x / 2)
    #expect(found.sampleCount == bins.map(\.count))
    let scatters = bins.map { bin in
      let mean = bin.reduce(0) { $0 + $1.z } / Double(bin.count)
      return bin.reduce(0) { $0 + ($1.z - mean) * ($1.z - mean) }
    }
    // A variance seen in eight samples more, of the pooled one.
    let pooled = scatters.reduce(0, +) / bins.reduce(0) { $0 + Double($1.count - 1) }
    let errors = try #require(found.error)
    for (index, bin) in bins.enumerated() {
      let n = Double(bin.count)
      #expect(abs(found.value[index] - bin.reduce(0) { $0 + $1.z } / n) < 1e-17)
      let expected = ((scatters[index] + 8 * pooled) / (n + 7) / n).squareRoot()
      #expect(abs(errors[index] / expected - 1) < 1e-9)
    }
  }

  @Test("An oblique profile: the mean distance of all rows, and the curvature's share of the mean")
  func obliqueProfile() throws {
    var map = Self.map(deviation: 0)
    map.mask = PixelMask(shape: Self.shape)
    map.covariance = nil
    for azimuth in [0.7, 2.1] {
      let found = try wallProfile(of: map, direction: .normal, normalAzimuth: azimuth)
      let bins = Self.bins(
        map, azimuth: azimuth, pixel: Self.pixel, width: Self.pixel.x / 2)
      #expect(found.sampleCount == bins.map(\.count))
      let most = bins.map(\.count).max() ?? 0
      for (index, bin) in bins.enumerated() {
        let (n, u) = (Double(bin.count), bin.reduce(0) { $0 + $1.u } / Double(bin.count))
        #expect(abs(found.distance[index] - u) < 1e-18)
        // In corners a distance is seen by a few pixels far apart: what varies along the lines between them, as bells do, is
        // part of the polynomial's second derivative.
        guard 3 * bin.count >= most else { continue }
        // The second derivative of the bells' field is below 3 · 1e-5 · 0.1 per pixel and pixel.
        let spread = bin.reduce(0) { $0 + ($1.u - u) * ($1.u - u) } / n / 1e-18
        #expect(abs(found.value[index] - bin.reduce(0) { $0 + $1.z } / n) < 3e-6 * spread / 2)
      }
    }
  }
}
