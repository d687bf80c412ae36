// average-unit-cell: counts over whole lattice periods, for crystals, before any ratio is formed.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore

struct AverageUnitCell: StageType {
  let name = "average-unit-cell"
  let summary = "averages counts over one unit cell, for lattice-resolved scans"
  let algorithmVersion = 7
  let inputs = [
    InputPort("segments", kinds: [.segments, .frames], summary: "segment signals of one frame")
  ]
  let outputs = [
    OutputPort("segments", kind: .fixed(.segments), summary: "signals averaged over the cell")
  ]
  let parameters = [
    ParameterSpecification(
      "period_x_nm", .number(unit: "nm", range: .positive), isRequired: true, example: "0.378",
      summary: "lattice period along x, or along azimuth_deg"),
    ParameterSpecification(
      "period_y_nm", .number(unit: "nm", range: .positive), isRequired: true, example: "0.378",
      summary: "lattice period along y, or angle_deg from the first"),
    ParameterSpecification(
      "azimuth_deg", .number(unit: "deg", range: NumberRange(-180...180)), default: .number(0),
      summary: "azimuth of the first period in the scan, from x toward y"),
    ParameterSpecification(
      "angle_deg", .number(unit: "deg", range: NumberRange(10...170)), default: .number(90),
      summary: "angle from the first period to the second"),
  ]

  func run(_ context: StageContext) throws -> StageProduct {
    let (signals, frames) = try wholeSignals(context, stage: context.stageName)
    guard let pixelSize = frames.acquisition.metadata.pixelSize else {
      throw missingPixelSize(frames.acquisition.file.path, stage: context.stageName)
    }
    let stated = try StatedCell(context)
    let cell = stated.cell(in: pixelSize)
    let shape = signals.shape
    let (width, height) = (abs(cell.a.x) + abs(cell.b.x), abs(cell.a.y) + abs(cell.b.y))
    if cell.leastHeight < 1 || width > Double(shape.columns) || height > Double(shape.rows) {
      throw StageFailure(
        .failed,
        "stage \(context.stageName): a cell of \(Format.significant(width, digits: 3)) ×"
          + " \(Format.significant(height, digits: 3)) pixels does not fit a scan of \(shape)",
        remedy: "give the lattice period in nm, between one pixel and the scan's side")
    }
    let average = unitCellAverage(of: signals, over: cell)
    var notes: [Note] = [
      Note(
        .assumption,
        "a rim of half a cell has no whole cell and is masked as missing; neighbors within a cell share counts"
      )
    ]
    if cell.leastHeight < 8 {
      notes.append(
        Note(
          .warning, "fewer than 8 pixels per cell: atomic contrast may alias into a moiré pattern"))
    }
    let metadata = frames.acquisition.metadata
    let lattice = LatticeReport(
      waves: .find(in: signals, detector: metadata.detector, around: cell), cell: cell,
      pixelSize: pixelSize, probeSemiAngle: metadata.probeSemiAngle)
    return StageProduct(
      outputs: [
        "segments": SegmentsValue.averaged(
          average.signals, of: frames,
          correlation: CorrelationLength(x: average.correlation.x, y: average.correlation.y))
      ], facts: lattice.facts, notes: notes + lattice.notes)
  }
}

/// The signals of one frame in memory, whatever form they come in.
func wholeSignals(
  _ context: StageContext, stage: String
) throws -> (signals: SegmentSignals, frames: FramesValue) {
  let frames: FramesValue
  switch context.input("segments") {
  case let value as FramesValue: frames = value
  case SegmentsValue.inFile(let value)?: frames = value
  case SegmentsValue.averaged(let signals, let value, _)?: return (signals, value)
  default: throw StageFailure(.failed, "stage \(stage): port segments carries no signals")
  }
  let signals = try FrameReader(frames).single(context)
  try SignalCheck(frames).check(signals)
  return (signals, frames)
}

/// The failure of a stage that measures lengths on a file that states none.
func missingPixelSize(_ path: String, stage: String) -> StageFailure {
  StageFailure(
    .missingPrerequisite,
    "stage \(stage): \(path) does not state its pixel size"
      + " (/entry/instrument/scan/pixel_size_x and pixel_size_y)",
    remedy: "add them to the file, with a units attribute")
}
