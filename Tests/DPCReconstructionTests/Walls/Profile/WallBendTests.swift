// Walls that are not straight, against bends that are known.
@testable import DPCReconstruction
import Glibc
import STEMCore
import Testing

@Suite("Walls that bend")
struct WallBendTests {
  private static let pixel = PixelSize(x: 2e-9, y: 2e-9)
  private static let w = 20e-9 / InclinationGeometry.widthFactor
  /// Of 120 rows.
  private static let length = 240e-9

  /// Zero at the ends of a wall across the rows.
  private static func parabola(_ bow: Double) -> (_ v: Double) -> Double {
    { v in bow * (1 - (2 * v / length) * (2 * v / length)) }
  }

  private static func walls(_ positions: [Double]) -> [TestWall] {
    positions.enumerated().map { index, position in
      TestWall(field: index.isMultiple(of: 2) ? 2e8 : -2e8, w: w, position: position)
    }
  }

  private static func courses(
    _ walls: [TestWall], columns: Int = 90, azimuth: Double = 0, fittedAzimuth: Double? = nil,
    sigma: Double = 2e7, seed: UInt64, fits: Int? = nil,
    shift: (Int, Double) -> Double = { _, _ in 0 }
  ) throws -> [WallCourse] {
    let map = try wallMap(
      walls, rows: 120, columns: columns, pixel: pixel, azimuth: azimuth, sigma: sigma, seed: seed,
      shift: shift)
    let normalAzimuth = fittedAzimuth ?? azimuth
    let profile = try wallProfile(of: map, direction: .perp, normalAzimuth: normalAzimuth)
    let fitted = try fitImageWalls(profile: profile, options: WallFitOptions()).reported.map(\.wall)
    try #require(fitted.count == fits ?? walls.count)
    let geometry = try InclinationGeometry(thickness: 50e-9, inclination: 0, direction: .perp)
    return wallCourses(
      of: fitted, in: map, geometry: geometry, normalAzimuth: normalAzimuth)
  }

  @Test("A shift seen along the opposite normal is the opposite one, at the opposite places")
  func turnedRound() {
    var shift = WallShift(range: -80e-9...120e-9)
    for k in 0..<BendEquations.size { shift.coefficients[k] = Double(k * k - 7) * 1e-9 }
    for v in [-80e-9, -31e-9, 0, 64e-9, 120e-9] {
      // Ten polynomials of up to 74 nm, none above 1, to some roundings each.
      #expect(abs(shift.turnedRound.value(at: -v) + shift.value(at: v)) < 1e-20)
      #expect(abs(shift.moved(to: 50e-9).value(at: v + 30e-9) - shift.value(at: v)) < 1e-20)
    }
  }

  // The middle of a wall that bows by b lies b along its normal from the line between its ends, and √(4/45) b is the
  // root mean square about its best straight line.
  @Test(
    "A parabola comes back with its sign, its height and the spread that belongs to it",
    arguments: [-8e-9, 4e-9, 15e-9, 25e-9])
  func parabola(bow: Double) throws {
    let walls = Self.walls([-38e-9, 42e-9])
    for seed: UInt64 in 1...4 {
      // So that a profile shows one wall where one is: what sech² leaves of a mean over a bend would be others.
      let found = try Self.courses(walls, columns: 120, sigma: 1e8, seed: seed) {
        Self.parabola(bow)($1)
      }
      for course in found {
        let bend = try #require(course.bend)
        #expect(bend.isShared)
        #expect(abs(bend.length - Self.length) < 1e-15)
        let (error, spreadError) = (
          try #require(bend.bow.error), try #require(bend.spread.error)
        )
        #expect(abs(bend.bow.value - bow) < 4 * error, "\(bend)")
        #expect(abs(bend.spread.value - abs(bow) * (4.0 / 45).squareRoot()) < 4 * spreadError)
        // The field is the same along the wall, once that is followed.
        #expect(course.variation == 0)
      }
    }
  }

  // A wall tells a shift with the information A² ∫h′² du/(σ² a²) per meter, ∫h′² = 16/(15 w), less what a slope across it
  // shares: (∫u h′ du)²/∫u² du = 4 w²/(2 R³/3) for the window |u| < R = 40 nm. Legendre's polynomial of the second degree
  // has the mean square 1/5, and is 3/2 as high as the bow.
  @Test("The error of a bow is what counting leaves, less where walls share it", arguments: [1, 2])
  func error(count: Int) throws {
    let sigma = 2e7
    let walls = Array(Self.walls([-38e-9, 42e-9]).prefix(count))
    let bend = try #require(
      Self.courses(walls, columns: 120, sigma: sigma, seed: 1) { Self.parabola(6e-9)($1) }[0].bend)
    let reach = 40e-9
    let slopes = 16 / (15 * Self.w) - 4 * Self.w * Self.w / (2 * pow(reach, 3) / 3)
    let perLength = pow(2e8 / sigma, 2) * slopes / pow(2e-9, 2)
    let expected = 1.5 * (5 / (perLength * Self.length * Double(count))).squareRoot()
    #expect(abs(try #require(bend.bow.error) / expected - 1) < 0.05)
  }

  @Test("Straight walls do not bend, whatever their number, their direction and their noise")
  func straight() throws {
    for seed: UInt64 in 1...40 {
      let walls = Self.walls([[0], [-30e-9, 35e-9]][Int(seed % 2)])
      let found = try Self.courses(
        walls, columns: [90, 60][Int(seed / 2 % 2)], azimuth: [0, 0.3][Int(seed / 4 % 2)],
        sigma: [5e6, 2e7, 5e7][Int(seed % 3)], seed: seed)
      #expect(found.allSatisfy { $0.bend == nil }, "seed \(seed): \(found)")
    }
  }

  // Off by 3° a wall is 6 nm beside its line at the ends: that is a tilt, however much it looks like more at first.
  @Test("A wall along another azimuth than that of the profile is straight")
  func tilt() throws {
    for seed: UInt64 in 1...5 {
      let found = try Self.courses(
        Self.walls([0]), fittedAzimuth: 3 * degree, sigma: 5e6, seed: seed)
      #expect(found[0].bend == nil)
    }
  }

  @Test("A wall that ends does not bend")
  func ends() throws {
    for seed: UInt64 in 1...5 {
      let found = try Self.courses(Self.walls([4e-9]), fittedAzimuth: 1 * degree, seed: seed) {
        $1 > 40e-9 ? 1 : 0
      }
      #expect(found[0].bend == nil && found[0].variation > 0.3)
    }
  }

  @Test("Walls that bend against each other are told apart, and a straight one from both")
  func own() throws {
    let walls = Self.walls([-80e-9, 0, 80e-9])
    let bows = [8e-9, 0, -12e-9]
    let found = try Self.courses(walls, columns: 160, seed: 3) { Self.parabola(bows[$0])($1) }
    #expect(found[1].bend == nil)
    for wall in [0, 2] {
      let bend = try #require(found[wall].bend)
      #expect(!bend.isShared)
      #expect(abs(bend.bow.value - bows[wall]) < 4 * (try #require(bend.bow.error)))
    }
  }

  // The best parabola through a kink of depth b, b (1 - |t|), bows by 15/16 b; its root mean square about its mean
  // is b/√12.
  @Test("A kink bows as the best parabola through it")
  func kink() throws {
    let depth = 12e-9
    let found = try Self.courses(Self.walls([0]), seed: 5) {
      depth * (1 - abs(2 * $1 / Self.length))
    }
    let bend = try #require(found[0].bend)
    #expect(abs(bend.bow.value - 15 / 16.0 * depth) < 4 * (try #require(bend.bow.error)))
    #expect(
      abs(bend.spread.value - depth / 12.0.squareRoot()) < 4 * (try #require(bend.spread.error)))
  }

  // An oblique frame cuts walls to different lengths: each bows over its own.
  @Test("Along an oblique normal a wall off the center bows over its own length")
  func oblique() throws {
    let azimuth = 35 * degree
    let found = try Self.courses(
      Self.walls([-50e-9, 55e-9]), columns: 120, azimuth: azimuth, sigma: 6e7, seed: 6
    ) { wall, v in (wall == 0 ? -1 : 1) * 5e-9 * (1 - pow(v / 100e-9, 2)) }
    for (wall, sign) in [(0, -1.0), (1, 1)] {
      let bend = try #require(found[wall].bend)
      // A parabola of this curvature over the length.
      let expected = sign * 5e-9 * pow(bend.length / 200e-9, 2)
      #expect(!bend.isShared, "\(bend)")
      #expect(
        abs(bend.bow.value - expected) < 4 * (try #require(bend.bow.error)),
        "\(bend), not \(expected)")
    }
  }

  // The mean over a bow that is larger than the wall is wide has a steep side and a long tail.
  @Test("What a profile shows as two walls is matched as the one that bends")
  func several() throws {
    for seed: UInt64 in 1...3 {
      let found = try Self.courses(Self.walls([-10e-9]), seed: seed, fits: 2) {
        Self.parabola(25e-9)($1)
      }
      #expect(found.map(\.group) == [0..<2, 0..<2] && found[0] == found[1])
      let bend = try #require(found[0].bend)
      #expect(abs(bend.bow.value - 25e-9) < 4 * (try #require(bend.bow.error)), "\(bend)")
    }
  }

  // The mean over a bend, fitted as a profile is: 2 s² is the first term, within 5 % for bends below half of w.
  @Test("A mean over a bend is as wide as its spread makes it", arguments: [8e-9, 18e-9])
  func widening(bow: Double) throws {
    let distance = (-100...100).map { Double($0) * 1e-9 }
    let shifts = (0..<400).map { Self.parabola(bow)((Double($0) - 199.5) / 400 * Self.length) }
    let profile = LineProfile(
      distance: distance,
      value: distance.map { u -> Double in
        shifts.map { shift -> Double in 2e8 / pow(cosh((u - shift) / Self.w), 2) }.reduce(0, +)
          / 400
      }, error: distance.map { _ in 1e6 }, sampleCount: distance.map { _ in 400 })
    let fit = try fitImageWalls(profile: profile, options: WallFitOptions())
    let fitted = try #require(fit.reported.first).wall
    let bend = WallBend(
      bow: Measurement(bow), spread: Measurement(bow * (4.0 / 45).squareRoot()),
      length: Self.length, isShared: true)
    let widening = try #require(bend.widening(fitted: fitted.width.value, geometry: .imagePlane))
    let excess = fitted.width.value / 20e-9 - 1
    #expect(abs((widening - 1) / excess - 1) < 0.06)
    #expect(abs(fitted.field.value * fitted.width.value / (2e8 * 20e-9) - 1) < 0.025)
  }

  @Test(
    "The chance of χ² is that of its tables", arguments: [(2, 13.816), (4, 18.467), (10, 29.588)])
  func chance(freedom: Int, tabled: Double) {
    #expect(abs(logChance(ofChiSquare: tabled, freedom: freedom) - log(1e-3)) < 3e-4)
  }
}
