// The parameters of simulate-acquisition; everything but the scan has a default.
internal import Pipeline
internal import STEMCore
internal import STEMData

enum SimulationParameters {
  static let all = scan + microscope + optics + specimen + signal + flaws + file

  private static let turn = NumberRange(-360...360)
  private static let pixel = NumberRange(0.001...10_000)

  private static let scan = [
    ParameterSpecification(
      "columns_px", .integer(1...16_384), isRequired: true, example: "160",
      summary: "scan positions along x"),
    ParameterSpecification(
      "rows_px", .integer(1...16_384), isRequired: true, example: "120",
      summary: "scan positions along y"),
    ParameterSpecification(
      "pixel_size_nm", .number(unit: "nm", range: pixel), isRequired: true, example: "2",
      summary: "distance between scan positions along x, and along y where that is not given"),
    ParameterSpecification(
      "pixel_size_y_nm", .number(unit: "nm", range: pixel),
      summary: "distance between scan positions along y"),
    ParameterSpecification(
      "frames", .integer(1...10_000), default: .integer(1),
      summary: "repeated frames, each with its own noise"),
    ParameterSpecification(
      "scan_rotation_deg", .number(unit: "deg", range: turn), default: .number(0),
      summary: "turns vectors of the detector into the scan's axes, positive clockwise"),
    ParameterSpecification(
      "states_scan_rotation", .boolean, default: .boolean(true),
      summary: "whether the file tells the scan rotation"),
  ]

  private static let microscope = [
    ParameterSpecification(
      "voltage_kV", .number(unit: "kV", range: NumberRange(1...3000)), default: .number(200),
      summary: "accelerating voltage"),
    ParameterSpecification(
      "semi_angle_mrad", .number(unit: "mrad", range: NumberRange(0.1...200)),
      default: .number(24), summary: "convergence semi-angle of the probe: the disc's radius"),
    ParameterSpecification(
      "ring_edges_mrad", .numbers(unit: "mrad", range: NumberRange(0...1000)),
      default: .list([.number(0), .number(24), .number(48)]),
      summary: "semi-angles that bound the detector's rings, from the inside out"),
    ParameterSpecification(
      "ring_sectors", .numbers(unit: nil, range: NumberRange(1...64)),
      default: .list([.number(4), .number(4)]),
      summary: "number of equal sectors of each ring, from the inside out"),
    ParameterSpecification(
      "detector_start_deg", .number(unit: "deg", range: turn), default: .number(0),
      summary: "azimuth at which the first sector of each ring begins"),
    ParameterSpecification(
      "orientation_deg", .number(unit: "deg", range: turn), default: .number(0),
      summary: "turns the whole detector, clockwise"),
    ParameterSpecification(
      "segment_order", .numbers(unit: nil, range: NumberRange(0...4095)), keywords: ["by-ring"],
      default: .text("by-ring"),
      summary: "the file's segments as numbers of segments counted by ring and azimuth from 0"),
  ]

  private static let optics = [
    ParameterSpecification(
      "model", .choice(SimulationModel.allCases.map(\.rawValue)),
      default: .text(SimulationModel.rigidDisc.rawValue),
      summary:
        "rigid-disc shifts the disc as a whole; wave-optical diffracts at one period of a phase"),
    ParameterSpecification(
      "defocus_nm", .number(unit: "nm", range: NumberRange(-1e4...1e4)), default: .number(0),
      summary: "of the wave-optical probe; positive is underfocus"),
    ParameterSpecification(
      "spherical_aberration_mm", .number(unit: "mm", range: NumberRange(-10...10)),
      default: .number(0), summary: "of the wave-optical probe"),
    ParameterSpecification(
      "samples_per_segment", .integer(1...10_000_000), default: .integer(16_384),
      summary: "directions on a segment at which the wave-optical intensity is computed"),
  ]

  private static let specimen = [
    ParameterSpecification(
      "thickness_nm", .number(unit: "nm", range: NumberRange(0.1...10_000)),
      keywords: ["from-phantom", "unknown"], default: .text("from-phantom"),
      summary: "thickness that the file states; from-phantom is that of the walls, if any"),
    ParameterSpecification(
      "view", .choice(["top", "cross-section", "unknown"]), default: .text("top"),
      summary: "how the specimen was cut"),
    ParameterSpecification(
      "states_walls", .boolean, default: .boolean(true),
      summary: "whether the file tells inclination, normal and field direction of the walls"),
    ParameterSpecification(
      "material", .text, default: .text("model"), summary: "name of the material"),
    ParameterSpecification("zone_axis", .text, summary: "zone axis, such as \"[001]\""),
    ParameterSpecification(
      "title", .text, default: .text("Simulated acquisition"), summary: "title of the file"),
  ]

  private static let signal = [
    ParameterSpecification(
      "electrons_per_pixel", .number(unit: nil, range: NumberRange(1e-3...1e12)),
      default: .number(1e6), summary: "mean number of electrons per scan position and frame"),
    ParameterSpecification(
      "noise", .choice(["poisson", "none"]), default: .text("poisson"),
      summary: "counting noise; none gives expected numbers, whole ones in counts"),
    ParameterSpecification(
      "seed", .integer(0...Int.max), default: .integer(1),
      summary: "names all random numbers: equal seeds, equal files"),
    ParameterSpecification(
      "unit", .choice(["electrons", "counts", "fraction"]), default: .text("electrons"),
      summary: "unit of the frames; counts are whole numbers"),
    ParameterSpecification(
      "counts_per_electron", .number(unit: nil, range: NumberRange(1e-6...1e6)),
      default: .number(1), summary: "counts of one electron at gain 1"),
  ]

  private static let flaws =
    [
      ParameterSpecification(
        "gain_error_percent", .number(unit: "percent", range: NumberRange(0...90)),
        default: .number(0), summary: "gains of the segments lie within 1 ± this, at random"),
      ParameterSpecification(
        "dark_counts", .number(unit: nil, range: NumberRange(0...1e9)), default: .number(0),
        summary: "mean signal without beam; each segment's lies between half and 1.5 times this"),
      ParameterSpecification(
        "flicker_percent", .number(unit: "percent", range: NumberRange(0...50)),
        default: .number(0), summary: "standard deviation of the beam current between positions"),
      ParameterSpecification(
        "spikes", .integer(0...1_000_000), default: .integer(0),
        summary: "positions per frame at which one segment is far too bright"),
      ParameterSpecification(
        "spike_factor", .number(unit: nil, range: NumberRange(0...1e6)), default: .number(10),
        summary: "what a spike multiplies the signal by"),
      ParameterSpecification(
        "missing", .integer(0...1_000_000), default: .integer(0),
        summary: "positions per frame at which one segment is NaN"),
    ] + descan + series

  private static let series = [
    ParameterSpecification(
      "beam_tilts_mrad", .numbers(unit: "mrad", range: NumberRange(-200...200)),
      keywords: ["none"], default: .text("none"),
      summary: "one frame for each known tilt of the beam: x and y of the first, of the second, ..."
    ),
    ParameterSpecification(
      "response", .numbers(unit: nil, range: NumberRange(-10...10)), keywords: ["identity"],
      default: .text("identity"),
      summary: "xx, xy, yx, yy of the displacement of the disc by a deflection, detector axes"),
  ]

  private static let descan = [
    ("descan_x_urad", "urad", "shift of the disc by the scan along x, in its center"),
    ("descan_y_urad", "urad", "shift of the disc by the scan along y, in its center"),
    ("descan_x_along_x_urad_per_nm", "urad_per_nm", "its x component's slope along x"),
    ("descan_y_along_x_urad_per_nm", "urad_per_nm", "its y component's slope along x"),
    ("descan_x_along_y_urad_per_nm", "urad_per_nm", "its x component's slope along y"),
    ("descan_y_along_y_urad_per_nm", "urad_per_nm", "its y component's slope along y"),
  ].map { key, unit, summary in
    ParameterSpecification(
      key, .number(unit: unit, range: NumberRange(-1e5...1e5)), default: .number(0),
      summary: "\(summary); in the detector's axes")
  }

  private static let file = [
    ParameterSpecification(
      "references", .choices(["dark", "flat", "vacuum", "vacuum-scan"]), keywords: ["none"],
      default: .text("none"), summary: "references recorded beside the frames"),
    ParameterSpecification(
      "reference_exposures", .integer(1...1_000_000), default: .integer(100),
      summary: "exposures averaged into each reference"),
    ParameterSpecification(
      "states_exposures", .boolean, default: .boolean(false),
      summary: "whether the file tells that number"),
    ParameterSpecification(
      "states_gain", .boolean, default: .boolean(false),
      summary: "whether the file tells the segments' gains"),
    ParameterSpecification(
      "frame_type", .choice(FrameType.allCases.map(\.rawValue)), default: .text("float64"),
      summary: "stored type of the frames; integers are rounded and saturate"),
    ParameterSpecification(
      "compressed", .boolean, default: .boolean(false),
      summary: "packs the frames by gzip, one chunk for each plane"),
    ParameterSpecification(
      "file_units", .choice(FileUnits.allCases.map(\.rawValue)), default: .text("microscopy"),
      summary: "microscopy: nm, mrad, deg, kV; SI: m, rad, V"),
  ]
}
