// Profiles across walls: distances, signs, masks and errors in absolute units.

@testable import DPCReconstruction
import Glibc
import STEMCore
import Testing

@Suite("Wall profiles")
struct WallProfileTests {
  let pixel = PixelSize(x: 2e-9, y: 3e-9)

  @Test("a normal along x gives the exact column means at the columns' positions")
  func columns() throws {
    let map = try wallMap(
      [TestWall(field: 2e8, w: 10e-9, position: 15e-9)], rows: 12, columns: 61, pixel: pixel,
      azimuth: 0, direction: .normal)
    let profile = try wallProfile(of: map, direction: .normal, normalAzimuth: 0)
    #expect(profile.distance == (0..<61).map { column -> Double in (Double(column) - 30) * 2e-9 })
    #expect(profile.value == Array(map.field.x.prefix(61)))
    #expect(profile.sampleCount == [Int](repeating: 12, count: 61))
    // Identical rows: there is no scatter, so there is no error, rather than zero.
    #expect(profile.error == nil)
  }

  @Test("a normal along y (down) gives rows, and perp is then -x")
  func rows() throws {
    var map = try wallMap([], rows: 20, columns: 7, pixel: pixel, azimuth: 0)
    for i in 0..<map.shape.count { map.field.x[i] = Double(i / 7) * 1e6 }
    let profile = try wallProfile(of: map, direction: .perp, normalAzimuth: 90 * degree)
    #expect(profile.distance.count == 20)
    #expect(abs(profile.distance[0] - -9.5 * 3e-9) < 1e-20)
    #expect(profile.value == (0..<20).map { -Double($0) * 1e6 })
  }

  @Test("turning the normal by 180° mirrors the distance and the sign")
  func oppositeNormal() throws {
    let map = try wallMap(
      [TestWall(field: 2e8, w: 10e-9, position: 15e-9)], rows: 4, columns: 40, pixel: pixel,
      azimuth: 0, direction: .parallel, inclination: 0.5)
    let forward = try wallProfile(of: map, direction: .parallel, normalAzimuth: 0)
    let backward = try wallProfile(of: map, direction: .parallel, normalAzimuth: Double.pi)
    #expect(backward.value == forward.value.reversed().map { -$0 })
    #expect(zip(backward.distance, forward.distance.reversed()).allSatisfy { $0 == -$1 })
  }

  @Test(
    "an oblique profile with unequal pixel sides follows the wall",
    arguments: [30.0, 45, 63.434_948_822_922, 100, 179.5])
  func oblique(angle: Double) throws {
    let wall = TestWall(field: -1.5e8, w: 17e-9, position: 12e-9)
    let geometry = try InclinationGeometry(thickness: 5e-8, inclination: 0, direction: .perp)
    let map = try wallMap(
      [wall], rows: 90, columns: 130, pixel: pixel, azimuth: angle * degree)
    let profile = try wallProfile(of: map, direction: .perp, normalAzimuth: angle * degree)
    var worst = 0.0
    for (x, value) in zip(profile.distance, profile.value) {
      let truth = geometry.meanField(
        at: x, amplitude: wall.field, sechWidth: wall.w, position: wall.position
      ).value
      worst = max(worst, abs(value - truth))
    }
    // The curvature correction's own error at the ends of the profile, where the polynomial is
    // one-sided; without it h²/(12 w²) = 3e-4 at the peak.
    #expect(worst < 3e-5 * 1.5e8)
    #expect(zip(profile.distance, profile.distance.dropFirst()).allSatisfy { $0 < $1 })
  }

  @Test("a wrong component shows nothing of a perp wall")
  func wrongComponent() throws {
    let map = try wallMap(
      [TestWall(field: 2e8, w: 10e-9, position: 0)], rows: 60, columns: 80, pixel: pixel,
      azimuth: 30 * degree)
    let profile = try wallProfile(of: map, direction: .normal, normalAzimuth: 30 * degree)
    #expect(profile.value.allSatisfy { abs($0) < 1e-6 })
  }

  @Test("masked pixels do not enter, and an emptied column disappears")
  func masks() throws {
    var map = try wallMap(
      [TestWall(field: 2e8, w: 10e-9, position: 0)], rows: 9, columns: 40, pixel: pixel,
      azimuth: 0, direction: .normal)
    let clean = try wallProfile(of: map, direction: .normal, normalAzimuth: 0)
    for row in 0..<9 {
      for column in [5, 6 + row] where column == 5 || row % 2 == 0 {
        map.field.x[row * 40 + column] = 1e12
        map.mask.bytes[row * 40 + column] = PixelFlags.hot.rawValue
      }
    }
    let profile = try wallProfile(of: map, direction: .normal, normalAzimuth: 0)
    #expect(profile.distance.count == 39)
    #expect(!profile.distance.contains { abs($0 - (5 - 19.5) * 2e-9) < 1e-12 })
    for (x, value) in zip(profile.distance, profile.value) {
      let k = try #require(clean.distance.firstIndex(of: x))
      #expect(abs(value - clean.value[k]) < 1e-6)
    }
    #expect(profile.sampleCount.filter { $0 == 8 }.count == 5)
  }

  @Test("errors follow the covariance of the component and the number of pixels")
  func propagatedErrors() throws {
    var map = try wallMap([], rows: 16, columns: 30, pixel: pixel, azimuth: 0)
    let count = map.shape.count
    map.covariance = VectorCovariance(
      shape: map.shape, xx: [Double](repeating: 4e14, count: count),
      yy: [Double](repeating: 9e14, count: count), xy: [Double](repeating: 1e14, count: count))
    let along = try wallProfile(of: map, direction: .perp, normalAzimuth: 0)
    #expect(try #require(along.error).allSatisfy { abs($0 - 3e7 / 4) < 1 })
    let oblique = try wallProfile(of: map, direction: .normal, normalAzimuth: 45 * degree)
    let errors = try #require(oblique.error)
    // n = (1, 1)/√2: (4 + 9 + 2)/2 · 1e14.
    for (error, samples) in zip(errors, oblique.sampleCount) {
      #expect(abs(error - (7.5e14 / Double(samples)).squareRoot()) < 1)
    }
  }

  @Test("without a covariance the errors are the scatter along the wall over √n")
  func scatterErrors() throws {
    var map = try wallMap(
      [TestWall(field: 2e8, w: 10e-9, position: 0)], rows: 64, columns: 80, pixel: pixel,
      azimuth: 20 * degree, sigma: 3e7, seed: 5)
    map.covariance = nil
    let profile = try wallProfile(of: map, direction: .perp, normalAzimuth: 20 * degree)
    let errors = try #require(profile.error)
    let ratios = zip(errors, profile.sampleCount).map { error, count -> Double in
      error * Double(count).squareRoot() / 3e7
    }
    // 64 · 80 samples fix σ to 1 %; the slope of the wall within a bin must not count as scatter.
    #expect(abs(ratios.reduce(0, +) / Double(ratios.count) - 1) < 0.03)
  }

  @Test("a map without a pixel size is refused")
  func noPixelSize() throws {
    var map = try wallMap([], rows: 4, columns: 4, pixel: pixel, azimuth: 0)
    map.pixelSize = nil
    #expect(throws: WallError.pixelSizeMissing) {
      try wallProfile(of: map, direction: .perp, normalAzimuth: 0)
    }
  }
}
