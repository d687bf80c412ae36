// What a run says of the regime of its signals, and of an estimator that does not suit it.
import DPCSimulation
import Foundation
import STEMCore
import Testing

struct RegimeTests {
  /// A weak phase of structure wider than the probe: the rim's gain and loss stay in the inner ring.
  private static func weakPhase() -> Sample {
    var sample = Sample()
    let disc = BrightFieldDisc(radius: 24e-3)
    let (segments, orientation) = (sample.segments, sample.orientation)
    sample.changeFrames { index, row, column, _ in
      let segment = segments[index]
      func part(_ x: Double, _ y: Double) -> Double {
        disc.fraction(on: segment, orientation: orientation, displacedBy: x, y)
      }
      if segment.inner > 0 { return 0 }
      let shift = Sample.walls(row: row, column: column)
      // On either side one of the two is a loss and the other nothing: together they are the change.
      return Sample.electrons
        * (part(0, 0) + part(shift.x, shift.y) - part(-shift.x, -shift.y))
    }
    return sample
  }

  private func run(_ sample: Sample, _ method: String) async throws -> (Workspace, Finished, Stored)
  {
    let workspace = try Workspace()
    try workspace.write(sample)
    let finished = try await workspace.run(
      Quick.manifest,
      "--set", "tilt.method=\(method)")
    #expect(finished.status == 0, "\(finished.errors)")
    return (workspace, finished, Stored(workspace["out/result.h5"]))
  }

  @Test(
    "A rigid shift has a share of a half, and every estimator gives its deflection",
    arguments: ["disc-shift", "center-of-mass", "maximum-likelihood"])
  func rigidShift(method: String) async throws {
    let (workspace, finished, result) = try await run(Sample(), method)
    try withExtendedLifetime(workspace) {
      let share = try #require(try result.number("outer_share", of: "/entry/tilt"))
      let error = try #require(try result.number("outer_share_errors", of: "/entry/tilt"))
      #expect(abs(share - 0.5) < 2e-3 && error < 1e-3)
      #expect(try result.attribute("regime", of: "/entry/tilt") == ["rigid shift"])
      #expect(try result.attribute("method", of: "/entry/tilt") == [method])
      #expect(!(finished.output + finished.errors).contains("use method disc-shift"))
      // Along the rows through the first wall: 3 V are 8.73 µrad against y of the scan.
      let y = try result.values("/entry/aligned/deflection_y")
      #expect(abs(y[5 * 24 + 7] + 8.727e-6) < 2e-3 * 8.7e-6)
      if method == "maximum-likelihood" {
        #expect(try result.attribute("rigid_model", of: "/entry/tilt") == ["holds"])
      }
    }
  }

  @Test(
    "A weak phase has none; estimators for a rigid shift say by how much they err, or that they do")
  func weakPhase() async throws {
    let expected = [
      ("disc-shift", 1, ""), ("center-of-mass", 0.6, "deflections come out 40 % too small"),
      ("maximum-likelihood", 0, "a rigidly shifted disc does not describe these signals"),
    ]
    for (method, slope, warning) in expected {
      let (workspace, finished, result) = try await run(Self.weakPhase(), method)
      try withExtendedLifetime(workspace) {
        let share = try #require(try result.number("outer_share", of: "/entry/tilt"))
        #expect(abs(share) < 1e-9)
        #expect(try result.attribute("regime", of: "/entry/tilt") == ["weak phase"])
        let told = finished.output + finished.errors
        #expect(told.contains("use disc-shift"))
        #expect(warning.isEmpty || told.contains(warning), "\(told)")
        let y = try result.values("/entry/aligned/deflection_y")
        #expect(abs(y[5 * 24 + 7] + slope * 8.727e-6) < 0.01 * 8.7e-6)
      }
    }
  }
}
