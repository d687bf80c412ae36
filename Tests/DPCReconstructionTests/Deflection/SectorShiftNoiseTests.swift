// What disc-shift states of its errors on sectors that are no halves: from ten electrons on, and without noise.
import DPCReconstruction
import DPCSimulation
import STEMCore
import Testing

struct SectorShiftNoiseTests {
  private static let probe = 0.024

  private static func regime(_ sectors: Int, orientation: Double = 0.2) -> RegimeSignals {
    RegimeSignals(
      .annular(rings: [(0, 0.05, sectors)], orientation: orientation), probe: probe)
  }

  private static let conditions: [(sectors: Int, electrons: Double, x: Double, y: Double)] =
    [3, 5].flatMap { sectors in
      [10.0, 20, 1e4].flatMap { electrons in
        [
          (sectors: sectors, electrons: electrons, x: 0.0, y: 0.0),
          (sectors: sectors, electrons: electrons, x: 3e-3, y: 4e-3),
        ]
      }
    }

  // Second moments of 20,000 positions scatter by 0.7 %, of so few electrons by twice that: twice that is allowed, and
  // 0.9/N for the curvature of the shift in the counts, 1.8/N below twenty electrons, where counts that no disc gives,
  // and which are refused, are many.
  @Test("Variances are the scatter for few electrons and many", arguments: conditions)
  func scatter(condition: (sectors: Int, electrons: Double, x: Double, y: Double)) throws {
    let regime = Self.regime(condition.sectors)
    let map = try regime.estimate(
      .discShift,
      regime.signals(
        shape: GridShape(rows: 100, columns: 200), share: 0.5, electrons: condition.electrons,
        seed: 41
      ) { _, _ in (x: condition.x, y: condition.y) }
    ).map
    let covariance = try #require(map.covariance)
    let usable = (0..<map.shape.count).filter(map.mask.isUsable)
    // Counts that no disc on the detector gives are refused: a tenth of them at ten electrons.
    #expect(Double(usable.count) > 0.89 * Double(map.shape.count))
    func mean(_ value: (Int) -> Double) -> Double {
      usable.reduce(0) { $0 + value($1) } / Double(usable.count)
    }
    let (x, y) = (mean { map.field.x[$0] }, mean { map.field.y[$0] })
    let scatter = (
      xx: mean { (map.field.x[$0] - x) * (map.field.x[$0] - x) },
      yy: mean { (map.field.y[$0] - y) * (map.field.y[$0] - y) },
      xy: mean { (map.field.x[$0] - x) * (map.field.y[$0] - y) }
    )
    let stated = (
      xx: mean { covariance.xx[$0] }, yy: mean { covariance.yy[$0] }, xy: mean { covariance.xy[$0] }
    )
    let curvature = condition.electrons < 20 ? 1.8 : 0.9
    let bound = curvature / condition.electrons + 0.028
    let whole = scatter.xx + scatter.yy
    #expect(abs((stated.xx + stated.yy) / whole - 1) < bound, "\(stated) \(scatter)")
    // One component alone scatters by √2 more, as a part of half of the whole.
    for (stated, scatter) in [
      (stated.xx, scatter.xx), (stated.yy, scatter.yy), (stated.xy, scatter.xy),
    ] {
      #expect(abs(stated - scatter) < 1.5 * bound * whole / 2, "\(stated) \(scatter)")
    }
  }

  // A disc that leaves a sector dark touches the detector's center: 24 mrad, at 20 electrons 4 σ of a centered disc.
  // The variance of the dark sector's own counts makes it 12 to 400 σ.
  @Test(
    "A sector that happened to count nothing does not make a sure deflection",
    arguments: [(3, 10.0), (3, 20), (5, 10)])
  func darkSector(sectors: Int, electrons: Double) throws {
    let regime = Self.regime(sectors)
    let map = try regime.estimate(
      .discShift,
      regime.signals(
        shape: GridShape(rows: 200, columns: 200), share: 0.5, electrons: electrons, seed: 42
      ) { _, _ in (x: 0, y: 0) }
    ).map
    let covariance = try #require(map.covariance)
    let pulls = (0..<map.shape.count).filter(map.mask.isUsable).map {
      max(
        abs(map.field.x[$0]) / covariance.xx[$0].squareRoot(),
        abs(map.field.y[$0]) / covariance.yy[$0].squareRoot())
    }
    let largest = pulls.reduce(0, max)
    #expect(largest < 9, "\(largest)")
  }

  @Test(
    "Without noise the covariance is that of the multinomial through the Jacobian of a shifted disc",
    arguments: [(0.0, 0.0), (3e-3, 4e-3), (-9e-3, 2e-3)])
  func exact(x: Double, y: Double) throws {
    let regime = Self.regime(3)
    let electrons = 1e9
    let map = try regime.estimate(
      .discShift,
      regime.signals(
        shape: GridShape(rows: 1, columns: 1), share: 0.5, electrons: electrons
      ) { _, _ in (x: x, y: y) }
    ).map
    let covariance = try #require(map.covariance)
    let step = 1e-7
    func parts(_ dx: Double, _ dy: Double) -> [Double] {
      regime.fractions(x: x + dx, y: y + dy, share: 0.5)
    }
    let q = parts(0, 0)
    let alongX = zip(parts(step, 0), parts(-step, 0)).map { ($0 - $1) / (2 * step) }
    let alongY = zip(parts(0, step), parts(0, -step)).map { ($0 - $1) / (2 * step) }
    // Two of three parts are free, so that the shift is their inverse function.
    let inverse = try #require(
      Matrix2(xx: alongX[0], xy: alongY[0], yx: alongX[1], yy: alongY[1]).inverse)
    let (a, b, c) = (q[0] * (1 - q[0]), q[1] * (1 - q[1]), -q[0] * q[1])
    func product(_ u: (Double, Double), _ v: (Double, Double)) -> Double {
      (u.0 * v.0 * a + u.1 * v.1 * b + (u.0 * v.1 + u.1 * v.0) * c) / electrons
    }
    let (first, second) = ((inverse.xx, inverse.xy), (inverse.yx, inverse.yy))
    // The electron among 1e9; differences over 0.1 µrad are exact to 1e-8.
    let bound = 1e-6 * product(first, first)
    #expect(abs(covariance.xx[0] - product(first, first)) < bound)
    #expect(abs(covariance.yy[0] - product(second, second)) < bound)
    #expect(abs(covariance.xy[0] - product(first, second)) < bound)
  }

  @Test("The covariance turns with the detector and its counts")
  func turned() throws {
    func covariance(_ orientation: Double) throws -> (xx: Double, yy: Double, xy: Double) {
      let regime = Self.regime(3, orientation: orientation)
      let signals = SegmentSignals(
        shape: GridShape(rows: 1, columns: 1), segmentCount: 3, values: [11, 5, 1],
        mask: PixelMask(shape: GridShape(rows: 1, columns: 1)), electronsPerUnit: 1)
      let found = try #require(try regime.estimate(.discShift, signals).map.covariance)
      return (xx: found.xx[0], yy: found.yy[0], xy: found.xy[0])
    }
    let straight = try covariance(0.2)
    let quarter = try covariance(0.2 + Double.pi / 2)
    let bound = 1e-9 * (straight.xx + straight.yy)
    #expect(abs(quarter.xx - straight.yy) < bound && abs(quarter.yy - straight.xx) < bound)
    #expect(abs(quarter.xy + straight.xy) < bound)
    #expect(straight.xx * straight.yy > straight.xy * straight.xy)
  }
}
