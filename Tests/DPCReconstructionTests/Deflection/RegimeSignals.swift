// Signals of known deflection from weak phase to rigid shift, from closed forms and quadrature.
import DPCReconstruction
import DPCSimulation
import Foundation
import STEMCore

/// The parts of the beam on the segments as functions of the deflection, between the two regimes.
struct RegimeSignals {
  let detector: SegmentedDetector
  let probe: Double
  /// Per segment the change per radian of a weak phase's deflection, for a grating along x and along y.
  private let weak: [(x: Double, y: Double)]
  private let rest: [Double]

  /// - Parameter period: Of the weak grating, m, at 200 kV; its first order lies at λ/period.
  init(_ detector: SegmentedDetector, probe: Double, period: Double = 40e-9) {
    self.detector = detector
    self.probe = probe
    let angle = ElectronBeam.wavelengthAt200kV / period
    weak = detector.segments.map { segment in
      func change(_ x: Double, _ y: Double) -> Double {
        (Self.transfer(segment, detector.orientation, probe, x, y)
          - Self.transfer(segment, detector.orientation, probe, -x, -y)) / angle
      }
      return (x: change(angle, 0), y: change(0, angle))
    }
    let disc = BrightFieldDisc(radius: probe)
    rest = detector.segments.map {
      disc.fraction(on: $0, orientation: detector.orientation, displacedBy: 0, 0)
    }
  }

  /// Part of the disc's area in a segment, in the disc, and in the disc displaced by a diffracted
  /// order: the interference that the weak-phase transfer function counts. Polar quadrature.
  private static func transfer(
    _ segment: DetectorSegment, _ orientation: Double, _ probe: Double, _ x: Double, _ y: Double
  ) -> Double {
    let steps = 4000
    let width = (segment.stop - segment.start) / Double(steps)
    var sum = 0.0
    for step in 0..<steps {
      let azimuth = segment.start + orientation + (Double(step) + 0.5) * width
      let along = x * cos(azimuth) + y * sin(azimuth)
      let across = x * sin(azimuth) - y * cos(azimuth)
      let reach = along + (probe * probe - across * across).squareRoot()
      let outer = min(segment.outer, probe, reach)
      if outer > segment.inner {
        sum += (outer * outer - segment.inner * segment.inner) / 2 * width
      }
    }
    return sum / (Double.pi * probe * probe)
  }

  /// - Parameter share: The outer ring's part of the signal: 0 weak phase, 1/2 rigid shift.
  func fractions(x: Double, y: Double, share: Double) -> [Double] {
    let disc = BrightFieldDisc(radius: probe)
    return detector.segments.indices.map { j in
      let rigid =
        disc.fraction(
          on: detector.segments[j], orientation: detector.orientation, displacedBy: x, y)
        - rest[j]
      let phase = weak[j].x * x + weak[j].y * y
      return rest[j] + 2 * share * rigid + (1 - 2 * share) * phase
    }
  }

  /// A map of deflections, noise free or counted.
  func signals(
    shape: GridShape, share: Double, electrons: Double, seed: UInt64? = nil,
    _ deflection: (_ row: Int, _ column: Int) -> (x: Double, y: Double)
  ) -> SegmentSignals {
    var generator = SeededGenerator(seed: seed ?? 0)
    let segments = detector.segments.count
    var values = [Double](repeating: 0, count: segments * shape.count)
    for position in 0..<shape.count {
      let d = deflection(position / shape.columns, position % shape.columns)
      let parts = fractions(x: d.x, y: d.y, share: share)
      for j in 0..<segments {
        let mean = max(0, parts[j]) * electrons
        values[j * shape.count + position] = seed == nil ? mean : generator.poisson(mean: mean)
      }
    }
    return SegmentSignals(
      shape: shape, segmentCount: segments, values: values, mask: PixelMask(shape: shape),
      electronsPerUnit: 1)
  }

  /// Rings that end at the rim, and quadrants.
  static func reference(orientation: Double = 0.4) -> RegimeSignals {
    RegimeSignals(
      .annular(rings: [(0, 0.024, 4), (0.024, 0.048, 4)], orientation: orientation), probe: 0.024)
  }

  func estimate(
    _ method: DeflectionMethod, _ signals: SegmentSignals
  ) throws -> DeflectionEstimate {
    try deflectionEstimator(method, detector: detector, probeSemiAngle: probe)
      .deflection(of: signals, calibration: .identity, pixelSize: nil)
  }

  func sample(_ signals: SegmentSignals) throws -> (RegimeSample, OuterShare.Obstacle?) {
    let sampler = try RegimeSampler(
      detector: detector, probeSemiAngle: probe, calibration: .identity, shape: signals.shape)
    return (sampler.sample(signals), sampler.obstacle)
  }

  func share(_ signals: SegmentSignals) throws -> OuterShare {
    let (sample, obstacle) = try sample(signals)
    return outerShare(of: sample, obstacle: obstacle, lag: 1)
  }
}

extension ElectronBeam {
  /// CODATA: hc/√(T(T + 2mc²)).
  static let wavelengthAt200kV = 2.507934e-12
}
