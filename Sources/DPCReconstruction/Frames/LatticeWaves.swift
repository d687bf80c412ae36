// The waves of a crystal's lattice in the signals: what cell they are of, and what an average over a cell leaves.
internal import Glibc
public import STEMCore

/// What of a lattice shows in the signals of a scan.
public struct LatticeWaves: Sendable {
  /// A wave that stands out.
  struct Wave {
    /// Periods a pixel along x and y.
    let place: LatticeVector
    /// Its mean square over that of a pixel's noise.
    let strength: Double
  }

  /// The strongest first.
  let waves: [Wave]
  /// The smallest cell that has the strong ones; nil where none has.
  public let cell: UnitCell?
  /// The noise of a pixel's difference over the sum of its signals.
  let noise: Double

  /// Whether any stands out of the noise.
  public var areFound: Bool { !waves.isEmpty }

  /// So many lines of the lattice to either side of a scan are needed to tell its waves apart.
  public static let leastLineCount = 10

  /// The root mean square of what an average over a cell leaves of the waves: over that of the average's own noise, and
  /// over the sum of all signals.
  public func contrast(after cell: UnitCell) -> (noises: Double, ofSum: Double) {
    let window = CellWindow(cell)
    let left = waves.reduce(0) { sum, wave in
      let response = window.response(at: wave.place)
      return sum + wave.strength * response * response
    }
    let pixels = window.sum * window.sum / window.squares
    return ((left * pixels).squareRoot(), left.squareRoot() * noise)
  }
}

extension LatticeWaves {
  /// Bins within which a line of the spectrum belongs to the same wave: a Hann window spreads it over two each way.
  private static let lineWidth = 3
  /// A wave's power over the noise's. Of a million bins that add up the noise of two differences, one in a thousand scans
  /// has 12.
  private static let leastPower = 14.0
  /// And over the largest around it: edges, streaks of a scan and what is not periodic have company.
  private static let leastIsolation = 4.0
  /// Weaker waves than this part of the strongest one's power are no matter, and in signals without noise they may be
  /// skirts of others.
  private static let leastShare = 1e-5
  /// A cell is that of the waves with this part of the strongest one's power, or more.
  private static let leastShareOfCell = 1e-2
  /// Beyond so many, only the strongest.
  private static let mostWaves = 64

  /// Finds the waves of a lattice whose cell is about the one given, in what the segments differ by.
  ///
  /// - Parameters:
  ///   - signals: Corrected signals; unusable positions count as the mean.
  ///   - detector: Its segments, in the order of the signals.
  ///   - cell: A cell about as large. Waves of more than 2.5 times its lines' distance are taken for the specimen's field.
  ///     With fewer lines to a side than ``leastLineCount`` nothing is found.
  public static func find(
    in signals: SegmentSignals, detector: SegmentedDetector, around cell: UnitCell
  ) -> LatticeWaves {
    let lowest = 0.4 / cell.leastHeight
    let lines = Double(min(signals.shape.rows, signals.shape.columns)) / cell.leastHeight
    if lines < Double(leastLineCount) { return LatticeWaves(waves: [], cell: nil, noise: 0) }
    let spectrum = SignalSpectrum(
      of: signals, azimuths: detector.segments.map { $0.middle + detector.orientation })
    var waves: [Wave] = []
    for peak in spectrum.peaks(beyond: lowest, over: leastPower) {
      let strength = 2 * peak.power * spectrum.lineShare
      if waves.count == mostWaves || strength < leastShare * (waves.first?.strength ?? 0) { break }
      let company = spectrum.largest(around: peak, (lineWidth + 1)...8, beyond: lowest)
      if peak.power < leastIsolation * company { continue }
      waves.append(Wave(place: peak.place, strength: strength))
    }
    // Weak ones may be slow or mirrored images of high orders.
    let strong = waves.filter { $0.strength >= leastShareOfCell * (waves.first?.strength ?? 0) }
    return LatticeWaves(
      waves: waves, cell: UnitCell(of: strong.map(\.place))?.nearest(to: cell),
      noise: spectrum.noise)
  }
}

extension UnitCell {
  /// No wave is off its place by more, in parts of the lattice's own.
  private static let tolerance = 0.1

  /// The smallest cell that has all of the waves; nil where none has.
  init?(of waves: [LatticeVector]) {
    let byLength = waves.sorted { $0.length < $1.length }
    guard let first = byLength.first else { return nil }
    let second = byLength.first { abs(first.cross($0)) > 0.2 * first.length * $0.length }
    guard let second else { return nil }
    // Waves and edges are reciprocal to each other.
    let (a, b) = UnitCell(a: first, b: second).reciprocal
    let orders = waves.map { (h: a.x * $0.x + a.y * $0.y, k: b.x * $0.x + b.y * $0.y) }
    let isOff = orders.contains {
      abs($0.h - $0.h.rounded()) > Self.tolerance || abs($0.k - $0.k.rounded()) > Self.tolerance
    }
    if isOff { return nil }
    self.init(of: waves, orders: orders.map { ($0.h.rounded(), $0.k.rounded()) })
  }

  /// By least squares: wave = h · first + k · second.
  private init(of waves: [LatticeVector], orders: [(h: Double, k: Double)]) {
    var (hh, hk, kk) = (0.0, 0.0, 0.0)
    var (hWave, kWave) = (LatticeVector(0, 0), LatticeVector(0, 0))
    for (wave, (h, k)) in zip(waves, orders) {
      (hh, hk, kk) = (hh + h * h, hk + h * k, kk + k * k)
      (hWave, kWave) = (hWave + h * wave, kWave + k * wave)
    }
    let scale = 1 / (hh * kk - hk * hk)
    let (a, b) = UnitCell(
      a: scale * (kk * hWave - hk * kWave), b: scale * (hh * kWave - hk * hWave)
    ).reciprocal
    self.init(a: a, b: b)
  }

  /// The same lattice with those edges, of its shortest ones, that come nearest to another cell's.
  func nearest(to other: UnitCell) -> UnitCell {
    let edges = [a, b, a + b, a - b].flatMap { [$0, -1 * $0] }
    var best = (cell: self, distance: Double.infinity)
    for a in edges {
      for b in edges {
        let cell = UnitCell(a: a, b: b)
        let distance = hypot((a - other.a).length, (b - other.b).length)
        if distance < best.distance && abs(cell.area - area) < 0.01 * area {
          best = (cell, distance)
        }
      }
    }
    return best.cell
  }
}
