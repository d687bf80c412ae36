// How far a stage at work has come, and whether it is worth waiting for.
internal import Synchronization

/// How far a stage has come: one that is nearly done is not stopped, for its work would be lost.
public final class StageProgress: Sendable {
  /// A stage of which so much is done ends in a third of the time that it took, or sooner.
  public static let nearlyDone = 0.75
  private let thousandths = Atomic(0)

  init() {}

  func reach(_ fraction: Double) {
    let clipped = fraction.isFinite ? min(max(fraction, 0), 1) : 0
    thousandths.store(Int(clipped * 1000), ordering: .relaxed)
  }

  var isNearlyDone: Bool {
    thousandths.load(ordering: .relaxed) >= Int(Self.nearlyDone * 1000)
  }
}
