// Which forward model makes the signals, and what it cannot make.
internal import DPCSimulation
internal import Pipeline
internal import STEMCore

enum SimulationModel: String, CaseIterable {
  case rigidDisc = "rigid-disc"
  case waveOptical = "wave-optical"
}

extension SimulationRequest {
  /// - Throws: `StageFailure` where the model cannot make what is asked for; cancellation.
  func simulated(_ specification: SimulationSpecification) throws -> SimulatedAcquisition {
    let defocus = try context.meters("defocus_nm")
    let sphericalAberration = try context.value("spherical_aberration_mm") / 1e3
    switch try context.choice("model", as: SimulationModel.self) {
    case .rigidDisc:
      if defocus != 0 || sphericalAberration != 0 {
        throw failure(
          "the rigid-disc model knows no defocus and no spherical aberration",
          remedy: "choose model: wave-optical")
      }
      let simulated = simulate(specification)
      context.progress(0.8)
      return simulated
    case .waveOptical:
      try checkStillDisc(specification)
      return try diffracted(
        specification,
        by: WaveOptics(
          defocus: defocus, sphericalAberration: sphericalAberration,
          samplesPerSegment: try context.value("samples_per_segment")))
    }
  }

  private func diffracted(
    _ specification: SimulationSpecification, by optics: WaveOptics
  ) throws -> SimulatedAcquisition {
    do {
      return try simulate(specification, by: optics) { done in
        try context.checkCancellation()
        context.progress(0.9 * done)
      }
    } catch let error as WaveModelError {
      let remedy =
        switch error {
        case .noPotential:
          "leave out walls with a field along them, or choose model: rigid-disc"
        case .notPeriodic:
          "fit whole periods into the frame, keep inclusions away from its rim and walls in pairs of"
            + " opposite sign, or choose model: rigid-disc"
        case .tooFine:
          "make the frame smaller or the specimen smoother, or choose model: rigid-disc"
        }
      throw failure("\(error)", remedy: remedy)
    }
  }

  private func checkStillDisc(_ specification: SimulationSpecification) throws {
    if specification.descan == Descan() && specification.beamTilts.isEmpty
      && specification.response == .identity
    {
      return
    }
    throw failure(
      "descan, beam_tilts_mrad and response move the disc as a whole, which the wave-optical model does not",
      remedy: "leave them out, or choose model: rigid-disc")
  }
}
