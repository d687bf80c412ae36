// simulate-acquisition: the file that a microscope would leave of a phantom, and the truth beside it.
internal import DPCSimulation
internal import Pipeline
internal import STEMCore
internal import STEMData

struct SimulateAcquisition: StageType {
  let name = "simulate-acquisition"
  let summary = "an acquisition of a phantom, by rigid disc or wave optics, with its truth"
  let algorithmVersion = 3
  let inputs = [InputPort("phantom", kinds: [.phantom], summary: "the specimen's layers")]
  let outputs = [
    OutputPort(
      "acquisition", kind: .fixed(.simulatedAcquisition),
      summary: "an acquisition file and its truth")
  ]
  let parameters = SimulationParameters.all

  func problems(
    with parameters: [String: ParameterValue], connected ports: Set<String>
  ) -> [ParameterProblem] {
    ParameterProblem.found(
      in: parameters, { _ = try DetectorRequest(context: $0).detector() },
      { _ = try SeriesRequest($0) })
  }

  func run(_ context: StageContext) throws -> StageProduct {
    let request = try SimulationRequest(
      context: context, phantom: try context.input("phantom", as: PhantomValue.self).layers)
    let specification = try request.specification()
    let largest = try request.largestDeflection(specification)
    try context.checkCancellation()
    let simulated = try request.simulated(specification)
    try context.checkCancellation()
    let value = try SimulatedAcquisitionValue(simulated, writer: try request.writer())
    return StageProduct(
      outputs: ["acquisition": value], facts: facts(simulated, largest),
      notes: notes(simulated, specification, largest))
  }

  private func facts(_ simulated: SimulatedAcquisition, _ largest: Double) -> [Fact] {
    let metadata = simulated.metadata
    let frames = metadata.frameCount > 1 ? ", \(metadata.frameCount) frames" : ""
    return [
      Fact(
        "simulated_acquisition",
        text: "\(metadata.segmentCount) segments, \(metadata.shape) pixels\(frames)"),
      Fact(
        "largest_deflection",
        text: "largest shift of the disc, descan included: "
          + Format.quantity(largest, unit: "rad"),
        value: largest, unit: "rad"),
    ]
  }

  private func notes(
    _ simulated: SimulatedAcquisition, _ specification: SimulationSpecification, _ largest: Double
  ) -> [Note] {
    var notes: [Note] = []
    let outer = specification.detector.outerAngle
    if largest + specification.probeSemiAngle > outer {
      notes.append(
        Note(
          .warning,
          "the disc reaches beyond the detector, which ends at \(Format.quantity(outer, unit: "rad"))"
        ))
    }
    if let limit = specification.output.saturation {
      let full = simulated.frames.reduce(0) { total, planes in
        planes.reduce(total) { $0 + $1.values.count { $0 >= limit } }
      }
      if full > 0 {
        notes.append(
          Note(.warning, "\(full) signals reach the largest number of their type: they saturate"))
      }
    }
    return notes
  }
}
