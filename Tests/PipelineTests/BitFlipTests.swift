// Single bits changed on the disk, anywhere in the cache: noticed where they are read, and by a check.
import Foundation
import Testing

@testable import Pipeline

/// Numbers that are the same each time (a linear congruential generator).
private struct Draw {
  var state: UInt64
  mutating func below(_ bound: Int) -> Int {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int(truncatingIfNeeded: state >> 33) % bound
  }
}

struct BitFlipTests {
  /// Set to run more of them; 2,000 were measured.
  private static let count =
    ProcessInfo.processInfo.environment["DPC_BIT_FLIPS"].flatMap(Int.init) ?? 100

  @Test("a flipped bit in an object or a record is noticed by the next run and by verify")
  func everyFlip() async throws {
    let scratch = try Scratch()
    let toy = Arithmetic()
    let runner = try scratch.runner([
      node("two", toy.constant, ["value": 2]),
      node("scaled", toy.scale, ["factor": 10], from: ["a": "two"]),
    ])
    _ = await runner.run()
    let paths = scratch.files(in: "objects") + scratch.files(in: "records")
    #expect(paths.count == 4)
    var draw = Draw(state: 2026)
    for _ in 0..<Self.count {
      let path = paths[draw.below(paths.count)]
      let sound = try Data(contentsOf: URL(fileURLWithPath: path))
      let (byte, bit) = (draw.below(sound.count), draw.below(8))
      try scratch.overwrite(path) { $0[byte] ^= 1 << UInt8(bit) }
      #expect(try scratch.cache.verify().damage == [path], "bit \(bit) of byte \(byte)")
      let reports = runner.plan().steps.filter { step in
        if case .run(let reasons) = step.decision { return reasons.contains(where: \.isDamage) }
        return false
      }
      #expect(reports.count == 1, "bit \(bit) of byte \(byte) of \(path)")
      let report = await runner.run()
      #expect(report.exitCode == 0 && report.ranCount >= 1)
      #expect(report.cacheNotes.first?.text.contains(path) == true)
      // Computed again: the object as it was, the record with other times.
      if path.contains("/objects/") {
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == sound)
      }
      #expect(try runner.number("scaled", in: report) == 20)
    }
    #expect(try scratch.cache.verify().isSound)
  }

  @Test("a blank that is another within a record's value is a change too")
  func indentation() throws {
    let bytes = try CacheJSON.seal(["name": "value"])
    // The value's own line stands four blanks in, of which two belong to the seal.
    let line = try #require(String(decoding: bytes, as: UTF8.self).range(of: "    \"name\""))
    let offset = String(decoding: bytes, as: UTF8.self).utf8.distance(
      from: String(decoding: bytes, as: UTF8.self).startIndex, to: line.lowerBound)
    for blank in 0..<4 {
      var changed = bytes
      changed[offset + blank] = UInt8(ascii: "\t")
      #expect(throws: CacheJSON.Damage.self) {
        try CacheJSON.unseal([String: String].self, from: changed)
      }
      changed = bytes
      changed.remove(at: offset + blank)
      #expect(throws: CacheJSON.Damage.self) {
        try CacheJSON.unseal([String: String].self, from: changed)
      }
    }
    #expect(try CacheJSON.unseal([String: String].self, from: bytes) == ["name": "value"])
  }

  @Test("a blank more in a record is a change too")
  func blank() async throws {
    let scratch = try Scratch()
    let runner = try scratch.runner([node("two", Arithmetic().constant, ["value": 2])])
    _ = await runner.run()
    let path = try #require(scratch.files(in: "records").first)
    try scratch.overwrite(path) { $0.append(UInt8(ascii: " ")) }
    #expect(try scratch.cache.verify().damage == [path])
    #expect(
      runner.plan()["two"]?.description.hasSuffix("bytes that mean nothing were changed)") == true
    )
  }
}
