// Whole figures: the files are valid, equal for equal values, and show what they should.
import STEMCore
import Testing

@testable import FieldRendering

struct FigureTests {
  private static let shapes = [(1, 1), (1, 9), (9, 1), (2, 2), (12, 90)]

  @Test("A PNG has the page's size in pixels and states its density", arguments: shapes)
  func pngSize(rows: Int, columns: Int) throws {
    let figure = vectorFigure(vectorMap(rows: rows, columns: columns), showsArrows: true)
    let image = try #require(DecodedPNG(try figure.render(.png)))
    let (layout, _) = try page(figure)
    #expect(image.width == Int((layout.width * layout.scale).rounded(.up)))
    #expect(image.height == Int((layout.height * layout.scale).rounded(.up)))
    // 1 point is 0.0254/72 m.
    #expect(abs(Double(image.pixelsPerMeter) - layout.scale * 72 / 0.0254) <= 0.5)
    #expect(image[0, 0] == 0xFFFFFF)
  }

  @Test(
    "A finer PNG is the same page in more pixels: at least as many per inch as asked for, below twice as many",
    arguments: [72.0, 300, 600])
  func resolution(resolution: Double) throws {
    func page(_ bytes: [UInt8]) throws -> (width: Double, height: Double, density: Double) {
      let image = try #require(DecodedPNG(bytes))
      let density = Double(image.pixelsPerMeter) * 0.0254
      return (Double(image.width) / density, Double(image.height) / density, density)
    }
    var vector = vectorFigure(vectorMap(rows: 90, columns: 128), showsArrows: true)
    var scalar = scalarFigure(scalarMap(rows: 90, columns: 128))
    var profile = profileFigure()
    let usual = try [
      page(vector.render(.png)), page(scalar.render(.png)), page(profile.render(.png)),
    ]
    (vector.resolution, scalar.resolution, profile.resolution) = (
      resolution, resolution, resolution
    )
    let fine = try [
      page(vector.render(.png)), page(scalar.render(.png)), page(profile.render(.png)),
    ]
    for (usual, fine) in zip(usual, fine) {
      #expect(fine.density >= resolution - 0.1 && fine.density < 2 * resolution)
      // Inches: a map's sides are whole pixels, and the page whole points and pixels.
      #expect(
        abs(fine.width - usual.width) < 2.0 / 72 && abs(fine.height - usual.height) < 2.0 / 72)
    }
  }

  private func page(_ figure: VectorFigure) throws -> (MapLayout, DirectionLegend) {
    let meter = try TextMeter()
    let unit = DisplayUnit(unit: figure.unit, magnitude: figure.limit)
    let legend = DirectionLegend(
      quantity: figure.quantityLabel, limit: unit.text(figure.limit), meter: meter)
    let maskKey = MaskKey(
      count: figure.map.shape.count, isDrawn: figure.map.isDrawn,
      isFilledIn: figure.map.mask.isFilledIn)
    return (figure.layout(legend, maskKey, meter), legend)
  }

  @Test(
    "A pixel has the color that the legend's wheel shows in the pixel's direction",
    arguments: [(1.0, 0.0), (0, 1), (-1, 0), (0, -1), (0.8, 0.6)])
  func wheelMatchesMap(x: Double, y: Double) throws {
    let figure = vectorFigure(vectorMap(rows: 8, columns: 8) { _, _ in (0.8 * x, 0.8 * y) })
    let image = try #require(DecodedPNG(try figure.render(.png)))
    let (layout, legend) = try page(figure)
    let center = legend.center(at: layout.legend)
    let radius = 0.8 * DirectionLegend.radius
    func pixel(_ px: Double, _ py: Double) -> UInt32 {
      image[Int(py * layout.scale), Int(px * layout.scale)]
    }
    let shown = pixel(layout.map.midX, layout.map.midY)
    #expect(shown == DirectionColor(limit: 1).color(x: 0.8 * x, y: 0.8 * y).pixel)
    // A pixel of the wheel is a hundredth of its radius: 2 of 255 levels, twice over.
    #expect(difference(pixel(center.x + radius * x, center.y + radius * y), shown) <= 5)
    #expect(difference(pixel(center.x - radius * x, center.y - radius * y), shown) > 60)
  }

  @Test("A masked pixel is gray in the file, its neighbor is not")
  func maskedPixel() throws {
    var map = vectorMap(rows: 8, columns: 8)
    map.mask.bytes[0] = PixelFlags.hot.rawValue
    let figure = vectorFigure(map)
    let image = try #require(DecodedPNG(try figure.render(.png)))
    let (layout, _) = try page(figure)
    let cell = layout.map.width / 8 * layout.scale
    let (left, top) = (layout.map.x * layout.scale, layout.map.y * layout.scale)
    let grays = [MapRaster.maskedGround, MapRaster.maskedLine]
    #expect(grays.contains(image[Int(top + cell / 2), Int(left + cell / 2)]))
    let right = DirectionColor(limit: 1).color(x: 1, y: 0).pixel
    #expect(image[Int(top + cell / 2), Int(left + 1.5 * cell)] == right)
  }

  @Test("A map without a usable pixel says so instead of failing")
  func nothingUsable() throws {
    var map = vectorMap(rows: 20, columns: 20) { _, _ in (.nan, .nan) }
    let figure = vectorFigure(map, limit: nil, showsArrows: true)
    let image = try #require(DecodedPNG(try figure.render(.png)))
    let (layout, _) = try page(figure)
    let grays = [MapRaster.maskedGround, MapRaster.maskedLine]
    let column = Int(layout.map.midX * layout.scale)
    #expect(grays.contains(image[Int((layout.map.midY - 30) * layout.scale), column]))
    // The plate with the message: its rim above the letters is white.
    #expect(image[Int((layout.map.midY - 9) * layout.scale), column] == 0xFFFFFF)

    map.mask.bytes = map.mask.bytes.map { _ in PixelFlags.missing.rawValue }
    map.field = VectorField(shape: map.shape)
    #expect(try vectorFigure(map, limit: nil).render(.pdf).starts(with: Array("%PDF".utf8)))
  }

  @Test("A map that is zero everywhere is black without arrows")
  func zeroMap() throws {
    let figure = vectorFigure(
      vectorMap(rows: 4, columns: 4) { _, _ in (0, 0) }, limit: nil, showsArrows: true)
    let image = try #require(DecodedPNG(try figure.render(.png)))
    let (layout, _) = try page(figure)
    #expect(image[Int(layout.map.midY * layout.scale), Int(layout.map.midX * layout.scale)] == 0)
  }

  @Test(
    "The same values give the same bytes, whatever was drawn before",
    arguments: FigureFormat.allCases)
  func deterministic(format: FigureFormat) throws {
    let figure = vectorFigure(vectorMap(rows: 9, columns: 7), showsArrows: true)
    let scalar = scalarFigure(scalarMap(rows: 9, columns: 7))
    let first = try (figure.render(format), scalar.render(format), profileFigure().render(format))
    let second = try (figure.render(format), scalar.render(format), profileFigure().render(format))
    #expect(first.0 == second.0)
    #expect(first.1 == second.1)
    #expect(first.2 == second.2)
    #expect(first.0 != first.1)
  }

  @Test(
    "Figures drawn at the same time are those drawn one by one", arguments: FigureFormat.allCases)
  func concurrent(format: FigureFormat) async throws {
    let figures = (1...6).map {
      vectorFigure(vectorMap(rows: 5 * $0, columns: 12), showsArrows: true)
    }
    let expected = try figures.map { try $0.render(format) }
    try await withThrowingTaskGroup(of: (Int, [UInt8]).self) { group in
      for (index, figure) in figures.enumerated() {
        group.addTask { (index, try figure.render(format)) }
      }
      for try await (index, bytes) in group { #expect(bytes == expected[index]) }
    }
  }

  @Test("A PDF states a constant date and no other")
  func pdfDate() throws {
    let text = String(decoding: try profileFigure().render(.pdf), as: UTF8.self)
    #expect(text.hasPrefix("%PDF-1."))
    #expect(text.contains("/CreationDate (20000101000000Z)"))
    #expect(!text.contains("/ModDate"))
    #expect(!text.contains("/ID ["))
  }

  @Test("Every reference in an SVG has its target; numbers begin at 1")
  func svgReferences() throws {
    let bytes = try vectorFigure(vectorMap(rows: 6, columns: 6), showsArrows: true).render(.svg)
    let text = String(decoding: bytes, as: UTF8.self)
    #expect(text.hasPrefix("<?xml") && text.hasSuffix("</svg>\n"))
    func names(after mark: String, until end: Character) -> Set<String> {
      Set(text.split(separator: mark).dropFirst().map { String($0.prefix { $0 != end }) })
    }
    let targets = names(after: " id=\"", until: "\"")
    let references = names(after: "href=\"#", until: "\"").union(names(after: "url(#", until: ")"))
    #expect(!references.isEmpty)
    #expect(references.isSubset(of: targets))
    #expect(targets.contains { $0.hasSuffix("1") && $0.hasPrefix("image") })
    // Readers differ in patterns and clips of images: there are none.
    #expect(!text.contains("<pattern"))
  }

  @Test("Renumbering follows the order of appearance and leaves other names alone")
  func renumbering() {
    let text =
      "<g id=\"surface91\"><use href=\"#image77\"/><a f=\"url(#clip90)\" g=\"#image77\" h=\"image\" i=\"image7x\"/>"
    let expected =
      "<g id=\"surface1\"><use href=\"#image2\"/><a f=\"url(#clip3)\" g=\"#image2\" h=\"image\" i=\"image7x\"/>"
    #expect(SVGIdentifiers.renumbered(Array(text.utf8)) == Array(expected.utf8))
  }

  @Test("Scalar maps and profiles make figures of every format and of awkward data")
  func others() throws {
    let starts: [FigureFormat: String] = [.svg: "<?xml", .pdf: "%PDF"]
    var gaps = profileFigure()
    gaps.profile.value[3] = .nan
    gaps.profile.error?[7] = .infinity
    let single = ProfileFigure(
      title: "", profile: LineProfile(distance: [0], value: [0], error: nil, sampleCount: [1]),
      quantityLabel: "", distanceLabel: "", unit: "")
    for (format, start) in starts {
      for bytes in [
        try scalarFigure(scalarMap(rows: 3, columns: 40)).render(format),
        try scalarFigure(scalarMap(rows: 40, columns: 3)).render(format),
        try gaps.render(format), try single.render(format),
        try profileFigure(error: nil).render(format),
      ] {
        #expect(bytes.starts(with: Array(start.utf8)))
      }
    }
    gaps.profile.value[4] = 1e308
    gaps.profile.value[5] = -1e308
    let image = try #require(DecodedPNG(try gaps.render(.png)))
    #expect(image.width == 1400)
    // Numbers near overflow are shown as masked, not as a limit.
    let huge = vectorFigure(vectorMap(rows: 2, columns: 2) { row, _ in (row == 0 ? 1e200 : 2, 0) })
    #expect(huge.map.isDrawn(2) && !huge.map.isDrawn(0))
    #expect(RobustLimits.magnitude(of: huge.map) == 2)
  }

  @Test("Nothing to draw and a page beyond all bounds are errors")
  func errors() {
    let empty = vectorFigure(vectorMap(rows: 0, columns: 4))
    #expect(throws: RenderingError.nothingToDraw(figure: "Field of a wall pair")) {
      try empty.render(.png)
    }
    var profile = profileFigure()
    profile.profile = LineProfile(distance: [], value: [], error: nil, sampleCount: [])
    #expect(throws: RenderingError.nothingToDraw(figure: "Across the wall")) {
      try profile.render(.svg)
    }
    var long = vectorFigure(vectorMap(rows: 2, columns: 2))
    long.footer = [String](repeating: "line", count: 4000)
    #expect(throws: RenderingError.self) { try long.render(.png) }
    #expect(throws: RenderingError.unusableCanvas(width: 0, height: 5)) {
      try Canvas.draw(.svg, width: 0, height: 5, scale: 1) { _ in }
    }
    #expect(throws: RenderingError.self) {
      try Canvas.draw(.png, width: .nan, height: 5, scale: 1) { _ in }
    }
  }

  @Test(
    "A scale may end at any positive finite number, down to the smallest",
    arguments: [.leastNonzeroMagnitude, 1e-307, .greatestFiniteMagnitude])
  func extremeLimit(limit: Double) throws {
    let vectors = vectorFigure(vectorMap(rows: 8, columns: 8), limit: limit, showsArrows: true)
    #expect(DecodedPNG(try vectors.render(.png)) != nil)
    let scalars = scalarFigure(
      scalarMap(rows: 8, columns: 8) { row, column in row + column == 0 ? limit : 0 })
    let image = try #require(DecodedPNG(try scalars.render(.png)))
    let white = ScalarColors.diverging.pixel(at: 0.5)
    let count = (0..<image.width * image.height).count(where: { index in
      image[index / image.width, index % image.width] == white
    })
    // Zero is in the middle of the scale, all over the map.
    #expect(count > image.width * image.height / 10)
  }
}
