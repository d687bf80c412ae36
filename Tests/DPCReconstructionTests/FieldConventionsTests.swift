// One test for each sentence of Conventions.md, by its number: field, transforms, masks and walls.
import DPCReconstruction
import DPCSimulation
import FFTW
import Glibc
import STEMCore
import Testing

private let square = PixelSize(x: 1e-9, y: 1e-9)
private let beam = ElectronBeam(voltage: 200e3)

/// A potential wave of 2e-9 V m and a period of 16 pixels of 1 nm along x.
private let wave = PhantomLayer.sinusoidalPotential(
  amplitude: 2e-9, period: 16e-9, azimuth: 0, phase: 0.3)
private let wide = GridShape(rows: 4, columns: 32)

@Suite("Conventions: field, transforms, masks, walls")
struct FieldConventionsTests {
  @Test("18. The beam moves against the field: θ = -∫E dz/(pv/e)")
  func againstTheField() throws {
    let map = try deflection(scan([.uniform(x: 5, y: -10)]))
    #expect(agree(map.field.x[0], -5 / stiffness) && agree(map.field.y[0], 10 / stiffness))
    let field = projectedField(of: map, beam: beam).field
    #expect(agree(field.x[0], 5) && agree(field.y[0], -10))
  }

  @Test("19. ∫E dz = -grad ∫V dz; mean zero, the uniform field as a ramp")
  func potential() throws {
    let layers = [wave, PhantomLayer.uniform(x: 3, y: 4)]
    let truth = simulate(scan(layers, shape: wide)).truth
    let expected = try #require(truth.projectedPotential)
    let found = integratedPotential(
      of: truth.projectedField, pixelSize: square, boundary: .periodic)
    for i in 0..<wide.count {
      #expect(abs(found.potential.values[i] - expected.values[i]) < 1e-15)
    }
    #expect(agree(found.uniformField.x, 3) && agree(found.uniformField.y, 4))
    #expect(abs(found.potential.values.reduce(0, +)) < 1e-18 * Double(wide.count))
    // Down the screen, along the field, the potential falls by 4 V m per m.
    #expect(agree(found.potential[3, 0] - found.potential[0, 0], -12e-9))
  }

  @Test("20. φ = +σ ∫V dz and θ = (λ/2π) grad φ")
  func phase() throws {
    let truth = simulate(scan([wave], shape: wide)).truth
    let phase = try #require(truth.phase)
    let potential = try #require(truth.projectedPotential)
    // σ = 7.288401e6 rad/(V m) and λ = 2.507934 pm at 200 kV.
    #expect(agree(phase[0, 3], 7.288_401e6 * potential[0, 3]))
    // The central difference of a wave of 16 pixels is its slope times sin(2π/16)/(2π/16).
    let sinc = sin(Double.pi / 8) / (Double.pi / 8)
    for column in 1..<31 {
      let slope = (phase[0, column + 1] - phase[0, column - 1]) / 2e-9 / sinc
      let expected = 2.507_934e-12 / (2 * Double.pi) * slope
      #expect(abs(truth.deflection.x[column] - expected) < 1e-6 * 2.3e-6)
    }
  }

  @Test("21. ρ = +ε0 div ∫E dz")
  func charge() {
    let shape = GridShape(rows: 5, columns: 6)
    var field = VectorField(shape: shape)
    // More field leaves on the right than enters on the left, by 3 V per nm: positive charge.
    for i in 0..<shape.count { field.x[i] = 3 * Double(i % 6) }
    let charge = projectedChargeDensity(of: field, pixelSize: square)
    #expect(charge.values.allSatisfy { agree($0, 8.854_187_8128e-12 * 3e9) })
  }

  @Test("22. The thickness enters once: E = ∫E dz/t, and ∫E dz does not know it")
  func thickness() throws {
    var thick = scan([.uniform(x: 5, y: 0)])
    thick.specimen.thickness = 50e-9
    let map = projectedField(of: try deflection(thick), beam: beam)
    #expect(agree(map.field.x[0], 5))
    #expect(agree(meanField(of: map, thickness: 50e-9).field.x[0], 1e8))
    #expect(agree(meanField(of: map, thickness: 25e-9).field.x[0], 2e8))
  }

  @Test("23. Forward exp(-2πi k·r), inverse exp(+2πi k·r), neither normalized")
  func fourier() {
    // cos(2π(c/8 - 1/12)) = Re exp(2πi c/8) exp(-iπ/6): F(1) = 8·3/2 exp(-iπ/6).
    let values = (0..<24).map { cos(2 * Double.pi * (Double($0 % 8) / 8 - 1.0 / 12)) }
    let transform = RealFourierTransform(rows: 3, columns: 8)
    var plane = TransformBuffer(copying: values)
    var spectrum = TransformBuffer<Complex>(count: transform.spectrumCount)
    transform.forward(plane, into: &spectrum)
    let peak = spectrum.withSpan { $0[1] }
    #expect(agree(peak.real, 12 * cos(Double.pi / 6)) && agree(peak.imaginary, -6))
    transform.inverse(&spectrum, into: &plane)
    let back = plane.array()
    #expect(values.indices.allSatisfy { abs(back[$0] - 24 * values[$0]) < 1e-12 })
  }

  @Test("24. k in cycles per meter: a high-pass of this period leaves half of the wave")
  func cyclesPerMeter() throws {
    let truth = simulate(scan([wave], shape: wide)).truth
    let expected = try #require(truth.projectedPotential)
    let half = integratedPotential(
      of: truth.projectedField, pixelSize: square, boundary: .periodic, highPassPeriod: 16e-9
    ).potential
    for i in 0..<wide.count { #expect(abs(half.values[i] - expected.values[i] / 2) < 1e-15) }
  }

  @Test(
    "25. Bits of the mask: 1 missing, 2 no counts, 4 saturated, 8 hot, 16 outside, 32 filled in")
  func maskBits() {
    let reasons: [PixelFlags] = [
      .missing, .noCounts, .saturated, .hot, .outsideModel, .filledIn,
    ]
    #expect(reasons.map(\.rawValue) == [1, 2, 4, 8, 16, 32])
    #expect(PixelMask(shape: GridShape(rows: 1, columns: 2)).unusableCount == 0)
    #expect(PixelMask(shape: GridShape(rows: 1, columns: 2), bytes: [0, 9]).unusableCount == 1)
  }

  @Test("26. A pixel without a measurement holds zero, never NaN")
  func zeroNotNaN() throws {
    var spoiled = scan([.uniform(x: 5, y: 0)], shape: GridShape(rows: 8, columns: 8))
    spoiled.badPixels = BadPixels(spikeCount: 0, spikeFactor: 1, missingCount: 5, seed: 1)
    let map = try deflection(spoiled)
    let bad = (0..<64).filter { !map.mask.isUsable($0) }
    #expect(bad.count == 5)
    for i in bad {
      #expect(map.mask.bytes[i] == 1 && map.field.x[i] == 0 && map.field.y[i] == 0)
    }
    // Signals too: all segments of a position where one is missing.
    let correction = SegmentCorrection(dark: [1, 1], gain: [1, 1], gainSource: .none)
    let signals = correction.corrected(
      [5, .nan, 7, 7], shape: GridShape(rows: 1, columns: 2), saturationLevel: nil,
      electronsPerUnit: 1)
    #expect(signals.values == [4, 0, 6, 0] && signals.mask.bytes == [0, 1])
  }

  @Test("27. A filled-in pixel keeps its reason and stays out of every statistic")
  func filledIn() throws {
    let shape = GridShape(rows: 8, columns: 32)
    var map = VectorMap(
      field: VectorField(shape: shape, repeating: (x: 1, y: 2)), covariance: nil,
      mask: PixelMask(shape: shape), pixelSize: square)
    map.mask.bytes[5] = PixelFlags.hot.rawValue
    map.field.x[5] = 1000
    var whole = try filled(map)
    #expect(whole.mask.bytes[5] == 8 + 32 && abs(whole.field.x[5] - 1) < 1e-9)
    #expect(!whole.mask.isUsable(5))
    whole.field.x[5] = 1000
    let profile = try wallProfile(of: whole, direction: .normal, normalAzimuth: 0)
    #expect(profile.value.allSatisfy { agree($0, 1) } && profile.sampleCount[5] == 7)
  }

  @Test("28. Errors are one standard deviation of a pixel, πα/(4√N); unknown is absent")
  func errors() throws {
    let map = try deflection(scan([]))
    let expected = Double.pi * 24e-3 / (4 * 1e3)
    let covariance = try #require(map.covariance)
    #expect(agree(covariance.xx[0].squareRoot(), expected))
    #expect(agree(covariance.yy[0].squareRoot(), expected))
    let data = simulate(scan([]))
    let signals = SegmentSignals(
      shape: data.metadata.shape, segmentCount: 8, values: data.frames[0].flatMap(\.values),
      mask: PixelMask(shape: data.metadata.shape), electronsPerUnit: nil)
    let estimator = try DiscShiftEstimator(
      detector: data.metadata.detector, probeSemiAngle: 24e-3)
    let blind = estimator.deflection(of: signals, calibration: .identity, pixelSize: nil).map
    #expect(blind.covariance == nil)
  }

  // MARK: Walls

  /// The walls that the reconstruction fits to a simulated array of one wall, E0 = 2e8 V/m.
  private func fit(
    _ direction: FieldDirection, inclination: Double, azimuth: Double,
    simulatedAzimuth: Double = 0
  ) throws -> (wall: Wall, mean: VectorMap) {
    let array = WallArray(
      positions: [6e-9], signs: [1], amplitude: 2e8, fullWidthHalfMaximum: 10e-9,
      normalAzimuth: simulatedAzimuth, inclination: inclination, thickness: 30e-9,
      direction: direction)
    let specification = scan([.walls(array)], shape: GridShape(rows: 8, columns: 160))
    let map = meanField(
      of: projectedField(of: try deflection(specification), beam: beam), thickness: 30e-9)
    // Without its error estimate: the data hold no noise.
    let exact = VectorMap(
      field: map.field, covariance: nil, mask: map.mask, pixelSize: square)
    let profile = try wallProfile(of: exact, direction: direction, normalAzimuth: azimuth)
    let geometry = try InclinationGeometry(
      thickness: 30e-9, inclination: inclination, direction: direction)
    return (try #require(fitWalls(profile: profile, geometry: geometry).walls.first), exact)
  }

  @Test("29. The inclination counts from the plane of the wall: 0 is edge-on")
  func inclination() throws {
    // Edge-on the wall is as wide in the image as it is; steeply inclined it is wider.
    let w = 10e-9 / InclinationGeometry.widthFactor
    let edge = try InclinationGeometry(thickness: 30e-9, inclination: 0, direction: .perp)
    #expect(agree(edge.projectedWidth(sechWidth: w), 10e-9))
    let steep = try InclinationGeometry(
      thickness: 30e-9, inclination: 80 * Double.pi / 180, direction: .perp)
    #expect(steep.projectedWidth(sechWidth: w) > 100e-9)
    #expect(throws: WallError.self) {
      try fitWalls(
        profile: LineProfile(
          distance: [0, 1, 2, 3, 4, 5, 6, 7, 8], value: [0, 0, 1, 2, 3, 2, 1, 0, 0], error: nil,
          sampleCount: [Int](repeating: 1, count: 9)),
        geometry: InclinationGeometry(
          thickness: 30e-9, inclination: 0, direction: .parallel))
    }
  }

  @Test("30. The image shows sin a of parallel, cos a of normal, all of perp")
  func directionFactors() throws {
    let a = Double.pi / 6
    for (direction, factor) in [
      (FieldDirection.parallel, 0.5), (.normal, 0.75.squareRoot()), (.perp, 1),
    ] {
      let geometry = try InclinationGeometry(
        thickness: 30e-9, inclination: a, direction: direction)
      #expect(agree(geometry.directionFactor, factor))
      let found = try fit(direction, inclination: a, azimuth: 0)
      #expect(abs(found.wall.field.value / 2e8 - 1) < 1e-4)
    }
  }

  @Test("31. Positive is along the normal for parallel and normal, along azimuth + 90° for perp")
  func wallSign() throws {
    // At the wall, 6 nm right of the center (column 79.5).
    let center = 4 * 160 + 86
    let normal = try fit(.normal, inclination: 0.5, azimuth: 0)
    #expect(normal.wall.field.value > 1.9e8 && normal.mean.field.x[center] > 1e7)
    let parallel = try fit(.parallel, inclination: 0.5, azimuth: 0)
    #expect(parallel.wall.field.value > 1.9e8 && parallel.mean.field.x[center] > 1e7)
    let perp = try fit(.perp, inclination: 0, azimuth: 0)
    // +90° from +x is down: +y.
    #expect(perp.wall.field.value > 1.9e8 && perp.mean.field.y[center] > 1e7)
  }

  @Test(
    "32. The opposite azimuth reverses the signs of position and field",
    arguments: [FieldDirection.normal, .parallel, .perp])
  func oppositeAzimuth(direction: FieldDirection) throws {
    let forward = try fit(direction, inclination: 0.5, azimuth: 0).wall
    let backward = try fit(direction, inclination: 0.5, azimuth: Double.pi).wall
    #expect(abs(forward.position.value - 6e-9) < 1e-12)
    #expect(abs(backward.position.value + 6e-9) < 1e-12)
    #expect(abs(forward.field.value / 2e8 - 1) < 1e-4)
    #expect(abs(backward.field.value / 2e8 + 1) < 1e-4)
  }

  @Test("33. The width is the FWHM across the wall itself, 1.7627 w")
  func width() throws {
    #expect(abs(InclinationGeometry.widthFactor - 1.762_747_174) < 1e-9)
    // Inclined by 45°, the wall is far wider in the image; its own width is found.
    let wall = try fit(.normal, inclination: Double.pi / 4, azimuth: 0).wall
    #expect(abs(wall.width.value / 10e-9 - 1) < 1e-4)
  }

  @Test("34. The image shows the mean over the thickness: ∫E dX = 2 g E0 w/cos a")
  func pathRule() throws {
    let a = Double.pi / 6
    let mean = try fit(.parallel, inclination: a, azimuth: 0).mean
    let sum = (0..<160).reduce(0) { $0 + mean.field.x[4 * 160 + $1] * 1e-9 }
    let w = 10e-9 / 1.762_747_174
    #expect(abs(sum / (2 * sin(a) * 2e8 * w / cos(a)) - 1) < 1e-5)
  }
}
