// What inspect, provenance and diff tell programs.
import Foundation
import Testing

struct JSONTests {
  private func object(_ finished: Finished) throws -> [String: Any] {
    try #require(
      try JSONSerialization.jsonObject(with: Data(finished.output.utf8)) as? [String: Any])
  }

  @Test("An inspection has every number in SI units, and what is not stated is absent")
  func inspection() async throws {
    let workspace = try Workspace()
    try workspace.write(Sample(rows: 6, columns: 9))
    let told = try object(await workspace.dpc(["inspect", "scan.h5", "--format", "json"]))
    #expect(told["schema"] as? String == "dpc-inspection/1")
    let frames = try #require(told["frames"] as? [String: Any])
    #expect(frames["rows"] as? Int == 6 && frames["columns"] as? Int == 9)
    let quantities = try #require(told["quantities"] as? [String: [String: Any]])
    let stated: [String: (Double, String)] = [
      "voltage": (200e3, "V"), "semiAngle": (24e-3, "rad"), "pixelSizeX": (4e-9, "m"),
      "pixelSizeY": (5e-9, "m"), "thickness": (50e-9, "m"), "electronsPerPixel": (1e8, ""),
      "scanRotation": (25 * Double.pi / 180, "rad"), "orientation": (10 * Double.pi / 180, "rad"),
      "wallInclination": (0, "rad"), "wallNormalAzimuth": (0, "rad"),
    ]
    #expect(Set(quantities.keys) == Set(stated.keys))
    for (name, (value, unit)) in stated {
      let found = try #require(quantities[name]?["value"] as? Double)
      // Two roundings: of the file's number, and to SI.
      #expect(abs(found - value) <= 2 * 0x1p-52 * abs(value), "\(name): \(found)")
      #expect(quantities[name]?["unit"] as? String == unit)
    }
    let segments = try #require(told["segments"] as? [[String: Any]])
    #expect(segments.count == 8 && frames["segmentCount"] as? Int == 8)
    #expect(segments.map { $0["ring"] as? Int } == [0, 1, 0, 0, 1, 1, 0, 1])
    let edges = ["inner", "outer", "start", "stop"].map { segments[1][$0] as? Double ?? .nan }
    for (edge, expected) in zip(edges, [24e-3, 48e-3, 0, Double.pi / 2]) {
      #expect(abs(edge - expected) < 1e-15)
    }
    // The sums of both rings are all electrons but those beyond the outer one; each lights about half.
    let means = segments.compactMap { $0["mean"] as? Double }
    #expect(means.count == 8 && abs(means.reduce(0, +) / 1e8 - 1) < 1e-3, "\(means)")
    #expect(told["refusal"] == nil && (told["doubts"] as? [String])?.isEmpty == true)

    let refused = try await workspace.dpc(["inspect", "nope.h5", "--format", "json"])
    #expect(refused.status == 4)
    #expect(refused.output.isEmpty && !refused.complaints.isEmpty)
  }

  @Test(
    "The chain and what differs between two results come as lists, with the exit code of the text")
  func results() async throws {
    let workspace = try Workspace()
    try workspace.write(Sample(rows: 6, columns: 9))
    #expect(try await workspace.run().status == 0)
    #expect(
      try await workspace.run(output: "thick", "--set", "field.thickness_nm=40").status == 0)
    let chain = try object(
      await workspace.dpc(["provenance", "thick/result.h5", "--format", "json"]))
    let steps = try #require(chain["steps"] as? [[String: Any]])
    let field = try #require(steps.first { $0["stage"] as? String == "field" })
    #expect((field["parameters"] as? [String: String])?["thickness_nm"] == "40")
    #expect(field["type"] as? String == "electric-field")

    let compare = ["diff", "out/result.h5", "thick/result.h5", "--format", "json"]
    let different = try await workspace.dpc(compare)
    #expect(different.status == 1)
    let difference = try object(different)
    #expect(difference["isIdentical"] as? Bool == false)
    let changes = try #require(difference["chain"] as? [[String: String]])
    #expect(changes.map { $0["name"] } == ["field.thickness_nm"])
    #expect(changes.first?["second"] == "40")
    let datasets = try #require(difference["datasets"] as? [[String: Any]])
    let outcomes = Dictionary(grouping: datasets) { $0["outcome"] as? String ?? "" }
    #expect(Set(outcomes.keys) == ["different", "identical"])
    #expect(outcomes["different"]?.allSatisfy { $0["numbers"] is [String: Any] } == true)
    let same = try await workspace.dpc(
      ["diff", "out/result.h5", "out/result.h5", "--format", "json"])
    #expect(same.status == 0)
    #expect(try object(same)["isIdentical"] as? Bool == true)
  }
}
