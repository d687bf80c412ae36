// JSON of records.
import Pipeline
import Testing

struct RecordJSONTests {
  @Test("Numbers that are not finite are kept, on pages and on a line", arguments: [true, false])
  func nonFinite(isLine: Bool) throws {
    let facts = [
      Fact("a", text: "a/b", value: .infinity, error: -.infinity), Fact("n", text: "", value: .nan),
    ]
    let bytes = try RecordJSON.bytes(of: facts, isLine: isLine)
    #expect(bytes.contains(UInt8(ascii: "\n")) == !isLine)
    #expect(String(decoding: bytes, as: UTF8.self).contains("a/b"))
    let read = try RecordJSON.value([Fact].self, from: bytes)
    #expect(read.first == facts[0] && read.last?.value?.isNaN == true)
    #expect(try RecordJSON.bytes(of: read, isLine: isLine) == bytes)
  }
}
