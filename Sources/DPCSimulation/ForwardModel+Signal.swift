// Electrons become signals: flicker, counting noise, unit, gain, dark signal and bad pixels.
internal import STEMCore

extension ForwardModel {
  /// Beam current at every scan position relative to its mean, averaged over exposures.
  ///
  /// - Parameter stream: `flicker` or `vacuumFlicker`.
  func beamCurrent(frame: Int, stream: RandomPurpose, exposures: Int = 1) -> [Double]? {
    guard let flicker = specification.flicker else { return nil }
    let deviation = flicker.relativeDeviation / Double(exposures).squareRoot()
    var current: [Double] = []
    current.reserveCapacity(shape.count)
    for row in 0..<shape.rows {
      var generator = SeededGenerator(seed: flicker.seed, path: [stream.rawValue, frame, row])
      for _ in 0..<shape.columns {
        current.append(max(0, 1 + deviation * generator.normal()))
      }
    }
    return current
  }

  /// Signal of one segment, before bad pixels and rounding.
  ///
  /// - Parameter exposures: Number of exposures averaged, which lowers the noise only.
  func signal(
    of fraction: ScalarField, segment: Int, frame: Int, current: [Double]?,
    purpose: RandomPurpose, exposures: Int = 1
  ) -> ScalarField {
    var plane = fraction
    let columns = fraction.shape.columns
    for row in 0..<fraction.shape.rows {
      var generator = generator(purpose, frame, segment, row)
      for index in row * columns..<(row + 1) * columns {
        let expected =
          plane.values[index] * specification.electronsPerPixel * (current?[index] ?? 1)
        plane.values[index] = response(
          to: detected(expected, exposures: exposures, &generator), segment: segment)
      }
    }
    return plane
  }

  /// The stream of a row; nil without noise.
  func generator(
    _ purpose: RandomPurpose, _ frame: Int, _ segment: Int, _ row: Int
  ) -> SeededGenerator? {
    guard case .poisson(let seed) = specification.noise else { return nil }
    return SeededGenerator(seed: seed, path: [purpose.rawValue, frame, segment, row])
  }

  /// Number of electrons counted where `expected` are expected, averaged over exposures.
  func detected(
    _ expected: Double, exposures: Int, _ generator: inout SeededGenerator?
  ) -> Double {
    let repeats = Double(exposures)
    guard let counted = generator?.poisson(mean: expected * repeats) else { return expected }
    return counted / repeats
  }

  /// Signal of a segment that received this number of electrons.
  func response(to electrons: Double, segment: Int) -> Double {
    let scale: Double
    switch specification.output.unit {
    case .electrons: scale = 1
    case .counts: scale = specification.output.countsPerElectron
    case .fraction: scale = 1 / specification.electronsPerPixel
    }
    return electrons * scale * gains[segment] + darks[segment]
  }

  /// Spoils scan positions drawn at random and says which.
  func spoil(_ planes: inout [ScalarField], frame: Int) -> PixelMask {
    let wanted = specification.badPixels
    var mask = PixelMask(shape: shape)
    precondition(wanted.spikeCount + wanted.missingCount <= shape.count, "more bad than pixels")
    var generator = SeededGenerator(
      seed: wanted.seed, path: [RandomPurpose.badPixels.rawValue, frame])
    var done = 0
    while done < wanted.spikeCount + wanted.missingCount {
      let index = generator.index(below: shape.count)
      if mask.bytes[index] != 0 { continue }
      let segment = generator.index(below: planes.count)
      if done < wanted.spikeCount {
        planes[segment].values[index] *= wanted.spikeFactor
        mask.bytes[index] = PixelFlags.hot.rawValue
      } else {
        planes[segment].values[index] = .nan
        mask.bytes[index] = PixelFlags.missing.rawValue
      }
      done += 1
    }
    return mask
  }

  /// Limits and rounds signals as the output wants.
  func digitize(_ plane: inout ScalarField) {
    let output = specification.output
    for index in plane.values.indices {
      // NaN passes both steps: the comparison fails, and NaN rounds to NaN.
      if output.isDigitized { plane.values[index].round(.toNearestOrAwayFromZero) }
      if let limit = output.saturation, plane.values[index] > limit {
        plane.values[index] = limit
      }
    }
  }
}
