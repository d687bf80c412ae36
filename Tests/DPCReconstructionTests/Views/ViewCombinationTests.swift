// Two views to one field: what each must show, exact without noise, and a test that notices a wrong view.
import DPCReconstruction
import Foundation
import STEMCore
import Testing

struct ViewCombinationTests {
  private let degree = Double.pi / 180

  /// What a view shows of a field (normal, along 1, along 2), by vectors in space.
  private func shown(
    _ field: (n: Double, t1: Double, t2: Double), inclination: Double, rotation: Double,
    side: Double
  ) -> (across: Double, along: Double) {
    // n = x, t1 = y, t2 = n × t1 = z.
    let p = (y: cos(rotation), z: sin(rotation))
    // The beam: along the normal by side · sin a, and along n × p by cos a.
    let b = (
      x: side * sin(inclination), y: -sin(rotation) * cos(inclination),
      z: cos(rotation) * cos(inclination)
    )
    // The image normal: n without its part along the beam.
    let m = (x: 1 - b.x * b.x, y: -b.x * b.y, z: -b.x * b.z)
    let length = (m.x * m.x + m.y * m.y + m.z * m.z).squareRoot()
    return (
      (m.x * field.n + m.y * field.t1 + m.z * field.t2) / length,
      p.y * field.t1 + p.z * field.t2
    )
  }

  private func view(
    _ field: (n: Double, t1: Double, t2: Double), inclination: Double, rotation: Double = 0,
    side: Double = 1, error: Double = 1e6
  ) -> WallView {
    let seen = shown(field, inclination: inclination, rotation: rotation, side: side)
    return WallView(
      components: WallComponents(
        across: seen.across, along: seen.along, covariance: [error * error, 0, 0, error * error]),
      inclination: inclination, rotation: rotation, beamSide: side, scaleError: 0)
  }

  @Test(
    "An inclination that is off within its error: pulls and χ² are those of noise, whatever is read with it",
    arguments: [0, 1.5e8])
  func tilted(reading: Double) throws {
    let field = (3e7, 2e8, -5e7)
    let (stated, error, rotation) = (25 * degree, 3 * degree, Double.pi / 2)
    var generator = WallTestGenerator(seed: 11)
    var (normal, along, chiSquare) = (0.0, 0.0, 0.0)
    let runs = 400
    for _ in 0..<runs {
      let off = error * generator.normal()
      var (first, second) = (
        view(field, inclination: 0),
        view(field, inclination: stated - off, rotation: rotation)
      )
      second.inclination = stated
      second.components.across += reading * off
      second.components.along -= reading / 10 * off
      second.tilt = ViewTilt(
        error: error, across: reading * error, along: -reading / 10 * error)
      for noise in [
        \WallView.components.across, \WallView.components.along,
      ] {
        first[keyPath: noise] += 1e6 * generator.normal()
        second[keyPath: noise] += 1e6 * generator.normal()
      }
      let result = try #require(combinedField(of: first, and: second, sign: 1))
      normal += pow((result.normal.value - field.0) / (try #require(result.normal.error)), 2)
      along += pow((result.along2.value - field.2) / (try #require(result.along2.error)), 2)
      chiSquare += result.chiSquare
    }
    // The mean of n squares of unit variance scatters by √(2/n), 0.07: three of them.
    for mean in [normal, along, chiSquare] {
      #expect(abs(mean / Double(runs) - 1) < 0.21, "\(mean / Double(runs))")
    }
  }

  @Test("Any field comes back from an edge-on and an inclined view, beams on either side")
  func exact() throws {
    for field in [(3e7, 2e8, -5e7), (-1e7, -1e8, 4e7)] {
      for (inclination, rotation, side) in [
        (45.0, 90.0, 1.0), (30, 90, -1), (50, 60, 1), (40, -90, -1),
      ] {
        let result = try #require(
          combinedField(
            of: view(field, inclination: 0),
            and: view(
              field, inclination: inclination * degree, rotation: rotation * degree, side: side),
            sign: 1))
        #expect(abs(result.normal.value - field.0) < 1)
        #expect(abs(result.along1.value - field.1) < 1)
        #expect(abs(result.along2.value - field.2) < 1)
        #expect(result.chiSquare < 1e-6 && result.pValue > 0.99)
      }
    }
  }

  @Test("Antiparallel walls have the opposite field, as well known, with the same misfit")
  func antiparallel() throws {
    func found(_ sign: Double) throws -> CombinedField {
      var views = [
        view((3e7, 2e8, -5e7), inclination: 0),
        view((3e7, 2.1e8, -5e7), inclination: 45 * degree, rotation: 90 * degree),
      ]
      for index in views.indices {
        views[index].scaleError = 0.02
        views[index].components.across *= sign
        views[index].components.along *= sign
      }
      views[1].tilt = ViewTilt(error: 0.02, across: sign * 4e6, along: sign * 1e6)
      return try #require(combinedField(of: views[0], and: views[1]))
    }
    let (these, others) = (try found(1), try found(-1))
    #expect(these.along1.value > 1.9e8 && these.chiSquare > 0.1)
    #expect(others == these.ofAntiparallelWalls)
  }

  @Test("The correspondence of antiparallel walls is found where nobody states it")
  func correspondence() throws {
    let field = (2e7, 2e8, 3e7)
    var second = view(field, inclination: 45 * degree, rotation: 90 * degree)
    second.components.across.negate()
    second.components.along.negate()
    let result = try #require(combinedField(of: view(field, inclination: 0), and: second))
    #expect(result.isSecondReversed && abs(result.along1.value - 2e8) < 1)
    let wrong = try #require(
      combinedField(of: view(field, inclination: 0), and: second, sign: 1))
    #expect(wrong.pValue < 1e-6)
  }

  @Test("A normal that is off turns one component into the other, within its stated error")
  func azimuth() throws {
    let field = (n: 3e7, t1: 2e8, t2: 0.0)
    let turn = 0.02
    var first = view(field, inclination: 0, error: 1e5)
    let (across, along) = (first.components.across, first.components.along)
    first.components.across = across + turn * along
    first.components.along = along - turn * across
    first.azimuthError = turn
    // So little known that it decides nothing beside the first view.
    let second = view(field, inclination: 45 * degree, rotation: 90 * degree, error: 1e10)
    let result = try #require(combinedField(of: first, and: second, sign: 1))
    // 0.02 of 200 and of 30 MV/m, beside 0.1 MV/m of counting.
    let errors = (normal: hypot(4e6, 1e5), along1: hypot(0.6e6, 1e5))
    #expect(abs(result.normal.value - 3.4e7) < 1e3 && abs(result.along1.value - 1.994e8) < 1e3)
    let normal = try #require(result.normal.error)
    let along1 = try #require(result.along1.error)
    // To second order in the turn: 0.02 of what the components themselves are off by.
    #expect(abs(normal - errors.normal) < 0.02 * errors.normal)
    #expect(abs(along1 - errors.along1) < 0.2 * errors.along1)
    // What a turn adds to one component it takes from the other.
    let product = result.covariance[1]
    #expect(abs(product + turn * turn * 3.4e7 * 1.994e8) < 1e-3 * abs(product))
  }

  @Test("A thickness wrong by 30 % in one view is noticed, a stated error of 30 % forgives it")
  func inconsistent() throws {
    let field = (0.0, 2e8, 0.0)
    var second = view(field, inclination: 45 * degree, rotation: 90 * degree)
    second.components.across *= 1.3
    let noticed = try #require(combinedField(of: view(field, inclination: 0), and: second))
    // 0.3 · 2e8 sin 45°, held against cos 45° of one and sin 45° of the other component of the first
    // view: an error of √(1 + 1/2 + 1/2) MV/m.
    #expect(abs(noticed.chiSquare - pow(0.3 * 2e8 / 2.0.squareRoot() / 1e6, 2) / 2) < 1)
    #expect(noticed.pValue < 1e-10)
    second.scaleError = 0.3
    #expect(try #require(combinedField(of: view(field, inclination: 0), and: second)).pValue > 0.05)
  }

  @Test("Two views along one direction leave a component open")
  func open() {
    let field = (1e7, 1e8, 2e7)
    #expect(
      combinedField(of: view(field, inclination: 0), and: view(field, inclination: 0)) == nil)
  }

  @Test("Amplitudes of both components at a known shape, in absolute V/m, and with a width's error")
  func components() throws {
    let geometry = try InclinationGeometry(
      thickness: 50e-9, inclination: 45 * degree, direction: .perp)
    let walls = [
      TestWall(field: 1e8, w: 10e-9, position: -60e-9),
      TestWall(field: -1e8, w: 10e-9, position: 60e-9),
    ]
    let pixel = PixelSize(x: 1e-9, y: 1e-9)
    let perp = try wallMap(
      walls, rows: 30, columns: 300, pixel: pixel, azimuth: 0, direction: .perp,
      thickness: 50e-9, inclination: 45 * degree, sigma: 1e5, seed: 1)
    let parallel = try wallMap(
      walls, rows: 30, columns: 300, pixel: pixel, azimuth: 0, direction: .parallel,
      thickness: 50e-9, inclination: 45 * degree, sigma: 1e5, seed: 2)
    var map = perp
    map.field.x = parallel.field.x
    func shapes(_ error: Double?) -> [WallShape] {
      [-60e-9, 60e-9].map {
        WallShape(
          sechWidth: Measurement(10e-9, error: error), position: $0, sign: $0 < 0 ? 1 : -1)
      }
    }
    let found = try wallComponents(
      of: map, normalAzimuth: 0, geometry: geometry, walls: shapes(nil))
    let sigma = found.covariance[3].squareRoot()
    #expect(abs(found.along - 1e8) < 4 * sigma, "\(found.along)")
    #expect(abs(found.across - 1e8 * sin(45 * degree)) < 4 * sigma, "\(found.across)")
    let wider = try wallComponents(
      of: map, normalAzimuth: 0, geometry: geometry, walls: shapes(0.5e-9))
    #expect(wider.covariance[3] > 2 * found.covariance[3] && wider.covariance[1] > 0)
  }
}
