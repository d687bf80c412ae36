// The track of as many frames as counts allow, and its shifts measured again on aligned frames.
internal import STEMCore

/// How often neighbors were taken together before frames could be matched.
struct MergeLevel: Sendable {
  let merges: Int

  func merged(_ spectra: [FrameSpectrum]) -> [FrameSpectrum] {
    (0..<merges).reduce(spectra) { spectra, _ in DPCReconstruction.merged(spectra) }
  }
}

extension FrameTrack {
  /// The track of as many spectra as counts allow; nil where not even halves can be matched.
  static func finest(
    of spectra: [FrameSpectrum], _ band: FrameBand, cell: SIMD2<Double>
  ) -> (track: FrameTrack, level: MergeLevel)? {
    var (spectra, merges) = (spectra, 0)
    while spectra.count > 1 {
      if let track = FrameTrack(spectra, band, cell: cell), track.isDecided {
        return (track, MergeLevel(merges: merges))
      }
      spectra = DPCReconstruction.merged(spectra)
      merges += 1
    }
    return nil
  }

  /// Rounds of aligning and measuring again.
  private static let rounds = 4
  /// Changes below, in cells, are the last.
  private static let smallestChange = 0.01
  /// From such a shift on, in cells, the window moves with the specimen.
  private static let windowStep = 0.1

  /// Aligns the frames, each on its place of the path, and measures what is left, until that is nothing.
  mutating func refineShifts(
    _ source: FrameSpectra, _ still: [FrameSpectrum], _ level: MergeLevel, cell: SIMD2<Double>
  ) {
    for _ in 0..<Self.rounds {
      let moves = moves(at: still.map(\.time))
      let largest = moves.reduce(0) { max($0, length($1 / cell)) }
      let spectra = largest > Self.windowStep ? source.spectra(moves) : still
      let aligned = zip(spectra, moves).map { spectrum, move in
        var spectrum = spectrum
        spectrum.values = DPCReconstruction.aligned(spectrum.values, by: move, source.band)
        return spectrum
      }
      if refine(level.merged(aligned)) < Self.smallestChange { break }
    }
  }

  /// Shifts at some times, against their mean: from point to point between those that were measured.
  private func moves(at times: [Double]) -> [SIMD2<Double>] {
    let chosen = matches.indices.filter { matches[$0] }
    let (known, places) = (chosen.map { spectra[$0].time }, chosen.map { shifts[$0] })
    let all = times.map { interpolated(places, at: known, to: $0) }
    let mean = all.reduce(SIMD2<Double>.zero, +) / Double(max(1, all.count))
    return all.map { $0 - mean }
  }
}
