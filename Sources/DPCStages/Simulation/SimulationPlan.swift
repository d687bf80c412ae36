// The dose that walls need: from a simulation's manifest, before anything is simulated or recorded.
internal import DPCReconstruction
internal import DPCSimulation
internal import Foundation
public import Pipeline
internal import STEMCore

/// What it takes to measure the walls of one simulated acquisition.
public struct SimulationPlan: Sendable {
  /// The acquisition's stage.
  public let stage: String
  /// What to print, a statement a line.
  public let lines: [String]

  /// Plans every acquisition of a manifest, in its order.
  ///
  /// - Parameters:
  ///   - graph: The manifest's stages.
  ///   - sigmas: Standard deviations of the field that are wanted.
  /// - Throws: `StageFailure` where a manifest declares no walls, or walls that no dose can show.
  public static func plans(of graph: PipelineGraph, sigmas: Double) throws -> [SimulationPlan] {
    try graph.stages.filter { $0.type is SimulateAcquisition }.map { node in
      let specification = try SimulationRequest(
        context: context(of: node), phantom: try layers(feeding: node, in: graph)
      ).specification()
      return try PlannedAcquisition(
        stage: node.name, specification: specification, sigmas: sigmas
      ).plan()
    }
  }

  private static func context(of node: StageNode) -> StageContext {
    StageContext(
      stageName: node.name, parameters: node.parameters.mapValues(\.value), inputs: [:])
  }

  /// The layers of the phantom that a stage takes, the first one first.
  private static func layers(
    feeding node: StageNode, in graph: PipelineGraph
  ) throws -> [PhantomLayer] {
    guard let reference = node.inputs["phantom"], let source = graph[reference.stage],
      let type = source.type as? any PhantomLayerStage
    else { return [] }
    return try layers(feeding: source, in: graph) + [type.layer(context(of: source))]
  }
}

/// One acquisition with its walls.
private struct PlannedAcquisition {
  let stage: String
  let specification: SimulationSpecification
  let sigmas: Double

  private var pixel: PixelSize { specification.pixelSize }
  private var side: (x: Double, y: Double) {
    (Double(specification.shape.columns) * pixel.x, Double(specification.shape.rows) * pixel.y)
  }

  private func failure(_ message: String, remedy: String) -> StageFailure {
    StageFailure(.failed, "stage \(stage): \(message)", remedy: remedy)
  }

  func plan() throws -> SimulationPlan {
    let arrays = specification.phantom.layers.compactMap { layer -> WallArray? in
      if case .walls(let walls) = layer { walls } else { nil }
    }
    if arrays.isEmpty {
      throw failure(
        "there are no walls to plan for in its specimen",
        remedy: "add a phantom-walls stage with the field, width and inclination to be expected")
    }
    return SimulationPlan(stage: stage, lines: try arrays.flatMap(lines) + assumptions)
  }

  private func lines(_ walls: WallArray) throws -> [String] {
    if walls.amplitude == 0 {
      throw failure(
        "a field of zero needs an infinite dose",
        remedy: "give field_V_per_m, the field to be expected")
    }
    do {
      let geometry = try InclinationGeometry(
        thickness: walls.thickness, inclination: walls.inclination, direction: walls.direction)
      let plans = try experiments(walls, geometry).map {
        try wallPlan(of: $0, fieldErrorOfOneElectron: fieldError(walls.thickness))
      }
      // The wall that is hardest to measure decides.
      guard let worst = plans.max(by: { $0.fieldError < $1.fieldError }) else {
        throw failure(
          "all signs of its walls are zero", remedy: "give signs: alternating")
      }
      return [heading(walls)] + doses(walls, worst)
    } catch let error as WallError {
      throw wallFailure(error, stage: stage)
    }
  }

  // MARK: Scan

  /// Each wall with all others as its neighbors, over the whole scan.
  ///
  /// - Throws: `StageFailure` for a wall outside of the scan.
  private func experiments(
    _ walls: WallArray, _ geometry: InclinationGeometry
  ) throws -> [WallExperiment] {
    let (c, s) = (abs(cos(walls.normalAzimuth)), abs(sin(walls.normalAzimuth)))
    // The longest line across the walls through the middle of the frame, and the length along them.
    let across = min(side.x / max(c, 1e-12), side.y / max(s, 1e-12))
    let along = side.x * side.y / across
    let spacing = pixel.x * c * c + pixel.y * s * s
    let shown = walls.positions.indices.filter { walls.signs[$0] != 0 }
    return try shown.map { index in
      let position = walls.positions[index]
      guard abs(position) < across / 2 else {
        throw failure(
          "the wall at \(Format.quantity(position, unit: "m")) lies outside of the scan, which reaches"
            + " \(Format.quantity(across / 2, unit: "m")) across the walls from its center",
          remedy: "move it with positions_nm, or scan more pixels")
      }
      return WallExperiment(
        geometry: geometry, amplitude: abs(walls.amplitude * walls.signs[index]),
        width: walls.fullWidthHalfMaximum, spacing: spacing,
        reach: (-across / 2 - position)...(across / 2 - position),
        pixelsPerSample: along * spacing / (pixel.x * pixel.y),
        neighbors: shown.filter { $0 != index }.map {
          NeighboringWall(
            distance: walls.positions[$0] - position,
            relativeField: walls.signs[$0] / walls.signs[index])
        })
    }
  }

  /// Of the mean field at one pixel for one electron, V/m.
  private func fieldError(_ thickness: Double) -> Double {
    let experiment = FoilExperiment(
      beam: specification.beam, thickness: thickness, semiAngle: specification.probeSemiAngle,
      sectors: sectorCount)
    return experiment.deflectionErrorOfOneElectron * specification.beam.momentumVelocityPerCharge
      / thickness
  }

  /// Rings of equal azimuth are summed: the ring with the fewest sectors decides.
  private var sectorCount: Int {
    let rings = (try? specification.detector.rings()) ?? []
    return rings.map(\.segmentIndices.count).min() ?? 4
  }

  // MARK: Words

  private func heading(_ walls: WallArray) -> String {
    let count = walls.positions.count
    return "\(stage): \(count) wall\(count == 1 ? "" : "s") of"
      + " \(Format.quantity(abs(walls.amplitude), unit: "V/m")) (\(walls.direction.rawValue)),"
      + " \(Format.quantity(walls.fullWidthHalfMaximum, unit: "m")) wide,"
      + " \(Format.degrees(walls.inclination)) inclined,"
      + " \(Format.quantity(walls.thickness, unit: "m")) thick;"
      + " \(specification.shape.columns) x \(specification.shape.rows) pixels of"
      + " \(Format.quantity(pixel.x, unit: "m"))"
  }

  private func doses(_ walls: WallArray, _ plan: WallPlan) -> [String] {
    let amplitude = abs(walls.amplitude)
    func dose(_ what: String, _ error: Double) -> String {
      let needed = plan.electronsPerPixel(amplitude: amplitude, error: error, sigmas: sigmas)
      let frames = max(1, (needed / specification.electronsPerPixel).rounded(.up))
      return "  \(what): \(Format.count(needed)) electrons per pixel"
        + " (\(Format.count(needed / (pixel.x * pixel.y * 1e18))) per nm²,"
        + " \(Format.count(needed * Double(specification.shape.count))) in all),"
        + " \(Format.count(frames)) frame\(frames == 1 ? "" : "s") of"
        + " \(Format.count(specification.electronsPerPixel)) electrons per pixel"
    }
    let declared = (specification.electronsPerPixel * Double(specification.frameCount)).squareRoot()
    let sigma = Format.significant(sigmas, digits: 3)
    return [
      dose("seen at \(sigma) sigma, shape known", plan.fieldErrorAtKnownShape),
      dose("field measured to \(sigma) sigma, width and position fitted", plan.fieldError),
      "  with the declared dose and frames:"
        + " field \(Self.expected(amplitude, plan.fieldError / declared, unit: "V/m")),"
        + " width \(Self.expected(walls.fullWidthHalfMaximum, plan.widthError / declared, unit: "m")),"
        + " E0·w to \(Format.percent(plan.productError / declared / (amplitude * walls.widthParameter))),"
        + " seen at \(Format.significant(amplitude * declared / plan.fieldErrorAtKnownShape, digits: 3)) sigma",
    ]
  }

  /// A declared value and its error; one that exceeds it has digits of its own.
  private static func expected(_ value: Double, _ error: Double, unit: String) -> String {
    error <= value
      ? Format.quantity(value, error: error, unit: unit)
      : "\(Format.quantity(value, unit: unit)) with an error of"
        + " \(Format.significant(error / value, digits: 2)) times as much"
  }

  private var assumptions: [String] {
    [
      "  assumed: counting noise only; disc-shift over \(sectorCount) sectors; known thickness and"
        + " inclination; all walls are fitted together on one constant,"
        + " and the wall that needs most decides",
      "  not included: descan, mistilt, gain errors, beam damage",
      "  a field found at a few sigma scatters more than this: its width is then hardly known",
    ]
  }
}
