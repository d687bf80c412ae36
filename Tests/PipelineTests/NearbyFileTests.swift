// "Did you mean" for files.
@testable import Pipeline
import Testing

struct NearbyFileTests {
  @Test(
    "Of the files in a folder the one that is alike, whatever its ending",
    arguments: [
      ("topview.yaml", "top-view.yaml"), ("top-view.yml", "top-view.yaml"),
      ("top-view", "top-view.yaml"), ("scna.h5", "scan.h5"), ("Scan.H5", "scan.h5"),
      ("nothere.h5", nil), ("x.h5", nil), ("a.yaml", nil), ("nope.h5", nil), ("scam", nil),
    ] as [(String, String?)])
  func nearest(name: String, near: String?) {
    let names = ["e", "e.h5", "many.csv", "scan.h5", "top-view.yaml", "two-views.yaml"]
    #expect(NearbyFile.nearest(to: name, among: names) == near)
  }

  @Test("A path is suggested as it would be written; a folder that is missing is named")
  func paths() throws {
    let scratch = try Scratch()
    let folder = scratch.path + "/data"
    try FileSystem.makeFolder(folder)
    _ = try scratch.write("", to: "data/scan.h5")
    #expect(
      NearbyFile.suggestion(for: folder + "/scn.h5") == "did you mean '\(folder)/scan.h5'?")
    #expect(NearbyFile.suggestion(for: folder + "/other.h5") == nil)
    #expect(NearbyFile.suggestion(for: folder + "/scan.h5") == nil)
    let wrong = scratch.path + "/dtaa"
    #expect(
      NearbyFile.suggestion(for: wrong + "/scan.h5")
        == "there is no folder '\(wrong)': did you mean '\(folder)'?")
    let elsewhere = scratch.path + "/elsewhere"
    #expect(
      NearbyFile.suggestion(for: elsewhere + "/scan.h5") == "there is no folder '\(elsewhere)'")
  }
}
