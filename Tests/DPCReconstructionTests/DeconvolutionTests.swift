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

  @Test("A normal of any azimuth")
  func turned() throws {
    let (map, geometry, truth) = try scene(azimuth: 25 * degree, direction: .parallel)
    let result = try deconvolvedField(
      of: map, normalAzimuth: 25 * degree, geometry: geometry)
    // Mirror images of slanted walls are bent at the rim, and half a box there is spoilt.
    let error = try error(result.map, truth, azimuth: 25 * degree, direction: .parallel)
    let raw = try intrinsicField(of: map, normalAzimuth: 25 * degree, geometry: geometry)
    let before = try self.error(raw, truth, azimuth: 25 * degree, direction: .parallel)
    #expect(error < 0.7 * before, "\(error) of \(before)")
  }

  @Test("Noise costs resolution, and the stated errors are those of what is let through")
  func noise() throws {
    var (within, count) = (0, 0)
    let clean = try scene(azimuth: 0, direction: .parallel)
    var resolutions: [Double] = []
    for sigma in [2e6, 2e7] {
      let (map, geometry, truth) = try scene(
        azimuth: 0, direction: .parallel, sigma: sigma, seed: 3)
      let result = try deconvolvedField(of: map, normalAzimuth: 0, geometry: geometry)
      resolutions.append(try #require(result.resolution))
      let error = try error(result.map, truth, azimuth: 0, direction: .parallel)
      // Profiles of 40 rows: a signal to noise of some 230 and 23 at the peaks, for which the best
      // choice for this very profile is known to leave some 13 and 27 % of the field.
      #expect(error < (sigma < 1e7 ? 0.18 : 0.5), "\(sigma): \(error)")
      let raw = try intrinsicField(of: map, normalAzimuth: 0, geometry: geometry)
      #expect(try error < self.error(raw, truth, azimuth: 0, direction: .parallel))
    }
    #expect(resolutions[1] >= resolutions[0])
    // The same filter on noise alone: differences of two draws hold only noise.
    var filtered: [VectorMap] = []
    for seed in 11...14 {
      let (map, geometry, _) = try scene(
        azimuth: 0, direction: .parallel, sigma: 2e7, seed: UInt64(seed))
      filtered.append(try deconvolvedField(of: map, normalAzimuth: 0, geometry: geometry).map)
    }
    for pair in [(0, 1), (2, 3)] {
      let (a, b) = (filtered[pair.0], filtered[pair.1])
      let variance = try #require(a.covariance).xx[0] + (try #require(b.covariance)).xx[0]
      for index in a.field.x.indices {
        let difference = a.field.x[index] - b.field.x[index]
        if difference * difference < variance { within += 1 }
        count += 1
      }
    }
    // Few waves pass, so that a map holds few independent numbers; two pairs of draws.
    let share = Double(within) / Double(count)
    #expect(share > 0.4 && share < 0.95, "\(share)")
    #expect(clean.map.covariance == nil)
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
