// average-unit-cell: counts over whole lattice periods, for crystals, before any ratio is formed.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore

struct AverageUnitCell: StageType {
  let name = "average-unit-cell"
  let summary = "averages counts over one lattice period, for lattice-resolved scans"
  let algorithmVersion = 6
  let inputs = [
    InputPort("segments", kinds: [.segments, .frames], summary: "segment signals of one frame")
  ]
  let outputs = [
    OutputPort("segments", kind: .fixed(.segments), summary: "signals averaged over the cell")
  ]
  let parameters = [
    ParameterSpecification(
      "period_x_nm", .number(unit: "nm", range: .positive), isRequired: true, example: "0.378",
      summary: "lattice period along x"),
    ParameterSpecification(
      "period_y_nm", .number(unit: "nm", range: .positive), isRequired: true, example: "0.378",
      summary: "lattice period along y"),
  ]

  func run(_ context: StageContext) throws -> StageProduct {
    let (signals, frames) = try wholeSignals(context, stage: context.stageName)
    guard let pixelSize = frames.acquisition.metadata.pixelSize else {
      throw missingPixelSize(frames.acquisition.file.path, stage: context.stageName)
    }
    let period = (
      x: try context.meters("period_x_nm") / pixelSize.x,
      y: try context.meters("period_y_nm") / pixelSize.y
    )
    let shape = signals.shape
    if period.x < 1 || period.y < 1 || period.x > Double(shape.columns)
      || period.y > Double(shape.rows)
    {
      throw StageFailure(
        .failed,
        "stage \(context.stageName): a cell of \(Format.significant(period.x, digits: 3)) ×"
          + " \(Format.significant(period.y, digits: 3)) pixels does not fit a scan of \(shape)",
        remedy: "give the lattice period in nm, between one pixel and the scan's side")
    }
    let averaged = unitCellAverage(of: signals, period: period)
    var notes: [Note] = [
      Note(
        .assumption,
        "a rim of half a cell has no whole cell and is masked as missing; neighbors within a cell share counts"
      )
    ]
    if min(period.x, period.y) < 8 {
      notes.append(
        Note(
          .warning, "fewer than 8 pixels per cell: atomic contrast may alias into a moiré pattern"))
    }
    return StageProduct(
      outputs: [
        "segments": SegmentsValue.averaged(
          averaged, of: frames, correlation: CorrelationLength(x: period.x, y: period.y))
      ], notes: notes)
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
