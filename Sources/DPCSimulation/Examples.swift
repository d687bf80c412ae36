// Two acquisitions of the same domain walls that show everything the reconstruction can do.
internal import STEMCore

extension SimulationSpecification {
  /// Two antiparallel domain walls seen edge-on, beside a charged inclusion; 160×192 positions.
  ///
  /// The walls (FWHM 20 nm, ±1.5e8 V/m along the wall) have a field with a curl that no potential
  /// describes; the inclusion (Gaussian, 0.22 V µm) has a potential. Unequal gains, dark signal,
  /// a drift of the disc with a vacuum scan to correct it, hot and missing positions, 2e7 electrons
  /// per position with counting noise: 2.4e7 V/m per component and position.
  public static func exampleTopView() -> SimulationSpecification {
    let thickness = 60e-9
    let walls = WallArray(
      positions: [-70e-9, 70e-9], signs: [1, -1], amplitude: 1.5e8, fullWidthHalfMaximum: 20e-9,
      normalAzimuth: radians(25), thickness: thickness, direction: .perp)
    let inclusion = PhantomLayer.gaussianPotential(
      centerX: -20e-9, centerY: 40e-9, sigma: 20e-9, amplitude: 0.22e-6)
    var example = exampleMicroscope(
      title: "Simulated domain walls, top view", shape: GridShape(rows: 160, columns: 192),
      pixel: 2e-9, phantom: Phantom([.walls(walls), inclusion]))
    example.scanRotation = radians(12)
    example.specimen = Specimen(
      material: "model", view: .top, thickness: thickness, wallInclination: 0,
      wallNormalAzimuth: walls.normalAzimuth, fieldDirection: .perp)
    example.descan = Descan(
      offset: (60e-6, -35e-6), alongX: (280, 90), alongY: (-120, 310))
    example.recording = RecordedReferences(dark: true, flat: true, vacuum: .scan, exposures: 10)
    return example
  }

  /// The same kind of walls in a cross section, inclined by 45° to the beam; 96×320 positions.
  ///
  /// The field (3e8 V/m along the wall, in the plane of the beam and the normal) appears in the
  /// image along the walls' normal, weakened by sin 45° and smeared by the path: its mean over the
  /// thickness peaks at 1.1e8 V/m. The walls are 160 nm apart, more than t tan a plus two widths,
  /// so that their images do not overlap. One vacuum signal per segment tells the disc's offset.
  public static func exampleCrossSection() -> SimulationSpecification {
    let thickness = 60e-9
    let walls = WallArray(
      positions: [-80e-9, 80e-9], signs: [1, -1], amplitude: 3e8, fullWidthHalfMaximum: 20e-9,
      normalAzimuth: 0, inclination: radians(45), thickness: thickness, direction: .parallel)
    var example = exampleMicroscope(
      title: "Simulated domain walls, cross section", shape: GridShape(rows: 96, columns: 320),
      pixel: 1.5e-9, phantom: Phantom([.walls(walls)]))
    example.scanRotation = radians(-8)
    example.specimen = Specimen(
      material: "model", view: .crossSection, thickness: thickness,
      wallInclination: walls.inclination, wallNormalAzimuth: 0, fieldDirection: .parallel)
    example.descan = Descan(offset: (45e-6, 30e-6), alongX: (0, 0), alongY: (0, 0))
    example.recording = RecordedReferences(dark: true, flat: true, vacuum: .single)
    return example
  }

  /// 200 kV, 24 mrad, two rings of four quadrants up to 48 mrad, and the flaws both examples share.
  private static func exampleMicroscope(
    title: String, shape: GridShape, pixel: Double, phantom: Phantom
  ) -> SimulationSpecification {
    var example = SimulationSpecification(
      title: title, beam: ElectronBeam(voltage: 200e3), probeSemiAngle: 24e-3,
      detector: .annular(
        rings: [(0, 24e-3, 4), (24e-3, 48e-3, 4)], orientation: radians(30)), shape: shape,
      pixelSize: PixelSize(x: pixel, y: pixel), phantom: phantom, electronsPerPixel: 2e7)
    example.noise = .poisson(seed: 20_260_101)
    example.flicker = BeamFlicker(relativeDeviation: 0.001, seed: 20_260_102)
    example.segmentGain = [1.063, 0.954, 1.021, 0.927, 1.042, 0.981, 1.077, 0.935]
    example.dark = [412, 655, 238, 890, 547, 301, 724, 463]
    example.badPixels = BadPixels(
      spikeCount: 24, spikeFactor: 3, missingCount: 16, seed: 20_260_103)
    // Counts are whole numbers below 2²⁴, so that single precision holds them exactly.
    example.output = SignalOutput(unit: .counts, isDigitized: true)
    return example
  }

  private static func radians(_ degrees: Double) -> Double { degrees * Double.pi / 180 }
}
