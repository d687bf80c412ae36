// The inverse of a shifted disc at many positions at once: what the kernel in C is given, and what it gives.
internal import CKernels
internal import STEMCore

/// Shifts and covariances at up to ``length`` neighboring positions.
///
/// The numbers are those of ``DiscShiftEstimator/estimate(_:electrons:)`` but for the rounding, where
/// ``isRight(at:)`` says so; elsewhere they have no meaning. There is one division a position, and no root.
struct DiscShiftKernel: ~Copyable {
  /// Positions at a time.
  static let length = 1024

  private let width: KernelWidth
  private var model: disc_shift_model
  private let segmentCount: Int
  // What the model points to, and what the kernel says of its results; freed at the end.
  private let indices: UnsafeMutableBufferPointer<Int32>
  private let numbers: UnsafeMutableBufferPointer<Double>
  private let isWrong: UnsafeMutableBufferPointer<UInt8>

  /// - Parameters:
  ///   - electronsPerUnit: Effective electrons per unit of the signals; nil where unknown.
  ///   - calibration: Turns (and scales) what is written.
  init(
    _ estimator: DiscShiftEstimator, electronsPerUnit: Double?, calibration: Matrix2,
    width: KernelWidth = .widest
  ) {
    self.width = width
    let groups = Self.groups(estimator.diameters)
    let segments = groups.flatMap { $0.map(Int32.init) }
    let starts = groups.reduce(into: [0]) { $0.append($0[$0.count - 1] + Int32($1.count)) }
    segmentCount = segments.count
    indices = .copy(starts + segments)
    let (x, y) = (estimator.weights.map(\.x), estimator.weights.map(\.y))
    let signs = estimator.diameters.flatMap { side in groups.map { side.sides[$0[0]] } }
    let centered = x.indices.flatMap { j in
      (0..<j).map { estimator.diameters[j].centeredProduct(with: estimator.diameters[$0]) }
    }
    numbers = .copy(x + y + signs + centered)
    model = disc_shift_model()
    model.group_count = Int32(groups.count)
    model.diameter_count = Int32(x.count)
    model.group_starts = UnsafePointer(indices.baseAddress)
    model.segments = model.group_starts + starts.count
    model.x_weights = UnsafePointer(numbers.baseAddress)
    model.y_weights = model.x_weights + x.count
    model.signs = model.y_weights + y.count
    model.centered = model.signs + signs.count
    model.hole_scale = estimator.holeScale
    model.probe_semi_angle = estimator.probeSemiAngle
    model.range = estimator.range
    model.turn = (calibration.xx, calibration.xy, calibration.yx, calibration.yy)
    model.units_per_electron = electronsPerUnit.map { 1 / $0 } ?? 0
    isWrong = .copy([UInt8](repeating: 0, count: Self.length))
  }

  deinit {
    indices.deallocate()
    numbers.deallocate()
    isWrong.deallocate()
  }

  /// Segments that lie on the same side of every diameter.
  private static func groups(_ diameters: [DetectorDiameter]) -> [[Int]] {
    var groups: [[Int]] = []
    for segment in diameters[0].sides.indices {
      let place = groups.firstIndex { group in
        diameters.allSatisfy { $0.sides[group[0]] == $0.sides[segment] }
      }
      if let place { groups[place].append(segment) } else { groups.append([segment]) }
    }
    return groups
  }

  /// Whether what was formed last is right at one of its positions.
  func isRight(at place: Int) -> Bool { isWrong[place] == 0 }

  /// Writes the shifts and covariances of some positions to a map.
  ///
  /// - Parameters:
  ///   - positions: Of the signals, no more than ``length``.
  ///   - map: Has a covariance where the electrons are known.
  ///   - first: Where in the map the first position is.
  /// - Returns: Whether they are right everywhere.
  mutating func form(
    _ signals: SegmentSignals, at positions: Range<Int>, to map: SharedVectorMap, at first: Int
  ) -> Bool {
    let count = signals.shape.count
    precondition(positions.count <= Self.length && positions.upperBound <= count, "a line")
    precondition(signals.segmentCount == segmentCount, "a signal for each segment")
    precondition(map.covariance != nil || model.units_per_electron == 0, "room for errors")
    let places = first..<(first + positions.count)
    var results = disc_shift_results()
    results.x = map.x[places].baseAddress
    results.y = map.y[places].baseAddress
    if let covariance = map.covariance {
      results.xx = covariance.xx[places].baseAddress
      results.xy = covariance.xy[places].baseAddress
      results.yy = covariance.yy[places].baseAddress
    }
    results.is_wrong = isWrong.baseAddress
    // SAFETY: of the signals it reads these positions, to the map it writes these places, and it keeps no pointer.
    return signals.values.withUnsafeBufferPointer { values in
      guard let start = values.baseAddress else { return true }
      return disc_shift_form(
        &model, start + positions.lowerBound, count, Int32(positions.count), results, width.inC)
        == 0
    }
  }
}

extension UnsafeMutableBufferPointer {
  /// Memory with the same elements, to be freed by whoever asked for it.
  fileprivate static func copy(_ elements: [Element]) -> Self {
    let buffer = Self.allocate(capacity: elements.count)
    _ = buffer.initialize(from: elements)
    return buffer
  }
}
