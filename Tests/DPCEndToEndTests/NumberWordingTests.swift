// Numbers as people read them: the unit is that of the rounded number.
import Foundation
import Testing

struct NumberWordingTests {
  @Test(
    "A thousand of a unit is one of the next, rounded or not",
    arguments: [
      (999, "999 B"), (1000, "1.0 kB"), (9960, "10 kB"), (12_940, "13 kB"), (999_400, "999 kB"),
      (999_960, "1.0 MB"), (1_040_000, "1.0 MB"), (99_960_000, "100 MB"),
    ])
  func bytes(count: Int, words: String) async throws {
    let workspace = try Workspace()
    let folder = try workspace.makeFolder("cache/v1/objects/ab")
    // An object without a byte on the disk.
    let path = folder + "/" + String(repeating: "0", count: 62)
    #expect(FileManager.default.createFile(atPath: path, contents: nil))
    let file = try #require(FileHandle(forWritingAtPath: path))
    try file.truncate(atOffset: UInt64(count))
    try file.close()
    let listed = try await workspace.dpc(["cache", "list", "--cache", "cache"])
    #expect(listed.output.contains(" \(words)\n"), "\(listed.output)")
  }
}
