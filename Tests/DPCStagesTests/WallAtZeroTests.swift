// What is said of a wall whose position or width is zero within its error.
@testable import DPCStages
import DPCReconstruction
import Pipeline
import STEMCore
import Testing

struct WallAtZeroTests {
  /// - Parameter lower: Of the width's interval, m; nil: the data set no bound.
  private static func row(position: Double, lower: Double?) -> WallRow {
    WallRow(
      wall: Wall(
        position: STEMCore.Measurement(position, error: 680e-12),
        field: STEMCore.Measurement(3e8, error: 23e6),
        width: STEMCore.Measurement(1.2e-9, error: 3.1e-9)), product: STEMCore.Measurement(1),
      fieldInterval: WallInterval(lower: nil, upper: nil),
      widthInterval: WallInterval(lower: lower, upper: 4.3e-9), covariance: [], imageHeight: 1e8,
      imageWidth: 2e-8, significance: 42, remarks: [])
  }

  @Test(
    "A wall in the middle of the scan is said to be there, and a width without a lower bound is a limit"
  )
  func zero() {
    func texts(_ row: WallRow) -> [String] {
      var table = WallTable.empty
      table.rows = [row]
      return table.facts(prefix: "wall").map(\.text)
    }
    #expect(
      texts(Self.row(position: 0, lower: nil)) == [
        "1 wall fitted",
        "wall 1 at the scan's center, 0.00 ± 0.68 nm: field 300 ± 23 MV/m, detected at 42 sigma",
        "wall 1: full width at half maximum below 4.3 nm (68 %), most likely 1.2 nm",
      ])
    let off = texts(Self.row(position: -700e-12, lower: 0.2e-9))
    #expect(off[1].hasPrefix("wall 1 at -700 ± 680 pm: field"))
    #expect(off[2].hasPrefix("wall 1: full width at half maximum 1.2 ± 3.1 nm, between 0.2 nm"))
  }
}
