// Walls found in maps of known walls: any azimuth, families that cross, masks, noise, and maps without any.
import DPCReconstruction
import Glibc
import STEMCore
import Testing

struct WallFindingTests {
  /// Walls of finite length: azimuth, position and half-length along azimuth + 90°, about the center.
  private struct Piece {
    var azimuth: Double
    var wall: TestWall
    var from = -Double.infinity
    var to = Double.infinity
  }

  private static func map(
    _ pieces: [Piece], rows: Int = 128, columns: Int = 160,
    pixel: PixelSize = PixelSize(x: 2e-9, y: 2e-9), sigma: Double, seed: UInt64
  ) throws -> VectorMap {
    var map = try wallMap(
      [], rows: rows, columns: columns, pixel: pixel, azimuth: 0, sigma: sigma, seed: seed)
    for piece in pieces {
      let one = try wallMap(
        [piece.wall], rows: rows, columns: columns, pixel: pixel, azimuth: piece.azimuth)
      for row in 0..<rows {
        let y = (Double(row) - Double(rows - 1) / 2) * pixel.y
        for column in 0..<columns {
          let x = (Double(column) - Double(columns - 1) / 2) * pixel.x
          let v = y * cos(piece.azimuth) - x * sin(piece.azimuth)
          guard v >= piece.from, v <= piece.to else { continue }
          let i = row * columns + column
          map.field.x[i] += one.field.x[i]
          map.field.y[i] += one.field.y[i]
        }
      }
    }
    return map
  }

  private static func edgeOn() throws -> InclinationGeometry {
    try InclinationGeometry(thickness: 50e-9, inclination: 0, direction: .perp)
  }

  @Test(
    "Walls of any azimuth are found, with sign, field, width and azimuth within four errors",
    arguments: [0.0, 17, 45, 73, 90, 101, 120, 160])
  func anyAzimuth(degrees: Double) throws {
    let w = 20e-9 / InclinationGeometry.widthFactor
    let walls = [(-70e-9, 2e8), (0, -1.5e8), (70e-9, 2e8)]
    let azimuth = degrees * degree
    let map = try Self.map(
      walls.map { Piece(azimuth: azimuth, wall: TestWall(field: $0.1, w: w, position: $0.0)) },
      sigma: 2e8, seed: 11)
    let findings = try findWalls(in: map, geometry: Self.edgeOn())
    #expect(findings.walls.count == 3, "\(findings.rejections)")
    #expect(findings.families.count == 1)
    #expect(findings.alternation == .alternate(pairs: 2, chance: 0.25))
    // In [-67.5°, 112.5°): a normal turned round changes position and field.
    let turned = degrees >= 112.5
    let truth = turned ? walls.map { (-$0.0, -$0.1) }.reversed() : walls
    for (found, truth) in zip(findings.walls, truth) {
      let wall = found.fitted.wall
      #expect(pull(wall.position, truth.0) < 4)
      #expect(pull(wall.field, truth.1) < 4)
      #expect(pull(wall.width, 20e-9) < 4)
      #expect(pull(found.normalAzimuth, azimuth - (turned ? Double.pi : 0)) < 4)
      // From end to end of the frame, start to end along azimuth + 90°.
      let n = found.normalAzimuth.value
      let along = (found.end.x - found.start.x) * -sin(n) + (found.end.y - found.start.y) * cos(n)
      #expect(along > 150e-9)
    }
  }

  private func pull(_ measured: Measurement, _ truth: Double) -> Double {
    guard let error = measured.error, error > 0 else { return .infinity }
    return abs(measured.value - truth) / error
  }

  @Test("Two families that meet are told apart, each wall with its own azimuth and ends")
  func families() throws {
    let w = 16e-9 / InclinationGeometry.widthFactor
    let pieces = [
      Piece(azimuth: 0, wall: TestWall(field: 2e8, w: w, position: -100e-9)),
      Piece(azimuth: 0, wall: TestWall(field: -2e8, w: w, position: -40e-9)),
      Piece(
        azimuth: 90 * degree, wall: TestWall(field: 2e8, w: w, position: -60e-9), from: -160e-9,
        to: -10e-9),
      Piece(
        azimuth: 90 * degree, wall: TestWall(field: -2e8, w: w, position: 50e-9), from: -160e-9,
        to: -10e-9),
    ]
    let map = try Self.map(pieces, sigma: 1.5e8, seed: 5)
    let findings = try findWalls(in: map, geometry: Self.edgeOn())
    #expect(
      findings.walls.count == 4, "\(findings.walls.map(\.fitted.wall)) \(findings.rejections)")
    #expect(findings.families.count == 2)
    for piece in pieces {
      let near = findings.walls.first {
        abs($0.normalAzimuth.value - piece.azimuth) < 3 * degree
          && abs($0.fitted.wall.position.value - piece.wall.position) < 8e-9
      }
      let found = try #require(near, "\(piece)")
      #expect(pull(found.fitted.wall.field, piece.wall.field) < 4)
      // Ends to within a width.
      if piece.to.isFinite { #expect(abs(found.end.x - 10e-9) < 16e-9, "\(found.end)") }
    }
  }

  @Test("Masked pixels, oblong pixels and a map of other height leave the walls where they are")
  func maskedOblong() throws {
    let w = 24e-9 / InclinationGeometry.widthFactor
    var map = try Self.map(
      [
        Piece(azimuth: 30 * degree, wall: TestWall(field: 3e8, w: w, position: -30e-9)),
        Piece(azimuth: 30 * degree, wall: TestWall(field: -3e8, w: w, position: 45e-9)),
      ], rows: 60, columns: 150, pixel: PixelSize(x: 1.5e-9, y: 3e-9), sigma: 3e8, seed: 3)
    for i in stride(from: 0, to: map.shape.count, by: 7) {
      map.mask.bytes[i] = PixelFlags.hot.rawValue
      map.field.x[i] = 1e12
    }
    let findings = try findWalls(in: map, geometry: Self.edgeOn())
    #expect(findings.walls.count == 2, "\(findings.walls.map(\.fitted.wall))")
    #expect(pull(try #require(findings.walls.first).fitted.wall.field, 3e8) < 4)
    #expect(pull(try #require(findings.walls.last).fitted.wall.position, 45e-9) < 4)
  }

  @Test("An inclined pair keeps its intrinsic field and width")
  func inclined() throws {
    let w = 20e-9 / InclinationGeometry.widthFactor
    let map = try wallMap(
      [
        TestWall(field: 3e8, w: w, position: -90e-9), TestWall(field: -3e8, w: w, position: 90e-9),
      ], rows: 64, columns: 200, pixel: PixelSize(x: 2e-9, y: 2e-9), azimuth: 10 * degree,
      direction: .parallel, thickness: 60e-9, inclination: 45 * degree, sigma: 2e8, seed: 8)
    let geometry = try InclinationGeometry(
      thickness: 60e-9, inclination: 45 * degree, direction: .parallel)
    let findings = try findWalls(in: map, geometry: geometry)
    #expect(findings.walls.count == 2)
    for (found, sign) in zip(findings.walls, [1.0, -1]) {
      #expect(pull(found.fitted.wall.field, sign * 3e8) < 4)
      #expect(pull(found.fitted.wall.width, 20e-9) < 4)
    }
  }

  @Test("Walls of equal sign are said not to alternate; one alone cannot be told")
  func alternation() throws {
    let w = 20e-9 / InclinationGeometry.widthFactor
    let equal = [-60e-9, 60e-9].map {
      Piece(azimuth: 0, wall: TestWall(field: 2e8, w: w, position: $0))
    }
    let both = try findWalls(
      in: Self.map(equal, sigma: 1e8, seed: 2), geometry: Self.edgeOn())
    #expect(both.alternation == .doNot(equal: 1, pairs: 1))
    let mixed = [(-90e-9, 2e8), (-20e-9, 2e8), (60e-9, -2e8)].map {
      Piece(azimuth: 0, wall: TestWall(field: $0.1, w: w, position: $0.0))
    }
    let three = try findWalls(
      in: Self.map(mixed, sigma: 1e8, seed: 2), geometry: Self.edgeOn())
    #expect(three.alternation == .doNot(equal: 1, pairs: 2))
    let one = try findWalls(
      in: Self.map([equal[0]], sigma: 1e8, seed: 2), geometry: Self.edgeOn())
    #expect(one.walls.count == 1)
    #expect(one.alternation == .cannotBeTold)
  }

  @Test("Noise alone shows no walls in twenty maps")
  func nothing() throws {
    for seed in 1...20 {
      let map = try Self.map([], sigma: 4e8, seed: UInt64(seed))
      let findings = try findWalls(in: map, geometry: Self.edgeOn())
      #expect(findings.walls.isEmpty, "seed \(seed): \(findings.walls)")
    }
  }

  @Test("Dots, rows of atoms and a step between two levels are no walls")
  func notWalls() throws {
    var dots = try Self.map([], sigma: 1e7, seed: 4)
    var atoms = dots
    var step = dots
    let columns = dots.shape.columns
    for i in 0..<dots.shape.count {
      let x = (Double(i % columns) - Double(columns - 1) / 2) * 2e-9
      let y = (Double(i / columns) - 63.5) * 2e-9
      for (cx, cy) in [(-60e-9, -40e-9), (50e-9, 30e-9), (0, 0)] {
        let (u, v) = ((x - cx) / 25e-9, (y - cy) / 25e-9)
        let bell = 4e8 * exp(-(u * u + v * v) / 2)
        dots.field.x[i] += bell * u
        dots.field.y[i] += bell * v
      }
      let k = 2 * Double.pi / 16e-9
      atoms.field.x[i] += 2e8 * sin(k * x) * (1 + cos(k * y))
      atoms.field.y[i] += 2e8 * sin(k * y) * (1 + cos(k * x))
      step.field.y[i] += 1e8 * tanh((x - 10e-9) / 8e-9)
    }
    for (name, map) in [("dots", dots), ("atoms", atoms), ("step", step)] {
      let findings = try findWalls(in: map, geometry: Self.edgeOn())
      #expect(findings.walls.isEmpty, "\(name) \(findings.rejections)")
      guard name == "step" else { continue }
      let refused = try #require(findings.strongestRefused)
      #expect(refused.reason == .step && findings.rejections.contains(.step))
      #expect(refused.significance > findings.threshold)
    }
  }

  @Test("Five errors above the threshold nothing is missed; the same bytes every time")
  func sensitivity() throws {
    let w = 20e-9 / InclinationGeometry.widthFactor
    // σ of the height of a wall of 20 nm over 256 nm: σ²/n over Σ t², some 7 columns of 128 pixels.
    let sigma = 1e9
    let height = 11 * sigma / (128 * 6.5).squareRoot()
    var found = 0
    for seed in 1...6 {
      let map = try Self.map(
        [Piece(azimuth: 20 * degree, wall: TestWall(field: height, w: w, position: 10e-9))],
        sigma: sigma, seed: UInt64(40 + seed))
      let findings = try findWalls(in: map, geometry: Self.edgeOn())
      #expect(findings.threshold > 5 && findings.threshold < 8)
      found += findings.walls.count
      #expect(try findWalls(in: map, geometry: Self.edgeOn()) == findings)
    }
    #expect(found == 6)
  }

  /// Levels on both sides of a line, in the component along azimuth 0's walls.
  private static func addStep(to map: inout VectorMap, height: Double, at place: Double) {
    let columns = map.shape.columns
    for i in 0..<map.shape.count {
      let x = (Double(i % columns) - Double(columns - 1) / 2) * 2e-9
      map.field.y[i] += height / 2 * tanh((x - place) / 6e-9)
    }
  }

  @Test("Beside a step three times their height walls may be refused for it, but none is wrong")
  func besideStep() throws {
    let w = 20e-9 / InclinationGeometry.widthFactor
    let walls = [(-110e-9, 2e8), (-50e-9, -2e8)]
    var map = try Self.map(
      walls.map { Piece(azimuth: 0, wall: TestWall(field: $0.1, w: w, position: $0.0)) },
      sigma: 1.5e8, seed: 21)
    Self.addStep(to: &map, height: 6e8, at: 70e-9)
    let findings = try findWalls(in: map, geometry: Self.edgeOn())
    #expect(findings.rejections.contains(.step))
    for found in findings.walls {
      let wall = found.fitted.wall
      let truth = walls.min {
        abs($0.0 - wall.position.value) < abs($1.0 - wall.position.value)
      }
      #expect(pull(wall.position, try #require(truth).0) < 4, "\(wall)")
      #expect(pull(wall.field, try #require(truth).1) < 4, "\(wall)")
    }
  }

  @Test("A wall on a step is not reported with a field that is none", arguments: [1.5e8, 6e8])
  func onStep(height: Double) throws {
    let w = 20e-9 / InclinationGeometry.widthFactor
    var map = try Self.map(
      [Piece(azimuth: 0, wall: TestWall(field: 2e8, w: w, position: 10e-9))], sigma: 1.5e8, seed: 22
    )
    Self.addStep(to: &map, height: height, at: 10e-9)
    let findings = try findWalls(in: map, geometry: Self.edgeOn())
    // Either it is refused, and why, or it is a wall with the right numbers.
    if findings.walls.isEmpty {
      #expect(findings.rejections.contains(.step))
    }
    for found in findings.walls {
      #expect(pull(found.fitted.wall.field, 2e8) < 4, "\(found.fitted.wall)")
      #expect(pull(found.fitted.wall.position, 10e-9) < 4, "\(found.fitted.wall)")
    }
  }

  @Test("Across a line that was refused nothing is said of alternation")
  func refusedBetween() throws {
    // Six walls 40 nm apart, in turn positive and negative; some are refused as a smooth background.
    let pieces = (0..<6).map { index in
      Piece(
        azimuth: 0,
        wall: TestWall(
          field: index % 2 == 0 ? 1.5e8 : -1.5e8, w: 11.3e-9,
          position: (Double(index) - 2.5) * 40e-9))
    }
    for seed in 1...2 {
      let findings = try findWalls(
        in: Self.map(pieces, rows: 32, columns: 140, sigma: 1e8, seed: UInt64(seed)),
        geometry: .imagePlane)
      #expect(findings.walls.count < 6, "what the test is for: some are refused")
      switch findings.alternation {
      case .alternate, .linesBetween, .cannotBeTold: break
      case .doNot(let equal, let pairs): Issue.record("\(equal) of \(pairs) pairs are said equal")
      }
    }
  }
}
