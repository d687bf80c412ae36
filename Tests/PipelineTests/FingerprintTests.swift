// Keys: what enters them, what does not, and that they never change unnoticed.
import Testing

@testable import Pipeline

struct FingerprintTests {
  private func content(_ digit: Character, kind: String = "number") throws -> InputContent {
    let json = "{\"kind\": \"\(kind)\", \"digest\": \"\(String(repeating: digit, count: 64))\"}"
    return try Self.decode(InputContent.self, json)
  }

  private static func decode<Value: Decodable>(_ type: Value.Type, _ json: String) throws -> Value {
    try JSONText.decode(type, json)
  }

  private func preimage() throws -> ActionPreimage {
    ActionPreimage(
      stageType: "mix", algorithmVersion: 3,
      parameters: [
        "angle_deg": .number(12.5), "count": .integer(-4), "mode": .text("fast"),
        "exact": .boolean(true), "formats": .list([.text("png"), .text("svg")]),
      ],
      inputs: ["a": try content("1"), "b": try content("2", kind: "field")],
      files: ["file": try content("3").digest], outputs: ["sum", "rest"])
  }

  /// A change of this value is a change of every key: raise the schema version with it.
  @Test("the golden fingerprint")
  func golden() throws {
    let key = try preimage().key().description
    #expect(key == "e3cd4ea6b5e26bb65f1088869ab2fa87620db3e8634d7c97c4c56f8828240d8d")
  }

  @Test("the canonical encoding is written as documented, byte by byte")
  func canonicalBytes() throws {
    var encoder = CanonicalEncoder()
    encoder.text("ab")
    encoder.integer(-2)
    encoder.boolean(true)
    try encoder.number(1)
    try encoder.map(["z": 1, "B": 2]) { (encoder, value) in encoder.integer(value) }
    func length(_ count: UInt8) -> [UInt8] { [count, 0, 0, 0, 0, 0, 0, 0] }
    var expected = Array("s".utf8) + length(2) + Array("ab".utf8)
    expected += Array("i".utf8) + [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]
    expected += Array("b".utf8) + [1]
    expected += Array("d".utf8) + [0, 0, 0, 0, 0, 0, 0xf0, 0x3f]
    expected += Array("m".utf8) + length(2)
    expected += Array("s".utf8) + length(1) + Array("B".utf8) + Array("i".utf8) + length(2)
    expected += Array("s".utf8) + length(1) + Array("z".utf8) + Array("i".utf8) + length(1)
    #expect(encoder.bytes == expected)
  }

  @Test("every single part enters the key, and is named when it differs")
  func sensitivity() throws {
    let original = try preimage()
    var variants: [(ActionPreimage, String)] = []
    func vary(_ phrase: String, _ change: (inout ActionPreimage) throws -> Void) rethrows {
      var variant = original
      try change(&variant)
      variants.append((variant, phrase))
    }
    vary("angle_deg 12.5 -> 13") { $0.parameters["angle_deg"] = .number(13) }
    vary("count -4 -> unset") { $0.parameters["count"] = nil }
    vary("extra unset -> x") { $0.parameters["extra"] = .text("x") }
    vary("exact true -> false") { $0.parameters["exact"] = .boolean(false) }
    vary("formats [png, svg] -> [svg, png]") {
      $0.parameters["formats"] = .list([.text("svg"), .text("png")])
    }
    vary("algorithm version 3 -> 4") { $0.algorithmVersion = 4 }
    vary("stage type mix -> max") { $0.stageType = "max" }
    vary("cache schema 2 -> 3") { $0.schemaVersion = 3 }
    vary("outputs sum, rest -> sum") { $0.outputs = ["sum"] }
    try vary("input 'a' changed") { $0.inputs["a"] = try content("9") }
    try vary("input 'b' changed") { $0.inputs["b"] = try content("2", kind: "number") }
    try vary("input 'c' is new") { $0.inputs["c"] = try content("2") }
    vary("input 'b' is gone") { $0.inputs["b"] = nil }
    try vary("file 'file' changed") { $0.files["file"] = try content("4").digest }
    let key = try original.key()
    var keys: Set<ActionKey> = [key]
    for (variant, phrase) in variants {
      #expect(variant.differences(from: original) == [phrase])
      #expect(keys.insert(try variant.key()).inserted, "\(phrase) shares a key")
    }
    #expect(original.differences(from: original).isEmpty)
  }

  @Test("lengths keep neighbors apart: ab + c is not a + bc")
  func lengthPrefix() throws {
    func key(_ first: String, _ second: String) throws -> ActionKey {
      try ActionPreimage(
        stageType: first, algorithmVersion: 1, parameters: [second: .text("x")], inputs: [:],
        files: [:], outputs: []
      ).key()
    }
    #expect(try key("ab", "c") != key("a", "bc"))
    func listKey(_ words: [ParameterValue]) throws -> ActionKey {
      try ActionPreimage(
        stageType: "t", algorithmVersion: 1, parameters: ["p": .list(words)], inputs: [:],
        files: [:], outputs: []
      ).key()
    }
    #expect(try listKey([.text("ab"), .text("c")]) != listKey([.text("a"), .text("bc")]))
    #expect(try listKey([.list([.text("a")])]) != listKey([.text("a")]))
    #expect(try listKey([.number(1)]) != listKey([.integer(1)]))
    #expect(try listKey([.text("true")]) != listKey([.boolean(true)]))
  }

  @Test("swapped inputs are another action")
  func swappedInputs() throws {
    let original = try preimage()
    var swapped = original
    swapped.inputs = ["a": try content("2", kind: "field"), "b": try content("1")]
    #expect(try swapped.key() != original.key())
    #expect(swapped.differences(from: original) == ["input 'a' changed", "input 'b' changed"])
  }

  private func key(_ number: Double) throws -> ActionKey {
    try ActionPreimage(
      stageType: "t", algorithmVersion: 1, parameters: ["p": .number(number)], inputs: [:],
      files: [:], outputs: []
    ).key()
  }

  @Test("numbers go by their bits: -0 is 0, the next number is another, NaN is refused")
  func numbers() throws {
    #expect(try key(-0.0) == key(0))
    #expect(try key(0.1) != key(0.1.nextUp))
    #expect(throws: FingerprintError.self) { try key(.nan) }
    #expect(throws: FingerprintError.self) {
      try ActionPreimage(
        stageType: "t", algorithmVersion: 1, parameters: ["p": .list([.number(.nan)])],
        inputs: [:], files: [:], outputs: []
      ).key()
    }
  }

  @Test(
    "a preimage comes back from its sealed JSON with the same key",
    arguments: [
      0.1, -0.0, 1e300, .leastNonzeroMagnitude, 1.0 / 3, .infinity, 12, 9_007_199_254_740_992,
    ])
  func roundTrip(number: Double) throws {
    var original = try preimage()
    original.parameters["x"] = .number(number)
    original.parameters["name"] = .text("Å \"quoted\"/\n")
    let bytes = try CacheJSON.seal(original)
    let read = try CacheJSON.unseal(ActionPreimage.self, from: bytes)
    #expect(read == original)
    #expect(try read.key() == original.key())
    #expect(try CacheJSON.seal(read) == bytes)
  }

  @Test("any byte of a sealed file that is changed is noticed")
  func changedBytes() throws {
    let bytes = try CacheJSON.seal(try preimage())
    for index in bytes.indices {
      var damaged = bytes
      damaged[index] ^= 1
      #expect(throws: CacheJSON.Damage.self, "byte \(index)") {
        try CacheJSON.unseal(ActionPreimage.self, from: damaged)
      }
    }
    #expect(throws: CacheJSON.Damage.self, "cut off") {
      try CacheJSON.unseal(ActionPreimage.self, from: Array(bytes.dropLast(20)))
    }
  }
}
