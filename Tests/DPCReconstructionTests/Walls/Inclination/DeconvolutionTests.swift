// Inclined walls taken back wave by wave: the field itself without noise, and an honest loss with it.
import DPCReconstruction
import Glibc
import STEMCore
import Testing

struct DeconvolutionTests {
  private let degree = Double.pi / 180
  private let pixel = PixelSize(x: 1e-9, y: 1e-9)
  private let thickness = 60e-9

  /// Walls of E0 sech²(u/w) at -55 and 55 nm, seen through the specimen; the truth is in the image's scale.
  private func scene(
    azimuth: Double, direction: FieldDirection, sigma: Double? = nil, seed: UInt64? = nil
  ) throws -> (map: VectorMap, geometry: InclinationGeometry, truth: (Double) -> Double) {
    let walls = [
      TestWall(field: 2e8, w: 11e-9, position: -55e-9),
      TestWall(field: -2e8, w: 11e-9, position: 55e-9),
    ]
    let map = try wallMap(
      walls, rows: azimuth == 0 ? 40 : 300, columns: azimuth == 0 ? 300 : 420, pixel: pixel,
      azimuth: azimuth, direction: direction, thickness: thickness, inclination: 45 * degree,
      sigma: sigma, seed: seed)
    let geometry = try InclinationGeometry(
      thickness: thickness, inclination: 45 * degree, direction: direction)
    let cosine = cos(45 * degree)
    return (
      map, geometry,
      { x in
        walls.reduce(0) { sum, wall in
          let c = cosh((x - wall.position) * cosine / wall.w)
          return sum + wall.field / (c * c)
        }
      }
    )
  }

  /// rms of profile minus truth over rms of truth, away from the rim by half a box.
  private func error(
    _ field: VectorMap, _ truth: (Double) -> Double, azimuth: Double, direction: FieldDirection
  ) throws -> Double {
    let profile = try wallProfile(of: field, direction: direction, normalAzimuth: azimuth)
    var (difference, power) = (0.0, 0.0)
    for (x, value) in zip(profile.distance, profile.value) where abs(x) < 100e-9 {
      let wanted = truth(x)
      difference += (value - wanted) * (value - wanted)
      power += wanted * wanted
    }
    return (difference / power).squareRoot()
  }

  @Test(
    "Without noise the intrinsic profile comes back, signs and volts per meter included",
    arguments: FieldDirection.allCases)
  func exact(direction: FieldDirection) throws {
    let (map, geometry, truth) = try scene(azimuth: 0, direction: direction)
    let result = try deconvolvedField(of: map, normalAzimuth: 0, geometry: geometry)
    // The box is 60 nm; the walls' own spectrum is below 1 % from its first zero on.
    let error = try error(result.map, truth, azimuth: 0, direction: direction)
    #expect(error < 0.03, "\(error)")
    #expect(abs(result.boxWidth / 60e-9 - 1) < 1e-12)
    // The image as it is errs by far more: the path is not undone.
    let raw = try intrinsicField(of: map, normalAzimuth: 0, geometry: geometry)
    #expect(try self.error(raw, truth, azimuth: 0, direction: direction) > 0.4)
  }

  @Test(
    "A normal of any azimuth: slanted walls have no kink at the rim", arguments: [10.0, 25, 70])
  func turned(degrees: Double) throws {
    let azimuth = degrees * degree
    let (map, geometry, truth) = try scene(azimuth: azimuth, direction: .parallel)
    let result = try deconvolvedField(of: map, normalAzimuth: azimuth, geometry: geometry)
    var (difference, power) = (0.0, 0.0)
    let shape = map.shape
    for i in 0..<shape.count where result.map.mask.isUsable(i) {
      let x = (Double(i % shape.columns) - Double(shape.columns - 1) / 2) * pixel.x
      let y = (Double(i / shape.columns) - Double(shape.rows - 1) / 2) * pixel.y
      let wanted = truth(x * cos(azimuth) + y * sin(azimuth))
      let found =
        result.map.field.x[i] * cos(azimuth) + result.map.field.y[i] * sin(azimuth)
      difference += (found - wanted) * (found - wanted)
      power += wanted * wanted
    }
    // Every pixel that is given, up to half a box from the rim.
    #expect((difference / power).squareRoot() < 0.06, "\((difference / power).squareRoot())")
  }

  @Test("Pixels nearer to the rim across the walls than half a box are not given")
  func rim() throws {
    let (map, geometry, _) = try scene(azimuth: 0, direction: .parallel)
    let mask = try deconvolvedField(of: map, normalAzimuth: 0, geometry: geometry).map.mask
    // A box of 60 nm; columns at -149.5 ... 149.5 nm, so that 30 are lost on either side.
    for column in 0..<300 {
      #expect(mask.isUsable(20 * 300 + column) == (30..<270).contains(column), "\(column)")
    }
  }

  /// rms of map minus truth, rms of the stated errors, and the share of pixels in the cores of the walls
  /// within one and within two errors, over some draws.
  private func honesty(
    _ walls: [TestWall], inclination: Double, azimuth: Double, sigma: Double, draws: Int
  ) throws -> (ratio: Double, within: [Double], relative: Double) {
    let (rows, columns) = azimuth == 0 ? (40, 300) : (90, 240)
    let geometry = try InclinationGeometry(
      thickness: thickness, inclination: inclination, direction: .parallel)
    var (residual, stated, power, core) = (0.0, 0.0, 0.0, 0.0)
    var within = [0.0, 0]
    let (c, s) = (cos(azimuth), sin(azimuth))
    for draw in 1...draws {
      let map = try wallMap(
        walls, rows: rows, columns: columns, pixel: pixel, azimuth: azimuth, direction: .parallel,
        thickness: thickness, inclination: inclination, sigma: sigma, seed: UInt64(70 + draw))
      let found = try deconvolvedField(of: map, normalAzimuth: azimuth, geometry: geometry).map
      let covariance = try #require(found.covariance)
      for i in 0..<found.shape.count where found.mask.isUsable(i) {
        let x = (Double(i % columns) - Double(columns - 1) / 2) * pixel.x
        let y = (Double(i / columns) - Double(rows - 1) / 2) * pixel.y
        let u = x * c + y * s
        var (truth, isCore) = (0.0, false)
        for wall in walls {
          let argument = (u - wall.position) * cos(inclination) / wall.w
          truth += wall.field / (cosh(argument) * cosh(argument))
          if abs(argument) < 0.88 { isCore = true }
        }
        let difference = c * found.field.x[i] + s * found.field.y[i] - truth
        let variance =
          c * c * covariance.xx[i] + s * s * covariance.yy[i] + 2 * c * s * covariance.xy[i]
        residual += difference * difference
        stated += variance
        power += truth * truth
        guard isCore else { continue }
        core += 1
        if difference * difference < variance { within[0] += 1 }
        if difference * difference < 4 * variance { within[1] += 1 }
      }
    }
    return (
      (residual / stated).squareRoot(), within.map { $0 / core }, (residual / power).squareRoot()
    )
  }

  @Test(
    "Stated errors hold what noise lets through and what is damped, in slanted walls too",
    arguments: [(0.0, 2e6), (0, 2e7), (0, 1e8), (25, 2e7), (25, 1e8)])
  func errors(degrees: Double, sigma: Double) throws {
    // Profile signal to noise of some 250 to 5.
    let walls = [
      TestWall(field: 2e8, w: 8e-9, position: -30e-9),
      TestWall(field: -2e8, w: 8e-9, position: 40e-9),
    ]
    let result = try honesty(
      walls, inclination: 30 * degree, azimuth: degrees * degree, sigma: sigma, draws: 6)
    // A spectrum of some ten waves is known to half of its power, so errors to a quarter; too large ones are
    // the lesser evil.
    #expect(result.ratio > 0.45 && result.ratio < 1.2, "\(result)")
    #expect(result.within[0] > 0.55 && result.within[1] > 0.8, "\(result)")
    // Physics leaves 9 to 28 % at a signal to noise of 1000 to 20.
    #expect(result.relative < (sigma < 1e7 ? 0.1 : sigma < 5e7 ? 0.28 : 0.6), "\(result)")
  }

  @Test("A narrow wall below its box in much noise is not determined, and no pixel is given")
  func undetermined() throws {
    let wall = [TestWall(field: 2e8, w: 5.7e-9, position: 0)]
    let geometry = try InclinationGeometry(
      thickness: thickness, inclination: 45 * degree, direction: .parallel)
    for seed in 1...3 {
      let map = try wallMap(
        wall, rows: 40, columns: 300, pixel: pixel, azimuth: 0, direction: .parallel,
        thickness: thickness, inclination: 45 * degree, sigma: 8e8, seed: UInt64(seed))
      let result = try deconvolvedField(of: map, normalAzimuth: 0, geometry: geometry)
      #expect(!result.isDetermined)
      #expect(result.map.mask.unusableCount == map.shape.count)
    }
  }

  @Test("What varies along the walls is averaged away, and its size is in the errors")
  func uneven() throws {
    var (map, geometry, _) = try scene(azimuth: 0, direction: .parallel, sigma: 1e6, seed: 5)
    let before = try deconvolvedField(of: map, normalAzimuth: 0, geometry: geometry)
    // The walls' field fades to nothing along half of the frame.
    for i in 0..<map.shape.count where i / map.shape.columns < 20 { map.field.x[i] = 0 }
    let after = try deconvolvedField(of: map, normalAzimuth: 0, geometry: geometry)
    #expect(before.uneven == 0)
    let rms =
      (map.field.x.reduce(0) { $0 + $1 * $1 } / Double(map.shape.count)).squareRoot()
    // Half full, half empty: ±½ of the wall about its mean, whose rms is 1/√2 of the full one's; over g.
    let expected = rms / 2.0.squareRoot() / sin(45 * degree)
    #expect(abs(after.uneven / expected - 1) < 0.05, "\(after.uneven / expected)")
    let center = 20 * 300 + 150
    let variance = try #require(after.map.covariance).xx[center]
    #expect(variance > after.uneven * after.uneven)
  }

  @Test("Edge-on there is no box: the field is divided by its factor and nothing else")
  func edgeOn() throws {
    let map = try wallMap(
      [TestWall(field: 1e8, w: 9e-9, position: 0)], rows: 20, columns: 100, pixel: pixel,
      azimuth: 0, direction: .perp, thickness: thickness)
    let geometry = try InclinationGeometry(
      thickness: thickness, inclination: 0, direction: .perp)
    let result = try deconvolvedField(of: map, normalAzimuth: 0, geometry: geometry)
    let largest = zip(result.map.field.y, map.field.y).reduce(0) { max($0, abs($1.0 - $1.1)) }
    #expect(largest < 1e-6 * 1e8)
    #expect(result.boxWidth == 0)
  }
}
