// The parameters of simulate-acquisition as a specification, checked before anything is simulated.
internal import DPCSimulation
internal import Pipeline
internal import STEMCore
internal import STEMData

/// What a manifest asks to be simulated. The forward model traps on what no microscope can be, so
/// everything that ranges alone cannot rule out is refused here.
struct SimulationRequest {
  let context: StageContext
  let phantom: [PhantomLayer]

  /// Numbers held in memory at once; 2²⁸ doubles are 2 GiB.
  private static let signalLimit = 1 << 28

  private func number(_ key: String) -> Double { context.number(key) ?? 0 }
  private func integer(_ key: String) -> Int { context.integer(key) ?? 0 }
  private func boolean(_ key: String) -> Bool { context.boolean(key) ?? false }
  private var seed: UInt64 { UInt64(integer("seed")) }
  private var frameType: FrameType {
    context.word("frame_type").flatMap(FrameType.init) ?? .float64
  }
  private var isIntegerType: Bool { frameType == .uint16 || frameType == .uint32 }

  func failure(_ message: String, remedy: String) -> StageFailure {
    StageFailure(.failed, "stage \(context.stageName): \(message)", remedy: remedy)
  }

  /// How the file is to be stored.
  var writer: AcquisitionWriter {
    AcquisitionWriter(
      frameType: frameType, isCompressed: boolean("compressed"),
      units: context.word("file_units").flatMap(FileUnits.init) ?? .microscopy)
  }

  func specification() throws -> SimulationSpecification {
    let detector = try context.reading { try DetectorRequest(context: context).detector() }
    let shape = GridShape(rows: integer("rows_px"), columns: integer("columns_px"))
    try checkSize(shape, segments: detector.segments.count)
    let pixel = context.meters("pixel_size_nm") ?? 1
    var specification = SimulationSpecification(
      title: text("title"), beam: ElectronBeam(voltage: number("voltage_kV") * 1000),
      probeSemiAngle: number("semi_angle_mrad") / 1000, detector: detector, shape: shape,
      pixelSize: PixelSize(x: pixel, y: context.meters("pixel_size_y_nm") ?? pixel),
      phantom: Phantom(phantom), electronsPerPixel: number("electrons_per_pixel"))
    specification.scanRotation = context.radians("scan_rotation_deg") ?? 0
    specification.frameCount = frameCount
    specification.specimen = specimen()
    specification.noise = context.word("noise") == "none" ? .none : .poisson(seed: seed)
    specification.output = try output()
    try addFlaws(to: &specification)
    specification.recording = try recording()
    try addTilts(to: &specification)
    return specification
  }

  private func text(_ key: String) -> String? {
    context.word(key).flatMap { $0.isEmpty ? nil : $0 }
  }

  private func checkSize(_ shape: GridShape, segments: Int) throws {
    let signals = shape.count * segments * frameCount
    if signals > Self.signalLimit {
      throw failure(
        "\(frameCount) frames of \(segments) segments and \(shape) pixels are \(signals)"
          + " numbers, more than \(Self.signalLimit)",
        remedy: "ask for fewer frames or pixels")
    }
  }

  // MARK: Specimen

  private var walls: [WallArray] {
    phantom.compactMap { if case .walls(let walls) = $0 { walls } else { nil } }
  }

  private func specimen() -> Specimen {
    var specimen = Specimen(
      material: text("material"), zoneAxis: text("zone_axis"),
      view: context.word("view").flatMap(SpecimenView.init))
    if let stated = context.meters("thickness_nm") {
      specimen.thickness = stated
    } else if context.word("thickness_nm") == "from-phantom" {
      specimen.thickness = walls.first?.thickness
    }
    if boolean("states_walls"), let wall = walls.first {
      specimen.wallInclination = wall.inclination
      specimen.wallNormalAzimuth = wall.normalAzimuth
      specimen.fieldDirection = wall.direction
    }
    return specimen
  }

  // MARK: Signal

  private func output() throws -> SignalOutput {
    let unit = context.word("unit").flatMap(SignalUnit.init) ?? .electrons
    if unit == .fraction && isIntegerType {
      throw failure(
        "fractions of the beam are less than one, so \(frameType.rawValue) would make them zero",
        remedy: "choose frame_type: float32 or float64, or unit: counts")
    }
    let largest: Double? =
      switch frameType {
      case .uint16: Double(UInt16.max)
      case .uint32: Double(UInt32.max)
      case .float32, .float64: nil
      }
    return SignalOutput(
      unit: unit, countsPerElectron: number("counts_per_electron"),
      isDigitized: unit == .counts || isIntegerType, saturation: largest)
  }

  private func addFlaws(to specification: inout SimulationSpecification) throws {
    let count = specification.detector.segments.count
    let gainError = number("gain_error_percent") / 100
    if gainError > 0 {
      specification.segmentGain = randomFactors(count, within: gainError, stream: 101)
    }
    let dark = number("dark_counts")
    if dark > 0 {
      if specification.output.unit != .counts {
        throw failure(
          "dark_counts is \(Format.significant(dark, digits: 6)), but the frames are in"
            + " \(specification.output.unit.rawValue)",
          remedy: "choose unit: counts, or dark_counts: 0")
      }
      specification.dark = randomFactors(count, within: 0.5, stream: 102)
        .map { ($0 * dark).rounded() }
    }
    let flicker = number("flicker_percent") / 100
    if flicker > 0 {
      specification.flicker = BeamFlicker(relativeDeviation: flicker, seed: seed)
    }
    specification.badPixels = try badPixels(specification.shape)
    specification.descan = descan()
  }

  /// Numbers spread evenly over 1 ± `deviation`.
  private func randomFactors(_ count: Int, within deviation: Double, stream: Int) -> [Double] {
    var generator = SeededGenerator(seed: seed, path: [stream])
    return (0..<count).map { _ in 1 + deviation * (2 * generator.uniform() - 1) }
  }

  private func badPixels(_ shape: GridShape) throws -> BadPixels {
    let spikes = integer("spikes")
    let missing = integer("missing")
    if spikes + missing > shape.count {
      throw failure(
        "\(spikes) spikes and \(missing) missing values do not fit in \(shape.count) pixels",
        remedy: "ask for fewer of them")
    }
    if missing > 0 && isIntegerType {
      throw failure(
        "missing values are NaN, which \(frameType.rawValue) cannot hold",
        remedy: "choose frame_type: float32 or float64, or missing: 0")
    }
    return BadPixels(
      spikeCount: spikes, spikeFactor: number("spike_factor"), missingCount: missing, seed: seed)
  }

  private func descan() -> Descan {
    func slope(_ key: String) -> Double { number("descan_\(key)_urad_per_nm") * 1e3 }
    return Descan(
      offset: (number("descan_x_urad") / 1e6, number("descan_y_urad") / 1e6),
      alongX: (slope("x_along_x"), slope("y_along_x")),
      alongY: (slope("x_along_y"), slope("y_along_y")))
  }

  private func recording() throws -> RecordedReferences {
    let wanted = Set(context.words("references"))
    if wanted.isSuperset(of: ["vacuum", "vacuum-scan"]) {
      throw failure(
        "references lists both vacuum and vacuum-scan, and a file has room for one of them",
        remedy: "remove one")
    }
    var references = RecordedReferences(
      dark: wanted.contains("dark"), flat: wanted.contains("flat"),
      vacuum: wanted.contains("vacuum-scan")
        ? .scan : wanted.contains("vacuum") ? .single : .none,
      exposures: integer("reference_exposures"), statesGain: boolean("states_gain"),
      statesScanRotation: boolean("states_scan_rotation"))
    references.statesExposures = boolean("states_exposures")
    return references
  }

  // MARK: Plausibility

  /// The largest shift of the disc, descan included, rad.
  ///
  /// - Throws: `StageFailure` beyond 0.5 rad, where small angles and the detector end.
  func largestDeflection(_ specification: SimulationSpecification) throws -> Double {
    let field = specification.phantom.projectedField(
      shape: specification.shape, pixelSize: specification.pixelSize)
    let stiffness = specification.beam.momentumVelocityPerCharge
    var largest = 0.0
    for index in field.x.indices {
      let square = field.x[index] * field.x[index] + field.y[index] * field.y[index]
      // Anything that is not a number has to be refused too.
      if !(square < .infinity) { throw tooLarge("without bounds") }
      largest = max(largest, square)
    }
    let total =
      largest.squareRoot() / stiffness + descanReach(specification) + largestTilt(specification)
    if total > 0.5 { throw tooLarge("by \(Format.quantity(total, unit: "rad"))") }
    return total
  }

  private func tooLarge(_ amount: String) -> StageFailure {
    failure(
      "the phantom and the descan shift the disc \(amount)",
      remedy: "lower the fields, the thickness or the descan until the shift is below 0.5 rad")
  }

  /// The largest descan, which lies in a corner of the scan.
  private func descanReach(_ specification: SimulationSpecification) -> Double {
    let descan = specification.descan
    let x = Double(specification.shape.columns - 1) / 2 * specification.pixelSize.x
    let y = Double(specification.shape.rows - 1) / 2 * specification.pixelSize.y
    return [(x, y), (-x, y), (x, -y), (-x, -y)].map { x, y in
      let shiftX = descan.offsetX + descan.xAlongX * x + descan.xAlongY * y
      let shiftY = descan.offsetY + descan.yAlongX * x + descan.yAlongY * y
      return (shiftX * shiftX + shiftY * shiftY).squareRoot()
    }.max() ?? 0
  }
}
