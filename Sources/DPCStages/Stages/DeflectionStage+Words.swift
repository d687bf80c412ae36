// What a deflection finds and assumes, in words.
internal import DPCReconstruction
internal import Foundation
internal import Pipeline
internal import STEMCore

extension DeflectionStage {
  func facts(
    _ map: VectorMap, _ statistics: SignalStatistics, _ deviation: Double?
  ) -> [Fact] {
    var facts: [Fact] = []
    if let electrons = statistics.medianElectrons {
      facts.append(
        Fact(
          "dose", text: "\(Format.count(electrons)) electrons per pixel (median)",
          value: electrons, unit: "electrons"))
    }
    if let sigma = deviation {
      facts.append(
        Fact(
          "deflection_noise",
          text: "deflection noise \(Format.quantity(sigma, unit: "rad")) per component and pixel",
          value: sigma, unit: "rad"))
    }
    let masked = map.mask.counts.map { "\($0.count) \($0.name)" }.joined(separator: ", ")
    if !masked.isEmpty {
      facts.append(
        Fact(
          "masked_pixels", text: "masked pixels: \(masked)", value: Double(map.mask.unusableCount)))
    }
    return facts
  }

  func notes(
    _ map: VectorMap, _ metadata: AcquisitionMetadata, _ estimation: DeflectionEstimation
  ) -> [Note] {
    var notes = estimation.notes
    if metadata.deflectionCalibration == nil && metadata.specimen.zoneAxis != nil {
      notes.append(
        Note(
          .assumption,
          "no deflection_calibration in the file: the detector's geometry alone sets the scale"))
    }
    let outside = map.mask.count(of: .outsideModel)
    if outside > 0 {
      notes.append(
        Note(
          .warning,
          "\(outside) pixels lie outside what a shifted disc can produce and are masked"))
    }
    return notes + atomNotes(map)
  }

  /// Atoms are sharper than the window of 5 × 5 positions that spikes stand out of only where a cell has fewer
  /// positions than four such windows.
  private static let largestCell = 20

  /// Spikes that stand on a lattice are atoms.
  private func atomNotes(_ map: VectorMap) -> [Note] {
    guard let lattice = lattice(of: map.mask, flag: .hot, reach: Self.largestCell) else {
      return []
    }
    let count = map.mask.count(of: .hot)
    func text(_ step: PixelStep) -> String {
      let (x, y) = (Double(step.x), Double(step.y))
      guard let size = map.pixelSize else {
        return "\(Format.significant(hypot(x, y), digits: 3)) pixels"
      }
      return Format.quantity(hypot(x * size.x, y * size.y), unit: "m")
    }
    return [
      Note(
        .warning,
        "\(Format.percent(Double(count) / Double(map.shape.count))) of the positions are masked as hot,"
          + " and they repeat every \(text(lattice.first)) and every \(text(lattice.second)) along two"
          + " directions, as atoms do and defects do not: for a crystal at lattice resolution take"
          + " Pipelines/crystal.yaml, which seeks no spikes (spike_sigma none) and averages over cells"
      )
    ]
  }
}
