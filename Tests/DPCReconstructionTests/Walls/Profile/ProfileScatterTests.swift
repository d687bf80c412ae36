// The scatter of a profile beside its errors, and errors of samples whose pixels go together.
import DPCReconstruction
import DPCSimulation
import STEMCore
import Testing

struct ProfileScatterTests {
  /// Samples of noise of unit deviation on a line, with errors of `error`.
  private static func noise(_ count: Int, error: Double) -> LineProfile {
    var generator = SeededGenerator(seed: 4, path: [count])
    return LineProfile(
      distance: (0..<count).map(Double.init),
      value: (0..<count).map { 5 + 0.3 * Double($0) + generator.normal() },
      error: [Double](repeating: error, count: count),
      sampleCount: [Int](repeating: 9, count: count))
  }

  @Test("Third differences of samples that alternate by one are 8, and of a parabola zero")
  func exact() throws {
    let count = 8
    var profile = LineProfile(
      distance: (0..<count).map(Double.init), value: (0..<count).map { $0 % 2 == 0 ? 1 : -1 },
      error: [Double](repeating: 2, count: count), sampleCount: [Int](repeating: 1, count: count))
    // √(8² / (20 · 2²))
    #expect(abs(try #require(profile.scatterRatio) - 0.8.squareRoot()) < 1e-15)
    profile.value = (0..<count).map { Double(3 * $0 * $0 - $0) }
    #expect(profile.scatterRatio == 0)
    profile.error = nil
    #expect(profile.scatterRatio == nil)
  }

  @Test("Noise scatters as its errors say, whatever line it lies on")
  func noise() throws {
    // Third differences have about 0.44 degrees of freedom for each sample: 4000 samples tell the ratio to 1.7 %.
    let ratio = try #require(Self.noise(4000, error: 1).scatterRatio)
    #expect(abs(ratio - 1) < 4 * 0.017)
    #expect(Self.noise(4000, error: 1).implausibleScatter == nil)
  }

  @Test("Errors ten times too large are told, of enough samples only")
  func implausible() throws {
    let ratio = try #require(Self.noise(4000, error: 10).implausibleScatter)
    #expect(abs(ratio - 0.1) < 4 * 0.0017)
    #expect(Self.noise(63, error: 10).implausibleScatter == nil)
  }

  @Test(
    "Pixels that go together by four double a sample's error; a sample of two has one independent one"
  )
  func shared() {
    var profile = LineProfile(
      distance: [0, 1], value: [0, 0], error: [3, 3], sampleCount: [100, 2])
    profile.shareErrors(along: 4)
    #expect(profile.error == [6, 3 * 2.0.squareRoot()])
    profile.shareErrors(along: 1)
    #expect(profile.error == [6, 3 * 2.0.squareRoot()])
  }
}
