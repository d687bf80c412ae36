// rotate-to-scan: from the detector's axes to the scan's. The only stage that applies the rotation.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore

struct RotateToScan: StageType {
  let name = "rotate-to-scan"
  let summary = "turns a deflection into the axes of the scan, by a known angle"
  let algorithmVersion = 1
  let inputs = [
    InputPort(
      "deflection", kinds: [.detectorDeflection], summary: "deflection in the detector's axes")
  ]
  let outputs = [
    OutputPort("deflection", kind: .fixed(.deflection), summary: "deflection in the scan's axes")
  ]
  let parameters = [
    ParameterSpecification(
      "rotation_deg", .number(unit: "deg", range: NumberRange(-360...360)),
      keywords: ["from-file"], default: .text("from-file"),
      summary: "from the detector's to the scan's axes, positive clockwise on the screen"),
    ParameterSpecification(
      "handedness", .choice(Handedness.allCases.map(\.rawValue)),
      default: .text(Handedness.asRecorded.rawValue),
      summary: "mirrored: the detector is seen from behind, its y reversed before the rotation"),
  ]

  func run(_ context: StageContext) throws -> StageProduct {
    let input = try context.input("deflection", as: DeflectionValue.self)
    let rotation = try rotation(context, input.context.metadata)
    let handedness =
      context.word("handedness").flatMap(Handedness.init(rawValue:)) ?? .asRecorded
    var value = input
    value.map = transformed(
      input.map, by: scanFrameMatrix(rotation: rotation.angle, handedness: handedness))
    value.frame = .scan
    value.vacuum = .none
    value.context = input.context.adding([
      "scan_rotation": "\(rotation.angle) rad (\(rotation.origin))",
      "handedness": handedness.rawValue,
    ])
    value.context.metadata.scanRotation = rotation.angle
    return StageProduct(
      outputs: ["deflection": value],
      facts: [
        Fact(
          "scan_rotation",
          text: "scan rotation \(Format.degrees(rotation.angle)) (\(rotation.origin))",
          value: rotation.angle * 180 / Double.pi, unit: "deg")
      ],
      notes: contradictionNotes(
        "scan rotation", given: context.number("rotation_deg").map { $0 * Double.pi / 180 },
        stated: input.context.metadata.scanRotation, tolerance: 1e-3, text: Format.degrees))
  }

  private func rotation(
    _ context: StageContext, _ metadata: AcquisitionMetadata
  ) throws -> (angle: Double, origin: String) {
    if let degrees = context.number("rotation_deg") {
      return (degrees * Double.pi / 180, "given")
    }
    guard let angle = metadata.scanRotation else {
      throw StageFailure(
        .missingPrerequisite,
        "stage \(context.stageName): the acquisition does not state its scan rotation"
          + " (/entry/instrument/scan/scan_rotation)",
        remedy: "give it: --set \(context.stageName).rotation_deg=ANGLE (positive is clockwise on"
          + " the screen, from the detector's to the scan's axes)")
    }
    return (angle, "from the file")
  }
}
