// The page: nothing overlaps, nothing is cut, and lengths are true.
import STEMCore
import Testing

@testable import FieldRendering

struct LayoutTests {
  private static let legend = LegendSize(beside: (128, 200), below: (128, 150), maskKey: 30)

  private func layout(
    _ rows: Int, _ columns: Int, pixelSize: PixelSize? = PixelSize(x: 1e-9, y: 1e-9)
  ) throws -> MapLayout {
    MapLayout(
      shape: GridShape(rows: rows, columns: columns), pixelSize: pixelSize,
      title: "A title that is long enough to need a second line on a narrow figure of a map",
      footer: ["A footer line with an-overlong-word-" + String(repeating: "x", count: 200)],
      legend: Self.legend, meter: try TextMeter())
  }

  @Test(
    "Map, legend, scale bar and text lie on the page and apart",
    arguments: [
      (1, 1), (1, 64), (64, 1), (2, 2), (24, 320), (320, 24), (7, 10), (256, 256), (100, 201),
      (2048, 2048), (5000, 3), (3, 5000),
    ])
  func parts(rows: Int, columns: Int) throws {
    let layout = try layout(rows, columns)
    let meter = try TextMeter()
    let margin = MapLayout.margin
    #expect(layout.map.x >= margin - 1 && layout.map.maxX <= layout.width - margin + 1)
    #expect(layout.map.y >= margin + layout.title.height)
    for block in [layout.title, layout.footer] {
      for line in block.lines {
        #expect(meter.width(line, block.style) <= layout.width - 2 * margin)
      }
    }
    let size = layout.isWide ? Self.legend.below : Self.legend.beside
    #expect(layout.legend.x + size.width <= layout.width - margin + 1)
    #expect(layout.legend.y + size.height <= layout.height - margin + 1)
    let footerWidth = layout.footer.lines.map { meter.width($0, .footer) }.max() ?? 0
    #expect(
      margin + footerWidth <= layout.legend.x
        || layout.footerTop >= layout.legend.y + size.height)
    #expect(layout.footerTop + layout.footer.height <= layout.height - margin + 1)
    let isApart = layout.legend.x >= layout.map.maxX || layout.legend.y >= layout.map.maxY
    #expect(isApart)
    #expect(layout.scaleBar.start.x + layout.scaleBar.length <= layout.width - margin)
    #expect(min(layout.map.width, layout.map.height) >= MapLayout.leastThickness - 1)
    // A raster of the page stays within what Cairo can draw, the map within twice 800 pixels.
    #expect(max(layout.rows.pixelCount, layout.columns.pixelCount) < 1600)
    #expect(max(layout.width, layout.height) * layout.scale < 4000)
  }

  @Test(
    "Below a wide map a footer longer than the legend has the page's width, a shorter one stands beside it"
  )
  func wideFooter() throws {
    let meter = try TextMeter()
    func layout(_ lines: Int) -> MapLayout {
      MapLayout(
        shape: GridShape(rows: 8, columns: 600), pixelSize: nil, title: "t",
        footer: Array(repeating: String(repeating: "word ", count: 16), count: lines),
        legend: LegendSize(beside: (240, 100), below: (240, 60), maskKey: 0), meter: meter)
    }
    // 16 words want some 350 points: two lines of the 204 beside the legend, one of the page's 480.
    let short = layout(1)
    #expect(short.footer.lines.count > 1 && short.footerTop < short.legend.y + 60)
    let long = layout(4)
    #expect(long.footer.lines.count == 5 && long.footerTop >= long.legend.y + 60)
  }

  @Test("A scan position is a whole number of pixels, or a pixel the mean of whole positions")
  func wholePixels() throws {
    let enlarged = try layout(100, 140)
    #expect(enlarged.columns.pixelCount % 140 == 0 && enlarged.rows.pixelCount % 100 == 0)
    let reduced = try layout(2048, 2048)
    #expect(reduced.columns.pixelCount == 1024)
    let x = enlarged.map.x * enlarged.scale
    #expect(abs(x - x.rounded()) < 1e-9)
  }

  @Test("Pixels that are not square keep their aspect")
  func aspect() throws {
    let layout = try layout(60, 200, pixelSize: PixelSize(x: 1e-9, y: 2.5e-9))
    // 150 nm by 200 nm; half a pixel of rounding.
    #expect(abs(layout.map.height / layout.map.width - 0.75) < 1e-3)
  }

  @Test("The scale bar is round, true and at most a quarter of the map")
  func scaleBar() throws {
    let layout = try layout(100, 140, pixelSize: PixelSize(x: 2e-9, y: 2e-9))
    // 280 nm across 480 points: a quarter is 70 nm, the round length below is 50 nm.
    #expect(layout.scaleBar.label == "50\u{A0}nm")
    #expect(abs(layout.scaleBar.length - 480 * 50 / 280) < 1e-9)
    #expect(layout.scaleBar.note == nil)
  }

  @Test("Without a pixel size the bar counts pixels")
  func pixelBar() throws {
    let layout = try layout(256, 256, pixelSize: nil)
    #expect(layout.scaleBar.label == "50 px")
    #expect(abs(layout.scaleBar.length - 480 * 50 / 256) < 1e-9)
  }

  @Test("A single line is widened, the figure says so and the bar holds along the line")
  func stretched() throws {
    let row = try layout(1, 64)
    #expect(row.footer.lines.joined(separator: " ").contains("height is stretched"))
    #expect(abs(row.scaleBar.length - 480 * 10 / 64) < 1e-9)
    let column = try layout(64, 1)
    #expect(column.footer.lines.joined(separator: " ").contains("width is stretched"))
    // 64 nm along 480 points: a quarter is 16 nm, so 10 nm.
    #expect(abs(column.scaleBar.length - 480 * 10 / 64) < 1e-9)
  }

  @Test("Text breaks between words, an overlong word within, a unit never")
  func wrapping() throws {
    let meter = try TextMeter()
    let lines = meter.wrapped("alpha beta 300\u{A0}MV/m", .label, width: 60)
    #expect(lines.joined(separator: " ") == "alpha beta 300\u{A0}MV/m")
    #expect(lines.contains { $0.hasSuffix("300\u{A0}MV/m") })
    #expect(lines.allSatisfy { meter.width($0, .label) <= 60 })
    #expect(meter.wrapped("  \n ", .label, width: 60).isEmpty)
  }

  @Test("Markers closer than their labels stand in rows; those off the axis are left out")
  func profileAxis() throws {
    var axis = PlotAxis([-1e-8, 1e-8], unit: { DisplayUnit.length($0) }, margin: 0)
    axis.start = 100
    axis.end = 300
    #expect(axis.position(-1e-8) == 100)
    #expect(abs(axis.position(5e-9) - 250) < 1e-9)
    let constant = PlotAxis([4, 4], unit: { DisplayUnit(unit: "V", magnitude: $0) }, margin: 0.1)
    #expect(constant.lower < 4 && constant.upper > 4)
    let nothing = PlotAxis([.nan], unit: { DisplayUnit(unit: "V", magnitude: $0) }, margin: 0.1)
    #expect(nothing.lower < nothing.upper)
    let markers = [0.0, 1e-10, 9e-9, 2e-8].map { ProfileMarker(position: $0, label: "a wall") }
    let rows = ProfilePlot.labelRows(markers, x: axis, meter: try TextMeter())
    #expect(rows.map(\.row) == [0, 1, 0])
    let long = [ProfileMarker(position: 1e-8, label: String(repeating: "wide ", count: 12))]
    axis.end = ProfilePlot.width - MapLayout.margin
    let label = try #require(
      ProfilePlot.labelRows(long, x: axis, meter: try TextMeter()).first)
    let half = try TextMeter().width(label.text, .tick) / 2
    #expect(label.x == axis.end && label.middle + half <= ProfilePlot.width)
  }
}
