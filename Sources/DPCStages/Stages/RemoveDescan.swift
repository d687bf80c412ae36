// remove-descan: subtracts what a vacuum reference shows, or a plane that the manifest asks for.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore

struct RemoveDescan: StageType {
  let name = "remove-descan"
  let summary = "subtracts the deflection that the empty beam has; never fitted to data unasked"
  let algorithmVersion = 1
  let inputs = [
    InputPort(
      "deflection", kinds: [.detectorDeflection], summary: "deflection in the detector's axes")
  ]
  let outputs = [
    OutputPort(
      "deflection", kind: .fixed(.detectorDeflection), summary: "the same without descan")
  ]
  let parameters = [
    ParameterSpecification(
      "method", .choice(["from-file", "vacuum", "fit-plane", "none"]), default: .text("from-file"),
      summary:
        "from-file: the vacuum reference if there is one; fit-plane: fitted to the map itself,"
        + " which also removes a uniform and a linear field")
  ]

  func run(_ context: StageContext) throws -> StageProduct {
    let input = try context.input("deflection", as: DeflectionValue.self)
    let method = context.word("method") ?? "from-file"
    switch (method, input.vacuum) {
    case ("none", _), ("from-file", .none):
      return unchanged(input, asked: method == "none")
    case ("vacuum", .none):
      throw StageFailure(
        .missingPrerequisite,
        "stage \(context.stageName): the acquisition has no vacuum reference (/entry/reference/vacuum)",
        remedy: "record one, or choose method fit-plane or none")
    case ("fit-plane", _):
      guard let plane = DescanPlane(fittedTo: input.map) else {
        throw StageFailure(
          .failed, "stage \(context.stageName): too few usable pixels to fit a plane")
      }
      return product(
        input, plane, source: "plane fitted to the map itself",
        warning: "a uniform and a linearly varying field were removed with the descan")
    case (_, .single(let vector, let variance)):
      return product(
        input, DescanPlane(constant: vector, variance: variance),
        source: "single vacuum reference (constant)", warning: nil)
    case (_, .scan(let map)):
      guard let plane = DescanPlane(fittedTo: map) else {
        throw StageFailure(
          .inputRefused, "stage \(context.stageName): the vacuum scan has too few usable pixels")
      }
      return product(
        input, plane, source: "plane fitted to the vacuum scan", warning: nil)
    default:
      throw StageFailure(.failed, "stage \(context.stageName): unknown method \(method)")
    }
  }

  private func unchanged(_ input: DeflectionValue, asked: Bool) -> StageProduct {
    var value = input
    value.context = input.context.adding([
      "removed_descan": "nothing" + (asked ? " (asked for)" : " (no vacuum reference)")
    ])
    return StageProduct(
      outputs: ["deflection": value],
      notes: [
        Note(
          .assumption,
          "no descan removed: a uniform field cannot be told from a descan offset, only field"
            + " differences are measured")
      ])
  }

  private func product(
    _ input: DeflectionValue, _ plane: DescanPlane, source: String, warning: String?
  ) -> StageProduct {
    var value = input
    value.map = removing(plane, from: input.map)
    value.vacuum = .none
    value.context = input.context.adding([
      "removed_descan": source,
      "removed_mean": "x \(plane.center.x), y \(plane.center.y) rad (detector axes)",
      "removed_ramp":
        "per column x \(plane.perColumn.x), y \(plane.perColumn.y); per row x \(plane.perRow.x),"
        + " y \(plane.perRow.y) rad (detector axes)",
    ])
    let error = plane.variance?.center.squareRoot()
    if let error {
      value.context.attributes["removed_descan_error"] = "\(error) rad, common to all pixels"
    }
    let size = (plane.center.x * plane.center.x + plane.center.y * plane.center.y).squareRoot()
    return StageProduct(
      outputs: ["deflection": value],
      facts: [
        Fact(
          "descan",
          text:
            "descan removed (\(source)): \(Format.quantity(size, error: error, unit: "rad")) at the"
            + " center", value: size, error: error, unit: "rad")
      ], notes: warning.map { [Note(.warning, $0)] } ?? [])
  }
}
