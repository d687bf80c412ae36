// What errors of the gains do to the scale of the deflection, where it can be said by hand.
import DPCReconstruction
import Testing

struct GainScaleErrorTests {
  /// Right and left half of the disc, and of the ring around it.
  private static let signals = [1.0, 1, 0, 0]
  /// A shift to the right: the left half of the disc leaves its rim, the right one enters the ring.
  private static let changes = [0.0, -1e-4, 1e-4, 0]

  /// (right - left)/(right + left), rings together.
  private static func estimate(_ signals: [Double]) -> Double? {
    let (right, left) = (signals[0] + signals[2], signals[1] + signals[3])
    return (right - left) / (right + left)
  }

  @Test("Each gain counts by its part of what a shift changes, less its part of the sum")
  func parts() throws {
    // 1/2 of the sum and none of the change; 1/2 of both; 1/2 of the change; nothing.
    for (errors, expected) in [
      ([0.04, 0, 0, 0], 0.02), ([0, 0.04, 0, 0], 0), ([0, 0, 0.03, 0], 0.015),
      ([0, 0, 0, 0.5], 0), ([0.04, 0.04, 0.03, 0.5], 0.025),
    ] {
      let error = try #require(
        relativeScaleError(
          ofGainErrors: errors, signals: Self.signals, changes: Self.changes,
          estimate: Self.estimate))
      // The change is 1e-4 of the signals, and the step of a gain 1e-2.
      #expect(abs(error - expected) < 1e-4 * (errors.max() ?? 0) + 1e-12, "\(errors): \(error)")
    }
    let unknown = relativeScaleError(
      ofGainErrors: [nil, 0.04, 0.03, nil], signals: Self.signals, changes: Self.changes,
      estimate: Self.estimate)
    #expect(abs(try #require(unknown) - 0.015) < 1e-5)
  }

  @Test("A deflection that does not follow, or signals outside the model, have no scale")
  func none() {
    func error(_ estimate: ([Double]) -> Double?) -> Double? {
      relativeScaleError(
        ofGainErrors: [0.1, 0.1, 0.1, 0.1], signals: Self.signals, changes: Self.changes,
        estimate: estimate)
    }
    #expect(error { _ in 1 } == nil)
    #expect(error { _ in nil } == nil)
  }
}
