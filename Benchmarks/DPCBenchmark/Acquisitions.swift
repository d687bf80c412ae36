// Acquisitions of any size for timing: one simulated tile, repeated.
internal import DPCSimulation
internal import STEMCore
internal import STEMData

/// A square acquisition with walls, counting noise and a few bad pixels.
struct BenchmarkAcquisition {
  let metadata: AcquisitionMetadata
  /// One plane per segment.
  let planes: [ScalarField]

  /// Side of the simulated tile, px. Walls cross it along its columns, so that tiles fit together.
  private static let tileSide = 256

  /// - Parameter side: A multiple of the tile's.
  init(side: Int) {
    let tile = Self.tile()
    let shape = GridShape(rows: side, columns: side)
    var metadata = tile.metadata
    metadata.shape = shape
    self.metadata = metadata
    planes = tile.frames[0].map { Self.repeated($0, over: shape) }
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
    specification.noise = .poisson(seed: 1)
    specification.badPixels = BadPixels(
      spikeCount: 16, spikeFactor: 10, missingCount: 16, seed: 2)
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
