// The coarse scan of a map from which lines are taken off: only what may have become the clearest is done again.

internal import STEMCore
internal import WorkSharing

/// The clearest line of every width and azimuth, as far as it is known of what is left of a map.
///
/// What is taken off makes other lines less clear, seldom clearer. A trial is therefore done again only where its line
/// was clearer than the clearest one that is known; where no line is clear enough all trials are done again, so that
/// none that has become clearer is missed.
struct WallScan {
  private struct Trial {
    let level: Int
    let azimuth: Double
    /// Of the map as it was when this was last tried; nil where none was clear enough.
    var line: WallLine?
    var isKnown = false
    /// Whether nothing was taken off the map since.
    var isUpToDate = false

    var gain: Double { isKnown ? line?.gain ?? 0 : .infinity }
  }

  let levels: [WallScanLevel]
  private let geometry: InclinationGeometry
  /// Lines that gain no more are left out.
  private let leastGain: Double
  private var trials: [Trial]

  /// Trials that are done before it is looked again which ones are due: the same ones for any number of threads.
  private static let batch = 64

  /// - Parameters:
  ///   - levels: Widths that are tried.
  ///   - pixels: Of a map of that shape.
  ///   - leastGain: Lines that gain no more in χ² are left out.
  init(
    _ levels: [WallScanLevel], over pixels: WallPixels, geometry: InclinationGeometry,
    leastGain: Double
  ) {
    (self.levels, self.geometry, self.leastGain) = (levels, geometry, leastGain)
    trials = levels.indices.flatMap { level in
      levels[level].azimuths(in: pixels).map { Trial(level: level, azimuth: $0) }
    }
  }

  /// To be called whenever lines were taken off the map.
  mutating func outdate() {
    for index in trials.indices { trials[index].isUpToDate = false }
  }

  /// The line that gains most in χ²; ties go to the narrower one, then to the smaller azimuth.
  ///
  /// - Parameters:
  ///   - pixels: What is left of the map.
  ///   - levels: Widths that are asked for.
  ///   - checkpoint: Called now and then; what it throws ends the scan.
  /// - Returns: nil where no line gains enough.
  mutating func clearest(
    in pixels: WallPixels, of levels: Set<Int>, checkpoint: () throws -> Void
  ) rethrows -> (level: Int, line: WallLine)? {
    while true {
      let best = upToDate(levels)
      let due = dueTrials(levels, above: best?.line.gain ?? -1)
      if due.isEmpty { return best }
      try checkpoint()
      let lines = concurrentMap(due.count) { [self] number in
        let trial = trials[due[number]]
        return self.levels[trial.level].strongest(
          in: pixels, azimuth: trial.azimuth, geometry, above: leastGain)
      }
      for (index, line) in zip(due, lines) {
        trials[index].line = line
        (trials[index].isKnown, trials[index].isUpToDate) = (true, true)
      }
    }
  }

  /// The clearest line that is known of what is left.
  private func upToDate(_ levels: Set<Int>) -> (level: Int, line: WallLine)? {
    var best: (level: Int, line: WallLine)?
    for trial in trials where trial.isUpToDate && levels.contains(trial.level) {
      if let line = trial.line, line.gain > best?.line.gain ?? 0 { best = (trial.level, line) }
    }
    return best
  }

  /// The next trials to be done again, those first whose lines were clearest.
  private func dueTrials(_ levels: Set<Int>, above gain: Double) -> [Int] {
    let due = trials.indices.filter {
      !trials[$0].isUpToDate && trials[$0].gain > gain && levels.contains(trials[$0].level)
    }
    return Array(due.sorted { (-trials[$0].gain, $0) < (-trials[$1].gain, $1) }.prefix(Self.batch))
  }
}
