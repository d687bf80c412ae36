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

  private let seed: UInt64
  private let frameType: FrameType
  private var isIntegerType: Bool { frameType == .uint16 || frameType == .uint32 }

  init(context: StageContext, phantom: [PhantomLayer]) throws {
    self.context = context
    self.phantom = phantom
    seed = UInt64(try context.value("seed", as: Int.self))
    frameType = try context.choice("frame_type")
  }

  func failure(_ message: String, remedy: String) -> StageFailure {
    StageFailure(.failed, "stage \(context.stageName): \(message)", remedy: remedy)
  }

  /// How the file is to be stored.
  func writer() throws -> AcquisitionWriter {
    AcquisitionWriter(
      frameType: frameType, isCompressed: try context.value("compressed"),
      units: try context.choice("file_units"))
  }

  func specification() throws -> SimulationSpecification {
    let detector = try context.reading { try DetectorRequest(context: context).detector() }
    let shape = GridShape(
      rows: try context.value("rows_px"), columns: try context.value("columns_px"))
    let frameCount = try frameCount()
    try checkSize(shape, segments: detector.segments.count, frames: frameCount)
    let pixel = try context.meters("pixel_size_nm")
    var specification = SimulationSpecification(
      title: stated(try context.value("title")),
      beam: ElectronBeam(voltage: try context.value("voltage_kV") * 1000),
      probeSemiAngle: try context.value("semi_angle_mrad") / 1000, detector: detector, shape: shape,
      pixelSize: PixelSize(
        x: pixel, y: context.number("pixel_size_y_nm").map { $0 / 1e9 } ?? pixel),
      phantom: Phantom(phantom), electronsPerPixel: try context.value("electrons_per_pixel"))
    specification.scanRotation = try context.radians("scan_rotation_deg")
    specification.frameCount = frameCount
    specification.specimen = try specimen()
    specification.noise = try context.value("noise") == "none" ? .none : .poisson(seed: seed)
    specification.output = try output()
    try addFlaws(to: &specification)
    specification.recording = try recording()
    try addTilts(to: &specification)
    return specification
  }

  /// An empty text leaves an attribute out.
  private func stated(_ text: String) -> String? { text.isEmpty ? nil : text }

  private func checkSize(_ shape: GridShape, segments: Int, frames frameCount: Int) throws {
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

  private func specimen() throws -> Specimen {
    var specimen = Specimen(
      material: stated(try context.value("material")),
      zoneAxis: context.word("zone_axis").flatMap(stated),
      view: SpecimenView(rawValue: try context.value("view")))
    if let stated = context.number("thickness_nm") {
      specimen.thickness = stated / 1e9
    } else if context.word("thickness_nm") == "from-phantom" {
      specimen.thickness = walls.first?.thickness
    }
    if try context.value("states_walls"), let wall = walls.first {
      specimen.wallInclination = wall.inclination
      specimen.wallNormalAzimuth = wall.normalAzimuth
      specimen.fieldDirection = wall.direction
    }
    return specimen
  }

  // MARK: Signal

  private func output() throws -> SignalOutput {
    let unit: SignalUnit = try context.choice("unit")
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
      unit: unit, countsPerElectron: try context.value("counts_per_electron"),
      isDigitized: unit == .counts || isIntegerType, saturation: largest)
  }

  private func addFlaws(to specification: inout SimulationSpecification) throws {
    let count = specification.detector.segments.count
    let gainError: Double = try context.value("gain_error_percent") / 100
    if gainError > 0 {
      specification.segmentGain = randomFactors(count, within: gainError, stream: 101)
    }
    let dark: Double = try context.value("dark_counts")
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
    let flicker: Double = try context.value("flicker_percent") / 100
    if flicker > 0 {
      specification.flicker = BeamFlicker(relativeDeviation: flicker, seed: seed)
    }
    specification.badPixels = try badPixels(specification.shape)
    specification.descan = try descan()
  }

  /// Numbers spread evenly over 1 ± `deviation`.
  private func randomFactors(_ count: Int, within deviation: Double, stream: Int) -> [Double] {
    var generator = SeededGenerator(seed: seed, path: [stream])
    return (0..<count).map { _ in 1 + deviation * (2 * generator.uniform() - 1) }
  }

  private func badPixels(_ shape: GridShape) throws -> BadPixels {
    let spikes: Int = try context.value("spikes")
    let missing: Int = try context.value("missing")
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
      spikeCount: spikes, spikeFactor: try context.value("spike_factor"), missingCount: missing,
      seed: seed)
  }

  private func descan() throws -> Descan {
    Descan(
      offset: (try context.value("descan_x_urad") / 1e6, try context.value("descan_y_urad") / 1e6),
      alongX: (
        try context.value("descan_x_along_x_urad_per_nm") * 1e3,
        try context.value("descan_y_along_x_urad_per_nm") * 1e3
      ),
      alongY: (
        try context.value("descan_x_along_y_urad_per_nm") * 1e3,
        try context.value("descan_y_along_y_urad_per_nm") * 1e3
      ))
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
      exposures: try context.value("reference_exposures"),
      statesGain: try context.value("states_gain"),
      statesScanRotation: try context.value("states_scan_rotation"))
    references.statesExposures = try context.value("states_exposures")
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
