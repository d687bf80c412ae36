// Dark offsets and relative gains of the segments, from whichever reference the file holds.
public import STEMCore

/// Where the relative gains of the segments come from.
public enum GainSource: String, Sendable, Equatable, Codable {
  /// A homogeneously lit frame: every segment.
  case flat
  /// Gains stated in the file: every segment.
  case gain
  /// The disc without specimen: only the segments that it lights.
  case vacuum
  /// A calibration of the detector: the segments whose gains it determined.
  case calibration
  case none
}

/// What turns raw signals into comparable ones: (raw - dark) / gain.
public struct SegmentCorrection: Sendable, Equatable, Codable {
  /// Per segment, in the unit of the frames.
  public var dark: [Double]
  /// Per segment, dimensionless, mean 1 over the segments that the source calibrates.
  public var gain: [Double]
  public var gainSource: GainSource
  /// Segments whose gain is unknown and taken as 1.
  public var uncalibratedSegments: [Int]
  /// One relative standard deviation of each gain, nil for segments without one; nil as a whole where
  /// nothing is known of them.
  public var gainErrors: [Double?]?

  public init(
    dark: [Double], gain: [Double], gainSource: GainSource, uncalibratedSegments: [Int] = [],
    gainErrors: [Double?]? = nil
  ) {
    self.dark = dark
    self.gain = gain
    self.gainSource = gainSource
    self.uncalibratedSegments = uncalibratedSegments
    self.gainErrors = gainErrors
  }
}

/// Why references cannot correct the frames.
public enum ReferenceError: Error, Sendable, CustomStringConvertible {
  case absent(GainSource)
  /// A reference that has to be positive is not.
  case notPositive(source: GainSource, segment: Int, value: Double)

  public var description: String {
    switch self {
    case .absent(.calibration): return "the calibration of the detector determined no gains"
    case .absent(let source): return "the file has no \(source.rawValue) reference"
    case .notPositive(let source, let segment, let value):
      return "the \(source.rawValue) reference of segment \(segment) is \(value) after the dark"
        + " offset: the segment is dead or the references do not belong together"
    }
  }
}

/// The correction from one gain source; dark is subtracted from the references too.
///
/// - Parameters:
///   - metadata: References, stated gains and geometry.
///   - source: nil takes the first that the file has of flat, gain, vacuum.
///   - usesDark: Whether the dark reference, where there is one, is subtracted.
/// - Throws: ``ReferenceError``.
public func segmentCorrection(
  for metadata: AcquisitionMetadata, gainSource source: GainSource?, usesDark: Bool
) throws(ReferenceError) -> SegmentCorrection {
  let count = metadata.segmentCount
  let references = metadata.references
  let zeros = [Double](repeating: 0, count: count)
  let dark = usesDark ? references.dark ?? zeros : zeros
  let ones = [Double](repeating: 1, count: count)
  let available: GainSource =
    references.flat != nil
    ? .flat
    : metadata.segmentGain != nil ? .gain : references.vacuum != nil ? .vacuum : .none
  switch source ?? available {
  case .none, .calibration: return SegmentCorrection(dark: dark, gain: ones, gainSource: .none)
  case .flat:
    guard let flat = references.flat else { throw .absent(.flat) }
    let gain = zip(zip(flat, dark), metadata.detector.segments).map { ($0.0 - $0.1) / $1.area }
    return try normalized(
      gain, dark: dark, source: .flat, lit: [Bool](repeating: true, count: count))
  case .gain:
    guard let gain = metadata.segmentGain else { throw .absent(.gain) }
    return try normalized(
      gain, dark: dark, source: .gain, lit: [Bool](repeating: true, count: count))
  case .vacuum:
    guard let vacuum = references.vacuum else { throw .absent(.vacuum) }
    let signals = meanVacuumSignals(vacuum).enumerated().map { $1 - dark[$0] }
    let expected = metadata.detector.segments.map { $0.litArea(disc: metadata.probeSemiAngle) }
    let lit = expected.map { $0 > 0 }
    let gain = zip(signals, expected).map { $1 > 0 ? $0 / $1 : 1 }
    return try normalized(gain, dark: dark, source: .vacuum, lit: lit)
  }
}

/// One number per segment: the single vacuum signals, or the mean over the vacuum scan.
func meanVacuumSignals(_ vacuum: VacuumReference) -> [Double] {
  switch vacuum {
  case .single(let signals): return signals
  case .scan(let planes):
    return planes.map { plane in
      let finite = plane.values.filter(\.isFinite)
      return finite.isEmpty ? .nan : finite.reduce(0, +) / Double(finite.count)
    }
  }
}

/// The correction from a calibration of the detector; segments without a gain keep 1.
///
/// - Throws: ``ReferenceError`` where the calibration determined no gain.
public func segmentCorrection(
  from calibration: DetectorCalibration, metadata: AcquisitionMetadata, usesDark: Bool
) throws(ReferenceError) -> SegmentCorrection {
  let gains = calibration.gain
  if gains.allSatisfy({ $0 == nil }) { throw .absent(.calibration) }
  let zeros = [Double](repeating: 0, count: metadata.segmentCount)
  return SegmentCorrection(
    dark: usesDark ? metadata.references.dark ?? zeros : zeros, gain: gains.map { $0?.value ?? 1 },
    gainSource: .calibration, uncalibratedSegments: gains.indices.filter { gains[$0] == nil },
    gainErrors: gains.map { gain in gain.flatMap { g in g.error.map { $0 / g.value } } })
}

private func normalized(
  _ gain: [Double], dark: [Double], source: GainSource, lit: [Bool]
) throws(ReferenceError) -> SegmentCorrection {
  for (segment, value) in gain.enumerated() where lit[segment] {
    if !(value > 0 && value.isFinite) {
      throw .notPositive(source: source, segment: segment, value: value)
    }
  }
  let calibrated = gain.indices.filter { lit[$0] }
  let mean = calibrated.reduce(0) { $0 + gain[$1] } / Double(max(calibrated.count, 1))
  return SegmentCorrection(
    dark: dark, gain: gain.indices.map { lit[$0] ? gain[$0] / mean : 1 }, gainSource: source,
    uncalibratedSegments: gain.indices.filter { !lit[$0] })
}
