// Acquisitions of any size for timing: one simulated tile, repeated, with noise of its own everywhere.
internal import DPCSimulation
internal import STEMCore
internal import STEMData
internal import WorkSharing

/// A square acquisition with walls, counting noise and a few bad pixels.
struct BenchmarkAcquisition {
  let metadata: AcquisitionMetadata
  /// One plane per segment.
  let planes: [ScalarField]

  /// Side of the simulated tile, px. Walls cross it along its columns, so that tiles fit together.
  private static let tileSide = 256

  /// Positions with one bad segment, of a million; as many spikes as signals that are missing.
  private static let badPerMillion = 500
  private static let spikeFactor = 10.0

  /// - Parameters:
  ///   - side: A multiple of the tile's.
  ///   - seed: Of the noise, which would not average out if it were repeated too.
  init(side: Int, seed: UInt64 = 1) {
    let tile = Self.tile()
    let shape = GridShape(rows: side, columns: side)
    var metadata = tile.metadata
    metadata.shape = shape
    self.metadata = metadata
    var planes = concurrentMap(tile.frames[0].count) { segment in
      Self.counted(Self.repeated(tile.frames[0][segment], over: shape), seed, segment)
    }
    var generator = SeededGenerator(seed: seed, path: [-1])
    for bad in 0..<(shape.count * Self.badPerMillion / 1_000_000) {
      let segment = Int.random(in: planes.indices, using: &generator)
      let position = Int.random(in: 0..<shape.count, using: &generator)
      planes[segment].values[position] *= bad % 2 == 0 ? Self.spikeFactor : .nan
    }
    self.planes = planes
  }

  /// Numbers of electrons drawn where so many are expected.
  private static func counted(
    _ expected: ScalarField, _ seed: UInt64, _ segment: Int
  ) -> ScalarField {
    var generator = SeededGenerator(seed: seed, path: [segment])
    return ScalarField(
      shape: expected.shape, values: expected.values.map { generator.poisson(mean: $0) })
  }

  /// Writes 32-bit frames, `[segment, y, x]`, in one piece.
  func write(to path: String) throws {
    try AcquisitionWriter(frameType: .float32).write(metadata, frames: [planes], to: path)
  }

  /// Segment after segment, as a reader hands them on.
  var signals: [Double] { planes.flatMap(\.values) }

  private static func tile() -> SimulatedAcquisition {
    let shape = GridShape(rows: tileSide, columns: tileSide)
    let pixelSize = PixelSize(x: 1e-9, y: 1e-9)
    let walls = WallArray(
      positions: [-64e-9, 64e-9], signs: [1, -1], amplitude: 1.5e8, fullWidthHalfMaximum: 20e-9,
      normalAzimuth: 0, thickness: 60e-9, direction: .perp)
    var specification = SimulationSpecification(
      title: "benchmark", beam: ElectronBeam(voltage: 200e3), probeSemiAngle: 0.024,
      detector: .annular(rings: [(0, 0.024, 4), (0.024, 0.048, 4)], orientation: 0.4),
      shape: shape, pixelSize: pixelSize, phantom: Phantom([.walls(walls)]),
      electronsPerPixel: 1e5)
    specification.scanRotation = 0.3
    specification.specimen.thickness = 60e-9
    specification.specimen.view = .top
    specification.specimen.wallInclination = 0
    specification.noise = .none
    specification.recording = RecordedReferences(vacuum: .single)
    return simulate(specification)
  }

  private static func repeated(_ tile: ScalarField, over shape: GridShape) -> ScalarField {
    var result = ScalarField(shape: shape)
    for row in 0..<shape.rows {
      for column in 0..<shape.columns {
        result[row, column] = tile[row % tile.shape.rows, column % tile.shape.columns]
      }
    }
    return result
  }
}
