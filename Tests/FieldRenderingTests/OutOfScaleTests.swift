// What a color scale does not show: values beyond its end, and rounding blown up to full color.
@testable import FieldRendering
import STEMCore
import Testing

struct OutOfScaleTests {
  @Test("Pixels beyond the scale are counted among the measured ones, and told below the map")
  func share() {
    let values: [Double?] = [1, 5, nil, -7, 2, nil]
    let beyond = OutOfScale(count: values.count) { index in values[index].map { abs($0) > 4 } }
    #expect(beyond.share == 0.5)
    #expect(beyond.footer == ["beyond the color scale: 50\u{A0}% of the pixels, drawn as its end"])
    #expect(OutOfScale(count: 6) { _ in false }.footer.isEmpty)
    #expect(OutOfScale(count: 3) { _ in nil }.footer.isEmpty)
  }

  @Test("A signed scale does not end below one standard deviation of a pixel")
  func rounding() {
    let shape = GridShape(rows: 4, columns: 5)
    let rounding = (0..<20).map { 1e-16 * Double($0 - 10) }
    var figure = ScalarFigure(
      title: "t",
      map: ScalarMap(
        field: ScalarField(shape: shape, values: rounding), variance: nil,
        mask: PixelMask(shape: shape), pixelSize: nil),
      quantityLabel: "q", unit: "C/m²", isSigned: true)
    #expect(figure.range.upper == 1e-15)
    figure.smallestLimit = 0.0139
    #expect(figure.range.lower == -0.014 && figure.range.upper == 0.014)
    // A limit that is asked for holds.
    figure.limits = -2e-16...2e-16
    #expect(figure.range.upper == 2e-16)
  }
}
