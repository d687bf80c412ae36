// What the simulated file says of itself, and the references recorded beside the frames.
internal import STEMCore

extension ForwardModel {
  func metadata() -> AcquisitionMetadata {
    let specification = specification
    return AcquisitionMetadata(
      title: specification.title, frameCount: specification.frameCount, shape: shape,
      pixelSize: specification.pixelSize, beam: specification.beam,
      probeSemiAngle: specification.probeSemiAngle, detector: specification.detector,
      segmentGain: specification.recording.statesGain ? gains : nil,
      scanRotation: specification.recording.statesScanRotation
        ? specification.scanRotation : nil,
      electronsPerPixel: specification.electronsPerPixel,
      signalUnit: specification.output.unit, saturationLevel: specification.output.saturation,
      specimen: specification.specimen, references: references(),
      beamTilts: specification.beamTilts.isEmpty ? nil : specification.beamTilts)
  }

  private func references() -> References {
    let recording = specification.recording
    let exposures = Double(recording.exposures)
    return References(
      dark: recording.dark ? darks : nil, flat: recording.flat ? flat() : nil,
      vacuum: vacuum(),
      flatExposures: recording.statesExposures && recording.flat ? exposures : nil,
      vacuumExposures: recording.statesExposures && recording.vacuum != .none ? exposures : nil)
  }

  /// The dose of one scan position spread evenly over the whole detector, dark signal included.
  private func flat() -> [Double] {
    let segments = specification.detector.segments
    let total = segments.map(\.area).reduce(0, +)
    return segments.indices.map { segment in
      var generator = generator(.flat, 0, segment, 0)
      let expected = specification.electronsPerPixel * segments[segment].area / total
      let exposures = specification.recording.exposures
      return response(
        to: detected(expected, exposures: exposures, &generator), segment: segment)
    }
  }

  private func vacuum() -> VacuumReference? {
    let segments = specification.detector.segments
    let exposures = specification.recording.exposures
    switch specification.recording.vacuum {
    case .none: return nil
    case .single:
      let descan = specification.descan
      return .single(
        segments.indices.map { segment in
          let fraction = disc.fraction(
            on: segments[segment], orientation: specification.detector.orientation,
            displacedBy: descan.offsetX, descan.offsetY)
          var generator = generator(.vacuum, 0, segment, 0)
          let expected = specification.electronsPerPixel * fraction
          return response(
            to: detected(expected, exposures: exposures, &generator), segment: segment)
        })
    case .scan:
      let planes = fractions(of: descanDeflection())
      let current = beamCurrent(frame: 0, stream: .vacuumFlicker, exposures: exposures)
      return .scan(
        planes.indices.map { segment in
          var plane = signal(
            of: planes[segment], segment: segment, frame: 0, current: current, purpose: .vacuum,
            exposures: exposures)
          digitize(&plane)
          return plane
        })
    }
  }
}
