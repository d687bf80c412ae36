// Many maps on one page: one scale for all, sizes as the scans', the same bytes each time.
import STEMCore
import Testing

@testable import FieldRendering

struct ContactSheetTests {
  private static func entries(_ maps: [VectorMap?]) -> [ContactSheet.Entry] {
    maps.enumerated().map {
      ContactSheet.Entry(label: "k\($0)", map: $1, remark: $1 == nil ? "no thickness" : "")
    }
  }

  private static func sheet(_ entries: [ContactSheet.Entry]) -> ContactSheet {
    ContactSheet(
      title: "many", entryCount: entries.count, quantityLabel: "Electric field", unit: "V/m",
      scaledBy: entries)
  }

  /// The sheet's file; each row of maps drawn when it is asked for.
  private static func png(_ entries: [ContactSheet.Entry]) throws -> [UInt8] {
    let page = try ContactPage(sheet(entries))
    while let next = page.nextEntries { try page.draw(Array(entries[next])) }
    return try page.finish()
  }

  /// The color in the middle of entry `index`.
  private static func color(_ image: DecodedPNG, _ index: Int, of sheet: ContactSheet) -> UInt32 {
    let (column, row) = (index % sheet.columnCount, index / sheet.columnCount)
    let x = 18 + Double(column) * 128 + 58
    let y = 18 + 24 + Double(row) * 165 + 58
    return image[Int(y * 2), Int(x * 2)]
  }

  @Test("All maps have the colors of one scale, in the directions of the wheel")
  func oneScale() throws {
    let entries = Self.entries([
      vectorMap(rows: 8, columns: 8) { _, _ in (2, 0) },
      vectorMap(rows: 8, columns: 8) { _, _ in (1, 0) },
      vectorMap(rows: 8, columns: 8) { _, _ in (0, 2) },
    ])
    let sheet = Self.sheet(entries)
    #expect(sheet.limit == 2 && sheet.columnCount == 2)
    let image = try #require(DecodedPNG(try Self.png(entries)))
    let colors = DirectionColor(limit: 2)
    #expect(Self.color(image, 0, of: sheet) == colors.color(x: 2, y: 0).pixel)
    #expect(Self.color(image, 1, of: sheet) == colors.color(x: 1, y: 0).pixel)
    #expect(Self.color(image, 2, of: sheet) == colors.color(x: 0, y: 2).pixel)
  }

  @Test(
    "A map's own factor brings it to the unit of the sheet, in its color and in the scale of all")
  func factors() throws {
    var entries = Self.entries([
      vectorMap(rows: 8, columns: 8) { _, _ in (4, 0) },
      vectorMap(rows: 8, columns: 8) { _, _ in (1, 0) },
    ])
    entries[0].scale = 0.5
    let sheet = Self.sheet(entries)
    #expect(sheet.limit == 2)
    let image = try #require(DecodedPNG(try Self.png(entries)))
    let colors = DirectionColor(limit: 2)
    #expect(Self.color(image, 0, of: sheet) == colors.color(x: 2, y: 0).pixel)
    #expect(Self.color(image, 1, of: sheet) == colors.color(x: 1, y: 0).pixel)
  }

  @Test("The line around a map is whole, though the pixels above it are encoded before")
  func lines() throws {
    let map = vectorMap(rows: 8, columns: 8)
    let image = try #require(DecodedPNG(try Self.png(Self.entries([map, map, map]))))
    // Half a point wide, it covers half of the pixels on both sides of the edge.
    let edge = (18 + 24 + 165) * 2
    let x = (18 + 58) * 2
    #expect(image[edge - 2, x] == 0xFFFFFF)
    #expect(image[edge - 1, x] != 0xFFFFFF && image[edge, x] != 0xFFFFFF)
  }

  @Test("Sheets of nearly one scale resemble each other, of another unit or scale they do not")
  func resembling() {
    let map = vectorMap(rows: 8, columns: 8) { _, _ in (2, 0) }
    let sheet = Self.sheet(Self.entries([map]))
    var other = sheet
    other.limit = 2.1
    #expect(sheet.resembles(other) && other.resembles(sheet) && sheet != other)
    other.limit = 2.3
    #expect(!sheet.resembles(other) && !other.resembles(sheet))
    other = sheet
    other.unit = "V"
    #expect(!sheet.resembles(other))
  }

  @Test("Each map has a scale bar of its own, below it and of the length that it says")
  func scaleBars() throws {
    let map = vectorMap(rows: 8, columns: 8)
    let box = Rect(x: 18, y: 42, width: 116, height: 116)
    let bar = ContactSheet.scaleBar(map, frame: ContactSheet.frame(map, in: box), below: box)
    // 8 columns of 1 nm are 116 points: 60 points are 4.1 nm.
    #expect(bar.label == "2\u{A0}nm" && abs(bar.length - 2.0 / 8 * 116) < 1e-9, "\(bar)")
    let image = try #require(DecodedPNG(try Self.png(Self.entries([map]))))
    let y = Int(bar.start.y * 2)
    #expect(image[y, Int((bar.start.x + bar.length - 1) * 2)] == 0x191919)
    #expect(image[y, Int((bar.start.x + bar.length + 3) * 2)] == 0xFFFFFF)
    // 40 rows of 1 nm are 116 points.
    let tall = vectorMap(rows: 40, columns: 10)
    let upright = ContactSheet.scaleBar(
      tall, frame: ContactSheet.frame(tall, in: box), below: box)
    #expect(abs(upright.length - 20.0 / 40 * 116) < 1e-9 && upright.label.hasPrefix("20"))
  }

  @Test("A missing map is a gray field with its reason, and the bytes are the same each time")
  func missing() throws {
    let entries = Self.entries([vectorMap(rows: 4, columns: 4), nil])
    let image = try #require(DecodedPNG(try Self.png(entries)))
    #expect(Self.color(image, 1, of: Self.sheet(entries)) == 0xF0F0F0)
    #expect(try Self.png(entries) == Self.png(entries))
    #expect(throws: RenderingError.self) { try Self.png([]) }
    #expect(try DecodedPNG(Self.png(Self.entries([nil]))) != nil)
  }

  @Test("A map is reduced to the means of blocks; most of a block decides whether it has a value")
  func reduced() {
    var map = vectorMap(rows: 2, columns: 464) { _, column in (Double(column), -1) }
    map.mask.bytes[0] = PixelFlags.hot.rawValue
    for index in [2, 3, 464 + 2] { map.mask.bytes[index] = PixelFlags.hot.rawValue }
    let small = ContactSheet.reduced(map)
    #expect(small.shape == GridShape(rows: 2, columns: 232))
    #expect(small.field.x[0] == 1 && small.field.y[0] == -1)
    #expect(small.field.x[231] == 462.5)
    #expect(!small.mask.isUsable(1) && small.mask.isUsable(2))
    #expect(small.pixelSize == PixelSize(x: 2e-9, y: 1e-9))
  }

  @Test("Sides are as those of the scan, a line scan stays visible")
  func sides() {
    let box = Rect(x: 0, y: 0, width: 100, height: 100)
    var map = vectorMap(rows: 10, columns: 40)
    #expect(ContactSheet.frame(map, in: box) == Rect(x: 0, y: 37.5, width: 100, height: 25))
    let tall = vectorMap(rows: 40, columns: 10)
    #expect(ContactSheet.frame(tall, in: box) == Rect(x: 37.5, y: 0, width: 25, height: 100))
    map.pixelSize = PixelSize(x: 1e-9, y: 4e-9)
    #expect(ContactSheet.frame(map, in: box) == box)
    #expect(ContactSheet.frame(vectorMap(rows: 1, columns: 900), in: box).height == 4)
  }
}
